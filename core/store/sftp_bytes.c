/* SPDX-License-Identifier: BSD-2-Clause */
/* Long transfers: requests in a ring, the oldest is waited for. */
#include "store/sftp_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

/* How often a slow line's bytes are made durable on the way. */
#define BYTES_SYNC_NSEC ((int64_t)5 * 1000000000)

struct ring {
	struct sftp_req *req;		/* cap of them */
	struct buf *copy;		/* of bytes that were in pieces */
	unsigned cap, first, n;
};

static int ring_init(struct ring *g, size_t each, uint64_t window,
		     struct err *e)
{
	size_t cap = (size_t)((window < SFTP_WINDOW ? window : SFTP_WINDOW) /
		(each ? each : 1));

	memset(g, 0, sizeof(*g));
	g->cap = cap < 2 ? 2 : cap > SFTP_WINDOW_REQS ? SFTP_WINDOW_REQS :
		(unsigned)cap;
	g->req = mem_zero(g->cap, sizeof(*g->req));
	g->copy = mem_zero(g->cap, sizeof(*g->copy));
	return g->req && g->copy ? 0 : err_nomem(e);
}

static unsigned ring_next(const struct ring *g)
{
	return (g->first + g->n) % g->cap;
}

/* Nothing of ours may be freed while the connection has it. */
static void ring_release(struct ring *g, struct sftp_conn *c)
{
	unsigned i;

	for (i = 0; i < g->n; i++)
		sftp_conn_wait(c, &g->req[(g->first + i) % g->cap]);
	for (i = 0; g->req && g->copy && i < g->cap; i++) {
		sftp_req_release(&g->req[i]);
		buf_release(&g->copy[i]);
	}
	free(g->req);
	free(g->copy);
}

static struct sftp_req *ring_clean(struct ring *g)
{
	struct sftp_req *r = &g->req[ring_next(g)];
	struct buf head = r->head, body = r->body;

	buf_clear(&head);
	buf_clear(&body);
	memset(r, 0, sizeof(*r));
	r->head = head;
	r->body = body;
	return r;
}

struct reading {
	struct sftp_conn *c;
	const struct sftp_handle *h;
	uint64_t off;			/* of dst */
	uint8_t *dst;
	size_t len, asked;
	struct ring ring;
	size_t at[SFTP_WINDOW_REQS];	/* of each request, in dst */
};

static int reading_ask(struct reading *g, size_t at, size_t len,
		       struct err *e)
{
	struct sftp_req *r = ring_clean(&g->ring);
	int rc = sftp_put_read(&r->head, g->h, g->off + at, (uint32_t)len, e);

	if (rc < 0)
		return rc;
	r->want = SFTP_DATA;
	r->dst = g->dst + at;
	r->dst_len = len;
	g->at[ring_next(&g->ring)] = at;
	sftp_conn_send(g->c, r);
	g->ring.n++;
	return 0;
}

/* The oldest answer.  A server may give less than was asked for. */
static int reading_take(struct reading *g, struct err *e)
{
	unsigned i = g->ring.first;
	struct sftp_req *r = &g->ring.req[i];
	size_t at = g->at[i], got, left;
	int rc = sftp_conn_wait(g->c, r);

	if (rc < 0)
		return rc;
	g->ring.first = (i + 1) % g->ring.cap;
	g->ring.n--;
	if (!r->good)
		return sftp_say(r->code, e, "cannot read");
	if (r->got == 0)
		return sftp_say(SFTP_EOF, e, "cannot read");
	got = r->got;
	left = r->dst_len - got;
	return left ? reading_ask(g, at + got, left, e) : 0;
}

/* How many of the first bytes have come. */
static size_t reading_done(const struct reading *g)
{
	size_t done = g->asked;
	unsigned i, at;

	for (i = 0; i < g->ring.n; i++) {
		at = (g->ring.first + i) % g->ring.cap;
		if (g->at[at] < done)
			done = g->at[at];
	}
	return done;
}

int sftp_read_bytes(struct sftp_conn *c, const struct sftp_handle *h,
		    uint64_t off, struct sftp_want *want, struct err *e)
{
	size_t most = sftp_conn_caps(c)->read_max, len = want->len, n;
	struct reading g = { .c = c, .h = h, .off = off, .dst = want->dst,
		.len = len, .asked = want->done };
	int rc = ring_init(&g.ring, most, SFTP_WINDOW, e);

	while (rc == 0 && (g.asked < len || g.ring.n > 0)) {
		if (g.asked < len && g.ring.n < g.ring.cap) {
			n = len - g.asked < most ? len - g.asked : most;
			rc = reading_ask(&g, g.asked, n, e);
			g.asked += n;
		} else {
			rc = reading_take(&g, e);
		}
	}
	want->done = reading_done(&g);
	ring_release(&g.ring, c);
	return rc;
}

enum writing_what { WRITING_BYTES, WRITING_SYNC, WRITING_CLOSE, WRITING_END };

struct writing {
	struct sftp_conn *c;
	const struct sftp_handle *h;
	const struct iovec *iov;
	int n;
	uint64_t at;			/* the next byte */
	size_t skip;			/* of iov[0] */
	struct ring ring;
	enum writing_what what[SFTP_WINDOW_REQS];	/* of each request */
	uint64_t upto[SFTP_WINDOW_REQS];	/* a sync: bytes before it */
	int64_t synced_nsec;
	uint64_t synced_at, sync_bytes;
	bool can_sync;
	enum writing_what next;
};

static void writing_skip(struct writing *g, uint64_t len)
{
	while (g->n > 0 && len >= g->iov->iov_len - g->skip) {
		len -= g->iov->iov_len - g->skip;
		g->skip = 0;
		g->iov++;
		g->n--;
	}
	g->skip += (size_t)len;
}

/* Up to 'most' bytes of many pieces as one. */
static int writing_gather(struct writing *g, struct buf *b, size_t most,
			  struct err *e)
{
	size_t n;
	int rc;

	buf_clear(b);
	while (g->n > 0 && b->len < most) {
		n = g->iov->iov_len - g->skip;
		if (n > most - b->len)
			n = most - b->len;
		rc = buf_append(b, (uint8_t *)g->iov->iov_base + g->skip, n,
			e);
		if (rc < 0)
			return rc;
		writing_skip(g, n);
	}
	return 0;
}

static int writing_bytes(struct writing *g, struct sftp_req *r, unsigned i,
			 size_t most, struct err *e)
{
	int rc;

	if (g->iov->iov_len - g->skip >= most) {
		r->load = (uint8_t *)g->iov->iov_base + g->skip;
		r->load_len = most;
		writing_skip(g, most);
	} else {
		if ((rc = writing_gather(g, &g->ring.copy[i], most, e)) < 0)
			return rc;
		r->load = g->ring.copy[i].p;
		r->load_len = g->ring.copy[i].len;
	}
	rc = sftp_put_write(&r->head, g->h, g->at, (uint32_t)r->load_len, e);
	if (rc == 0)
		g->at += r->load_len;
	return rc;
}

/* What is to be sent next: bytes, a sync after a while and at the end, the
 * close. */
static enum writing_what writing_next(struct writing *g)
{
	bool last;

	writing_skip(g, 0);
	last = g->n == 0;
	if (g->next == WRITING_BYTES && g->can_sync && (last ||
	    g->at - g->synced_at >= g->sync_bytes ||
	    clock_mono_nsec() - g->synced_nsec > BYTES_SYNC_NSEC)) {
		if (last)
			g->next = WRITING_CLOSE;
		return WRITING_SYNC;
	}
	if (!last)
		return WRITING_BYTES;
	if (g->next == WRITING_END)
		return WRITING_END;
	g->next = WRITING_END;
	return WRITING_CLOSE;
}

static int writing_send(struct writing *g, enum writing_what what,
			size_t most, struct err *e)
{
	unsigned i = ring_next(&g->ring);
	struct sftp_req *r = ring_clean(&g->ring);
	int rc;

	if (what == WRITING_BYTES) {
		rc = writing_bytes(g, r, i, most, e);
	} else if (what == WRITING_SYNC) {
		rc = sftp_put_ext_handle(&r->head, "fsync@openssh.com", g->h,
			e);
		g->synced_nsec = clock_mono_nsec();
		g->synced_at = g->at;
	} else {
		rc = sftp_put_handle(&r->head, SFTP_CLOSE, g->h, e);
	}
	if (rc < 0)
		return rc;
	g->what[i] = what;
	g->upto[i] = g->at;
	r->want = SFTP_STATUS;
	sftp_conn_send(g->c, r);
	g->ring.n++;
	return 0;
}

/* In the order in which they were sent. */
static int writing_take(struct writing *g, uint64_t *from, struct err *e)
{
	unsigned i = g->ring.first;
	struct sftp_req *r = &g->ring.req[i];
	int rc = sftp_conn_wait(g->c, r);

	if (rc < 0)
		return rc;
	g->ring.first = (i + 1) % g->ring.cap;
	g->ring.n--;
	if (g->what[i] == WRITING_SYNC && r->good)
		*from = g->upto[i];
	else if (!r->good && (g->what[i] != WRITING_SYNC ||
		 r->code != SFTP_OP_UNSUPPORTED))
		return sftp_say(r->code, e, "cannot write");
	return 0;
}

int sftp_write_file(struct sftp_conn *c, const struct sftp_handle *h,
		    const struct sftp_load *load, uint64_t *from,
		    struct err *e)
{
	size_t most = sftp_conn_caps(c)->write_max;
	struct writing g = { .c = c, .h = h, .iov = load->iov,
		.n = load->n, .at = *from, .synced_nsec = clock_mono_nsec(),
		.synced_at = *from, .sync_bytes = load->sync_bytes,
		.can_sync = sftp_conn_caps(c)->fsync };
	enum writing_what what = WRITING_BYTES;
	int rc;

	if (most > load->sync_bytes)
		most = (size_t)load->sync_bytes;
	/* What is under way in a line that drops is lost. */
	rc = ring_init(&g.ring, most, load->sync_bytes < SFTP_WINDOW ?
		2 * load->sync_bytes : SFTP_WINDOW, e);
	writing_skip(&g, *from);
	while (rc == 0 && (what != WRITING_END || g.ring.n > 0)) {
		if (g.ring.n == g.ring.cap || what == WRITING_END)
			rc = writing_take(&g, from, e);
		else if ((what = writing_next(&g)) != WRITING_END)
			rc = writing_send(&g, what, most, e);
	}
	ring_release(&g.ring, c);
	if (rc < 0 && rc != ERR_RETRY && g.next != WRITING_END)
		sftp_close_later(c, h);
	return rc;
}
