/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_IDX_PRIV_H
#define REPO_IDX_PRIV_H

#include <stdatomic.h>

#include "base/map.h"
#include "repo/idx.h"

/*
 * One segment, open.  Its arrays lie in the mapped local copy, or, without
 * one, in memory of their own.
 */
struct idx_seg {
	struct segment_name name;
	uint32_t n_entries, n_packs, n_filter, n_blocks;
	uint16_t n_sessions;
	struct segment_pack *packs;
	uint32_t *session_no;		/* place here -> number in the idx */
	const uint8_t *entries;		/* n_entries * 32 */
	const uint8_t *filter;
	uint64_t *fence;		/* per block: first 8 prefix bytes, as a
					 * big-endian number */
	const uint8_t *sums;		/* local copy: per block 8 bytes */
	atomic_uchar *checked;		/* local copy: block was compared */
	void *map;			/* the local copy, or NULL */
	size_t map_len;
	uint8_t *own_entries, *own_filter;	/* without one */
	atomic_bool bad;		/* damaged: refresh opens it anew */
	bool gone;			/* not in the last listing */
	uint8_t *live[2];		/* idx_census.c: a bit an entry */
};

struct idx {
	struct repo *repo;
	enum idx_view view;
	char *dir;			/* local copies; NULL: none */
	uint32_t generation;
	struct idx_seg **seg;		/* newest generation first */
	size_t n_seg, cap_seg;
	uint64_t n_inserted;		/* segments, ever */
	struct pack_session **session;	/* by number; each allocated alone */
	uint32_t n_session, cap_session;
	struct map by_sid;		/* session id -> number */
	size_t mapped_bytes;
	atomic_uint lookups;
	struct segment_name *spoilt;	/* census: those that do not open */
	size_t n_spoilt;
};

#define IDX_SEGMENT_MAX_BYTES (3ull << 30)

/* idx_local.c */
/* Open the local copy of a segment.  ERR_NOENT: there is none, or it is not
 * whole. */
int idx_local_open(struct idx *x, struct idx_seg **out,
		   const struct segment_name *name, struct err *e);
/* Keep a plain copy; a failure is only a debug line. */
void idx_local_keep(struct idx *x, const struct segment_name *name,
		    const struct segment *s);
void idx_local_drop(struct idx *x, const struct segment_name *name);
/* Is block b of a local copy what was written?  Any thread. */
bool idx_local_sound(struct idx_seg *g, uint32_t b);
/* Remove local copies of segments that the repository no longer has. */
void idx_local_tidy(struct idx *x);

/* So often a listing is made again because a segment went before it was read.
 * Each time somebody else has got on, so that this ends. */
#define IDX_LIST_TRIES 100

/* idx_seg.c */
/* A seg that owns the arrays of s (taken); sessions are registered. */
int idx_seg_from(struct idx *x, struct idx_seg **out,
		 const struct segment_name *name, struct segment *s,
		 struct err *e);
/* Sessions as stored -> numbers in the idx. */
int idx_seg_sessions(struct idx *x, struct idx_seg *g,
		     const struct pack_session *s, uint16_t n, struct err *e);
int idx_seg_fence(struct idx_seg *g, struct err *e);
int idx_seg_fetch(struct idx *x, struct segment *s,
		  const struct segment_name *name, struct err *e);
void idx_seg_free(struct idx_seg *g);
uint64_t idx_be64(const uint8_t *p);

/* idx_view.c */
struct idx_listing {
	struct segment_name *name;
	size_t n, cap;
	uint32_t newest;		/* generation */
	struct err *e;
};
/* Add the names in index/ to l. */
int idx_list(struct idx *x, struct idx_listing *l, struct err *e);
/* May a writer of generation n reuse what it lists? */
bool idx_reusable(uint32_t n, const struct mark_generation *g,
		  const struct segment_name *name);

/* idx.c */
int idx_insert(struct idx *x, struct idx_seg *g, struct err *e);
bool idx_knows(const struct idx *x, const struct segment_name *name);
/* A segment that was read: kept locally, and inserted. */
int idx_load_from(struct idx *x, const struct segment_name *name,
		  struct segment *s, struct err *e);
/* ERR_NOENT: there is no local copy of it. */
int idx_load_local(struct idx *x, const struct segment_name *name,
		   struct err *e);
/* Open a segment, from wherever it is, and insert it. */
int idx_load(struct idx *x, const struct segment_name *name, struct err *e);
/* Where the entry at p says.  false: it says what cannot be. */
bool idx_locate(struct idx *x, struct idx_seg *g, const uint8_t *p,
		struct idx_loc *out);
const uint8_t *idx_seg_find(struct idx_seg *g, const struct oid *id,
			    uint32_t *block);

#endif
