/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAINT_RETENTION_H
#define MAINT_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Which of some archives are kept, and why: borg 1.4's rules, exactly.
 *
 * "within" keeps all that are younger than now - within.  Then each rule in
 * the order of the enum walks from the newest to the oldest: the newest of
 * each period (hour, day, ...; local time) is kept and counted unless it is
 * kept already, which uses the period up; it stops when it has counted its
 * number.  A rule that runs out of archives before that keeps the oldest, too.
 * Partial archives never count: all go, but for the newest of all archives.
 */
enum retention_rule {
	RETENTION_SECONDLY, RETENTION_MINUTELY, RETENTION_HOURLY,
	RETENTION_DAILY, RETENTION_WEEKLY, RETENTION_MONTHLY,
	RETENTION_13WEEKLY, RETENTION_3MONTHLY, RETENTION_YEARLY,
	RETENTION_RULES
};
struct retention {
	int64_t within_nsec;		/* 0: no such rule */
	int64_t keep[RETENTION_RULES];	/* 0: no such rule; below 0: all */
};
struct retention_item {
	int64_t time_nsec;		/* start of the archive */
	bool partial;
	/* set by retention_apply */
	bool keep;
	bool oldest;			/* kept because it is the oldest */
	const char *rule;		/* borg's word, "daily"; static; NULL:
					 * not kept, or partial */
	size_t nth;			/* 1, 2, ... of its rule */
};

/* Items from the newest to the oldest (a bug if not).  Local time is that of
 * the process (TZ). */
void retention_apply(struct retention_item *item, size_t n,
		     const struct retention *r, int64_t now_nsec);

/* ERR_CONFIG: no rule at all, or two that exclude each other. */
int retention_check(const struct retention *r, struct err *e);
/* "2d": a number and H, d, w, m (31 days) or y (365 days).  ERR_CONFIG. */
int retention_within(int64_t *nsec, const char *text, struct err *e);
/* A count as borg takes it: a whole number, -1 for all.  ERR_CONFIG. */
int retention_count(int64_t *count, const char *text, struct err *e);

#endif
