/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/serve_conn_priv.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define CONN_SEC ((int64_t)1000000000)
#define CONN_HELLO_SECS 30

void serve_conn_stop(struct serve_conn *c)
{
	pthread_mutex_lock(&c->mtx);
	c->stop = true;
	pthread_mutex_unlock(&c->mtx);
	eventfd_write(c->wake, 1);
}

static void conn_free(struct serve_conn *c)
{
	if (c->running) {
		serve_conn_stop(c);
		pthread_join(c->tid, NULL);
	} else {
		wire_close(c->w);
	}
	if (c->wake >= 0)
		close(c->wake);
	pthread_cond_destroy(&c->done_cv);
	pthread_mutex_destroy(&c->mtx);
	free(c->in);
	free(c->out);
	free(c);
}

static struct serve_conn *conn_new(struct wire *w,
				   const struct serve_conn_opts *o)
{
	struct serve_conn *c = mem_zero(1, sizeof(*c));
	unsigned i;

	if (!c) {
		wire_close(w);
		return NULL;
	}
	c->w = w;
	c->o = *o;
	c->refs = 1;
	c->tail = &c->head;
	c->moved_nsec = clock_mono_nsec();
	rate_init(&c->rate, o->upload_rate, c->moved_nsec);
	for (i = 0; i < CONN_SLOTS; i++)
		c->free_id[c->n_free++] = (uint16_t)(CONN_SLOTS - 1 - i);
	pthread_mutex_init(&c->mtx, NULL);
	pthread_cond_init(&c->done_cv, NULL);
	c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	c->out = mem_alloc(CONN_OUT_BYTES);
	c->in = mem_alloc(CONN_IN_BYTES);
	if (c->wake < 0 || !c->out || !c->in) {
		conn_free(c);
		return NULL;
	}
	return c;
}

int serve_conn_open(struct serve_conn **out, struct wire *w,
		    const struct serve_conn_opts *o, struct err *e)
{
	struct serve_conn *c = conn_new(w, o);
	sigset_t all, was;
	int errnum;

	*out = NULL;
	if (!c)
		return err_nomem(e);
	/* Signals are for the threads that know them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	errnum = pthread_create(&c->tid, NULL, serve_conn_main, c);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	if (errnum != 0) {
		conn_free(c);
		return err_errno(e, errnum, "cannot start a thread");
	}
	c->running = true;
	*out = c;
	return 0;
}

/* 1: it is all there. */
static int hello_read(struct wire *w, uint8_t *in, size_t *have, size_t want,
		      struct err *e)
{
	struct pollfd pfd = { .fd = w->fd };
	ssize_t n;

	if (*have == want)
		return 1;
	n = w->ops->read(w, in + *have, want - *have, e);
	if (n < 0)
		return (int)n;
	*have += (size_t)n;
	if (n == 0) {
		pfd.events = w->ops->events(w, false);
		poll(&pfd, 1, 100);
	}
	return 0;
}

static int hello_write(struct wire *w, const struct buf *b, int64_t end,
		       struct err *e)
{
	struct pollfd pfd = { .fd = w->fd };
	size_t at = 0;
	ssize_t n;

	while (at < b->len) {
		n = w->ops->write(w, b->p + at, b->len - at, e);
		if (n < 0)
			return (int)n;
		at += (size_t)n;
		if (n > 0)
			continue;
		if (clock_mono_nsec() > end)
			return err_set(e, ERR_IO, "the server does not read");
		pfd.events = w->ops->events(w, true);
		poll(&pfd, 1, 100);
	}
	return 0;
}

int serve_conn_hello(struct wire *w, const struct serve_hello *h,
		     struct serve_welcome *wl, bool *answered, struct err *e)
{
	uint8_t in[SERVE_FRAME_BYTES + SERVE_TEXT_MAX + 64];
	int64_t end = clock_mono_nsec() + CONN_HELLO_SECS * CONN_SEC;
	size_t have = 0, want = SERVE_FRAME_BYTES;
	struct serve_frame f;
	struct buf b = BUF_INIT;
	int rc = serve_put_hello(&b, h, e);

	*answered = false;
	if (rc == 0)
		rc = hello_write(w, &b, end, e);
	buf_release(&b);
	while (rc == 0) {
		rc = hello_read(w, in, &have, want, e);
		if (rc == 0 && clock_mono_nsec() > end)
			return err_set(e, ERR_IO, "no 'muniment serve' "
				"answers");
		if (rc <= 0)
			continue;
		if (!serve_get_frame(&f, in) || f.type != SERVE_WELCOME ||
		    f.len > sizeof(in) - SERVE_FRAME_BYTES)
			return serve_conn_nonsense(e, "it begins with "
				"something else (does the login shell there "
				"print something?)");
		want = SERVE_FRAME_BYTES + f.len;
		if (have == want)
			break;
		rc = 0;
	}
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

void serve_conn_ref(struct serve_conn *c)
{
	pthread_mutex_lock(&c->mtx);
	c->refs++;
	pthread_mutex_unlock(&c->mtx);
}

void serve_conn_unref(struct serve_conn *c)
{
	bool last;

	if (!c)
		return;
	pthread_mutex_lock(&c->mtx);
	BUG_ON(c->refs == 0);
	last = --c->refs == 0;
	pthread_mutex_unlock(&c->mtx);
	if (last)
		conn_free(c);
}

void serve_conn_traffic(struct serve_conn *c, struct store_traffic *t)
{
	pthread_mutex_lock(&c->mtx);
	*t = c->traffic;
	pthread_mutex_unlock(&c->mtx);
}

bool serve_conn_dead(struct serve_conn *c)
{
	bool dead;

	pthread_mutex_lock(&c->mtx);
	dead = c->dead;
	pthread_mutex_unlock(&c->mtx);
	return dead;
}

bool serve_conn_why(struct serve_conn *c, struct err *e)
{
	bool again;

	pthread_mutex_lock(&c->mtx);
	again = !c->final;
	if (c->dead)
		err_set(e, c->why.code, "%s", c->why.msg);
	pthread_mutex_unlock(&c->mtx);
	return again;
}

bool serve_conn_queue(struct serve_conn *c, struct serve_req *r)
{
	bool first;

	r->state = SERVE_REQ_OUT;
	r->next = NULL;
	pthread_mutex_lock(&c->mtx);
	if (c->dead) {
		r->state = SERVE_REQ_LOST;
		pthread_mutex_unlock(&c->mtx);
		return false;
	}
	first = c->head == NULL;
	*c->tail = r;
	c->tail = &r->next;
	c->traffic.requests++;
	r->seq = ++c->seq;
	pthread_mutex_unlock(&c->mtx);
	if (first)
		eventfd_write(c->wake, 1);
	return true;
}

void serve_conn_send(struct serve_conn *c, struct serve_req *r)
{
	serve_conn_queue(c, r);
}

int serve_conn_wait(struct serve_conn *c, struct serve_req *r)
{
	BUG_ON(r->state == SERVE_REQ_IDLE || r->loose);
	pthread_mutex_lock(&c->mtx);
	if (r->state == SERVE_REQ_OUT && r->seq > c->trip_seq) {
		c->traffic.trips++;
		c->trip_seq = c->seq;
	}
	while (r->state == SERVE_REQ_OUT)
		pthread_cond_wait(&c->done_cv, &c->mtx);
	pthread_mutex_unlock(&c->mtx);
	return r->state == SERVE_REQ_DONE ? 0 : ERR_RETRY;
}

int serve_conn_call(struct serve_conn *c, struct serve_req *r)
{
	serve_conn_send(c, r);
	return serve_conn_wait(c, r);
}

int serve_conn_nonsense(struct err *e, const char *what)
{
	return err_set(e, ERR_CONFIG, "what answers does not keep to the "
		"protocol of 'muniment serve': %s", what);
}
