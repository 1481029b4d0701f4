/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_DIFF_PRIV_H
#define ARCHIVE_DIFF_PRIV_H

#include "archive/diff.h"
#include "archive/tree.h"

struct diff_dir;

/* The pieces of a file, holes apart. */
struct diff_pieces {
	struct diff_piece *p;
	size_t n, cap;
	uint64_t holes;			/* bytes */
	struct err *e;
};

struct diff {
	struct reader *rd;
	const struct record *rec[2];
	const struct diff_opts *o;
	struct err *e;
	struct buf path;
	struct diff_dir *dir;
	bool names_differ;		/* one number, two names */
	struct diff_pieces pieces[2];	/* scratch */
};

/* --- diff_entry.c: two entries of one path --- */

/* Do the archives disagree about the name of an owner? */
bool diff_entry_names(const struct diff *d);
/* Fills in what changed; it->a or it->b may be NULL. */
int diff_entry_compare(struct diff *d, struct diff_item *it);
void diff_entry_release(struct diff *d);

#endif
