/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_READER_PRIV_H
#define REPO_READER_PRIV_H

#include <pthread.h>

#include "base/map.h"
#include "repo/idx.h"
#include "repo/meta_local.h"
#include "repo/reader.h"
#include "repo/repo.h"

#define READER_BUCKETS 16384	/* a power of two */
#define READER_RUN_BYTES (1u << 20)	/* read together, at most */
#define READER_GAP_BYTES (32u << 10)	/* read for nothing between two */

enum cell_state { CELL_LOADING, CELL_READY, CELL_FAILED };

/* A cached object.  The bytes follow in the same allocation once they are
 * there (obj.p), so that giving up a cell is one free. */
struct cell {
	struct obj obj;			/* first: they share an address */
	struct oid id;
	enum cell_state state;		/* mtx */
	unsigned refs;			/* mtx */
	struct cell *chain;		/* mtx: bucket */
	struct cell *newer, *older;	/* mtx: LRU, only while refs == 0 */
	bool in_table;			/* mtx */
	bool used;			/* mtx: is the first that has to go */
	struct err *err;		/* CELL_FAILED */
};

/* Buffers for one load. */
struct scratch {
	struct scratch *next;
	struct buf sealed, packed;
};

struct reader {
	struct repo *repo;
	struct meta_local *local;	/* NULL: nothing is kept */
	size_t cache_max;
	struct idx *idx;		/* idx_lock */
	pthread_rwlock_t idx_lock;	/* order: idx_lock > mtx */
	struct object_keys **keys;	/* mtx: by session number, or NULL */
	uint32_t n_keys;		/* mtx */
	pthread_mutex_t mtx;		/* nothing slow is called under it */
	pthread_cond_t loaded;
	struct cell *bucket[READER_BUCKETS];
	/*
	 * Whenever mtx is not held:
	 * 1. a cell with refs == 0 is READY, in the table and on the LRU.
	 * 2. 'idle_bytes' is the sum of those cells' lengths.
	 * 3. idle_bytes <= cache_max.
	 */
	struct cell *newest, *oldest;	/* mtx */
	size_t idle_bytes;		/* mtx */
	struct scratch *scratch;	/* mtx: free ones */
	/* Damaged packs: the bytes of the one that was mended last, and of all
	 * whether they can be. */
	pthread_mutex_t mend_mtx;	/* a leaf; blocks on the store */
	struct buf mended;		/* mend_mtx; empty: none */
	struct oid mended_name;		/* mend_mtx */
	struct map mendable;		/* mend_mtx: by name, 1 or 0 */
	struct reader_stats stats;	/* mtx */
};

/* reader_load.c: past the cache. */
struct scratch *reader_scratch_get(struct reader *rd);	/* NULL: no memory */
void reader_scratch_put(struct reader *rd, struct scratch *s);
/* Into 'out' (cleared first), wherever it is.  The errors of reader_get. */
int reader_load(struct reader *rd, enum obj_type t, const struct oid *id,
		struct buf *out, struct err *e);
/* The index again.  *news: it has segments that it had not. */
int reader_look(struct reader *rd, bool *news, struct err *e);
/* The first place that the index knows; false: none. */
bool reader_find(struct reader *rd, const struct oid *id, struct idx_loc *loc);
/* Bytes of a pack, appended to 'out'. */
int reader_sealed(struct reader *rd, const struct idx_loc *loc, size_t len,
		  struct buf *out, struct err *e);
/* Open one whose sealed bytes are at hand. */
int reader_open_at(struct reader *rd, enum obj_type t,
		   const struct idx_loc *loc, const uint8_t *sealed,
		   struct buf *packed, struct buf *out, struct err *e);

#endif
