/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/served_priv.h"

#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "store/local_trash.h"
#include "store/ops.h"

enum { NAMES_FRAME = 128 << 10 };
#define SCRUB_TELL_NSEC ((int64_t)500000000)

static int get_malformed(struct err *e)
{
	return err_set(e, ERR_CONFIG, "a request that is damaged");
}

static void get_fail(struct served *s, uint32_t id, uint16_t item,
		     const struct err *why)
{
	struct buf b = BUF_INIT;
	struct wr w;

	serve_begin(&w, &b, SERVE_FAIL);
	serve_put_code(&w, why->code, why->msg);
	if (serve_end(&w, 0, NULL) == 0) {
		b.p[6] = (uint8_t)item;
		b.p[7] = (uint8_t)(item >> 8);
		served_send_buf(s, id, &b);
	}
	buf_release(&b);
}

/* How many bytes of it are to be sent. */
static int get_bytes(struct served *s, const struct serve_want *x,
		     uint64_t *n, struct err *e)
{
	uint64_t size, left;
	int rc = s->store->ops->stat(s->store, x->n.kind, x->n.name, &size,
		e);

	if (rc < 0)
		return rc;
	if (x->whole && size > x->len)
		return err_set(e, ERR_CORRUPT, "'%s/%s' has more bytes than "
			"it may have", store_kind_name(x->n.kind), x->n.name);
	if (!x->whole && (x->off > size || x->len > size - x->off))
		return err_set(e, ERR_CORRUPT, "'%s/%s' is shorter than it "
			"should be", store_kind_name(x->n.kind), x->n.name);
	*n = size;
	if (!x->whole) {
		left = size - x->off - x->len;
		*n = x->len + (x->more < left ? x->more : left);
	}
	return 0;
}

static void get_one(struct served *s, uint32_t id, uint16_t item,
		    const struct serve_want *x)
{
	struct serve_frame f = { .type = SERVE_BYTES, .id = id, .item = item };
	struct buf b = BUF_INIT;
	uint64_t n = 0, at = 0;
	struct err e;
	int rc;

	err_clear(&e);
	rc = get_bytes(s, x, &n, &e);
	while (rc == 0 && !served_broken(s)) {
		f.len = n - at < SERVE_PIECE ? (uint32_t)(n - at) :
			SERVE_PIECE;
		f.flags = at + f.len == n ? SERVE_LAST : 0;
		buf_clear(&b);
		rc = s->store->ops->get(s->store, x->n.kind, x->n.name,
			x->off + at, f.len, &b, &e);
		if (rc < 0)
			break;
		served_send(s, &f, b.p);
		at += f.len;
		if (f.flags & SERVE_LAST)
			break;
	}
	if (rc < 0)
		get_fail(s, id, item, &e);
	buf_release(&b);
}

static int get_many(struct served *s, const struct served_req *r,
		    struct err *e)
{
	struct serve_want x;
	struct rd rd;
	uint16_t n, i;

	/* All of it is judged before any of it is done. */
	rd_init(&rd, r->body.p, r->body.len);
	n = rd_le16(&rd);
	for (i = 0; i < n; i++)
		serve_get_want(&x, &rd);
	if (!rd_done(&rd) || n == 0 || n > SERVE_GETS_MAX)
		return get_malformed(e);
	rd_init(&rd, r->body.p, r->body.len);
	rd_le16(&rd);
	for (i = 0; i < n && serve_get_want(&x, &rd); i++)
		get_one(s, r->id, i, &x);
	return 0;
}

static int stat_many(struct served *s, const struct served_req *r,
		     struct err *e)
{
	struct buf b = BUF_INIT;
	struct serve_name x;
	struct rd rd;
	struct wr w;
	uint64_t size;
	uint16_t n, i;
	int rc;

	rd_init(&rd, r->body.p, r->body.len);
	n = rd_le16(&rd);
	serve_begin(&w, &b, SERVE_SIZES);
	for (i = 0; i < n && n <= SERVE_STATS_MAX && serve_get_name(&x, &rd);
	     i++) {
		size = 0;
		rc = s->store->ops->stat(s->store, x.kind, x.name, &size,
			NULL);
		wr_u8(&w, rc == 0 ? 1 : rc == ERR_NOENT ? 0 : 2);
		wr_le64(&w, size);
	}
	rc = serve_end(&w, 0, e);
	if (!rd_done(&rd) || n == 0 || n > SERVE_STATS_MAX)
		rc = get_malformed(e);
	if (rc == 0)
		served_send_buf(s, r->id, &b);
	buf_release(&b);
	return rc;
}

struct naming {
	struct served *s;
	uint32_t id;
	struct buf b;
	struct wr w;
	struct err *e;
};

static int names_send(struct naming *g)
{
	int rc = serve_end(&g->w, 0, g->e);

	if (rc == 0)
		served_send_buf(g->s, g->id, &g->b);
	buf_clear(&g->b);
	serve_begin(&g->w, &g->b, SERVE_NAMES);
	return rc;
}

static int names_add(const char *name, uint64_t size, void *ctx)
{
	struct naming *g = ctx;

	serve_put_entry(&g->w, name, size);
	return g->b.len >= NAMES_FRAME ? names_send(g) : 0;
}

static int list(struct served *s, const struct served_req *r, struct err *e)
{
	struct naming g = { .s = s, .id = r->id, .e = e };
	uint8_t kind;
	struct rd rd;
	int rc;

	rd_init(&rd, r->body.p, r->body.len);
	kind = rd_u8(&rd);
	if (!rd_done(&rd) || kind >= STORE_KINDS)
		return get_malformed(e);
	serve_begin(&g.w, &g.b, SERVE_NAMES);
	rc = s->store->ops->list(s->store, (enum store_kind)kind, names_add,
		&g, e);
	if (rc == 0)
		rc = names_send(&g);
	buf_release(&g.b);
	return rc;
}

/* What is worth keeping is kept for the time that the admin has set. */
static bool delete_is_trash(const struct served *s, enum store_kind k)
{
	return s->o->trash_days > 0 && k != STORE_SESSIONS &&
		k != STORE_PINS && k != STORE_RESERVE;
}

static int delete(struct served *s, const struct served_req *r, struct err *e)
{
	char day[LOCAL_TRASH_DAY_BYTES];
	struct serve_name n;
	struct rd rd;
	int rc;

	rd_init(&rd, r->body.p, r->body.len);
	serve_get_name(&n, &rd);
	if (!rd_done(&rd))
		return get_malformed(e);
	if ((rc = served_rights_del(s, &n, e)) < 0) {
		served_journal_refused(s, e->msg);
		return rc;
	}
	served_journal_day(day, 0);
	rc = delete_is_trash(s, n.kind) ?
		local_trash(s->store, n.kind, n.name, day, e) :
		s->store->ops->del(s->store, n.kind, n.name, e);
	if (rc == 0) {
		served_rights_deleted(s, &n);
		served_journal_del(s, &n);
	}
	return rc;
}

static int barrier(struct served *s, const struct served_req *r,
		   struct err *e)
{
	struct rd rd;
	uint8_t all;

	rd_init(&rd, r->body.p, r->body.len);
	all = rd_u8(&rd);
	if (!rd_done(&rd) || all > 1)
		return get_malformed(e);
	if (all)
		local_trash_touch_all(s->store);
	return s->store->ops->sync(s->store, e);
}

static int space(struct served *s, const struct served_req *r, struct err *e)
{
	uint64_t free_bytes = 0, total_bytes = 0;
	struct buf b = BUF_INIT;
	struct wr w;
	int rc;

	if (r->body.len > 0)
		return get_malformed(e);
	rc = s->store->ops->space(s->store, &free_bytes, &total_bytes, e);
	serve_begin(&w, &b, SERVE_ROOM);
	wr_le64(&w, free_bytes);
	wr_le64(&w, total_bytes);
	if (rc == 0 && (rc = serve_end(&w, 0, e)) == 0)
		served_send_buf(s, r->id, &b);
	buf_release(&b);
	return rc;
}

struct scrubbing {
	struct served *s;
	uint32_t id;
	struct serve_found f;
	struct strv names;
	int64_t told_nsec;
	struct err *e;
};

static void scrub_tell(struct scrubbing *g)
{
	struct buf b = BUF_INIT;

	if (serve_put_found(&b, &g->f, NULL) == 0)
		served_send_buf(g->s, g->id, &b);
	buf_release(&b);
	g->told_nsec = clock_mono_nsec();
}

static int scrub_name(const char *name, uint64_t size, void *ctx)
{
	struct scrubbing *g = ctx;

	(void)size;
	return strv_add(&g->names, name, g->e);
}

/* Only trouble that is not the file's is returned. */
static int scrub_one(struct scrubbing *g, const char *name, struct buf *b)
{
	struct store *st = g->s->store;
	struct err why;
	uint64_t size;
	int rc;

	err_clear(&why);
	buf_clear(b);
	rc = st->ops->stat(st, g->f.n.kind, name, &size, &why);
	if (rc == 0 && size > SERVE_FILE_MAX)
		rc = err_set(&why, ERR_CORRUPT, "it is too large");
	if (rc == 0)
		rc = st->ops->get(st, g->f.n.kind, name, 0, (size_t)size, b,
			&why);
	if (rc == ERR_NOENT)		/* deleted meanwhile */
		return 0;
	if (rc == ERR_NOMEM)
		return err_set(g->e, rc, "%s", why.msg);
	if (rc == 0) {
		g->f.files++;
		g->f.bytes += size;
		rc = g->s->o->verify(g->f.n.kind, name, b->p, b->len, &why);
	}
	g->f.bad = rc < 0;
	if (g->f.bad) {
		memcpy(g->f.n.name, name, strlen(name) + 1);
		memcpy(g->f.text, why.msg, SERVE_TEXT_MAX);
		g->f.text[SERVE_TEXT_MAX] = '\0';
	}
	if (g->f.bad || clock_mono_nsec() - g->told_nsec > SCRUB_TELL_NSEC)
		scrub_tell(g);
	g->f.bad = false;
	return served_broken(g->s) ? err_set(g->e, ERR_IO, "nobody listens") :
		0;
}

static int scrub_kind(struct scrubbing *g, enum store_kind k)
{
	struct buf b = BUF_INIT;
	size_t i;
	int rc;

	g->f.n.kind = k;
	strv_release(&g->names);
	rc = g->s->store->ops->list(g->s->store, k, scrub_name, g, g->e);
	for (i = 0; rc == 0 && i < g->names.n; i++)
		rc = scrub_one(g, g->names.v[i], &b);
	buf_release(&b);
	return rc;
}

static int scrub(struct served *s, const struct served_req *r, struct err *e)
{
	struct scrubbing g = { .s = s, .id = r->id, .e = e };
	int rc;

	if (r->body.len > 0)
		return get_malformed(e);
	if ((rc = scrub_kind(&g, STORE_META)) == 0 &&
	    (rc = scrub_kind(&g, STORE_DATA)) == 0)
		rc = scrub_kind(&g, STORE_INDEX);
	if (rc == 0)
		scrub_tell(&g);
	strv_release(&g.names);
	return rc;
}

static int ping(struct served *s, const struct served_req *r, struct err *e)
{
	(void)s;
	return r->body.len > 0 ? get_malformed(e) : 0;
}

void served_get_do(struct served *s, struct served_req *r)
{
	static int (*const go[SERVE_ASKS])(struct served *,
		const struct served_req *, struct err *) = {
		[SERVE_GET] = get_many,
		[SERVE_STAT] = stat_many,
		[SERVE_LIST] = list,
		[SERVE_DELETE] = delete,
		[SERVE_SYNC] = barrier,
		[SERVE_SPACE] = space,
		[SERVE_SCRUB] = scrub,
		[SERVE_PING] = ping,
		[SERVE_UNMAKE] = served_unmake
	};
	struct err e;
	int rc;

	err_clear(&e);
	rc = r->type < SERVE_ASKS && go[r->type] ? go[r->type](s, r, &e) :
		err_set(&e, ERR_CONFIG, "a request that this server does not "
			"know");
	served_end(s, r->id, rc, &e);
}
