/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_SHLEX_H
#define TOOLS_SHLEX_H

#include "core/core.h"

/*
 * A command line into words as a POSIX shell would, without running one:
 * quotes and backslashes, no variables, no globs.  Appends to 'out'.
 * ERR_CONFIG: a quote is not closed, or there is no word at all.
 */
int shlex_split(struct strv *out, const char *text, struct err *e);
/* Append 'word' so that shlex_split gives it back. */
int shlex_quote(struct buf *out, const char *word, struct err *e);

#endif
