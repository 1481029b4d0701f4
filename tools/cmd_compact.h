/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_CMD_COMPACT_H
#define TOOLS_CMD_COMPACT_H

#include "tools/task.h"

/* The options of compact; a configured run fills in what it finds in the
 * configuration. */
struct compact_args {
	unsigned threshold;		/* percent; 0: the default */
	unsigned wait_secs;
	bool no_wait, cleanup_commits;
};

/* Compact an opened repository, and tell what came of it.  With
 * a->o.dry_run nothing is changed. */
int cmd_compact_task(struct app *a, struct task *t,
		     const struct compact_args *args, struct err *e);

#endif
