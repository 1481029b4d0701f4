/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_CMD_REPO_DELETE_H
#define TOOLS_CMD_REPO_DELETE_H

#include "tools/task.h"

struct repo_delete_args {
	bool list, force, cache_only, keep_security_info;
};
/* Ask, and delete the repository that t->ra names: for the action, and for
 * 'delete REPO' as borg 1 has it. */
int cmd_repo_delete_task(struct app *a, struct task *t,
			 const struct repo_delete_args *o, struct err *e);

#endif
