/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAINT_CHECK_PRIV_H
#define MAINT_CHECK_PRIV_H

#include "base/map.h"
#include "base/oid.h"
#include "base/pool.h"
#include "base/strv.h"
#include "format/mark.h"
#include "maint/check.h"
#include "maint/sound.h"
#include "repo/idx.h"

/* Packs before a place, to notice others there the next time. */
struct check_passed {
	uint64_t n, sum;
};

struct check {
	struct repo *repo;		/* NULL: without the key */
	struct store *store;
	const struct check_opts *o;
	struct check_result *res;
	struct err *e;
	struct idx *idx;
	struct mark_generation g;	/* the newest */
	struct sound sound;		/* with packs that were found bad */
	struct map condemned;		/* packs that g condemned */
	struct map there;		/* packs of the store */
	struct map listed;		/* packs that the index names */
	bool generation_bad;		/* it cannot be read: why */
	struct err why;
	uint64_t bad_segments, unlisted, missing;
	struct strv data, meta;		/* names of packs, sorted */
	struct strv vanished;		/* packs that went meanwhile */
	struct pool *pool;
	uint64_t done, total;
	/* reading packs */
	int64_t begun_nsec;		/* monotonic */
	char last[CHECK_POSITION_BYTES];	/* the pack before this one */
	char from[CHECK_POSITION_BYTES];	/* "" : the beginning */
	struct check_passed passed, then, now;
};

void check_say(struct check *c, enum check_severity severity,
	       const char *file, const char *archive, const char *path,
	       const char *fmt, ...) __attribute__((format(printf, 6, 7)));
void check_tick(struct check *c, const char *what);

/* Generation, index, what is in the store; release in any case. */
int check_begin(struct check *c);
void check_end(struct check *c);

/* check_packs.c: packs and, with CHECK_DATA, every object. */
int check_packs(struct check *c);
/* check_index.c: which packs are there, and how many are missing; then index
 * segments, and what is missing is said. */
int check_look(struct check *c);
int check_index(struct check *c);
/* Names of a kind; of packs, with 'there', their sizes, too. */
int check_list(struct check *c, enum store_kind kind, struct strv *names,
	       struct map *there);
int check_segments(struct check *c);

/* check_parity.c: parity files; and whether a damaged pack can be mended,
 * with its right bytes in 'file'. */
int check_parity(struct check *c);
bool check_parity_mends(struct check *c, enum store_kind kind,
			const char *name, struct buf *file);

/* check_archives.c: records, trees, and that all they need is listed. */
int check_archives(struct check *c);

#endif
