/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_TEXT_H
#define FORMAT_TEXT_H

#include "base/err.h"
#include "base/rd.h"
#include "base/strv.h"
#include "base/wr.h"

/*
 * Strings of records and marks: varint length, bytes without NUL.  Private to
 * format/.  Failures of the cursors are sticky as ever; ERR_NOMEM is returned.
 */
/* NULL is written as the empty string. */
void text_put(struct wr *w, const char *s);
/* *s is allocated; NULL if r is bad. */
int text_get(struct rd *r, char **s, size_t max, struct err *e);
/* varint count, strings. */
void text_put_list(struct wr *w, const struct strv *v);
int text_get_list(struct rd *r, struct strv *v, size_t max_count, size_t max,
		  struct err *e);
/* Is a string to be written short enough? */
bool text_fits(const char *s, size_t max);
bool text_list_fits(const struct strv *v, size_t max_count, size_t max);

#endif
