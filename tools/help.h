/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_HELP_H
#define TOOLS_HELP_H

#include "tools/cmd.h"

/* --help, on standard output. */
void help_program(void);
int help_action(const struct cmd *c, struct err *e);

#endif
