/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAINT_STATS_H
#define MAINT_STATS_H

#include "repo/catalog.h"
#include "repo/repo.h"

/* Figures of a whole repository, from the index and the catalog alone. */
struct stats {
	uint64_t archives, packs, pack_bytes, segments;
	uint64_t objects, object_plain_bytes, object_stored_bytes;
	uint64_t archive_bytes;		/* sum of all archives' file sizes */
	uint64_t archive_stored_bytes;	/* of their compressed sizes */
	uint64_t free_bytes, total_bytes;	/* of the store; 0: unknown */
};
int stats_repo(struct repo *r, const struct catalog *c, struct stats *out,
	       struct err *e);

#endif
