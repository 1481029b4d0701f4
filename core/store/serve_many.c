/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many things at once.  While the caller has the files of one request, those
 * of the next are on their way; what is in memory has a limit, however slow
 * the caller is and whatever the server sends.
 */
#include "store/serve_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
	MANY_FILES = SERVE_GETS_MAX,	/* of one request */
	MANY_READ = 32 << 10,		/* what is larger is read by itself */
	LOOKS_AHEAD = 4			/* requests under way */
};
#define LIST_MAX ((size_t)1 << 30)	/* bytes of a listing */

static int many_noent(enum store_kind k, const char *name, struct err *e)
{
	return err_set(e, ERR_NOENT, "there is no '%s/%s'",
		store_kind_name(k), name);
}

struct many {
	enum store_kind k;
	char *const *name;
	size_t n, max;
	size_t done;			/* names that fn has had */
	store_got_fn *fn;
	void *ctx;
};

/* One request.  A file that did not come as a whole is asked for again, by
 * itself, unless it is not there. */
struct many_part {
	struct serve_req r;
	size_t n, max;
	struct buf got[MANY_FILES];
	bool whole[MANY_FILES];
	enum err_code code[MANY_FILES];	/* not whole: why; ERR_OK: not told */
};

static int many_answer(struct serve_req *r, const struct serve_frame *f,
		       const uint8_t *p, struct err *e)
{
	struct many_part *m = r->ctx;
	char text[SERVE_TEXT_MAX + 1];
	struct buf *b;

	if (f->item >= m->n || m->whole[f->item] || m->code[f->item] != ERR_OK)
		return serve_conn_nonsense(e, "a file that was not asked for");
	b = &m->got[f->item];
	if (f->type == SERVE_FAIL) {
		buf_release(b);
		if (serve_get_code(&m->code[f->item], text, p, f->len) &&
		    m->code[f->item] != ERR_OK)
			return 0;
		return serve_conn_nonsense(e, "a failure is damaged");
	}
	if (f->type != SERVE_BYTES || f->len > m->max - b->len)
		return serve_conn_nonsense(e, "bytes of the wrong number");
	m->whole[f->item] = (f->flags & SERVE_LAST) != 0;
	return buf_append(b, p, f->len, e);
}

/* Ask for those from 'at' on; none are left: nothing. */
static int many_ask(struct serve_conn *c, const struct many *m, size_t at,
		    struct many_part *p, struct err *e)
{
	struct serve_want want = { .n.kind = m->k, .whole = true };
	struct wr w;
	size_t i;
	int rc;

	p->n = m->n - at < MANY_FILES ? m->n - at : MANY_FILES;
	if (p->n == 0)
		return 0;
	p->max = m->max < MANY_READ ? m->max : MANY_READ;
	p->r.answer = many_answer;
	p->r.ctx = p;
	want.len = p->max;
	serve_begin(&w, &p->r.head, SERVE_GET);
	wr_le16(&w, (uint16_t)p->n);
	for (i = 0; i < p->n; i++) {
		snprintf(want.n.name, sizeof(want.n.name), "%s",
			m->name[at + i]);
		serve_put_want(&w, &want);
	}
	rc = serve_end(&w, 0, e);
	if (rc == 0)
		serve_conn_send(c, &p->r);
	return rc;
}

static int many_wait(struct serve_conn *c, struct many_part *p, struct err *e)
{
	size_t i;
	int rc = serve_conn_wait(c, &p->r);

	if (rc == 0 && p->r.code != ERR_OK)
		return err_set(e, p->r.code, "%s", p->r.text);
	for (i = 0; rc == 0 && i < p->n; i++)
		if (!p->whole[i] && p->code[i] == ERR_OK)
			rc = serve_conn_nonsense(e, "a file is missing in an "
				"answer");
	return rc;
}

static int many_give(struct serve *s, struct many *m, struct many_part *p)
{
	struct buf *b;
	struct err why;
	size_t i;
	int rc, end = 0;

	for (i = 0; end == 0 && i < p->n; i++) {
		b = &p->got[i];
		err_clear(&why);
		if (p->code[i] == ERR_NOENT)
			rc = many_noent(m->k, m->name[m->done], &why);
		else
			rc = p->whole[i] ? 0 : serve_get_all(&s->store, m->k,
				m->name[m->done], m->max, b, &why);
		if (rc < 0)
			err_ctx(&why, "repository '%s'", s->store.url);
		end = m->fn(m->done++, rc, b, &why, m->ctx);
		buf_release(b);
	}
	return end;
}

/* Nothing of it is on its way afterwards. */
static void many_clear(struct serve_conn *c, struct many_part *p)
{
	size_t i;

	if (p->r.line.state != LINE_IDLE)
		serve_conn_wait(c, &p->r);
	buf_release(&p->r.head);
	for (i = 0; i < p->n; i++)
		buf_release(&p->got[i]);
	memset(p, 0, sizeof(*p));
}

static int many_op(struct serve *s, struct serve_conn *c, void *arg,
		   struct err *e)
{
	struct many *m = arg;
	struct many_part *p = mem_zero(2, sizeof(*p));
	unsigned at = 0;
	int rc = p ? many_ask(c, m, m->done, &p[0], e) : err_nomem(e);

	while (rc == 0 && p[at].n > 0) {
		rc = many_ask(c, m, m->done + p[at].n, &p[!at], e);
		if (rc == 0)
			rc = many_wait(c, &p[at], e);
		if (rc == 0)
			rc = many_give(s, m, &p[at]);
		many_clear(c, &p[at]);
		at = !at;
	}
	if (p) {
		many_clear(c, &p[0]);
		many_clear(c, &p[1]);
	}
	free(p);
	return rc;
}

int serve_get_many(struct store *store, enum store_kind k, char *const *name,
		   size_t n, size_t max, store_got_fn *fn, void *ctx,
		   struct err *e)
{
	struct many m = { .k = k, .name = name, .n = n, .max = max, .fn = fn,
		.ctx = ctx };

	return n ? serve_do((struct serve *)(void *)store, many_op, &m, e) : 0;
}

struct looking {
	struct serve_req r;
	struct store_look *look;
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

		l->look[i].rc = there == 1 ? 0 : there == 0 ? ERR_NOENT :
			ERR_IO;
		l->look[i].size = rd_le64(&rd);
	}
	if (!rd_done(&rd))
		return serve_conn_nonsense(e, "sizes of the wrong number");
	l->done = true;
	return 0;
}

static int look_ask(struct serve_conn *c, struct looking *l, struct err *e)
{
	struct wr w;
	size_t i;
	int rc;

	l->r.answer = look_answer;
	l->r.ctx = l;
	serve_begin(&w, &l->r.head, SERVE_STAT);
	wr_le16(&w, (uint16_t)l->n);
	for (i = 0; i < l->n; i++)
		serve_put_name(&w, l->look[i].kind, l->look[i].name);
	rc = serve_end(&w, 0, e);
	if (rc == 0)
		serve_conn_send(c, &l->r);
	return rc;
}

static int look_wait(struct serve_conn *c, struct looking *l, struct err *e)
{
	int rc = 0;

	if (l->r.line.state != LINE_IDLE)
		rc = serve_conn_wait(c, &l->r);
	if (rc == 0 && l->r.code != ERR_OK)
		rc = err_set(e, l->r.code, "%s", l->r.text);
	else if (rc == 0 && l->r.line.state != LINE_IDLE && !l->done)
		rc = serve_conn_nonsense(e, "sizes are missing");
	buf_release(&l->r.head);
	memset(l, 0, sizeof(*l));
	return rc;
}

int serve_looks(struct serve_conn *c, struct store_look *look, size_t n,
		struct err *e)
{
	struct looking *l = mem_zero(LOOKS_AHEAD, sizeof(*l)), *next;
	size_t at, turn = 0;
	int rc = l ? 0 : err_nomem(e);

	for (at = 0; rc == 0 && at < n; at += next->n) {
		next = &l[turn++ % LOOKS_AHEAD];
		if ((rc = look_wait(c, next, e)) < 0)
			break;
		next->look = look + at;
		next->n = n - at < SERVE_STATS_MAX ? n - at : SERVE_STATS_MAX;
		rc = look_ask(c, next, e);
	}
	for (at = 0; l && at < LOOKS_AHEAD; at++) {
		int late = look_wait(c, &l[turn++ % LOOKS_AHEAD],
			rc == 0 ? e : NULL);

		rc = rc == 0 ? late : rc;
	}
	free(l);
	return rc;
}

struct looks {
	struct store_look *look;
	size_t n;
};

static int looks_op(struct serve *s, struct serve_conn *c, void *arg,
		    struct err *e)
{
	struct looks *m = arg;

	(void)s;
	return serve_looks(c, m->look, m->n, e);
}

int serve_stat_many(struct store *store, struct store_look *look, size_t n,
		    struct err *e)
{
	struct looks m = { look, n };
	size_t i;
	int rc;

	rc = n ? serve_do((struct serve *)(void *)store, looks_op, &m, e) : 0;
	for (i = 0; rc == 0 && i < n; i++)
		if (look[i].rc < 0 && look[i].rc != ERR_NOENT)
			rc = err_set(e, ERR_IO, "the server cannot look at "
				"'%s/%s'", store_kind_name(look[i].kind),
				look[i].name);
	return rc;
}

int serve_stat(struct store *store, enum store_kind k, const char *name,
	       uint64_t *size, struct err *e)
{
	struct store_look look = { .kind = k, .name = name };
	int rc = serve_stat_many(store, &look, 1, e);

	if (rc == 0 && look.rc < 0)
		rc = many_noent(k, name, e);
	if (rc == 0)
		*size = look.size;
	return rc;
}

struct listing {
	struct serve_req r;
	enum store_kind kind;
	struct buf names;
	bool whole;
};
struct listings {
	struct listing l[STORE_KINDS];
	size_t n;
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

static int list_ask(struct serve_conn *c, struct listing *l, struct err *e)
{
	struct wr w;
	int rc;

	memset(&l->r, 0, sizeof(l->r));
	l->r.answer = list_answer;
	l->r.ctx = l;
	buf_clear(&l->names);
	serve_begin(&w, &l->r.head, SERVE_LIST);
	wr_u8(&w, (uint8_t)l->kind);
	rc = serve_end(&w, 0, e);
	if (rc == 0)
		serve_conn_send(c, &l->r);
	return rc;
}

static int list_op(struct serve *s, struct serve_conn *c, void *arg,
		   struct err *e)
{
	struct listings *g = arg;
	size_t i, sent;
	int rc = 0, one;

	(void)s;
	for (sent = 0; rc == 0 && sent < g->n; sent++)
		if (!g->l[sent].whole)
			rc = list_ask(c, &g->l[sent], e);
	for (i = 0; i < sent; i++) {
		struct listing *l = &g->l[i];

		if (l->r.line.state != LINE_IDLE) {
			one = serve_conn_wait(c, &l->r);
			if (one == 0 && l->r.code != ERR_OK)
				one = err_set(rc == 0 ? e : NULL, l->r.code,
					"%s", l->r.text);
			l->whole = one == 0;
			rc = rc == 0 ? one : rc;
		}
		buf_release(&l->r.head);
		l->r.line.state = LINE_IDLE;
	}
	return rc;
}

int serve_list_many(struct store *store, const enum store_kind *k, size_t n,
		    store_list_many_fn *fn, void *ctx, struct err *e)
{
	struct listings *g = mem_zero(1, sizeof(*g));
	char name[STORE_NAME_MAX + 1];
	uint64_t size;
	struct rd rd;
	size_t i;
	int rc;

	BUG_ON(n > STORE_KINDS);
	if (!g)
		return err_nomem(e);
	for (g->n = 0; g->n < n; g->n++)
		g->l[g->n].kind = k[g->n];
	rc = serve_do((struct serve *)(void *)store, list_op, g, e);
	if (rc < 0)
		err_ctx(e, "repository '%s'", store->url);
	for (i = 0; i < n; i++) {
		rd_init(&rd, g->l[i].names.p, g->l[i].names.len);
		while (rc == 0 &&
		       serve_get_entry(k[i], name, &size, &rd))
			rc = fn(k[i], name, size, ctx);
		buf_release(&g->l[i].names);
	}
	free(g);
	return rc;
}
