/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAINT_REPAIR_PRIV_H
#define MAINT_REPAIR_PRIV_H

#include "maint/check_priv.h"
#include "maint/compact_priv.h"
#include "maint/repair.h"

struct repair {
	struct repo *r;
	const struct repair_opts *o;
	struct repair_result *res;
	struct err *e;
	struct check k;			/* which packs are bad */
	struct collect c;		/* the generation that is put */
	struct compact_result counted;	/* its figures; nobody asks */
	bool unlisted;			/* an object is needed and not listed */
	bool bad_reused;		/* backups would rely on bad packs */
	struct map holed;		/* nodes and lists that are not whole */
	struct map lost;		/* objects that cannot be read */
};

/* repair_mark.c: mark in the census what is whole with all below it, of every
 * archive, deleted ones too; the rest is in 'holed'. */
int repair_mark(struct repair *x);

/* repair_rescue.c: bad packs that their parity mends are put again, under new
 * names.  'c' must be begun. */
int repair_rescue(struct repair *x);

/* repair_tree.c: archives that are not whole. */
int repair_archives(struct repair *x);

#endif
