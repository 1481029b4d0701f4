/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/serve_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
	GET_CACHED = 16 << 20,		/* looked for among what was read */
	GET_EXTRA = 63,			/* small files that come along */
	GET_EXTRA_BYTES = 64 << 10,	/* the most of one */
	LOOK_EXTRA = 255
};
#define LIST_MAX ((size_t)1 << 30)	/* bytes of a listing */

/* The files of one request; item 0 is the one that is wanted, and the only
 * one whose failure counts. */
struct get {
	struct serve_want want[GET_EXTRA + 1];
	struct buf got[GET_EXTRA + 1];
	bool done[GET_EXTRA + 1], failed[GET_EXTRA + 1];
	size_t n;
	enum err_code code;
	char text[SERVE_TEXT_MAX + 1];
};

static uint64_t get_most(const struct serve_want *w)
{
	return w->len > UINT64_MAX - w->more ? w->len : w->len + w->more;
}

static int get_fail(struct get *g, const struct serve_frame *f,
		    const uint8_t *p, struct err *e)
{
	enum err_code code;
	char text[SERVE_TEXT_MAX + 1];

	if (!serve_get_code(&code, text, p, f->len) || code == ERR_OK)
		return serve_conn_nonsense(e, "a failure is damaged");
	g->done[f->item] = g->failed[f->item] = true;
	if (f->item == 0) {
		g->code = code;
		memcpy(g->text, text, sizeof(text));
	}
	return 0;
}

static int get_answer(struct serve_req *r, const struct serve_frame *f,
		      const uint8_t *p, struct err *e)
{
	struct get *g = r->ctx;
	struct buf *b;

	if (f->item >= g->n || g->done[f->item])
		return serve_conn_nonsense(e, "a file that was not asked for");
	if (f->type == SERVE_FAIL)
		return get_fail(g, f, p, e);
	b = &g->got[f->item];
	if (f->type != SERVE_BYTES ||
	    f->len > get_most(&g->want[f->item]) - b->len)
		return serve_conn_nonsense(e, "bytes of the wrong number");
	if (f->flags & SERVE_LAST)
		g->done[f->item] = true;
	return buf_append(b, p, f->len, e);
}

static int get_op(struct serve *s, struct serve_conn *c, void *arg,
		  struct err *e)
{
	struct get *g = arg;
	struct serve_req r = { .answer = get_answer, .ctx = g };
	struct serve_want *w = &g->want[0];
	struct wr wr;
	size_t i;
	int rc;

	(void)s;
	serve_begin(&wr, &r.head, SERVE_GET);
	wr_le16(&wr, (uint16_t)g->n);
	for (i = 0; i < g->n; i++) {
		serve_put_want(&wr, &g->want[i]);
		buf_clear(&g->got[i]);
		g->done[i] = g->failed[i] = false;
	}
	rc = serve_end(&wr, 0, e);
	if (rc == 0)
		rc = serve_ask(c, &r, e);
	buf_release(&r.head);
	if (rc < 0)
		return rc;
	for (i = 0; i < g->n; i++)
		if (!g->done[i])
			return serve_conn_nonsense(e, "a file is missing in "
				"an answer");
	if (g->failed[0])
		return err_set(e, g->code, "%s", g->text);
	if (!w->whole && g->got[0].len < w->len)
		return serve_conn_nonsense(e, "fewer bytes than were asked "
			"for");
	return 0;
}

static struct get *get_new(enum store_kind k, const char *name)
{
	struct get *g = mem_zero(1, sizeof(*g));

	if (!g)
		return NULL;
	g->n = 1;
	g->want[0].n.kind = k;
	snprintf(g->want[0].n.name, sizeof(g->want[0].n.name), "%s", name);
	return g;
}

static void get_free(struct get *g)
{
	size_t i;

	for (i = 0; i < g->n; i++)
		buf_release(&g->got[i]);
	free(g);
}

/* Appends 'len' bytes, and up to 'more' behind them. */
static int get_range(struct serve *s, struct serve_want *w, struct buf *out,
		     struct err *e)
{
	struct get *g = get_new(w->n.kind, w->n.name);
	int rc;

	if (!g)
		return err_nomem(e);
	g->want[0] = *w;
	rc = serve_do(s, get_op, g, e);
	if (rc == 0)
		rc = buf_append(out, g->got[0].p, g->got[0].len, e);
	get_free(g);
	return rc;
}

int serve_get_ahead(void *ctx, enum store_kind k, const char *name,
		    uint64_t off, size_t len, struct buf *out)
{
	struct serve_want w = { .n.kind = k, .off = off,
		.more = (uint32_t)len };

	snprintf(w.n.name, sizeof(w.n.name), "%s", name);
	return get_range(ctx, &w, out, NULL);
}

/* Bytes of packs go through what is read ahead. */
static int get_packed(struct serve *s, struct serve_want *w, struct buf *out,
		      struct err *e)
{
	struct sftp_ahead_plan plan = { NULL, 0 };
	struct buf more = BUF_INIT;
	size_t len = (size_t)w->len;
	int rc;

	/* Only bytes that were once read are found, so len is no nonsense. */
	if ((rc = buf_reserve(out, len, e)) < 0)
		return rc;
	if (sftp_ahead_begin(s->ahead, w->n.kind, w->n.name, w->off, len, out,
	    &plan))
		return 0;
	w->more = (uint32_t)(plan.len - len);
	rc = get_range(s, w, &more, e);
	if (rc == 0)
		rc = buf_append(out, more.p, len, e);
	sftp_ahead_end(s->ahead, &plan, rc == 0 ? &more : NULL);
	buf_release(&more);
	return rc;
}

int serve_get(struct store *store, enum store_kind k, const char *name,
	      uint64_t off, size_t len, struct buf *out, struct err *e)
{
	struct serve *s = (struct serve *)(void *)store;
	struct serve_want w = { .n.kind = k, .off = off, .len = len };

	snprintf(w.n.name, sizeof(w.n.name), "%s", name);
	if ((k == STORE_DATA || k == STORE_META) && len > 0 &&
	    len <= GET_CACHED)
		return get_packed(s, &w, out, e);
	return get_range(s, &w, out, e);
}

/* Those that will be asked for next come along. */
static void get_add_extra(struct serve *s, struct get *g)
{
	char (*next)[STORE_NAME_MAX + 1] = mem_array(GET_EXTRA, sizeof(*next));
	struct serve_want *w = &g->want[0];
	size_t i, n;

	if (!next)
		return;
	n = serve_batch_next(s->batch, SERVE_BATCH_LISTED, w->n.kind,
		w->n.name, next, GET_EXTRA);
	for (i = 0; i < n; i++) {
		g->want[g->n] = *w;
		g->want[g->n].len = w->len < GET_EXTRA_BYTES ? w->len :
			GET_EXTRA_BYTES;
		memcpy(g->want[g->n++].n.name, next[i], sizeof(*next));
	}
	free(next);
}

int serve_get_all(struct store *store, enum store_kind k, const char *name,
		  size_t max, struct buf *out, struct err *e)
{
	struct serve *s = (struct serve *)(void *)store;
	struct buf kept = BUF_INIT;
	struct get *g;
	size_t i;
	int rc;

	if (serve_batch_take(s->batch, k, name, &kept) && kept.len <= max) {
		rc = buf_append(out, kept.p, kept.len, e);
		buf_release(&kept);
		return rc;
	}
	buf_release(&kept);
	g = get_new(k, name);
	if (!g)
		return err_nomem(e);
	g->want[0].whole = true;
	g->want[0].len = max;
	get_add_extra(s, g);
	rc = serve_do(s, get_op, g, e);
	if (rc == 0)
		rc = buf_append(out, g->got[0].p, g->got[0].len, e);
	for (i = 1; rc == 0 && i < g->n; i++)
		if (!g->failed[i])
			serve_batch_keep(s->batch, k, g->want[i].n.name,
				&g->got[i]);
	get_free(g);
	return rc;
}

struct looking {
	struct serve_look *look;
	size_t n;
	bool done;
};

static int look_answer(struct serve_req *r, const struct serve_frame *f,
		       const uint8_t *p, struct err *e)
{
	struct looking *l = r->ctx;
	struct rd rd;
	size_t i;

	if (f->type != SERVE_SIZES || l->done)
		return serve_conn_nonsense(e, "an answer of the wrong type");
	rd_init(&rd, p, f->len);
	for (i = 0; i < l->n; i++) {
		uint8_t there = rd_u8(&rd);

		l->look[i].code = there == 1 ? ERR_OK : there == 0 ?
			ERR_NOENT : ERR_IO;
		l->look[i].size = rd_le64(&rd);
	}
	if (!rd_done(&rd))
		return serve_conn_nonsense(e, "sizes of the wrong number");
	l->done = true;
	return 0;
}

static int look_some(struct serve_conn *c, struct serve_look *look, size_t n,
		     struct err *e)
{
	struct looking l = { .look = look, .n = n };
	struct serve_req r = { .answer = look_answer, .ctx = &l };
	struct wr w;
	size_t i;
	int rc;

	serve_begin(&w, &r.head, SERVE_STAT);
	wr_le16(&w, (uint16_t)n);
	for (i = 0; i < n; i++)
		serve_put_name(&w, look[i].n.kind, look[i].n.name);
	rc = serve_end(&w, 0, e);
	if (rc == 0)
		rc = serve_ask(c, &r, e);
	buf_release(&r.head);
	if (rc == 0 && !l.done)
		rc = serve_conn_nonsense(e, "sizes are missing");
	return rc;
}

int serve_looks(struct serve_conn *c, struct serve_look *look, size_t n,
		struct err *e)
{
	size_t at, some;
	int rc = 0;

	for (at = 0; rc == 0 && at < n; at += some) {
		some = n - at < SERVE_STATS_MAX ? n - at : SERVE_STATS_MAX;
		rc = look_some(c, look + at, some, e);
	}
	return rc;
}

struct stat_many {
	struct serve_look look[LOOK_EXTRA + 1];
	size_t n;
};

static int stat_op(struct serve *s, struct serve_conn *c, void *arg,
		   struct err *e)
{
	struct stat_many *m = arg;

	(void)s;
	return serve_looks(c, m->look, m->n, e);
}

static int stat_many(struct serve *s, struct stat_many *m, enum store_kind k,
		     const char *name, struct err *e)
{
	char (*next)[STORE_NAME_MAX + 1] = mem_array(LOOK_EXTRA,
		sizeof(*next));
	size_t i;
	int rc;

	if (!next)
		return err_nomem(e);
	m->n = 1 + serve_batch_next(s->batch, SERVE_BATCH_PUT, k, name, next,
		LOOK_EXTRA);
	for (i = 0; i < m->n; i++) {
		m->look[i].n.kind = k;
		snprintf(m->look[i].n.name, sizeof(m->look[i].n.name), "%s",
			i == 0 ? name : next[i - 1]);
	}
	free(next);
	rc = serve_do(s, stat_op, m, e);
	for (i = 1; rc == 0 && i < m->n; i++)
		if (m->look[i].code == ERR_OK)
			serve_batch_keep_size(s->batch, k, m->look[i].n.name,
				m->look[i].size);
	return rc;
}

int serve_stat(struct store *store, enum store_kind k, const char *name,
	       uint64_t *size, struct err *e)
{
	struct serve *s = (struct serve *)(void *)store;
	struct stat_many *m;
	int rc;

	if (serve_batch_take_size(s->batch, k, name, size))
		return 0;
	m = mem_zero(1, sizeof(*m));
	if (!m)
		return err_nomem(e);
	rc = stat_many(s, m, k, name, e);
	if (rc == 0 && m->look[0].code == ERR_NOENT)
		rc = err_set(e, ERR_NOENT, "there is no '%s/%s'",
			store_kind_name(k), name);
	else if (rc == 0 && m->look[0].code != ERR_OK)
		rc = err_set(e, ERR_IO, "the server cannot look at '%s/%s'",
			store_kind_name(k), name);
	if (rc == 0)
		*size = m->look[0].size;
	free(m);
	return rc;
}

struct listing {
	enum store_kind kind;
	struct buf names;
};

static int list_answer(struct serve_req *r, const struct serve_frame *f,
		       const uint8_t *p, struct err *e)
{
	struct listing *l = r->ctx;
	char name[STORE_NAME_MAX + 1];
	uint64_t size;
	struct rd rd;

	rd_init(&rd, p, f->len);
	while (serve_get_entry(l->kind, name, &size, &rd))
		;
	if (f->type != SERVE_NAMES || !rd_done(&rd))
		return serve_conn_nonsense(e, "a listing is damaged");
	if (f->len > LIST_MAX - l->names.len)
		return serve_conn_nonsense(e, "a listing without an end");
	return buf_append(&l->names, p, f->len, e);
}

static int list_op(struct serve *s, struct serve_conn *c, void *arg,
		   struct err *e)
{
	struct listing *l = arg;
	struct serve_req r = { .answer = list_answer, .ctx = l };
	struct wr w;
	int rc;

	(void)s;
	buf_clear(&l->names);
	serve_begin(&w, &r.head, SERVE_LIST);
	wr_u8(&w, (uint8_t)l->kind);
	rc = serve_end(&w, 0, e);
	if (rc == 0)
		rc = serve_ask(c, &r, e);
	buf_release(&r.head);
	return rc;
}

int serve_list(struct store *store, enum store_kind k, store_list_fn *fn,
	       void *ctx, struct err *e)
{
	struct serve *s = (struct serve *)(void *)store;
	struct listing l = { .kind = k };
	char name[STORE_NAME_MAX + 1];
	uint64_t size;
	struct rd rd;
	int rc;

	rc = serve_do(s, list_op, &l, e);
	if (rc < 0) {
		buf_release(&l.names);
		return err_ctx(e, "repository '%s'", store->url);
	}
	serve_batch_list(s->batch, k);
	rd_init(&rd, l.names.p, l.names.len);
	while (serve_get_entry(k, name, &size, &rd))
		serve_batch_listed(s->batch, k, name, size);
	rd_init(&rd, l.names.p, l.names.len);
	while (rc == 0 && serve_get_entry(k, name, &size, &rd))
		rc = fn(name, size, ctx);
	buf_release(&l.names);
	return rc;
}

struct room {
	uint64_t free_bytes, total_bytes;
	bool done;
};

static int space_answer(struct serve_req *r, const struct serve_frame *f,
			const uint8_t *p, struct err *e)
{
	struct room *room = r->ctx;
	struct rd rd;

	rd_init(&rd, p, f->len);
	room->free_bytes = rd_le64(&rd);
	room->total_bytes = rd_le64(&rd);
	room->done = f->type == SERVE_ROOM && rd_done(&rd) &&
		room->free_bytes <= room->total_bytes;
	return room->done ? 0 : serve_conn_nonsense(e, "space that cannot be");
}

static int space_op(struct serve *s, struct serve_conn *c, void *arg,
		    struct err *e)
{
	struct serve_req r = { .answer = space_answer, .ctx = arg };
	struct room *room = arg;
	struct wr w;
	int rc;

	(void)s;
	serve_begin(&w, &r.head, SERVE_SPACE);
	rc = serve_end(&w, 0, e);
	if (rc == 0)
		rc = serve_ask(c, &r, e);
	buf_release(&r.head);
	if (rc == 0 && !room->done)
		rc = serve_conn_nonsense(e, "no answer about space");
	return rc;
}

int serve_space(struct store *store, uint64_t *free_bytes,
		uint64_t *total_bytes, struct err *e)
{
	struct room room = { .done = false };
	int rc = serve_do((struct serve *)(void *)store, space_op, &room, e);

	*free_bytes = room.free_bytes;
	*total_bytes = room.total_bytes;
	return rc;
}

struct scrub {
	store_scrub_fn *fn;
	void *ctx;
	int rc;				/* fn's */
};

static int scrub_answer(struct serve_req *r, const struct serve_frame *f,
			const uint8_t *p, struct err *e)
{
	struct scrub *s = r->ctx;
	struct serve_found found;
	struct store_scrubbed out;

	if (f->type != SERVE_FOUND || !serve_get_found(&found, p, f->len))
		return serve_conn_nonsense(e, "a finding is damaged");
	out = (struct store_scrubbed){ .files = found.files,
		.bytes = found.bytes };
	if (found.bad) {
		out.kind = found.n.kind;
		out.name = found.n.name;
		out.why = found.text;
	}
	if (s->rc == 0)
		s->rc = s->fn(&out, s->ctx);
	return 0;
}

static int scrub_op(struct serve *s, struct serve_conn *c, void *arg,
		    struct err *e)
{
	struct serve_req r = { .answer = scrub_answer, .ctx = arg };
	struct wr w;
	int rc;

	(void)s;
	serve_begin(&w, &r.head, SERVE_SCRUB);
	rc = serve_end(&w, 0, e);
	if (rc == 0)
		rc = serve_ask(c, &r, e);
	buf_release(&r.head);
	return rc;
}

int serve_scrub(struct store *store, store_scrub_fn *fn, void *ctx,
		struct err *e)
{
	struct scrub s = { .fn = fn, .ctx = ctx };
	int rc = serve_do((struct serve *)(void *)store, scrub_op, &s, e);

	return rc < 0 ? err_ctx(e, "repository '%s'", store->url) : s.rc;
}
