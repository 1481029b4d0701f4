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

#define IDX_GENERATION_MAX_BYTES (64u << 20)
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
	x->mapped_bytes += g->map_len;
	return 0;
}

bool idx_knows(const struct idx *x, const struct segment_name *name)
{
	size_t i;

	for (i = 0; i < x->n_seg; i++)
		if (oid_eq(&x->seg[i]->name.hash, &name->hash))
			return true;
	return false;
}

/* A segment that was read: kept locally, and inserted. */
static int idx_load_from(struct idx *x, const struct segment_name *name,
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

/* ERR_NOENT: there is no local copy of it. */
static int idx_load_local(struct idx *x, const struct segment_name *name,
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

static int idx_list_cb(const char *text, uint64_t size, void *ctx)
{
	struct idx_listing *l = ctx;
	struct segment_name name;

	(void)size;
	if (!segment_name_get(&name, text)) {
		log_warn("index", "index/%s is not a segment: ignored", text);
		return 0;
	}
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		struct segment_name *p = mem_resize(l->name, cap,
			sizeof(*p));

		if (!p)
			return err_nomem(l->e);
		l->name = p;
		l->cap = cap;
	}
	l->name[l->n++] = name;
	return 0;
}

int idx_list(struct idx *x, struct idx_listing *l, struct err *e)
{
	l->e = e;
	return store_list(repo_store(x->repo), STORE_INDEX, idx_list_cb, l, e);
}

static int idx_both_cb(enum store_kind k, const char *text, uint64_t size,
		       void *ctx)
{
	struct idx_listing *l = ctx;
	unsigned n;
	char end;

	if (k == STORE_INDEX)
		return idx_list_cb(text, size, ctx);
	if (strlen(text) == 8 && sscanf(text, "%8x%c", &n, &end) == 1 &&
	    n > l->newest)
		l->newest = n;
	return 0;
}

/* base(n): the base segments that the newest generation names. */
static int idx_read_base(struct idx *x, struct mark_generation *g,
			 struct err *e)
{
	struct buf b = BUF_INIT;
	char text[16];
	int rc;

	if (x->generation == 0)
		return 0;
	snprintf(text, sizeof(text), "%08x", x->generation);
	rc = store_get_all(repo_store(x->repo), STORE_GENERATIONS, text,
		IDX_GENERATION_MAX_BYTES, &b, e);
	if (rc == 0)
		rc = mark_get_generation(g, repo_ctx(x->repo), x->generation,
			b.p, b.len, e);
	if (rc < 0)
		err_ctx(e, "generations/%s", text);
	buf_release(&b);
	return rc;
}

/* May a writer of generation n reuse what it lists? */
static bool idx_reusable(uint32_t n, const struct mark_generation *g,
			 const struct segment_name *name)
{
	uint32_t i;

	if (name->kind == SEGMENT_SESSION)
		return name->generation >= n;
	for (i = 0; i < g->n_base; i++)
		if (oid_eq(&g->base[i].hash, &name->hash))
			return true;
	return false;
}

/* Segments whose local copy turned out damaged are opened anew. */
static void idx_shed_bad(struct idx *x)
{
	size_t i, keep = 0;

	for (i = 0; i < x->n_seg; i++) {
		struct idx_seg *g = x->seg[i];

		if (!atomic_load(&g->bad)) {
			x->seg[keep++] = g;
			continue;
		}
		idx_local_drop(x, &g->name);
		x->mapped_bytes -= g->map_len;
		idx_seg_free(g);
	}
	x->n_seg = keep;
}

/*
 * A mount lives through thousands of merges: what was merged is let go.  Not at
 * once: a listing made during a merge may have neither the new segment nor the
 * old ones, the next one has the new.
 */
static void idx_shed_gone(struct idx *x, const struct idx_listing *l)
{
	size_t i, k, keep = 0;

	for (i = 0; i < x->n_seg; i++) {
		struct idx_seg *g = x->seg[i];
		bool was = g->gone;

		for (k = 0; k < l->n; k++)
			if (oid_eq(&l->name[k].hash, &g->name.hash))
				break;
		g->gone = k == l->n;
		if (!g->gone || !was) {
			x->seg[keep++] = g;
			continue;
		}
		idx_local_drop(x, &g->name);
		x->mapped_bytes -= g->map_len;
		idx_seg_free(g);
	}
	x->n_seg = keep;
}

/* For the collector, which removes it once all that is live is listed anew. */
static int idx_note_spoilt(struct idx *x, const struct segment_name *name,
			   struct err *e)
{
	struct segment_name *p;
	size_t i;

	if (x->view != IDX_CENSUS)
		return 0;
	for (i = 0; i < x->n_spoilt; i++)
		if (oid_eq(&x->spoilt[i].hash, &name->hash))
			return 0;
	p = mem_resize(x->spoilt, x->n_spoilt + 1, sizeof(*p));
	if (!p)
		return err_nomem(e);
	x->spoilt = p;
	x->spoilt[x->n_spoilt++] = *name;
	return 0;
}

/* Segments that there is no local copy of. */
struct idx_missing {
	struct idx *x;
	struct segment_name *name;
	struct strv text;
	struct err *e;
};

/* A reader gets what the others list; a writer must not build on a view with
 * a hole in it. */
static int idx_missing_got(size_t i, int rc, const struct buf *b,
			   const struct err *said, void *ctx)
{
	struct idx_missing *m = ctx;
	struct segment s = { 0 };
	struct err why = *said;

	if (rc == 0)
		rc = segment_open(&s, repo_ctx(m->x->repo), &m->name[i], b->p,
			b->len, &why);
	if (rc < 0)
		err_ctx(&why, "index/%s", m->text.v[i]);
	else
		rc = idx_load_from(m->x, &m->name[i], &s, &why);
	segment_release(&s);
	if (rc == ERR_CORRUPT && m->x->view != IDX_WRITER) {
		log_warn("index", "%s", why.msg);
		return idx_note_spoilt(m->x, &m->name[i], m->e);
	}
	return rc < 0 ? err_set(m->e, why.code, "%s", why.msg) : 0;
}

static int idx_load_listed(struct idx *x, const struct idx_listing *l,
			   const struct mark_generation *g, struct err *e)
{
	struct idx_missing m = { .x = x, .e = e };
	char text[SEGMENT_NAME_BYTES];
	size_t i;
	int rc = 0;

	m.name = mem_array(l->n, sizeof(*m.name));
	if (!m.name)
		return err_nomem(e);
	for (i = 0; rc == 0 && i < l->n; i++) {
		if ((x->view == IDX_WRITER &&
		     !idx_reusable(x->generation, g, &l->name[i])) ||
		    idx_knows(x, &l->name[i]))
			continue;
		rc = idx_load_local(x, &l->name[i], e);
		if (rc != ERR_NOENT)
			continue;
		m.name[m.text.n] = l->name[i];
		rc = strv_add(&m.text, segment_name_put(&l->name[i], text), e);
	}
	if (rc == 0)
		rc = store_get_many(repo_store(x->repo), STORE_INDEX,
			m.text.v, m.text.n, IDX_SEGMENT_MAX_BYTES,
			idx_missing_got, &m, e);
	strv_release(&m.text);
	free(m.name);
	return rc;
}

/*
 * W1, and the reader's listing.  A segment that went between listing and
 * reading was merged or collected: list again.  The two folders may be listed
 * at once: a segment that is missed only means less to reuse.
 */
static int idx_list_once(struct idx *x, struct err *e)
{
	static const enum store_kind kinds[] = { STORE_GENERATIONS,
		STORE_INDEX };
	struct idx_listing l = { NULL, 0, 0, 0, e };
	struct mark_generation g = { 0 };
	int rc;

	rc = x->view == IDX_READER ?
		store_list_opened(repo_store(x->repo), kinds, 2, idx_both_cb,
			&l, e) :
		store_list_many(repo_store(x->repo), kinds, 2, idx_both_cb,
			&l, e);
	if (rc == 0) {
		x->generation = l.newest;
		rc = x->view == IDX_WRITER ? idx_read_base(x, &g, e) : 0;
	}
	if (rc == 0)
		rc = idx_load_listed(x, &l, &g, e);
	if (rc == 0 && x->view == IDX_READER)
		idx_shed_gone(x, &l);
	mark_generation_release(&g);
	free(l.name);
	return rc;
}

/* What was opened before, under an older generation maybe, is no part of a
 * writer's view: its own segments would not be closed. */
static void idx_shed_all(struct idx *x)
{
	size_t i;

	for (i = 0; i < x->n_seg; i++)
		idx_seg_free(x->seg[i]);
	x->n_seg = 0;
	x->mapped_bytes = 0;
}

int idx_refresh(struct idx *x, struct err *e)
{
	int tries, rc = ERR_NOENT;

	if (x->view != IDX_CENSUS)
		idx_shed_bad(x);
	for (tries = 0; rc == ERR_NOENT && tries < 5; tries++) {
		if (x->view == IDX_WRITER)
			idx_shed_all(x);
		rc = idx_list_once(x, e);
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
