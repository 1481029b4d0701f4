/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The thread of a connection: bytes out, bytes in.  Frames of requests go
 * before the pieces of files, so that a small question never waits for a
 * large file; files take turns, piece by piece.
 */
#include "store/serve_conn_priv.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/mem.h"

#define CONN_SEC ((int64_t)1000000000)
#define CONN_POLL_MSEC 1000
#define CONN_RATE_MSEC 20
/* A server hears from an idle client so often; it waits for longer. */
#define CONN_IDLE_SECS 60

/* Under mtx, both.  The waiting thread may free it at once. */
static void conn_done(struct serve_req *r, int state)
{
	if (r->loose) {
		buf_release(&r->head);
		free(r);
		return;
	}
	r->state = state;
}

static void conn_fail_all(struct serve_conn *c)
{
	struct serve_req *r;
	unsigned i;

	while ((r = c->head) != NULL) {
		c->head = r->next;
		conn_done(r, SERVE_REQ_LOST);
	}
	c->tail = &c->head;
	for (i = 0; i < CONN_SLOTS; i++)
		if (c->slot[i]) {
			conn_done(c->slot[i], SERVE_REQ_LOST);
			c->slot[i] = NULL;
		}
	c->cur = c->load = NULL;
}

static void conn_die(struct serve_conn *c, const struct err *why, bool final)
{
	wire_close(c->w);
	c->w = NULL;
	pthread_mutex_lock(&c->mtx);
	c->dead = true;
	c->final = final;
	c->why = *why;
	conn_fail_all(c);
	pthread_cond_broadcast(&c->done_cv);
	pthread_mutex_unlock(&c->mtx);
}

/* The next request gets its number; false: none, or no number is free. */
static bool conn_next(struct serve_conn *c)
{
	struct serve_req *r;

	pthread_mutex_lock(&c->mtx);
	r = c->n_free > 0 ? c->head : NULL;
	if (r) {
		c->head = r->next;
		if (!c->head)
			c->tail = &c->head;
		r->id = c->free_id[--c->n_free];
		c->slot[r->id] = r;
	}
	pthread_mutex_unlock(&c->mtx);
	c->cur = r;
	c->cur_at = 0;
	if (!r)
		return false;
	r->next = NULL;
	r->head.p[8] = (uint8_t)r->id;
	r->head.p[9] = (uint8_t)(r->id >> 8);
	return true;
}

static void load_add(struct serve_conn *c, struct serve_req *r)
{
	struct serve_req **p = &c->load;

	while (*p)
		p = &(*p)->next;
	r->next = NULL;
	*p = r;
}

static bool load_remove(struct serve_conn *c, struct serve_req *r)
{
	struct serve_req **p = &c->load;

	while (*p && *p != r)
		p = &(*p)->next;
	if (!*p)
		return false;
	*p = r->next;
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
	size_t room = CONN_OUT_BYTES - c->out_len, len;
	struct serve_frame f = { .type = SERVE_DATA };
	struct serve_req *r = c->load;

	if (!r || room < SERVE_FRAME_BYTES + SERVE_PIECE)
		return false;
	len = r->load - r->at < SERVE_PIECE ? (size_t)(r->load - r->at) :
		SERVE_PIECE;
	f.len = (uint32_t)len;
	f.id = r->id;
	serve_put_frame(c->out + c->out_len, &f);
	load_copy(r, c->out + c->out_len + SERVE_FRAME_BYTES, len);
	c->out_len += SERVE_FRAME_BYTES + len;
	r->at += len;
	c->load = r->next;
	if (r->at < r->load)
		load_add(c, r);
	return true;
}

static void conn_send_stop(struct serve_conn *c)
{
	struct serve_frame f = { .type = SERVE_STOP };

	f.id = c->stop_id[--c->n_stop];
	serve_put_frame(c->out + c->out_len, &f);
	c->out_len += SERVE_FRAME_BYTES;
	pthread_mutex_lock(&c->mtx);
	c->free_id[c->n_free++] = (uint16_t)f.id;
	pthread_mutex_unlock(&c->mtx);
}

static void conn_fill(struct serve_conn *c)
{
	struct serve_req *r;
	size_t n;

	if (c->out_at > 0) {
		memmove(c->out, c->out + c->out_at, c->out_len - c->out_at);
		c->out_len -= c->out_at;
		c->out_at = 0;
	}
	while (c->out_len < CONN_OUT_BYTES) {
		if (!c->cur && c->n_stop > 0) {
			if (CONN_OUT_BYTES - c->out_len < SERVE_FRAME_BYTES)
				return;
			conn_send_stop(c);
			continue;
		}
		if (!c->cur && !conn_next(c)) {
			if (!conn_load(c))
				return;
			continue;
		}
		r = c->cur;
		n = r->head.len - c->cur_at;
		if (n > CONN_OUT_BYTES - c->out_len)
			n = CONN_OUT_BYTES - c->out_len;
		memcpy(c->out + c->out_len, r->head.p + c->cur_at, n);
		c->out_len += n;
		c->cur_at += n;
		if (c->cur_at < r->head.len)
			return;
		/* From here on its answer may come, and it may go. */
		c->cur = NULL;
		if (r->at < r->load && !r->ask)
			load_add(c, r);
	}
}

/* > 0: something moved. */
static int conn_write(struct serve_conn *c, struct err *e)
{
	int64_t now = clock_mono_nsec();
	ssize_t n;
	size_t len;

	if (c->out_at == c->out_len || c->out_at >= CONN_OUT_BYTES / 4)
		conn_fill(c);
	len = rate_allow(&c->rate, c->out_len - c->out_at, now);
	if (len == 0)
		return 0;
	n = c->w->ops->write(c->w, c->out + c->out_at, len, e);
	if (n < 0)
		return (int)n;
	rate_take(&c->rate, (size_t)n);
	c->out_at += (size_t)n;
	if (n > 0)
		c->moved_nsec = now;
	pthread_mutex_lock(&c->mtx);
	c->traffic.up += (uint64_t)n;
	pthread_mutex_unlock(&c->mtx);
	return n > 0;
}

/* The rest of a file is not wanted: that is told in the order of its pieces,
 * and its number is free after that only. */
static bool conn_stop(struct serve_conn *c, struct serve_req *r)
{
	if (r->load == 0 || (!load_remove(c, r) && !r->ask))
		return false;
	c->stop_id[c->n_stop++] = (uint16_t)r->id;
	return true;
}

static int conn_status(struct serve_conn *c, struct serve_req *r,
		       const struct serve_frame *f, const uint8_t *p,
		       struct err *e)
{
	bool stop;

	if (!serve_get_code(&r->code, r->text, p, f->len))
		return serve_conn_nonsense(e, "a status is damaged");
	if (r->load > 0 && r->code == ERR_OK &&
	    (r->at < r->load || r->ask))
		return serve_conn_nonsense(e, "a file was taken before it was "
			"sent");
	stop = conn_stop(c, r);
	pthread_mutex_lock(&c->mtx);
	c->slot[r->id] = NULL;
	if (!stop)
		c->free_id[c->n_free++] = (uint16_t)r->id;
	conn_done(r, SERVE_REQ_DONE);
	pthread_cond_broadcast(&c->done_cv);
	pthread_mutex_unlock(&c->mtx);
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
	/* Slots are changed by this thread only. */
	struct serve_req *r = f->id < CONN_SLOTS ? c->slot[f->id] : NULL;

	if (!r || r == c->cur)
		return serve_conn_nonsense(e, "an answer to no question");
	if (f->type == SERVE_STATUS)
		return conn_status(c, r, f, p, e);
	if (f->type == SERVE_HAVE)
		return conn_have(c, r, f, p, e);
	if (!r->answer)
		return serve_conn_nonsense(e, "more than was asked for");
	return r->answer(r, f, p, e);
}

static int conn_frames(struct serve_conn *c, struct err *e)
{
	struct serve_frame f;
	int rc;

	while (c->in_len - c->in_at >= SERVE_FRAME_BYTES) {
		if (!serve_get_frame(&f, c->in + c->in_at))
			return serve_conn_nonsense(e, "a frame that cannot "
				"be");
		if (c->in_len - c->in_at < SERVE_FRAME_BYTES + f.len)
			break;
		rc = conn_answer(c, &f, c->in + c->in_at + SERVE_FRAME_BYTES,
			e);
		if (rc < 0)
			return rc;
		c->in_at += SERVE_FRAME_BYTES + f.len;
	}
	if (c->in_at == c->in_len) {
		c->in_at = c->in_len = 0;
	} else if (c->in_len > CONN_IN_BYTES / 2) {
		memmove(c->in, c->in + c->in_at, c->in_len - c->in_at);
		c->in_len -= c->in_at;
		c->in_at = 0;
	}
	return 0;
}

/* > 0: something moved. */
static int conn_read(struct serve_conn *c, struct err *e)
{
	ssize_t n = c->w->ops->read(c->w, c->in + c->in_len,
		CONN_IN_BYTES - c->in_len, e);
	int rc;

	if (n <= 0)
		return (int)n;
	c->in_len += (size_t)n;
	c->moved_nsec = clock_mono_nsec();
	pthread_mutex_lock(&c->mtx);
	c->traffic.down += (uint64_t)n;
	pthread_mutex_unlock(&c->mtx);
	rc = conn_frames(c, e);
	return rc < 0 ? rc : 1;
}

static bool conn_more(struct serve_conn *c)
{
	bool more;

	pthread_mutex_lock(&c->mtx);
	more = c->head != NULL && c->n_free > 0;
	pthread_mutex_unlock(&c->mtx);
	return more || c->out_at < c->out_len || c->cur || c->load ||
		c->n_stop > 0;
}

static bool conn_stopped(struct serve_conn *c)
{
	bool stop;

	pthread_mutex_lock(&c->mtx);
	stop = c->stop;
	pthread_mutex_unlock(&c->mtx);
	return stop;
}

static void conn_ping(struct serve_conn *c)
{
	struct serve_req *r = mem_zero(1, sizeof(*r));
	struct wr w;

	if (!r)
		return;
	r->loose = true;
	serve_begin(&w, &r->head, SERVE_PING);
	if (serve_end(&w, 0, NULL) < 0 || !serve_conn_queue(c, r)) {
		buf_release(&r->head);
		free(r);
	}
}

/* Has it been silent for too long? */
static int conn_check(struct serve_conn *c, struct err *e)
{
	int64_t idle = clock_mono_nsec() - c->moved_nsec;
	bool waits;

	pthread_mutex_lock(&c->mtx);
	waits = c->n_free < CONN_SLOTS || c->head;
	pthread_mutex_unlock(&c->mtx);
	if (waits && idle > c->o.timeout_secs * CONN_SEC)
		return err_set(e, ERR_IO, "the server has not answered for "
			"%u seconds", c->o.timeout_secs);
	if (!waits && idle > CONN_IDLE_SECS * CONN_SEC) {
		conn_ping(c);
		c->moved_nsec = clock_mono_nsec();
	}
	return 0;
}

static void conn_sleep(struct serve_conn *c)
{
	bool limited = c->rate.per_sec && conn_more(c);
	struct pollfd pfd[2] = {
		{ .fd = c->w->fd,
		  .events = c->w->ops->events(c->w, !limited &&
			conn_more(c)) },
		{ .fd = c->wake, .events = POLLIN },
	};
	eventfd_t value;

	poll(pfd, 2, limited ? CONN_RATE_MSEC : CONN_POLL_MSEC);
	if (pfd[1].revents)
		eventfd_read(c->wake, &value);
}

void *serve_conn_main(void *arg)
{
	struct serve_conn *c = arg;
	struct err e;
	int in = 0, out = 0;

	err_clear(&e);
	while (!conn_stopped(c)) {
		if ((out = conn_write(c, &e)) < 0 ||
		    (in = conn_read(c, &e)) < 0)
			break;
		if (in > 0 || out > 0)
			continue;
		if ((in = conn_check(c, &e)) < 0)
			break;
		conn_sleep(c);
	}
	if (e.code == ERR_OK)
		err_set(&e, ERR_IO, "the connection was closed");
	conn_die(c, &e, e.code != ERR_IO);
	return NULL;
}
