/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_CMD_STATUS_H
#define TOOLS_CMD_STATUS_H

#include "tools/app.h"
#include "tools/config/config.h"

/*
 * After a configured run, and after its runstate_note_run()s: write each
 * prometheus_file that the configurations name, about the repositories of all
 * those that name it.  No repository is asked.
 */
int cmd_status_files(struct app *a, struct config *const *c, size_t n,
		     struct err *e);

#endif
