/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_CMD_DRILL_H
#define TOOLS_CMD_DRILL_H

#include "tools/drill.h"

/* A drill with the archive of the task, whose reader is open, and what came of
 * it in words: for the action, and for the configured check. */
int cmd_drill_task(struct app *a, struct task *t, const struct drill_opts *o,
		   bool json, struct err *e);

#endif
