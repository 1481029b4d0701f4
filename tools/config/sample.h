/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CONFIG_SAMPLE_H
#define CONFIG_SAMPLE_H

#include "tools/config/config.h"

/*
 * A configuration with every key and a word on it: those for mailcow are in
 * force, or, with 'source', those of that file; all others are comments.  Old
 * forms of the file are new ones here; 'warnings' gets a line for each.
 * ERR_CONFIG.
 */
int sample_write(struct buf *out, const char *source, struct strv *warnings,
		 struct err *e);

#endif
