/* SPDX-License-Identifier: BSD-2-Clause */
/* Which segments a view has: listing, base(n), loading, letting go. */
#include "repo/idx.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/strv.h"
#include "format/mark.h"
#include "repo/idx_priv.h"
#include "repo/repo.h"

#define IDX_GENERATION_MAX_BYTES (64u << 20)

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

bool idx_reusable(uint32_t n, const struct mark_generation *g,
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
	for (tries = 0; rc == ERR_NOENT && tries < IDX_LIST_TRIES; tries++) {
		if (x->view == IDX_WRITER)
			idx_shed_all(x);
		rc = idx_list_once(x, e);
	}
	return rc;
}
