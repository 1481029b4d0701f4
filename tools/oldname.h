/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_OLDNAME_H
#define TOOLS_OLDNAME_H

#include "core/core.h"

/* Called as generate-borgmatic-config or validate-borgmatic-config: the words
 * of 'muniment config ...' that mean the same into 'out'.  false: not so
 * called, or no memory (then *rc is not 0). */
bool oldname_words(struct strv *out, int argc, char *const *argv, int *rc,
		   struct err *e);

#endif
