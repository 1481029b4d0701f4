/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of requests go before the pieces of files, so that a small question
 * never waits for a large file; files take turns, piece by piece.
 */
#include "store/serve_conn.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/line_proto.h"

enum {
	CONN_SLOTS = 512,		/* requests under way */
	CONN_OUT_BYTES = 512 << 10,
	CONN_IN_BYTES = 8 << 20
};
static_assert(CONN_OUT_BYTES > SERVE_PIECE + SERVE_FRAME_BYTES,
	"a piece fits");
static_assert(CONN_IN_BYTES > 2 * (SERVE_BODY_MAX + SERVE_FRAME_BYTES),
	"a frame fits behind what was used");

struct serve_conn {
	struct line line;		/* its thread's, as all below */
	struct serve_req *load;		/* those with bytes to send, by turn */
	uint16_t stop_id[CONN_SLOTS];	/* of files that were refused */
	unsigned n_stop;
};

int serve_conn_nonsense(struct err *e, const char *what)
{
	return err_set(e, ERR_CONFIG, "what answers does not keep to the "
		"protocol of 'muniment serve': %s", what);
}

struct serve_conn *serve_conn_of(struct line *l)
{
	return (struct serve_conn *)(void *)l;
}

static struct serve_req *conn_req(struct line_req *r)
{
	return (struct serve_req *)(void *)r;
}

static void load_add(struct serve_conn *c, struct serve_req *r)
{
	struct serve_req **p = &c->load;

	while (*p)
		p = &(*p)->turn;
	r->turn = NULL;
	*p = r;
}

static bool load_remove(struct serve_conn *c, struct serve_req *r)
{
	struct serve_req **p = &c->load;

	while (*p && *p != r)
		p = &(*p)->turn;
	if (!*p)
		return false;
	*p = r->turn;
	return true;
}

static void load_copy(const struct serve_req *r, uint8_t *out, size_t len)
{
	uint64_t skip = r->at;
	size_t n;
	int i;

	for (i = 0; i < r->iov_n && len > 0; i++) {
		if (skip >= r->iov[i].iov_len) {
			skip -= r->iov[i].iov_len;
			continue;
		}
		n = r->iov[i].iov_len - (size_t)skip;
		n = n < len ? n : len;
		memcpy(out, (const uint8_t *)r->iov[i].iov_base + skip, n);
		out += n;
		len -= n;
		skip = 0;
	}
	BUG_ON(len > 0);
}

/* The next piece of the file whose turn it is. */
static bool conn_load(struct serve_conn *c)
{
	struct serve_frame f = { .type = SERVE_DATA };
	struct serve_req *r = c->load;
	struct line *l = &c->line;
	size_t len;

	if (!r || line_room(l) < SERVE_FRAME_BYTES + SERVE_PIECE)
		return false;
	len = r->load - r->at < SERVE_PIECE ? (size_t)(r->load - r->at) :
		SERVE_PIECE;
	f.len = (uint32_t)len;
	f.id = r->line.id;
	serve_put_frame(l->out + l->out_len, &f);
	load_copy(r, l->out + l->out_len + SERVE_FRAME_BYTES, len);
	l->out_len += SERVE_FRAME_BYTES + len;
	r->at += len;
	c->load = r->turn;
	if (r->at < r->load)
		load_add(c, r);
	return true;
}

static bool conn_send_stop(struct serve_conn *c)
{
	struct serve_frame f = { .type = SERVE_STOP };
	struct line *l = &c->line;

	if (line_room(l) < SERVE_FRAME_BYTES)
		return false;
	f.id = c->stop_id[--c->n_stop];
	serve_put_frame(l->out + l->out_len, &f);
	l->out_len += SERVE_FRAME_BYTES;
	line_id_free(l, f.id);
	return true;
}

/* false: no, or not all of it. */
static bool conn_send_head(struct serve_conn *c)
{
	struct line *l = &c->line;
	struct serve_req *r = conn_req(line_next(l));

	if (!r)
		return false;
	r->head.p[8] = (uint8_t)r->line.id;
	r->head.p[9] = (uint8_t)(r->line.id >> 8);
	line_copy(l, r->head.p + l->cur_at, r->head.len - l->cur_at);
	if (l->cur_at < r->head.len)
		return false;
	l->cur = NULL;
	if (r->at < r->load && !r->ask)
		load_add(c, r);
	return true;
}

static void conn_fill(struct line *l)
{
	struct serve_conn *c = serve_conn_of(l);
	bool more = true;

	while (more && line_room(l) > 0) {
		if (!l->cur && c->n_stop > 0)
			more = conn_send_stop(c);
		else
			more = conn_send_head(c) || (!l->cur && conn_load(c));
	}
}

static bool conn_more(const struct line *l)
{
	const struct serve_conn *c = (const struct serve_conn *)
		(const void *)l;

	return c->load || c->n_stop > 0;
}

/* The rest of a file is not wanted: that is told in the order of its pieces,
 * and its number is free after that only. */
static enum line_id conn_stop(struct serve_conn *c, struct serve_req *r)
{
	if (r->load == 0 || (!load_remove(c, r) && !r->ask))
		return LINE_ID_FREE;
	c->stop_id[c->n_stop++] = (uint16_t)r->line.id;
	return LINE_ID_KEPT;
}

static int conn_status(struct serve_conn *c, struct serve_req *r,
		       const struct serve_frame *f, const uint8_t *p,
		       struct err *e)
{
	if (!serve_get_code(&r->code, r->text, p, f->len))
		return serve_conn_nonsense(e, "a status is damaged");
	if (r->load > 0 && r->code == ERR_OK &&
	    (r->at < r->load || r->ask))
		return serve_conn_nonsense(e, "a file was taken before it was "
			"sent");
	line_done(&c->line, &r->line, conn_stop(c, r));
	return 0;
}

static int conn_have(struct serve_conn *c, struct serve_req *r,
		     const struct serve_frame *f, const uint8_t *p,
		     struct err *e)
{
	struct rd rd;
	uint64_t at;

	rd_init(&rd, p, f->len);
	at = rd_le64(&rd);
	if (!rd_done(&rd) || !r->ask || at > r->load)
		return serve_conn_nonsense(e, "it says how much it has of "
			"nothing");
	r->ask = false;
	r->at = at;
	if (at < r->load)
		load_add(c, r);
	return 0;
}

static int conn_answer(struct serve_conn *c, const struct serve_frame *f,
		       const uint8_t *p, struct err *e)
{
	struct serve_req *r = conn_req(line_find(&c->line, f->id));

	if (!r)
		return serve_conn_nonsense(e, "an answer to no question");
	if (f->type == SERVE_STATUS)
		return conn_status(c, r, f, p, e);
	if (f->type == SERVE_HAVE)
		return conn_have(c, r, f, p, e);
	if (!r->answer)
		return serve_conn_nonsense(e, "more than was asked for");
	return r->answer(r, f, p, e);
}

static ssize_t conn_take(struct line *l, const uint8_t *p, size_t len,
			 struct err *e)
{
	struct serve_frame f;
	int rc;

	if (len < SERVE_FRAME_BYTES)
		return 0;
	if (!serve_get_frame(&f, p))
		return serve_conn_nonsense(e, "a frame that cannot be");
	if (len - SERVE_FRAME_BYTES < f.len)
		return 0;
	rc = conn_answer(serve_conn_of(l), &f, p + SERVE_FRAME_BYTES, e);
	return rc < 0 ? rc : (ssize_t)(SERVE_FRAME_BYTES + f.len);
}

static void conn_release(struct line_req *r)
{
	buf_release(&conn_req(r)->head);
}

static struct line_req *conn_ping(void)
{
	struct serve_req *r = mem_zero(1, sizeof(*r));
	struct wr w;

	if (!r)
		return NULL;
	serve_begin(&w, &r->head, SERVE_PING);
	if (serve_end(&w, 0, NULL) == 0)
		return &r->line;
	conn_release(&r->line);
	free(r);
	return NULL;
}

static const struct line_ops conn_ops = {
	.bytes = sizeof(struct serve_conn),
	.out_bytes = CONN_OUT_BYTES,
	.in_bytes = CONN_IN_BYTES,
	.slots = CONN_SLOTS,
	.fill = conn_fill,
	.more = conn_more,
	.take = conn_take,
	.ping = conn_ping,
	.release = conn_release,
};

int serve_conn_open(struct line **out, struct wire *w,
		    const struct line_opts *o, struct err *e)
{
	struct line *l = line_new(&conn_ops, w, o);
	int rc;

	*out = NULL;
	if (!l)
		return err_nomem(e);
	if ((rc = line_start(l, e)) < 0)
		line_unref(l);
	else
		*out = l;
	return rc;
}

int serve_conn_hello(struct wire *w, const struct serve_hello *h,
		     struct serve_welcome *wl, bool *answered, struct err *e)
{
	uint8_t in[SERVE_FRAME_BYTES + SERVE_TEXT_MAX + 64];
	struct wire_hello x = { .who = "'muniment serve'", .in = in,
		.most = SERVE_FRAME_BYTES };
	struct serve_frame f = { .len = 0 };
	struct buf b = BUF_INIT;
	int rc = serve_put_hello(&b, h, e);

	*answered = false;
	x.out = b.p;
	x.out_len = b.len;
	while (rc == 0 && x.have < x.most) {
		rc = wire_hello(w, &x, e);
		if (rc < 0 || x.have != SERVE_FRAME_BYTES)
			continue;
		if (!serve_get_frame(&f, in) || f.type != SERVE_WELCOME ||
		    f.len > sizeof(in) - SERVE_FRAME_BYTES)
			rc = serve_conn_nonsense(e, "it begins with "
				"something else (does the login shell there "
				"print something?)");
		else
			x.most = SERVE_FRAME_BYTES + f.len;
	}
	buf_release(&b);
	if (rc < 0)
		return rc;
	if (!serve_get_welcome(wl, in + SERVE_FRAME_BYTES, f.len))
		return serve_conn_nonsense(e, "its welcome is damaged");
	*answered = true;
	if (wl->code == ERR_OK && wl->version != SERVE_VERSION)
		return serve_conn_nonsense(e, "it chose a version that was "
			"not offered");
	return 0;
}

void serve_conn_send(struct serve_conn *c, struct serve_req *r)
{
	line_send(&c->line, &r->line);
}

int serve_conn_wait(struct serve_conn *c, struct serve_req *r)
{
	return line_wait(&c->line, &r->line);
}

int serve_conn_call(struct serve_conn *c, struct serve_req *r)
{
	serve_conn_send(c, r);
	return serve_conn_wait(c, r);
}
