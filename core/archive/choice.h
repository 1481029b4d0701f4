/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_CHOICE_H
#define ARCHIVE_CHOICE_H

#include "base/strv.h"
#include "repo/catalog.h"

/*
 * Which archives of a catalog: the filters of borg and borgmatic.
 *
 * A pattern is a glob by the rules of sh: patterns, with or without "sh:";
 * "re:" a regular expression for the whole name; "id:" the name itself;
 * "aid:" the beginning of an archive's id; "host:" and "user:" where and by
 * whom it was made.  "name:" may stand before the first three.  An archive
 * has to fit all of them.
 *
 * Spans of time are a number and y, m (calendar's), w, d, H, M or S: "oldest"
 * and "newest" reach from the oldest and the newest archive that is left,
 * "older" and "newer" from now back.  Then first and last, in the order of
 * "sort_by".  A zeroed struct chooses all complete archives.
 */
struct choice_opts {
	const struct strv *match;	/* NULL: any */
	const char *prefix;
	const char *sort_by;		/* timestamp, archive, name, id; with
					 * commas; NULL: oldest first */
	const char *oldest, *newest, *older, *newer;
	unsigned first, last;		/* 0: all */
	bool partial;			/* partial archives, too */
	int64_t now_nsec;		/* 0: the clock */
};
struct choice {
	const struct catalog_item **item;	/* the catalog's */
	size_t n;
	size_t hidden;		/* partial archives that were left out */
};

/* Without a catalog: is there a mistake in them?  ERR_CONFIG. */
int choice_check(const struct choice_opts *o, struct err *e);
/* Is anything but the order asked for? */
bool choice_given(const struct choice_opts *o);
/* Release in any case.  ERR_CONFIG; ERR_CONFIG too if "aid:" fits several. */
int choice_run(struct choice *out, const struct catalog *c,
	       const struct choice_opts *o, struct err *e);
void choice_release(struct choice *ch);

/* nsec + sign * SPAN, in local time.  ERR_CONFIG. */
int choice_span(int64_t *nsec, const char *span, int sign, struct err *e);

#endif
