/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_RULES_H
#define TOOLS_RULES_H

#include "tools/app.h"
#include "tools/opt.h"

/* The options that choose files, in the order they were given. */
struct rules_args {
	struct strv rules;	/* "e", "E", "p" or "P", then the text */
};
extern const struct opt_row rules_rows[];

/*
 * A pattern set of the options, then 'paths' (v[from..n), NULL: none) as PATH
 * operands.  *out is NULL if there is nothing to choose by.
 */
int rules_build(struct pattern_set **out, const struct rules_args *r,
		const struct strv *paths, size_t from, struct err *e);
/* A warning for every path or include rule that matched nothing. */
int rules_unmatched(struct app *a, struct pattern_set *set, struct err *e);

#endif
