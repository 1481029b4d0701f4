/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/pack_ahead.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"

enum {
	AHEAD_WINDOWS = 8,
	AHEAD_DEPTH = 2,		/* on their way, and threads */
	AHEAD_FIRST = 256 << 10,
	AHEAD_MOST = 8 << 20,		/* bytes a window, and of all */
	AHEAD_TOTAL = 32 << 20,
	AHEAD_GAP = 1 << 20,		/* that is still "near" */
	AHEAD_OFF_MAX = 1 << 30		/* far above what packs have */
};

enum ahead_state { AHEAD_FREE, AHEAD_ASKED, AHEAD_READING, AHEAD_READY };

struct ahead_window {
	enum ahead_state state;
	enum store_kind kind;
	char name[STORE_NAME_MAX + 1];
	uint64_t off;
	size_t len;			/* as planned, then as read */
	struct buf b;			/* AHEAD_READY */
	uint64_t used;
	bool followed;			/* the next one was asked for */
	bool dropped;			/* while it was on its way */
};

struct pack_ahead {
	pack_ahead_read_fn *fn;
	void *ctx;
	pthread_mutex_t mtx;		/* a leaf, of all below */
	pthread_cond_t cv;		/* a window changed its state; stop */
	pthread_t tid[AHEAD_DEPTH];
	unsigned threads;
	bool stop;
	uint64_t clock;
	size_t grown;			/* of the last read in order: its
					 * window */
	/* One that is ASKED is the thread's to read; one that is READING has
	 * an owner who ends it. */
	struct ahead_window w[AHEAD_WINDOWS];
};

struct pack_ahead *pack_ahead_new(pack_ahead_read_fn *fn, void *ctx)
{
	struct pack_ahead *a = mem_zero(1, sizeof(*a));

	if (a) {
		a->fn = fn;
		a->ctx = ctx;
		pthread_mutex_init(&a->mtx, NULL);
		pthread_cond_init(&a->cv, NULL);
	}
	return a;
}

void pack_ahead_free(struct pack_ahead *a)
{
	unsigned i;

	if (!a)
		return;
	pthread_mutex_lock(&a->mtx);
	a->stop = true;
	pthread_cond_broadcast(&a->cv);
	pthread_mutex_unlock(&a->mtx);
	for (i = 0; i < a->threads; i++)
		pthread_join(a->tid[i], NULL);
	for (i = 0; i < AHEAD_WINDOWS; i++)
		buf_release(&a->w[i].b);
	pthread_cond_destroy(&a->cv);
	pthread_mutex_destroy(&a->mtx);
	free(a);
}

/* --- all of these under mtx --- */

static bool ahead_is(const struct ahead_window *w, enum store_kind k,
		     const char *name)
{
	return w->state != AHEAD_FREE && !w->dropped && w->kind == k &&
		strcmp(w->name, name) == 0;
}

/* The one with the byte at 'off'. */
static struct ahead_window *ahead_find(struct pack_ahead *a,
				       enum store_kind k, const char *name,
				       uint64_t off)
{
	unsigned i;

	for (i = 0; i < AHEAD_WINDOWS; i++)
		if (ahead_is(&a->w[i], k, name) && off >= a->w[i].off &&
		    off - a->w[i].off < a->w[i].len)
			return &a->w[i];
	return NULL;
}

enum ahead_there { AHEAD_MISSING, AHEAD_COMING, AHEAD_THERE };

/* Are the bytes there, in one window or in several that follow one another? */
static enum ahead_there ahead_look(struct pack_ahead *a, enum store_kind k,
				   const char *name, uint64_t off, size_t len)
{
	enum ahead_there there = AHEAD_THERE;
	const struct ahead_window *w;
	size_t n;

	for (; len > 0; len -= n < len ? n : len, off += n) {
		w = ahead_find(a, k, name, off);
		if (!w)
			return AHEAD_MISSING;
		if (w->state != AHEAD_READY)
			there = AHEAD_COMING;
		n = (size_t)(w->off + w->len - off);
	}
	return there;
}

/* Copies them; the last window that it took of. */
static struct ahead_window *ahead_copy(struct pack_ahead *a,
				       enum store_kind k, const char *name,
				       uint64_t off, size_t len,
				       struct buf *out)
{
	struct ahead_window *w = NULL;
	size_t n;

	for (; len > 0; len -= n, off += n) {
		w = ahead_find(a, k, name, off);
		n = (size_t)(w->off + w->len - off);
		n = n < len ? n : len;
		memcpy(out->p + out->len, w->b.p + (off - w->off), n);
		out->len += n;
		w->used = ++a->clock;
	}
	return w;
}

static size_t ahead_grow(size_t len)
{
	len = len < AHEAD_FIRST / 4 ? AHEAD_FIRST / 4 : len;
	return len > AHEAD_MOST / 4 ? AHEAD_MOST : len * 4;
}

/* How much to read at 'off' for one who wants 'len' of it.  *order: he seems
 * to read on. */
static size_t ahead_size(struct pack_ahead *a, enum store_kind k,
			 const char *name, uint64_t off, size_t len,
			 bool *order)
{
	bool known = false, near = false;
	size_t most = 0;
	unsigned i;

	for (i = 0; i < AHEAD_WINDOWS; i++) {
		const struct ahead_window *w = &a->w[i];

		if (!ahead_is(w, k, name))
			continue;
		known = true;
		if (off < w->off || off >= w->off + w->len + AHEAD_GAP)
			continue;
		near = true;
		if (w->len > most)
			most = w->len;
	}
	if (near)
		a->grown = most = ahead_grow(most);
	/* The next pack of one who reads pack after pack. */
	else if (!known && a->grown == AHEAD_MOST)
		most = AHEAD_MOST / 4;
	else
		a->grown = 0;
	*order = most > 0;
	return most > len ? most : len;
}

/* One for new bytes: free, or the one longest unused. */
static struct ahead_window *ahead_place(struct pack_ahead *a)
{
	struct ahead_window *best = NULL, *w;
	unsigned i;

	for (i = 0; i < AHEAD_WINDOWS; i++) {
		w = &a->w[i];
		if (w->state == AHEAD_FREE)
			return w;
		if (w->state == AHEAD_READY && (!best || w->used < best->used))
			best = w;
	}
	if (best) {
		buf_release(&best->b);
		best->state = AHEAD_FREE;
	}
	return best;
}

/* Others go until there is room. */
static void ahead_shrink(struct pack_ahead *a, const struct ahead_window *keep)
{
	struct ahead_window *old, *w;
	size_t total;
	unsigned i;

	do {
		old = NULL;
		for (total = 0, i = 0; i < AHEAD_WINDOWS; i++) {
			w = &a->w[i];
			total += w->state == AHEAD_FREE ? 0 : w->len;
			if (w != keep && w->state == AHEAD_READY &&
			    (!old || w->used < old->used))
				old = w;
		}
		if (total > AHEAD_TOTAL && old) {
			buf_release(&old->b);
			old->state = AHEAD_FREE;
		}
	} while (total > AHEAD_TOTAL && old);
}

static struct ahead_window *ahead_reserve(struct pack_ahead *a,
					  enum store_kind k, const char *name,
					  uint64_t off, size_t len)
{
	struct ahead_window *w = len <= 2 * AHEAD_MOST &&
		off < AHEAD_OFF_MAX ? ahead_place(a) : NULL;

	if (!w)
		return NULL;
	w->state = AHEAD_READING;
	w->kind = k;
	memmove(w->name, name, strlen(name) + 1);
	w->off = off;
	w->len = len;
	w->used = ++a->clock;
	w->followed = w->dropped = false;
	ahead_shrink(a, w);
	return w;
}

static void ahead_settle(struct pack_ahead *a, struct ahead_window *w,
			 struct buf *b)
{
	w->state = AHEAD_FREE;
	if (b && b->len > 0 && !w->dropped) {
		/* Its end is the pack's. */
		w->followed |= b->len < w->len;
		w->state = AHEAD_READY;
		w->len = b->len;
		buf_release(&w->b);
		buf_swap(&w->b, b);
	}
	pthread_cond_broadcast(&a->cv);
}

/* --- the thread --- */

static struct ahead_window *ahead_asked(struct pack_ahead *a)
{
	unsigned i;

	for (i = 0; i < AHEAD_WINDOWS; i++)
		if (a->w[i].state == AHEAD_ASKED)
			return &a->w[i];
	return NULL;
}

static void *ahead_main(void *arg)
{
	struct pack_ahead *a = arg;
	struct buf b = BUF_INIT;
	struct ahead_window *w;
	int rc;

	pthread_mutex_lock(&a->mtx);
	while (!a->stop) {
		if (!(w = ahead_asked(a))) {
			pthread_cond_wait(&a->cv, &a->mtx);
			continue;
		}
		w->state = AHEAD_READING;
		pthread_mutex_unlock(&a->mtx);
		rc = a->fn(a->ctx, w->kind, w->name, w->off, w->len, &b);
		pthread_mutex_lock(&a->mtx);
		ahead_settle(a, w, rc == 0 ? &b : NULL);
		buf_release(&b);
	}
	pthread_mutex_unlock(&a->mtx);
	return NULL;
}

static bool ahead_run(struct pack_ahead *a)
{
	while (a->threads < AHEAD_DEPTH &&
	       thread_start(&a->tid[a->threads], ahead_main, a) == 0)
		a->threads++;
	return a->threads > 0;
}

/* Under mtx: what follows a window is read; NULL: nothing is. */
static struct ahead_window *ahead_next(struct pack_ahead *a,
				       struct ahead_window *w)
{
	uint64_t end = w->off + w->len;
	struct ahead_window *next = ahead_find(a, w->kind, w->name, end);

	if (next || w->followed || w->len < AHEAD_FIRST || !ahead_run(a))
		return next;
	next = ahead_reserve(a, w->kind, w->name, end, ahead_grow(w->len));
	if (next) {
		next->state = AHEAD_ASKED;
		a->grown = next->len;
		pthread_cond_broadcast(&a->cv);
	}
	return next;
}

/* Under mtx: a window is being used.  When the windows are as large as they
 * get, two are on their way, so that the line is never idle between them. */
static void ahead_follow(struct pack_ahead *a, struct ahead_window *w)
{
	unsigned i;

	for (i = 0; i < AHEAD_DEPTH && w; i++) {
		struct ahead_window *next = ahead_next(a, w);

		w->followed = true;
		w = next && next->len == AHEAD_MOST ? next : NULL;
	}
}

bool pack_ahead_begin(struct pack_ahead *a, enum store_kind k,
		      const char *name, uint64_t off, size_t len,
		      struct buf *out, struct pack_ahead_plan *plan)
{
	enum ahead_there there;
	bool order;

	pthread_mutex_lock(&a->mtx);
	while ((there = ahead_look(a, k, name, off, len)) == AHEAD_COMING)
		pthread_cond_wait(&a->cv, &a->mtx);
	if (there == AHEAD_THERE) {
		ahead_follow(a, ahead_copy(a, k, name, off, len, out));
	} else {
		plan->len = ahead_size(a, k, name, off, len, &order);
		plan->w = ahead_reserve(a, k, name, off, plan->len);
		if (plan->w)
			plan->w->followed = !order;
		else
			plan->len = len;
	}
	pthread_mutex_unlock(&a->mtx);
	return there == AHEAD_THERE;
}

void pack_ahead_end(struct pack_ahead *a, struct pack_ahead_plan *plan,
		    struct buf *b)
{
	if (!plan->w)
		return;
	pthread_mutex_lock(&a->mtx);
	ahead_settle(a, plan->w, b);
	if (plan->w->state == AHEAD_READY)
		ahead_follow(a, plan->w);
	pthread_mutex_unlock(&a->mtx);
	plan->w = NULL;
}

void pack_ahead_drop(struct pack_ahead *a, enum store_kind k,
		     const char *name)
{
	unsigned i;

	pthread_mutex_lock(&a->mtx);
	for (i = 0; i < AHEAD_WINDOWS; i++) {
		if (!ahead_is(&a->w[i], k, name))
			continue;
		if (a->w[i].state == AHEAD_READY) {
			buf_release(&a->w[i].b);
			a->w[i].state = AHEAD_FREE;
		} else {
			a->w[i].dropped = true;
		}
	}
	pthread_cond_broadcast(&a->cv);
	pthread_mutex_unlock(&a->mtx);
}
