/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_WITNESS_PRIV_H
#define REPO_WITNESS_PRIV_H

#include <pthread.h>

#include "repo/seen.h"
#include "repo/witness.h"

/* Of a repository that is watched. */
struct witness {
	pthread_mutex_t mtx;		/* a leaf; all below */
	struct seen pending;		/* of this process, not yet kept */
	struct witness_finding *f;
	size_t n;
	struct map told;		/* findings that the alarm had */
	witness_alarm_fn *alarm;	/* fixed */
	void *ctx;
};
/* What was kept.  A file that is damaged is as good as none. */
int witness_load(struct seen *s, const struct repo *r, struct err *e);
/* Add to it: read again, merged, published.  It only fails for want of memory:
 * where nothing can be kept, that is logged. */
int witness_keep(const struct repo *r, const struct seen *more, struct err *e);

/* Something that should be there: one that was seen (a), or one that a record
 * names. */
struct suspect {
	const struct seen_archive *a;
	struct seen_owed ref;
	bool prev;		/* ref: by the machine that made it */
	bool cleared;
};
struct witness_look {
	struct repo *r;
	struct seen s, more;		/* kept; new by this look */
	struct map ids;			/* records of this listing */
	struct map at_work;		/* sessions; listed when first asked */
	bool listed;
	struct suspect *x;
	size_t n_x;
	struct witness_finding *f;
	size_t n_f;
	uint32_t newest;		/* generation */
	struct err *e;
};
/* witness_say.c: a finding, in words. */
int witness_find(struct witness_look *l, enum witness_kind kind,
		 const struct sid *session, const struct oid *record,
		 const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* "'X' of 2026-11-29 03:00:00", or its id. */
#define WITNESS_WHICH_BYTES (SEEN_NAME_MAX + 64)
const char *witness_which(char out[WITNESS_WHICH_BYTES],
			  const struct seen_archive *a);
/* Of the suspects that were not cleared. */
int witness_say_missing(struct witness_look *l);
int witness_say_refs(struct witness_look *l);
/* Findings become the repository's; the alarm has each once. */
int witness_tell(struct witness_look *l);

#endif
