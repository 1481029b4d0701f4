/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAINT_PRUNE_H
#define MAINT_PRUNE_H

#include "archive/choice.h"
#include "base/cancel.h"
#include "maint/retention.h"
#include "repo/repo.h"

/*
 * Delete the archives that the rules of retention do not keep: borg's prune,
 * with guard rails.  Without PRUNE_FORCE
 *  - the newest complete archive of a series is kept whatever the rules say
 *    (hosts with the random names that Docker gives are one series);
 *  - an archive that is dated in the future is kept, and counts for no rule;
 *  - a pattern that fits none of the archives there are is ERR_NOENT;
 *  - if for four days out of five nothing would be left, it is ERR_DENIED;
 *  - a line of archives with a suspicious change (maint/brake.h) is left as it
 *    is; the result says so.
 * PRUNE_FORCE leaves exactly what borg would leave, and accepts the changes.
 *
 * From the newest to the oldest; each archive is gone with its tombstone
 * (COMMIT POINT: catalog_delete's), and none that is kept depends on one that
 * goes, so that a run which ends early leaves only more.  Room is free after
 * the next compaction.
 */
enum prune_flags {
	PRUNE_DRY_RUN = 1 << 0,
	PRUNE_FORCE = 1 << 1
};
enum prune_fate { PRUNE_KEPT, PRUNE_KEPT_PARTIAL, PRUNE_DELETED };
struct prune_item {
	const struct catalog_item *it;
	enum prune_fate fate;
	const char *rule;	/* PRUNE_KEPT: "daily", "daily[oldest]", ... */
	size_t nth;		/* of that rule; 0: it does not count */
	size_t i, n;		/* PRUNE_DELETED: the i-th of n */
};
struct prune_opts {
	struct retention keep;
	/* Which are looked at; NULL: all.  Order, number and partial archives
	 * are not chosen by it. */
	const struct choice_opts *choice;
	unsigned flags;			/* enum prune_flags */
	int64_t now_nsec;		/* 0: the clock */
	struct cancel *cancel;
	/* Newest first; a PRUNE_DELETED one just before it is. */
	void (*item)(const struct prune_item *item, void *ctx);
	/* A line of archives was left alone; the sentence says why. */
	void (*suspended)(const char *why, void *ctx);
	void *ctx;
};
struct prune_result {
	size_t kept, deleted;		/* or would be, in a dry run */
	size_t suspended;		/* kept only because of a change */
	uint64_t bytes, stored_bytes;	/* of those deleted */
};
/* ERR_CONFIG: rules or filters that make no sense. */
int prune_run(struct repo *r, const struct catalog *c,
	      const struct prune_opts *o, struct prune_result *res,
	      struct err *e);

#endif
