/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_PICK_H
#define TOOLS_PICK_H

#include "core/core.h"
#include "tools/opt.h"

/* Which archives of a repository: the options of choice_opts, with borg's
 * placeholders in names. */
struct pick_args {
	struct strv match;	/* -a, --glob-archives, --match-archives */
	const char *prefix, *sort_by;
	const char *oldest, *newest, *older, *newer;
	unsigned first, last;
	bool partial;			/* --consider-checkpoints */
};
/* All rows are into a struct pick_args: names and times; how many, in which
 * order; and, for those that leave partial archives out else. */
extern const struct opt_row pick_rows[];
extern const struct opt_row pick_order_rows[];
extern const struct opt_row pick_partial_rows[];
bool pick_given(const struct pick_args *p);

/* The choice as the engine takes it, placeholders replaced. */
struct pick {
	struct choice_opts o;	/* points into the rest, and the args */
	struct strv match;
	char *prefix;
};
/* ERR_CONFIG: a mistake in them, before anything is opened.  Release in any
 * case. */
int pick_make(struct pick *p, const struct pick_args *args, struct err *e);
void pick_release(struct pick *p);

/* Both in one, for those who have the catalog.  Release the choice. */
int pick_run(struct choice *out, const struct catalog *c,
	     const struct pick_args *args, struct err *e);

/*
 * The pattern for all archives that were named by an archive_name_format: what
 * differs from run to run ({now}, {utcnow}, {unixtime}, {pid}, {uuid4}, with
 * their formats) becomes "*"; borgmatic does the same.  Placeholders that stay
 * are replaced by pick_make.  *out is malloc'ed.
 */
int pick_glob_of_format(char **out, const char *format, struct err *e);

/* The pattern for the archives of a configuration, as borgmatic has it: NULL,
 * all, or those of 'prefix', which has an option of its own. */
struct config;
int pick_glob_of_config(char **out, const struct config *c, struct err *e);

#endif
