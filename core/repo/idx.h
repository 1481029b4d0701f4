/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_IDX_H
#define REPO_IDX_H

#include "base/err.h"
#include "base/oid.h"
#include "format/object.h"
#include "format/segment.h"

/*
 * The index: where every object is, as the union of index segments.  Segments
 * are decrypted once into the local cache and mapped; without a cache they
 * are kept in anonymous memory.  Memory does not grow with the repository:
 * mapped pages are given back from time to time.
 */
struct idx;
struct repo;

enum idx_view {
	IDX_READER,	/* all segments and all generations' bases */
	IDX_WRITER,	/* what a writer may reuse: base(n) of the newest
			 * generation n and session segments of >= n */
	IDX_CENSUS	/* as IDX_READER, but a segment once open stays open
			 * (idx_census.h) */
};

struct idx_loc {
	struct oid pack;
	uint32_t pack_bytes;
	enum pack_kind kind;
	struct object_head obj;		/* id: as asked for */
	uint32_t off;
	const struct pack_session *session;	/* lives as long as the idx */
	uint32_t session_no;		/* its number in the idx, stable */
};

int idx_open(struct idx **out, struct repo *r, enum idx_view view,
	     struct err *e);
void idx_close(struct idx *x);
/* List again and open what is new (somebody wrote, merged, collected).
 * Not while other threads are in idx_find; the reader takes care of that. */
int idx_refresh(struct idx *x, struct err *e);
uint32_t idx_generation(const struct idx *x);
/* Counts the segments that were ever taken in: has a refresh found any? */
uint64_t idx_inserted(const struct idx *x);

/* false: not listed.  Safe from any thread. */
bool idx_find(struct idx *x, const struct oid *id, struct idx_loc *out);
/* The next place, for when the first is gone or damaged: *at counts the
 * segments looked at and starts as 0; idx_find is the first call. */
bool idx_find_next(struct idx *x, const struct oid *id, unsigned *at,
		   struct idx_loc *out);
bool idx_has(struct idx *x, const struct oid *id);
uint64_t idx_entries(const struct idx *x);	/* duplicates counted twice */

/* Every entry of every segment; a nonzero return ends it. */
typedef int idx_each_fn(const struct idx_loc *loc,
			const uint8_t prefix[SEGMENT_PREFIX_BYTES], void *ctx);
int idx_each(struct idx *x, idx_each_fn *fn, void *ctx, struct err *e);
/* Every pack that a segment names, once. */
typedef int idx_pack_fn(const struct segment_pack *p, void *ctx);
int idx_each_pack(struct idx *x, idx_pack_fn *fn, void *ctx, struct err *e);
/* The same of the segments that a writer's view has when 'g' is the newest
 * generation. */
struct mark_generation;
int idx_each_reused(struct idx *x, const struct mark_generation *g,
		    idx_pack_fn *fn, void *ctx, struct err *e);

/*
 * Writer side: a segment that this session has put and that is durable joins
 * the view.  And merging in tiers: when TIER_WIDTH segments of one tier and
 * the view's generation are there, they are put as one of the next tier, and
 * deleted after that is durable.
 */
#define IDX_TIER_WIDTH 8
int idx_add(struct idx *x, const struct segment_name *name,
	    struct segment *s, struct err *e);	/* takes s's arrays */
int idx_merge(struct idx *x, struct err *e);
/* A segment of this session is no longer in the store.  0: another writer has
 * merged it, all that it lists is listed in segments that are there.
 * ERR_NOENT: it is not. */
int idx_merged(struct idx *x, const struct segment_name *name,
	       struct err *e);

#endif
