/* SPDX-License-Identifier: BSD-2-Clause */
/* The thread of a connection: bytes out, bytes in. */
#include "store/line_priv.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/clock.h"

#define LINE_SEC ((int64_t)1000000000)
#define LINE_POLL_MSEC 1000
#define LINE_RATE_MSEC 20
/* So many bytes that went make room for new ones. */
#define LINE_REFILL_BYTES ((size_t)128 << 10)
/* An idle connection is kept alive: others cut it, and servers give up. */
#define LINE_IDLE_SECS 60

/* Under mtx, both.  The waiting thread may free it at once. */
static void req_end(struct line *l, struct line_req *r, enum line_state state)
{
	if (r->loose) {
		l->ops->release(r);
		free(r);
		return;
	}
	r->state = state;
}

static void line_fail_all(struct line *l)
{
	struct line_req *r;
	unsigned i;

	while ((r = l->head) != NULL) {
		l->head = r->next;
		req_end(l, r, LINE_LOST);
	}
	l->tail = &l->head;
	for (i = 0; i < l->ops->slots; i++)
		if (l->slot[i]) {
			req_end(l, l->slot[i], LINE_LOST);
			l->slot[i] = NULL;
		}
	l->cur = NULL;
}

static void line_die(struct line *l, const struct err *why)
{
	wire_close(l->w);
	l->w = NULL;
	pthread_mutex_lock(&l->mtx);
	l->dead = true;
	l->final = why->code != ERR_IO;
	l->why = *why;
	line_fail_all(l);
	pthread_cond_broadcast(&l->done_cv);
	pthread_mutex_unlock(&l->mtx);
}

struct line_req *line_next(struct line *l)
{
	struct line_req *r;

	if (l->cur)
		return l->cur;
	pthread_mutex_lock(&l->mtx);
	r = l->n_free > 0 ? l->head : NULL;
	if (r) {
		l->head = r->next;
		if (!l->head)
			l->tail = &l->head;
		r->id = l->free_id[--l->n_free];
		l->slot[r->id] = r;
	}
	pthread_mutex_unlock(&l->mtx);
	l->cur = r;
	l->cur_at = 0;
	return r;
}

void line_copy(struct line *l, const void *p, size_t n)
{
	size_t room = line_room(l);

	if (n > room)
		n = room;
	if (n > 0)
		memcpy(l->out + l->out_len, p, n);
	l->out_len += n;
	l->cur_at += n;
}

/* Slots are changed by this thread only. */
struct line_req *line_find(struct line *l, uint32_t id)
{
	struct line_req *r = id < l->ops->slots ? l->slot[id] : NULL;

	return r == l->cur ? NULL : r;
}

void line_done(struct line *l, struct line_req *r, enum line_id then)
{
	pthread_mutex_lock(&l->mtx);
	l->slot[r->id] = NULL;
	if (then == LINE_ID_FREE)
		l->free_id[l->n_free++] = (uint16_t)r->id;
	req_end(l, r, LINE_DONE);
	pthread_cond_broadcast(&l->done_cv);
	pthread_mutex_unlock(&l->mtx);
}

void line_id_free(struct line *l, uint32_t id)
{
	pthread_mutex_lock(&l->mtx);
	l->free_id[l->n_free++] = (uint16_t)id;
	pthread_mutex_unlock(&l->mtx);
}

static void line_fill(struct line *l)
{
	if (l->out_at > 0) {
		memmove(l->out, l->out + l->out_at, l->out_len - l->out_at);
		l->out_len -= l->out_at;
		l->out_at = 0;
	}
	l->ops->fill(l);
}

/* > 0: something moved. */
static int line_write(struct line *l, struct err *e)
{
	int64_t now = clock_mono_nsec();
	ssize_t n;
	size_t len;

	if (l->out_at == l->out_len || l->out_at >= LINE_REFILL_BYTES)
		line_fill(l);
	len = rate_allow(&l->rate, l->out_len - l->out_at, now);
	if (len == 0)
		return 0;
	n = l->w->ops->write(l->w, l->out + l->out_at, len, e);
	if (n <= 0)
		return (int)n;
	rate_take(&l->rate, (size_t)n);
	l->out_at += (size_t)n;
	l->moved_nsec = now;
	pthread_mutex_lock(&l->mtx);
	l->traffic.up += (uint64_t)n;
	pthread_mutex_unlock(&l->mtx);
	return 1;
}

/* > 0: something moved. */
static int line_read(struct line *l, struct err *e)
{
	ssize_t n = l->w->ops->read(l->w, l->in + l->in_len,
		l->ops->in_bytes - l->in_len, e);

	if (n <= 0)
		return (int)n;
	l->in_len += (size_t)n;
	l->moved_nsec = clock_mono_nsec();
	pthread_mutex_lock(&l->mtx);
	l->traffic.down += (uint64_t)n;
	pthread_mutex_unlock(&l->mtx);
	while ((n = l->ops->take(l, l->in + l->in_at, l->in_len - l->in_at,
				 e)) > 0)
		l->in_at += (size_t)n;
	if (n < 0)
		return (int)n;
	if (l->in_at == l->in_len) {
		l->in_at = l->in_len = 0;
	} else if (l->in_len > l->ops->in_bytes / 2) {
		memmove(l->in, l->in + l->in_at, l->in_len - l->in_at);
		l->in_len -= l->in_at;
		l->in_at = 0;
	}
	return 1;
}

static bool line_more(struct line *l)
{
	bool more;

	pthread_mutex_lock(&l->mtx);
	more = l->head != NULL && l->n_free > 0;
	pthread_mutex_unlock(&l->mtx);
	return more || l->out_at < l->out_len || l->cur ||
		(l->ops->more && l->ops->more(l));
}

static bool line_stopped(struct line *l)
{
	bool stop;

	pthread_mutex_lock(&l->mtx);
	stop = l->stop;
	pthread_mutex_unlock(&l->mtx);
	return stop;
}

/* Has it been silent for too long? */
static int line_check(struct line *l, struct err *e)
{
	int64_t idle = clock_mono_nsec() - l->moved_nsec;
	struct line_req *r;
	bool waits;

	pthread_mutex_lock(&l->mtx);
	waits = l->n_free < l->ops->slots || l->head;
	pthread_mutex_unlock(&l->mtx);
	if (waits && idle > l->o.timeout_secs * LINE_SEC)
		return err_set(e, ERR_IO, "the server has not answered for "
			"%u seconds", l->o.timeout_secs);
	if (!waits && idle > LINE_IDLE_SECS * LINE_SEC) {
		r = l->ops->ping();
		if (r)
			line_loose(l, r);
		l->moved_nsec = clock_mono_nsec();
	}
	return 0;
}

static void line_sleep(struct line *l)
{
	bool limited = l->rate.per_sec && line_more(l);
	struct pollfd pfd[2] = {
		{ .fd = l->w->fd,
		  .events = l->w->ops->events(l->w, !limited &&
			line_more(l)) },
		{ .fd = l->wake, .events = POLLIN },
	};
	eventfd_t value;

	poll(pfd, 2, limited ? LINE_RATE_MSEC : LINE_POLL_MSEC);
	if (pfd[1].revents)
		eventfd_read(l->wake, &value);
}

void *line_main(void *arg)
{
	struct line *l = arg;
	struct err e;
	int in = 0, out = 0;

	err_clear(&e);
	while (!line_stopped(l)) {
		if ((out = line_write(l, &e)) < 0 ||
		    (in = line_read(l, &e)) < 0)
			break;
		if (in > 0 || out > 0)
			continue;
		if (line_check(l, &e) < 0)
			break;
		line_sleep(l);
	}
	if (e.code == ERR_OK)
		err_set(&e, ERR_IO, "the connection was closed");
	line_die(l, &e);
	return NULL;
}
