/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_IDX_CENSUS_H
#define REPO_IDX_CENSUS_H

#include "format/pack.h"
#include "repo/idx.h"

/*
 * The collector's view of the index: all segments, with a bit per entry that
 * tells whether the object is needed.  Segments are mapped, so memory is a bit
 * an object.  One thread.
 */
struct idx_census;
struct repo;

int idx_census_open(struct idx_census **out, struct repo *r, struct err *e);
void idx_census_close(struct idx_census *c);		/* NULL ok */
/* List the segments again.  What was marked stays marked, also when somebody
 * has merged its segment. */
int idx_census_refresh(struct idx_census *c, struct err *e);

/* The object is needed; *was: it was known to be.  ERR_NOENT: not listed.
 * ERR_RETRY: a local copy of the index is damaged, begin again. */
int idx_census_mark(struct idx_census *c, const struct oid *id, bool *was,
		struct err *e);
/* What is marked from now on is 'late'. */
void idx_census_late(struct idx_census *c);
bool idx_census_live(struct idx_census *c, const struct oid *id);
/* As idx_find_next. */
bool idx_census_find(struct idx_census *c, const struct oid *id, unsigned *at,
		 struct idx_loc *out);

/* All places of one object; the prefix stands for its id, loc[].obj.id is not
 * set. */
struct census_group {
	const uint8_t *prefix;		/* SEGMENT_PREFIX_BYTES */
	bool live;
	bool late;			/* live since idx_census_late only */
	unsigned n;
	const struct idx_loc *loc;
};
typedef int idx_census_fn(const struct census_group *g, void *ctx);
/* Every object in the order of prefixes; a nonzero return of fn ends it.
 * ERR_RETRY as above. */
int idx_census_sweep(struct idx_census *c, idx_census_fn *fn, void *ctx,
		     struct err *e);

/* Every pack that a segment names, once. */
int idx_census_each_pack(struct idx_census *c, idx_pack_fn *fn, void *ctx,
		     struct err *e);
/* The sessions that sealed anything, by number (idx_loc's session_no). */
uint32_t idx_census_sessions(const struct idx_census *c);
const struct sid *idx_census_session(const struct idx_census *c, uint32_t no);
/* Segments, by place, and the numbers of their sessions. */
size_t idx_census_segments(const struct idx_census *c);
const struct segment_name *idx_census_segment(const struct idx_census *c,
					      size_t i);
const uint32_t *idx_census_segment_sessions(const struct idx_census *c,
					    size_t i, uint16_t *n);

/* Segments that cannot be read. */
size_t idx_census_spoilt(const struct idx_census *c);
const struct segment_name *idx_census_spoilt_name(const struct idx_census *c,
						  size_t i);
/* As idx_each_reused. */
int idx_census_each_reused(struct idx_census *c,
			   const struct mark_generation *g, idx_pack_fn *fn,
			   void *ctx, struct err *e);

/* Objects of a pack that no segment lists, from its table, as if one did. */
int idx_census_adopt(struct idx_census *c, const struct segment_pack *p,
		 const struct pack_table *t, struct err *e);

#endif
