/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CONFIG_OLD_H
#define CONFIG_OLD_H

#include "tools/config/item.h"

/* Turn borgmatic's old forms into those of today, with a line for each in
 * 'warnings'.  ERR_CONFIG: an old and a new form of one thing. */
int old_apply(struct item *root, struct strv *warnings, struct err *e);
/* Paths of repositories, when all that stands in them is known: file:// goes,
 * scp's form becomes ssh://. */
int old_paths(struct item *root, struct strv *warnings, struct err *e);

/* A line for the user, as item_key_error has it. */
int old_warn(struct strv *warnings, const struct item *it, struct err *e,
	     const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
