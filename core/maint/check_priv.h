/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAINT_CHECK_PRIV_H
#define MAINT_CHECK_PRIV_H

#include "base/map.h"
#include "base/oid.h"
#include "base/pool.h"
#include "maint/check.h"
#include "repo/idx.h"

struct check {
	struct repo *repo;
	const struct check_opts *o;
	struct check_result *res;
	struct err *e;
	struct idx *idx;
	struct map damaged;	/* objects that cannot be read back */
	struct map listed;	/* packs that the index names */
	struct pool *pool;
	uint64_t done, total;
	int64_t begun_nsec;	/* packs; monotonic */
	char last[CHECK_POSITION_BYTES];	/* the pack before this one */
};

void check_say(struct check *c, enum check_severity severity,
	       const char *file, const char *archive, const char *path,
	       const char *fmt, ...) __attribute__((format(printf, 6, 7)));
void check_tick(struct check *c, const char *what);

/* check_packs.c: index segments, packs and, with CHECK_DATA, every object. */
int check_packs(struct check *c);

/* check_parity.c: parity files; and whether a damaged pack can be mended,
 * with its right bytes in 'file'. */
int check_parity(struct check *c);
bool check_parity_mends(struct check *c, enum store_kind kind,
			const char *name, struct buf *file);

/* check_archives.c: records, trees, and that all they need is listed. */
int check_archives(struct check *c);

#endif
