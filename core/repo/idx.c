/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/idx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "format/mark.h"
#include "repo/home.h"
#include "repo/idx_priv.h"
#include "repo/repo.h"

/* Above this much mapped memory, pages are given back every so many
 * look-ups: each maps 64 KiB at most. */
#define IDX_MAPPED_KEEP_BYTES (32u << 20)
#define IDX_LOOKUPS_PER_DROP 512

/* Newest generation first, and a base before the sessions on top of it. */
static int idx_order(const struct idx_seg *a, const struct idx_seg *b)
{
	if (a->name.generation != b->name.generation)
		return a->name.generation > b->name.generation ? -1 : 1;
	if (a->name.kind != b->name.kind)
		return a->name.kind == SEGMENT_BASE ? -1 : 1;
	return 0;
}

int idx_insert(struct idx *x, struct idx_seg *g, struct err *e)
{
	size_t i;

	if (x->n_seg == x->cap_seg) {
		size_t cap = x->cap_seg ? x->cap_seg * 2 : 16;
		struct idx_seg **p = mem_resize(x->seg, cap,
			sizeof(struct idx_seg *));

		if (!p)
			return err_nomem(e);
		x->seg = p;
		x->cap_seg = cap;
	}
	for (i = x->n_seg; i > 0 && idx_order(g, x->seg[i - 1]) < 0; i--)
		x->seg[i] = x->seg[i - 1];
	x->seg[i] = g;
	x->n_seg++;
	x->n_inserted++;
	x->mapped_bytes += g->map_len;
	return 0;
}

uint64_t idx_inserted(const struct idx *x)
{
	return x->n_inserted;
}

bool idx_knows(const struct idx *x, const struct segment_name *name)
{
	size_t i;

	for (i = 0; i < x->n_seg; i++)
		if (oid_eq(&x->seg[i]->name.hash, &name->hash))
			return true;
	return false;
}

int idx_load_from(struct idx *x, const struct segment_name *name,
		  struct segment *s, struct err *e)
{
	struct idx_seg *g;
	int rc;

	idx_local_keep(x, name, s);
	rc = idx_local_open(x, &g, name, e);
	if (rc == ERR_NOENT)
		rc = idx_seg_from(x, &g, name, s, e);
	if (rc == 0 && (rc = idx_insert(x, g, e)) < 0)
		idx_seg_free(g);
	return rc;
}

int idx_load_local(struct idx *x, const struct segment_name *name,
		   struct err *e)
{
	struct idx_seg *g;
	int rc = idx_local_open(x, &g, name, e);

	if (rc == 0 && (rc = idx_insert(x, g, e)) < 0)
		idx_seg_free(g);
	return rc;
}

int idx_load(struct idx *x, const struct segment_name *name, struct err *e)
{
	struct segment s = { 0 };
	int rc = idx_load_local(x, name, e);

	if (rc == ERR_NOENT) {
		if ((rc = idx_seg_fetch(x, &s, name, e)) < 0)
			return rc;
		rc = idx_load_from(x, name, &s, e);
		segment_release(&s);
	}
	return rc;
}

int idx_open(struct idx **out, struct repo *r, enum idx_view view,
	     struct err *e)
{
	struct idx *x = mem_zero(1, sizeof(*x));
	int rc;

	*out = NULL;
	if (!x)
		return err_nomem(e);
	x->repo = r;
	x->view = view;
	x->dir = home_repo_cache(repo_id(r), "index");
	if ((rc = idx_refresh(x, e)) < 0) {
		idx_close(x);
		return rc;
	}
	if (view == IDX_READER)
		idx_local_tidy(x);
	*out = x;
	return 0;
}

void idx_close(struct idx *x)
{
	size_t i;

	if (!x)
		return;
	for (i = 0; i < x->n_seg; i++)
		idx_seg_free(x->seg[i]);
	for (i = 0; i < x->n_session; i++)
		free(x->session[i]);
	free(x->seg);
	free(x->session);
	free(x->spoilt);
	map_release(&x->by_sid);
	free(x->dir);
	free(x);
}

uint32_t idx_generation(const struct idx *x)
{
	return x->generation;
}

/* The block whose first prefix is the last one not above the key. */
static uint32_t idx_block(const struct idx_seg *g, uint64_t key)
{
	uint32_t lo = 0, hi = g->n_blocks;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (g->fence[mid] <= key)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* A prefix whose first 8 bytes are the fence's may begin a block earlier;
 * 64-bit ties do not happen by chance, and only cost a miss. */
const uint8_t *idx_seg_find(struct idx_seg *g, const struct oid *id,
			    uint32_t *block)
{
	uint64_t key = idx_be64(id->b);
	uint32_t lo, hi;

	if (g->n_entries == 0 ||
	    !segment_filter_has(g->filter, g->n_filter, id->b))
		return NULL;
	*block = idx_block(g, key);
	lo = *block * SEGMENT_BLOCK_ENTRIES;
	hi = lo + SEGMENT_BLOCK_ENTRIES;
	if (hi > g->n_entries)
		hi = g->n_entries;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const uint8_t *p = g->entries + (size_t)mid *
			SEGMENT_ENTRY_BYTES;
		int c = memcmp(id->b, p, SEGMENT_PREFIX_BYTES);

		if (c == 0)
			return p;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

static void idx_give_back(struct idx *x)
{
	size_t i;

	if (x->mapped_bytes < IDX_MAPPED_KEEP_BYTES ||
	    atomic_fetch_add(&x->lookups, 1) % IDX_LOOKUPS_PER_DROP != 0)
		return;
	for (i = 0; i < x->n_seg; i++)
		if (x->seg[i]->map)
			madvise(x->seg[i]->map, x->seg[i]->map_len,
				MADV_DONTNEED);
}

bool idx_locate(struct idx *x, struct idx_seg *g, const uint8_t *p,
		struct idx_loc *out)
{
	struct segment_entry en;

	if (segment_entry_get(&en, p, NULL) < 0 || en.pack >= g->n_packs ||
	    en.session >= g->n_sessions)
		return false;
	out->pack = g->packs[en.pack].name;
	out->pack_bytes = g->packs[en.pack].bytes;
	out->kind = g->packs[en.pack].kind;
	out->obj.type = en.type;
	out->obj.codec = en.codec;
	out->obj.plain_len = en.plain_len;
	out->obj.stored_len = en.stored_len;
	out->off = en.off;
	out->session_no = g->session_no[en.session];
	out->session = x->session[out->session_no];
	return true;
}

bool idx_find_next(struct idx *x, const struct oid *id, unsigned *at,
		   struct idx_loc *out)
{
	uint32_t block = 0;

	idx_give_back(x);
	while (*at < x->n_seg) {
		struct idx_seg *g = x->seg[(*at)++];
		const uint8_t *p = idx_seg_find(g, id, &block);

		if (p && !idx_local_sound(g, block)) {
			if (!atomic_exchange(&g->bad, true))
				log_warn("index", "a local copy of the index "
					"is damaged: it will be made anew");
			continue;
		}
		if (p && idx_locate(x, g, p, out)) {
			out->obj.id = *id;
			return true;
		}
	}
	return false;
}

bool idx_find(struct idx *x, const struct oid *id, struct idx_loc *out)
{
	unsigned at = 0;

	return idx_find_next(x, id, &at, out);
}

bool idx_has(struct idx *x, const struct oid *id)
{
	struct idx_loc loc;

	return idx_find(x, id, &loc);
}

uint64_t idx_entries(const struct idx *x)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < x->n_seg; i++)
		n += x->seg[i]->n_entries;
	return n;
}

int idx_each(struct idx *x, idx_each_fn *fn, void *ctx, struct err *e)
{
	struct idx_loc loc = { 0 };
	uint32_t k;
	size_t i;
	int rc;

	for (i = 0; i < x->n_seg; i++) {
		struct idx_seg *g = x->seg[i];

		for (k = 0; k < g->n_entries; k++) {
			const uint8_t *p = g->entries + (size_t)k *
				SEGMENT_ENTRY_BYTES;

			if ((k % SEGMENT_BLOCK_ENTRIES == 0 &&
			     !idx_local_sound(g, k / SEGMENT_BLOCK_ENTRIES)) ||
			    !idx_locate(x, g, p, &loc))
				return err_set(e, ERR_CORRUPT,
					"a local copy of the index is damaged");
			if ((rc = fn(&loc, p, ctx)) != 0)
				return rc;
			idx_give_back(x);
		}
	}
	return 0;
}

static int idx_packs(struct idx *x, const struct mark_generation *g,
		     idx_pack_fn *fn, void *ctx, struct err *e)
{
	struct map seen = MAP_INIT;
	uint32_t k;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < x->n_seg; i++) {
		if (g && !idx_reusable(g->number, g, &x->seg[i]->name))
			continue;
		for (k = 0; rc == 0 && k < x->seg[i]->n_packs; k++) {
			const struct segment_pack *p = &x->seg[i]->packs[k];
			uint64_t *value;
			bool was;

			rc = map_put(&seen, p->name.b, &value, &was, e);
			if (rc == 0 && !was)
				rc = fn(p, ctx);
		}
	}
	map_release(&seen);
	return rc;
}

int idx_each_pack(struct idx *x, idx_pack_fn *fn, void *ctx, struct err *e)
{
	return idx_packs(x, NULL, fn, ctx, e);
}

int idx_each_reused(struct idx *x, const struct mark_generation *g,
		    idx_pack_fn *fn, void *ctx, struct err *e)
{
	return idx_packs(x, g, fn, ctx, e);
}

int idx_add(struct idx *x, const struct segment_name *name,
	    struct segment *s, struct err *e)
{
	struct idx_seg *g;
	int rc;

	idx_local_keep(x, name, s);
	rc = idx_local_open(x, &g, name, e);
	if (rc == ERR_NOENT)
		rc = idx_seg_from(x, &g, name, s, e);
	segment_release(s);
	if (rc == 0 && (rc = idx_insert(x, g, e)) < 0)
		idx_seg_free(g);
	return rc;
}
