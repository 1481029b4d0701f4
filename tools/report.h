/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_REPORT_H
#define TOOLS_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "tools/app.h"

/* What create and import-tar say of the archive they have made. */
enum report_how { REPORT_NOTHING, REPORT_STATS, REPORT_JSON };

int report_created(struct app *a, struct repo *r,
		   const struct create_result *res, enum report_how how,
		   struct err *e);

/* What delete and prune say of what they deleted, or (dry) would: sums of the
 * archives' sizes, and of what they had stored; then of all that is left. */
int report_deleted(struct app *a, struct repo *r, uint64_t bytes,
		   uint64_t stored_bytes, struct err *e);

/* The three columns of figures; 0 as 'compressed': not known. */
void report_sizes(FILE *out, const struct app *a, const char *label,
		  uint64_t original, uint64_t compressed,
		  uint64_t deduplicated);
/* borg's "cache" object, with what is known here. */
json_t *report_cache(const char *path, const struct stats *s);

void report_rule(FILE *out);
void report_head(FILE *out);

#endif
