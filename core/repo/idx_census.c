/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/idx_census.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "codec/key.h"
#include "repo/idx_priv.h"

/* Mapped pages are given back every so many objects of a sweep. */
#define CENSUS_GIVE_BACK 65536

struct idx_census {
	struct idx *x;
	unsigned phase;			/* which bits are set */
	struct idx_loc *loc;		/* of a group: one a segment */
	uint8_t prefix[SEGMENT_PREFIX_BYTES];
};

int idx_census_open(struct idx_census **out, struct repo *r, struct err *e)
{
	struct idx_census *c = mem_zero(1, sizeof(*c));
	int rc;

	*out = NULL;
	if (!c)
		return err_nomem(e);
	if ((rc = idx_open(&c->x, r, IDX_CENSUS, e)) < 0) {
		free(c);
		return rc;
	}
	*out = c;
	return 0;
}

void idx_census_close(struct idx_census *c)
{
	size_t i;

	if (!c)
		return;
	for (i = 0; i < c->x->n_seg; i++)	/* made anew the next time */
		if (atomic_load(&c->x->seg[i]->bad))
			idx_local_drop(c->x, &c->x->seg[i]->name);
	idx_close(c->x);
	free(c->loc);
	free(c);
}

int idx_census_refresh(struct idx_census *c, struct err *e)
{
	return idx_refresh(c->x, e);
}

/* --- bits --- */

static bool census_bit(const uint8_t *bits, size_t k)
{
	return bits && (bits[k / 8] >> (k % 8) & 1);
}

static int census_set(struct idx_seg *g, unsigned phase, size_t k,
		      struct err *e)
{
	uint8_t **bits = &g->live[phase];

	if (!*bits && !(*bits = mem_zero((g->n_entries + 7u) / 8, 1)))
		return err_nomem(e);
	(*bits)[k / 8] |= (uint8_t)(1u << (k % 8));
	return 0;
}

/* The place of an id in a segment.  1: there, 0: not, < 0: damaged. */
static int census_look(struct idx_seg *g, const struct oid *id, size_t *k,
		       struct err *e)
{
	uint32_t block = 0;
	const uint8_t *p = idx_seg_find(g, id, &block);

	if (!p)
		return 0;
	if (!idx_local_sound(g, block)) {
		atomic_store(&g->bad, true);
		return err_set(e, ERR_RETRY,
			"a local copy of the index is damaged");
	}
	*k = (size_t)(p - g->entries) / SEGMENT_ENTRY_BYTES;
	return 1;
}

static void census_give_back(struct idx_census *c)
{
	size_t i;

	for (i = 0; i < c->x->n_seg; i++)
		if (c->x->seg[i]->map)
			madvise(c->x->seg[i]->map, c->x->seg[i]->map_len,
				MADV_DONTNEED);
}

int idx_census_mark(struct idx_census *c, const struct oid *id, bool *was,
		struct err *e)
{
	struct idx_seg *first = NULL;
	size_t i, k, at = 0;
	int rc;

	*was = false;
	if (c->x->mapped_bytes > (32u << 20) &&
	    atomic_fetch_add(&c->x->lookups, 1) % 512 == 511)
		census_give_back(c);
	for (i = 0; i < c->x->n_seg; i++) {
		struct idx_seg *g = c->x->seg[i];

		if ((rc = census_look(g, id, &k, e)) < 0)
			return rc;
		if (rc == 0)
			continue;
		if (census_bit(g->live[0], k) || census_bit(g->live[1], k)) {
			*was = true;
			return 0;
		}
		if (!first) {
			first = g;
			at = k;
		}
	}
	if (!first)
		return err_set(e, ERR_NOENT, "the index does not list it");
	return census_set(first, c->phase, at, e);
}

void idx_census_late(struct idx_census *c)
{
	c->phase = 1;
}

bool idx_census_live(struct idx_census *c, const struct oid *id)
{
	size_t i, k;

	for (i = 0; i < c->x->n_seg; i++)
		if (census_look(c->x->seg[i], id, &k, NULL) == 1 &&
		    (census_bit(c->x->seg[i]->live[0], k) ||
		     census_bit(c->x->seg[i]->live[1], k)))
			return true;
	return false;
}

bool idx_census_find(struct idx_census *c, const struct oid *id, unsigned *at,
		 struct idx_loc *out)
{
	return idx_find_next(c->x, id, at, out);
}

/* --- the sweep --- */

struct census_head {
	struct idx_seg *g;
	size_t k;
	uint64_t key;			/* first half of the prefix there */
};

static const uint8_t *census_entry(const struct census_head *h)
{
	return h->g->entries + h->k * SEGMENT_ENTRY_BYTES;
}

/* Is there an entry at the head?  1: yes, 0: no, < 0: a damaged copy. */
static int census_step(struct census_head *h, struct err *e)
{
	if (h->k >= h->g->n_entries)
		return 0;
	if (h->k % SEGMENT_BLOCK_ENTRIES == 0 &&
	    !idx_local_sound(h->g, (uint32_t)(h->k / SEGMENT_BLOCK_ENTRIES))) {
		atomic_store(&h->g->bad, true);
		return err_set(e, ERR_RETRY,
			"a local copy of the index is damaged");
	}
	h->key = idx_be64(census_entry(h));
	return 1;
}

/* Of those with the least key, the one with the least prefix. */
static const uint8_t *census_least(const struct census_head *h, size_t n)
{
	const uint8_t *best = census_entry(&h[0]);
	uint64_t key = h[0].key;
	size_t i;

	for (i = 1; i < n; i++) {
		if (h[i].key > key || (h[i].key == key &&
		    memcmp(census_entry(&h[i]), best,
			   SEGMENT_PREFIX_BYTES) >= 0))
			continue;
		best = census_entry(&h[i]);
		key = h[i].key;
	}
	return best;
}

/* One object: take it from every head that has it. */
static int census_group(struct idx_census *c, struct census_head *h, size_t *n,
			struct census_group *out, struct err *e)
{
	bool live[2] = { false, false };
	size_t i;
	int rc;

	memcpy(c->prefix, census_least(h, *n), SEGMENT_PREFIX_BYTES);
	*out = (struct census_group) { .prefix = c->prefix, .loc = c->loc };
	for (i = 0; i < *n;) {
		struct idx_seg *g = h[i].g;

		if (memcmp(census_entry(&h[i]), c->prefix,
			   SEGMENT_PREFIX_BYTES) != 0) {
			i++;
			continue;
		}
		live[0] = live[0] || census_bit(g->live[0], h[i].k);
		live[1] = live[1] || census_bit(g->live[1], h[i].k);
		if (!idx_locate(c->x, g, census_entry(&h[i]),
				&c->loc[out->n]))
			return err_set(e, ERR_CORRUPT,
				"an index segment says what cannot be");
		out->n++;
		h[i].k++;
		if ((rc = census_step(&h[i], e)) < 0)
			return rc;
		if (rc == 0) {			/* keeps the order */
			memmove(&h[i], &h[i + 1],
				(*n - i - 1) * sizeof(*h));
			--*n;
		} else {
			i++;
		}
	}
	out->live = live[0] || live[1];
	out->late = live[1] && !live[0];
	return 0;
}

int idx_census_sweep(struct idx_census *c, idx_census_fn *fn, void *ctx,
		     struct err *e)
{
	struct census_head *h = mem_zero(c->x->n_seg, sizeof(*h));
	struct census_group g;
	uint64_t done = 0;
	size_t i, n = 0;
	int rc = 0;

	free(c->loc);
	c->loc = mem_zero(c->x->n_seg, sizeof(*c->loc));
	if (!h || !c->loc)
		rc = err_nomem(e);
	for (i = 0; rc >= 0 && i < c->x->n_seg; i++) {
		h[n] = (struct census_head) { .g = c->x->seg[i] };
		if ((rc = census_step(&h[n], e)) > 0)
			n++;
	}
	if (rc > 0)
		rc = 0;
	while (rc == 0 && n > 0) {
		rc = census_group(c, h, &n, &g, e);
		if (rc == 0)
			rc = fn(&g, ctx);
		if (++done % CENSUS_GIVE_BACK == 0)
			census_give_back(c);
	}
	free(h);
	return rc;
}

/* --- segments, packs, sessions --- */

int idx_census_each_pack(struct idx_census *c, idx_pack_fn *fn, void *ctx,
		     struct err *e)
{
	return idx_each_pack(c->x, fn, ctx, e);
}

int idx_census_each_reused(struct idx_census *c,
			   const struct mark_generation *g, idx_pack_fn *fn,
			   void *ctx, struct err *e)
{
	return idx_each_reused(c->x, g, fn, ctx, e);
}

size_t idx_census_spoilt(const struct idx_census *c)
{
	return c->x->n_spoilt;
}

const struct segment_name *idx_census_spoilt_name(const struct idx_census *c,
						  size_t i)
{
	return &c->x->spoilt[i];
}

uint32_t idx_census_sessions(const struct idx_census *c)
{
	return c->x->n_session;
}

const struct sid *idx_census_session(const struct idx_census *c, uint32_t no)
{
	return &c->x->session[no]->id;
}

size_t idx_census_segments(const struct idx_census *c)
{
	return c->x->n_seg;
}

const struct segment_name *idx_census_segment(const struct idx_census *c,
					      size_t i)
{
	return &c->x->seg[i]->name;
}

const uint32_t *idx_census_segment_sessions(const struct idx_census *c,
					    size_t i, uint16_t *n)
{
	*n = c->x->seg[i]->n_sessions;
	return c->x->seg[i]->session_no;
}

static int census_entry_cmp(const void *a, const void *b)
{
	return memcmp(a, b, SEGMENT_PREFIX_BYTES);
}

static void census_adopt_entries(struct segment *s,
				 const struct pack_table *t)
{
	uint32_t i, keep = 0;

	for (i = 0; i < t->n_entries; i++) {
		const struct pack_entry *pe = &t->entries[i];
		struct segment_entry en = {
			.session = pe->session, .off = pe->off,
			.stored_len = pe->obj.stored_len,
			.plain_len = pe->obj.plain_len,
			.type = pe->obj.type, .codec = pe->obj.codec,
		};

		memcpy(en.prefix, pe->obj.id.b, sizeof(en.prefix));
		segment_entry_put(s->entries + (size_t)i * SEGMENT_ENTRY_BYTES,
			&en);
	}
	qsort(s->entries, t->n_entries, SEGMENT_ENTRY_BYTES, census_entry_cmp);
	for (i = 0; i < t->n_entries; i++) {
		uint8_t *p = s->entries + (size_t)i * SEGMENT_ENTRY_BYTES;

		if (keep && census_entry_cmp(p, s->entries + (size_t)(keep -
				1) * SEGMENT_ENTRY_BYTES) == 0)
			continue;
		memmove(s->entries + (size_t)keep++ * SEGMENT_ENTRY_BYTES, p,
			SEGMENT_ENTRY_BYTES);
	}
	s->n_entries = keep;
}

static void census_filter(struct segment *s)
{
	uint32_t i;

	for (i = 0; i < s->n_entries; i++)
		segment_filter_add(s->filter, s->n_filter, s->entries +
			(size_t)i * SEGMENT_ENTRY_BYTES);
}

int idx_census_adopt(struct idx_census *c, const struct segment_pack *p,
		 const struct pack_table *t, struct err *e)
{
	struct segment s = { .kind = SEGMENT_SESSION, .n_packs = 1,
			     .n_sessions = t->n_sessions };
	struct segment_name name = { .kind = SEGMENT_SESSION };
	struct idx_seg *g;
	int rc = 0;

	s.n_filter = t->n_entries * 12 / 512 + 1;
	s.packs = mem_dup(p, sizeof(*p));
	s.sessions = mem_dup(t->sessions,
		t->n_sessions * sizeof(*t->sessions));
	s.entries = mem_array(t->n_entries, SEGMENT_ENTRY_BYTES);
	s.filter = mem_zero(s.n_filter, 64);
	if (!s.packs || !s.sessions || !s.entries || !s.filter)
		rc = err_nomem(e);
	if (rc == 0) {
		census_adopt_entries(&s, t);
		census_filter(&s);
		key_random(name.hash.b, sizeof(name.hash.b));
		rc = idx_seg_from(c->x, &g, &name, &s, e);
	}
	if (rc == 0 && (rc = idx_insert(c->x, g, e)) < 0)
		idx_seg_free(g);
	segment_release(&s);
	return rc;
}
