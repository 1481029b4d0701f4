/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_STRV_H
#define BASE_STRV_H

#include <stddef.h>

#include "base/err.h"

/* A growing list of strings that it owns.  Zeroed storage is an empty list;
 * v[n] is NULL whenever v is not. */
struct strv {
	char **v;
	size_t n, cap;
};
#define STRV_INIT { NULL, 0, 0 }

int strv_add(struct strv *s, const char *str, struct err *e);	/* copies */
int strv_take(struct strv *s, char *str, struct err *e);	/* owns, even on
								 * failure */
/* Its place, or -1; take every one of it out. */
ptrdiff_t strv_find(const struct strv *s, const char *str);
void strv_drop(struct strv *s, const char *str);
void strv_sort(struct strv *s);			/* by bytes */
void strv_release(struct strv *s);

#endif
