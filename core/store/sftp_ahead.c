/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/sftp_ahead.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
	AHEAD_WINDOWS = 4,
	AHEAD_FIRST = 256 << 10,
	AHEAD_MOST = 8 << 20,		/* bytes a window, and of all */
	AHEAD_TOTAL = 24 << 20,
	AHEAD_GAP = 1 << 20		/* that is still "near" */
};

struct ahead_window {
	enum store_kind kind;
	char name[STORE_NAME_MAX + 1];
	uint64_t off;
	struct buf b;			/* no bytes: free */
	uint64_t used;
};

struct sftp_ahead {
	pthread_mutex_t mtx;		/* a leaf */
	uint64_t clock;
	struct ahead_window w[AHEAD_WINDOWS];
};

struct sftp_ahead *sftp_ahead_new(void)
{
	struct sftp_ahead *a = mem_zero(1, sizeof(*a));

	if (a)
		pthread_mutex_init(&a->mtx, NULL);
	return a;
}

void sftp_ahead_free(struct sftp_ahead *a)
{
	unsigned i;

	if (!a)
		return;
	for (i = 0; i < AHEAD_WINDOWS; i++)
		buf_release(&a->w[i].b);
	pthread_mutex_destroy(&a->mtx);
	free(a);
}

static bool ahead_is(const struct ahead_window *w, enum store_kind k,
		     const char *name)
{
	return w->b.len > 0 && w->kind == k && strcmp(w->name, name) == 0;
}

bool sftp_ahead_find(struct sftp_ahead *a, enum store_kind k,
		     const char *name, uint64_t off, size_t len,
		     struct buf *out)
{
	struct ahead_window *w;
	bool found = false;
	unsigned i;

	pthread_mutex_lock(&a->mtx);
	for (i = 0; !found && i < AHEAD_WINDOWS; i++) {
		w = &a->w[i];
		if (!ahead_is(w, k, name) || off < w->off ||
		    off - w->off > w->b.len ||
		    len > w->b.len - (off - w->off))
			continue;
		if (len > 0)
			memcpy(out->p + out->len, w->b.p + (off - w->off),
				len);
		out->len += len;
		w->used = ++a->clock;
		found = true;
	}
	pthread_mutex_unlock(&a->mtx);
	return found;
}

/* Does a read at 'off' go on where the window ends, or nearly? */
static bool ahead_goes_on(const struct ahead_window *w, uint64_t off)
{
	uint64_t end = w->off + w->b.len;

	return off >= w->off && off < end + AHEAD_GAP;
}

size_t sftp_ahead_want(struct sftp_ahead *a, enum store_kind k,
		       const char *name, uint64_t off, size_t len)
{
	size_t want = len, more;
	unsigned i;

	pthread_mutex_lock(&a->mtx);
	for (i = 0; i < AHEAD_WINDOWS; i++) {
		if (!ahead_is(&a->w[i], k, name) ||
		    !ahead_goes_on(&a->w[i], off))
			continue;
		more = a->w[i].b.len * 2;
		more = more < AHEAD_FIRST ? AHEAD_FIRST : more;
		more = more > AHEAD_MOST ? AHEAD_MOST : more;
		want = want > more ? want : more;
	}
	pthread_mutex_unlock(&a->mtx);
	return want;
}

/* Under mtx: the one that this continues, or the one longest unused. */
static struct ahead_window *ahead_place(struct sftp_ahead *a,
					enum store_kind k, const char *name,
					uint64_t off)
{
	struct ahead_window *best = &a->w[0];
	unsigned i;

	for (i = 0; i < AHEAD_WINDOWS; i++) {
		if (ahead_is(&a->w[i], k, name) &&
		    ahead_goes_on(&a->w[i], off))
			return &a->w[i];
		if (a->w[i].used < best->used)
			best = &a->w[i];
	}
	return best;
}

/* Under mtx: others go until there is room. */
static void ahead_shrink(struct sftp_ahead *a, const struct ahead_window *keep)
{
	struct ahead_window *old;
	size_t total;
	unsigned i;

	for (;;) {
		old = NULL;
		for (total = 0, i = 0; i < AHEAD_WINDOWS; i++) {
			struct ahead_window *w = &a->w[i];

			total += w->b.len;
			if (w != keep && w->b.len > 0 &&
			    (!old || w->used < old->used))
				old = w;
		}
		if (total <= AHEAD_TOTAL || !old)
			return;
		buf_release(&old->b);
	}
}

void sftp_ahead_add(struct sftp_ahead *a, enum store_kind k,
		    const char *name, uint64_t off, struct buf *b)
{
	struct ahead_window *w;

	if (b->len == 0 || b->len > AHEAD_MOST * 2)
		return;
	pthread_mutex_lock(&a->mtx);
	w = ahead_place(a, k, name, off);
	buf_release(&w->b);
	buf_swap(&w->b, b);
	w->kind = k;
	memcpy(w->name, name, strlen(name) + 1);
	w->off = off;
	w->used = ++a->clock;
	ahead_shrink(a, w);
	pthread_mutex_unlock(&a->mtx);
}

void sftp_ahead_drop(struct sftp_ahead *a, enum store_kind k,
		     const char *name)
{
	unsigned i;

	pthread_mutex_lock(&a->mtx);
	for (i = 0; i < AHEAD_WINDOWS; i++)
		if (ahead_is(&a->w[i], k, name))
			buf_release(&a->w[i].b);
	pthread_mutex_unlock(&a->mtx);
}
