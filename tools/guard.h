/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_GUARD_H
#define TOOLS_GUARD_H

#include "tools/config/config.h"
#include "tools/task.h"

/*
 * After a configured archive was made: is what had to be in it there?  A
 * source that is missing, empty, or nine tenths smaller than it was when all
 * was well, makes the run fail, so that nothing is pruned: a volume that was
 * not mounted looks like that.  The archive stays.  What a source was like is
 * remembered in the state folder (state.h), or taken from the archive before;
 * it is remembered anew when all is well, or 'force' says so.
 *
 * Opens what it needs of 't' again: its catalog and reader are used up.
 * ERR_FAILED names every source that is not as it should be.
 */
int guard_sources(struct task *t, struct app *a, const struct strv *sources,
		  const struct create_result *made, bool force,
		  struct err *e);

#endif
