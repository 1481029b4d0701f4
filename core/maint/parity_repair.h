/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAINT_PARITY_REPAIR_H
#define MAINT_PARITY_REPAIR_H

#include "base/cancel.h"
#include "base/err.h"
#include "base/map.h"
#include "repo/repo.h"

/*
 * Parity of a whole repository: counted, made for files that have none, and
 * used: damaged packs are replaced by a compaction, which copies what is live
 * in them from their mended bytes and condemns them like any other; so nothing
 * is overwritten, and backups and readers go on meanwhile.  Any number may run;
 * stopped anywhere, the next one goes on.
 */
enum parity_repair_flags {
	PARITY_REPAIR_FILL = 1 << 0,	/* make what is missing or damaged */
	PARITY_REPAIR_RENEW = 1 << 1,	/* read all packs, replace damaged
					 * ones */
	PARITY_REPAIR_DRY_RUN = 1 << 2
};
struct parity_repair_opts {
	unsigned flags;
	struct cancel *cancel;
	/* A sentence about a file of the store. */
	void (*finding)(const char *file, const char *text, void *ctx);
	void (*progress)(const char *what, uint64_t done, uint64_t total,
			 void *ctx);
	void *ctx;
};
struct parity_repair_result {
	unsigned mille;			/* what new files get */
	uint64_t packs, records;	/* files that can have parity */
	uint64_t bytes;			/* theirs */
	uint64_t parity_files, parity_bytes;
	uint64_t without;		/* files that had none, or a bad one */
	uint64_t made;			/* FILL: for so many of them */
	uint64_t damaged, mendable;	/* RENEW: packs */
	uint64_t renewed;		/* of those, gone and replaced */
	uint64_t waiting;		/* sessions at work: the damaged packs
					 * go with a later compaction */
};
/* Without flags: listings only.  FILL without a level is ERR_CONFIG.
 * ERR_CORRUPT: there is damage that could not be mended; all else was done. */
int parity_repair_run(struct repo *r, const struct parity_repair_opts *o,
		      struct parity_repair_result *res, struct err *e);

/*
 * One pack: sound, damaged and mendable, or lost?  'file' is room to read it
 * into; unless it is lost, its right bytes are in there afterwards.  *why:
 * what is wrong with it, also if 0 is returned.
 */
enum parity_repair_state {
	PARITY_REPAIR_SOUND, PARITY_REPAIR_MENDABLE, PARITY_REPAIR_LOST
};
int parity_repair_look(struct repo *r, enum store_kind kind, const char *name,
		       struct buf *file, enum parity_repair_state *state,
		       struct err *why, struct err *e);

#endif
