/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CONFIG_OLD_PRIV_H
#define CONFIG_OLD_PRIV_H

#include "tools/config/old.h"

/* before_backup, on_error, ... become entries of commands. */
int old_commands(struct item *root, struct strv *warnings, struct err *e);

#endif
