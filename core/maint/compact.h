/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAINT_COMPACT_H
#define MAINT_COMPACT_H

#include "base/cancel.h"
#include "base/err.h"
#include "base/map.h"
#include "repo/repo.h"

/*
 * The collector (DESIGN section 5, G0..G5): gives back the room of deleted
 * archives and of runs that never finished.  Runs beside writers, readers and
 * other collectors; takes no lock; may be stopped anywhere, the next one goes
 * on.  Nothing is condemned unless every record and every node of every live
 * archive was read and authenticated.
 *
 * COMMIT POINTS: putting generations/N (G2) condemns packs; after that comes
 * only waiting for the sessions that were at work then, and the deletion.
 */
struct compact_progress {
	const char *what;		/* "reading archives", ... */
	uint64_t done, total;		/* total 0: unknown */
};
struct compact_opts {
	unsigned threshold;	/* copy the rest of a pack of which more than so
				 * many per cent are garbage (1 .. 100) */
	bool dry_run;		/* look and count, change nothing */
	bool fence_all;		/* break-lock: wait for nobody */
	bool lazy;		/* leave garbage of less than a twentieth of
				 * 'threshold' of the whole, while there is
				 * room, for COMPACT_LAZY_ARCHIVES at most:
				 * every collection leaves the name of its
				 * generation for ever */
	/* Damaged packs, by name, that shall be replaced however little
	 * garbage is in them; NULL: none.  Those that their parity cannot mend
	 * stay. */
	const struct map *renew;
	bool reseal;		/* rewrite what older master keys open */
	unsigned wait_secs;	/* for sessions that are at work */
	struct cancel *cancel;
	void (*progress)(const struct compact_progress *p, void *ctx);
	void *ctx;
};
#define COMPACT_LAZY_ARCHIVES 24
#define COMPACT_THRESHOLD 10
#define COMPACT_WAIT_SECS 60
#define COMPACT_DEFAULT { .threshold = COMPACT_THRESHOLD, \
			  .wait_secs = COMPACT_WAIT_SECS }

struct compact_result {
	bool nothing;		/* there was nothing to do */
	uint64_t bytes_little;	/* > 0: that was too little ('lazy') */
	uint64_t archives;	/* live ones that were read */
	uint64_t collected;	/* deleted archives that are gone for good */
	uint64_t packs_before;
	uint64_t packs_removed, bytes_removed;
	uint64_t packs_written, bytes_written;	/* copies */
	uint64_t packs_mended;	/* damaged ones, copied by their parity */
	uint64_t fenced;	/* sessions of the dead */
	uint64_t waiting;	/* > 0: sessions are still at work; what was
				 * condemned goes with a later run */
	uint64_t bytes_waiting;	/* that much */
	uint64_t stale;		/* reseal: packs that an older master key still
				 * opens; not 0: it has to run again */
};
/*
 * With dry_run the figures say what would be done.
 * ERR_CORRUPT: an archive cannot be read in full: nothing was condemned.
 * ERR_FULL: not even the reserve was enough.
 */
int compact_run(struct repo *r, const struct compact_opts *o,
		struct compact_result *res, struct err *e);

/*
 * break-lock: fence every session (a running backup then begins again by
 * itself).  *fenced: how many.
 */
int compact_fence_all(struct repo *r, uint64_t *fenced, struct err *e);

#endif
