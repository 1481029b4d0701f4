/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_STRIP_H
#define TOOLS_STRIP_H

#include "core/core.h"

/*
 * --strip-components: a number, or "all": as many as the longest of 'paths'
 * has before its last part.  NULL is 0.  ERR_CONFIG.
 */
int strip_parse(unsigned *out, const char *text, const struct strv *paths,
		struct err *e);

#endif
