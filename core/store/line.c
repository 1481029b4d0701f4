/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/line_priv.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"

void line_stop(struct line *l)
{
	pthread_mutex_lock(&l->mtx);
	l->stop = true;
	pthread_mutex_unlock(&l->mtx);
	eventfd_write(l->wake, 1);
}

static void line_drop(struct line *l)
{
	if (l->wake >= 0)
		close(l->wake);
	pthread_cond_destroy(&l->done_cv);
	pthread_mutex_destroy(&l->mtx);
	free(l->in);
	free(l->out);
	free(l);
}

static void line_free(struct line *l)
{
	if (l->running) {
		line_stop(l);
		pthread_join(l->tid, NULL);
	} else {
		wire_close(l->w);
	}
	if (l->ops->end)
		l->ops->end(l);
	line_drop(l);
}

struct line *line_new(const struct line_ops *ops, struct wire *w,
		      const struct line_opts *o)
{
	struct line *l = mem_zero(1, ops->bytes);

	BUG_ON(ops->slots > LINE_SLOTS);
	if (!l) {
		wire_close(w);
		return NULL;
	}
	l->ops = ops;
	l->w = w;
	l->o = *o;
	l->refs = 1;
	l->tail = &l->head;
	l->moved_nsec = clock_mono_nsec();
	rate_init(&l->rate, o->upload_rate, l->moved_nsec);
	while (l->n_free < ops->slots) {
		l->free_id[l->n_free] = (uint16_t)(ops->slots - 1 - l->n_free);
		l->n_free++;
	}
	pthread_mutex_init(&l->mtx, NULL);
	pthread_cond_init(&l->done_cv, NULL);
	l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->out = mem_alloc(ops->out_bytes);
	l->in = mem_alloc(ops->in_bytes);
	if (l->wake < 0 || !l->out || !l->in) {
		wire_close(w);
		line_drop(l);
		return NULL;
	}
	return l;
}

int line_start(struct line *l, struct err *e)
{
	int errnum = thread_start(&l->tid, line_main, l);

	if (errnum != 0)
		return err_errno(e, errnum, "cannot start a thread");
	l->running = true;
	return 0;
}

void line_ref(struct line *l)
{
	pthread_mutex_lock(&l->mtx);
	l->refs++;
	pthread_mutex_unlock(&l->mtx);
}

void line_unref(struct line *l)
{
	bool last;

	if (!l)
		return;
	pthread_mutex_lock(&l->mtx);
	BUG_ON(l->refs == 0);
	last = --l->refs == 0;
	pthread_mutex_unlock(&l->mtx);
	if (last)
		line_free(l);
}

void line_traffic(struct line *l, struct store_traffic *t)
{
	pthread_mutex_lock(&l->mtx);
	*t = l->traffic;
	pthread_mutex_unlock(&l->mtx);
}

bool line_dead(struct line *l)
{
	bool dead;

	pthread_mutex_lock(&l->mtx);
	dead = l->dead;
	pthread_mutex_unlock(&l->mtx);
	return dead;
}

bool line_why(struct line *l, struct err *e)
{
	bool again;

	pthread_mutex_lock(&l->mtx);
	again = !l->final;
	if (l->dead)
		err_set(e, l->why.code, "%s", l->why.msg);
	pthread_mutex_unlock(&l->mtx);
	return again;
}

/* false: the connection is lost, and 'r' with it.  A loose one may be freed
 * before this returns true. */
static bool line_queue(struct line *l, struct line_req *r)
{
	bool first;

	r->state = LINE_OUT;
	r->next = NULL;
	pthread_mutex_lock(&l->mtx);
	if (l->dead) {
		r->state = LINE_LOST;
		pthread_mutex_unlock(&l->mtx);
		return false;
	}
	first = l->head == NULL;
	*l->tail = r;
	l->tail = &r->next;
	l->traffic.requests++;
	r->seq = ++l->seq;
	pthread_mutex_unlock(&l->mtx);
	if (first)
		eventfd_write(l->wake, 1);
	return true;
}

void line_send(struct line *l, struct line_req *r)
{
	line_queue(l, r);
}

int line_wait(struct line *l, struct line_req *r)
{
	BUG_ON(r->state == LINE_IDLE || r->loose);
	pthread_mutex_lock(&l->mtx);
	if (r->state == LINE_OUT && r->seq > l->trip_seq) {
		l->traffic.trips++;
		l->trip_seq = l->seq;
	}
	while (r->state == LINE_OUT)
		pthread_cond_wait(&l->done_cv, &l->mtx);
	pthread_mutex_unlock(&l->mtx);
	return r->state == LINE_DONE ? 0 : ERR_RETRY;
}

void line_loose(struct line *l, struct line_req *r)
{
	r->loose = true;
	if (line_queue(l, r))
		return;
	l->ops->release(r);
	free(r);
}
