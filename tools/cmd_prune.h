/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_CMD_PRUNE_H
#define TOOLS_CMD_PRUNE_H

#include "tools/pick.h"
#include "tools/task.h"

/* The options of prune; a configured run fills in what it finds in the
 * configuration. */
struct prune_args {
	struct retention keep;
	bool list, stats, force, save_space;
	unsigned checkpoint_secs;
	struct pick_args pick;
};

/* Prune an opened repository whose catalog is loaded, and show what was asked
 * for.  With a->o.dry_run nothing is deleted. */
int cmd_prune_task(struct app *a, struct task *t,
		   const struct prune_args *args, struct prune_result *res,
		   struct err *e);

#endif
