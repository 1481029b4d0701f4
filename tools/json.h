/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_JSON_H
#define TOOLS_JSON_H

#include <jansson.h>

#include "core/core.h"

/*
 * JSON in borg's shape.  Makers return a new value or NULL (no memory); they
 * and jansson's own take NULL and pass it on, so that one look at the end is
 * enough.
 */

/* A string; bytes that are not UTF-8 become '?', as in borg. */
json_t *json_text(const char *s);
json_t *json_text_n(const char *s, size_t len);
json_t *json_int(uint64_t v);
json_t *json_time(int64_t nsec);
json_t *json_id(const struct oid *id);
json_t *json_strv(const struct strv *s);
/* "repository" and "encryption" of every --json answer. */
int json_put_repo(json_t *obj, struct repo *r, int64_t modified_nsec);
/* An archive as in "info --json", and the part of it that "create --json"
 * has. */
json_t *json_archive(const struct record *rec, const struct oid *id,
		     bool full);

/* To stdout: a document, or one line; 'v' is taken.  ERR_NOMEM if it is NULL
 * or cannot be printed. */
int json_print(json_t *v, struct err *e);
int json_print_line(json_t *v, struct err *e);
/* From now on documents are kept; json_collected prints them as one array,
 * which is borgmatic's answer for all repositories of a run. */
int json_collect(struct err *e);
int json_collected(struct err *e);

#endif
