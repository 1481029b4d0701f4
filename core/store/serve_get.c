/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/serve_priv.h"

#include <stdio.h>

enum { GET_CACHED = 16 << 20 };		/* looked for among what was read */

/* One file. */
struct get {
	struct serve_want want;
	uint64_t most;			/* that the server may send now */
	struct buf *got;		/* the caller's */
	size_t begin;			/* what it had before */
	bool done;
	enum err_code code;
	char text[SERVE_TEXT_MAX + 1];
};

static uint64_t get_most(const struct serve_want *w)
{
	return w->len > UINT64_MAX - w->more ? w->len : w->len + w->more;
}

static int get_answer(struct serve_req *r, const struct serve_frame *f,
		      const uint8_t *p, struct err *e)
{
	struct get *g = r->ctx;

	if (f->item > 0 || g->done)
		return serve_conn_nonsense(e, "a file that was not asked for");
	if (f->type == SERVE_FAIL) {
		g->done = true;
		if (serve_get_code(&g->code, g->text, p, f->len) &&
		    g->code != ERR_OK)
			return 0;
		return serve_conn_nonsense(e, "a failure is damaged");
	}
	if (f->type != SERVE_BYTES ||
	    f->len > g->most)
		return serve_conn_nonsense(e, "bytes of the wrong number");
	g->most -= f->len;
	g->done = (f->flags & SERVE_LAST) != 0;
	return buf_append(g->got, p, f->len, e);
}

/* What is still wanted after a connection was lost: a pack never changes, so
 * that what has come of it counts. */
static void get_rest(struct get *g, struct serve_want *rest)
{
	uint64_t have = g->got->len - g->begin;

	*rest = g->want;
	if (rest->whole || (rest->n.kind != STORE_DATA &&
	    rest->n.kind != STORE_META)) {
		g->got->len = g->begin;
		return;
	}
	rest->off += have;
	if (have > rest->len)
		rest->more -= (uint32_t)(have - rest->len);
	rest->len -= have < rest->len ? have : rest->len;
}

static int get_op(struct serve *s, struct serve_conn *c, void *arg,
		  struct err *e)
{
	struct get *g = arg;
	struct serve_req r = { .answer = get_answer, .ctx = g };
	struct serve_want rest;
	struct wr w;
	int rc;

	(void)s;
	get_rest(g, &rest);
	g->most = get_most(&rest);
	if (g->most == 0 && g->got->len > g->begin)
		return 0;
	g->done = false;
	g->code = ERR_OK;
	serve_begin(&w, &r.head, SERVE_GET);
	wr_le16(&w, 1);
	serve_put_want(&w, &rest);
	rc = serve_end(&w, 0, e);
	if (rc == 0)
		rc = serve_ask(c, &r, e);
	buf_release(&r.head);
	if (rc < 0)
		return rc;
	if (!g->done)
		return serve_conn_nonsense(e, "a file is missing in an "
			"answer");
	if (g->code != ERR_OK)
		return err_set(e, g->code, "%s", g->text);
	if (!g->want.whole && g->got->len - g->begin < g->want.len)
		return serve_conn_nonsense(e, "fewer bytes than were asked "
			"for");
	return 0;
}

/* Appends what is wanted; after a failure 'out' is as before. */
static int get_want(struct serve *s, const struct serve_want *w,
		    struct buf *out, struct err *e)
{
	struct get g = { .want = *w, .got = out, .begin = out->len };
	int rc = serve_do(s, get_op, &g, e);

	if (rc < 0)
		out->len = g.begin;
	return rc;
}

int serve_get_ahead(void *ctx, enum store_kind k, const char *name,
		    uint64_t off, size_t len, struct buf *out)
{
	struct serve_want w = { .n.kind = k, .off = off,
		.more = (uint32_t)len };

	snprintf(w.n.name, sizeof(w.n.name), "%s", name);
	return get_want(ctx, &w, out, NULL);
}

/* Bytes of packs go through what is read ahead. */
static int get_packed(struct serve *s, struct serve_want *w, struct buf *out,
		      struct err *e)
{
	struct pack_ahead_plan plan = { NULL, 0 };
	struct buf more = BUF_INIT;
	size_t len = (size_t)w->len;
	int rc;

	/* Only bytes that were once read are found, so len is no nonsense. */
	if ((rc = buf_reserve(out, len, e)) < 0)
		return rc;
	if (pack_ahead_begin(s->ahead, w->n.kind, w->n.name, w->off, len, out,
	    &plan))
		return 0;
	w->more = (uint32_t)(plan.len - len);
	rc = get_want(s, w, &more, e);
	if (rc == 0)
		rc = buf_append(out, more.p, len, e);
	pack_ahead_end(s->ahead, &plan, rc == 0 ? &more : NULL);
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
	return get_want(s, &w, out, e);
}

int serve_get_all(struct store *store, enum store_kind k, const char *name,
		  size_t max, struct buf *out, struct err *e)
{
	struct serve *s = (struct serve *)(void *)store;
	struct serve_want w = { .n.kind = k, .whole = true, .len = max };

	snprintf(w.n.name, sizeof(w.n.name), "%s", name);
	return get_want(s, &w, out, e);
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
	s->rc = s->fn(&out, s->ctx);
	/* The server reads on as long as somebody listens. */
	return s->rc == 0 ? 0 : err_set(e, ERR_CANCEL, "the scrub was ended");
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
	struct err why = { ERR_OK, "" };
	int rc = serve_do((struct serve *)(void *)store, scrub_op, &s, &why);

	if (s.rc != 0)
		return s.rc;
	return rc < 0 ? err_set(e, why.code, "repository '%s': %s", store->url,
		why.msg) : 0;
}
