/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_CLEAN_H
#define TOOLS_CLEAN_H

#include "core/core.h"

enum clean_for {
	CLEAN_UTF8,	/* what is not UTF-8 becomes '?', as in borg */
	CLEAN_STDOUT	/* and control characters, if that is a terminal */
};
/* Append 'len' bytes. */
int clean_text(struct buf *out, const char *s, size_t len, enum clean_for how,
	       struct err *e);

#endif
