/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_SUMMARY_H
#define TOOLS_SUMMARY_H

#include "core/core.h"

/*
 * What a configured run did, for its end: a row per configuration file and
 * repository, in their order.  The actions fill the row that is open; with a
 * NULL summary, or no row, that is nothing.  For want of memory it gets
 * shorter, nothing else.
 */
struct app;
struct summary;

struct summary *summary_new(void);		/* NULL: no memory */
void summary_free(struct summary *s);
/* A row begins.  'repository' is its label or URL; NULL: the row is the
 * file's, which could not be read. */
void summary_begin(struct summary *s, const char *config,
		   const char *repository);
/* It ends; 'error' is the failure's sentence, or NULL.  The failure of a try
 * that is followed by another try is no failure: begin the row anew. */
void summary_end(struct summary *s, const char *error);

void summary_created(struct summary *s, const struct create_result *res);
void summary_pruned(struct summary *s, size_t archives);
void summary_compacted(struct summary *s, uint64_t freed_bytes);
void summary_checked(struct summary *s);

/*
 * "summary:", what was done (information), failures once more, last (errors).
 * If nothing failed all of it is information.
 */
void summary_print(const struct summary *s, const struct app *a);

#endif
