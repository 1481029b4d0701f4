/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_CMD_REPAIR_H
#define TOOLS_CMD_REPAIR_H

#include "tools/task.h"

/* Repair the repository of the task, which is open, and say what came of it:
 * for the action, and for check --repair. */
int cmd_repair_task(struct app *a, struct task *t, bool verify_data,
		    bool json, struct err *e);

#endif
