/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/serve_batch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

enum {
	BATCH_KEPT = 768,		/* files whose bytes or size are kept */
	BATCH_BYTES = 512 << 10,	/* of a batch */
	BATCH_PUTS_MAX = 65536
};
#define BATCH_NSEC ((int64_t)10 * 1000000000)

struct batch_name {
	char name[STORE_NAME_MAX + 1];
	uint64_t size;
};
struct batch_names {
	struct batch_name *v;
	size_t n, cap, at;		/* at: where the last one was found */
};
struct batch_kept {
	bool used, sized;
	enum store_kind kind;
	char name[STORE_NAME_MAX + 1];
	struct buf bytes;
	uint64_t size;
	int64_t when_nsec;
};

struct serve_batch {
	pthread_mutex_t mtx;		/* a leaf, of all below */
	struct batch_names listed[STORE_KINDS], put[STORE_KINDS];
	struct batch_kept kept[BATCH_KEPT];
	size_t next;
};

struct serve_batch *serve_batch_new(void)
{
	struct serve_batch *b = mem_zero(1, sizeof(*b));

	if (b)
		pthread_mutex_init(&b->mtx, NULL);
	return b;
}

void serve_batch_free(struct serve_batch *b)
{
	size_t i;

	if (!b)
		return;
	for (i = 0; i < BATCH_KEPT; i++)
		buf_release(&b->kept[i].bytes);
	for (i = 0; i < STORE_KINDS; i++) {
		free(b->listed[i].v);
		free(b->put[i].v);
	}
	pthread_mutex_destroy(&b->mtx);
	free(b);
}

static bool batch_is_small(enum store_kind k)
{
	return k == STORE_KEYS || k == STORE_ARCHIVES ||
		k == STORE_TOMBSTONES || k == STORE_SESSIONS ||
		k == STORE_GENERATIONS || k == STORE_PINS;
}

static void batch_add(struct batch_names *l, const char *name, uint64_t size)
{
	size_t cap = l->cap ? l->cap * 2 : 16;
	struct batch_name *v;

	if (l->n == l->cap) {
		v = mem_resize(l->v, cap, sizeof(*v));
		if (!v)
			return;
		l->v = v;
		l->cap = cap;
	}
	memcpy(l->v[l->n].name, name, strlen(name) + 1);
	l->v[l->n++].size = size;
}

static void batch_clear(struct batch_names *l)
{
	l->n = l->at = 0;
}

static void batch_forget(struct batch_kept *k)
{
	buf_release(&k->bytes);
	k->used = false;
}

static struct batch_kept *batch_find(struct serve_batch *b,
				     enum store_kind k, const char *name,
				     bool sized)
{
	int64_t now = clock_mono_nsec();
	size_t i;

	for (i = 0; i < BATCH_KEPT; i++) {
		struct batch_kept *x = &b->kept[i];

		if (x->used && now - x->when_nsec > BATCH_NSEC)
			batch_forget(x);
		if (x->used && x->sized == sized && x->kind == k &&
		    strcmp(x->name, name) == 0)
			return x;
	}
	return NULL;
}

void serve_batch_list(struct serve_batch *b, enum store_kind k)
{
	size_t i;

	if (!batch_is_small(k))
		return;
	pthread_mutex_lock(&b->mtx);
	batch_clear(&b->listed[k]);
	for (i = 0; i < BATCH_KEPT; i++)
		if (b->kept[i].used && b->kept[i].kind == k)
			batch_forget(&b->kept[i]);
	pthread_mutex_unlock(&b->mtx);
}

void serve_batch_listed(struct serve_batch *b, enum store_kind k,
			const char *name, uint64_t size)
{
	if (!batch_is_small(k))
		return;
	pthread_mutex_lock(&b->mtx);
	batch_add(&b->listed[k], name, size);
	pthread_mutex_unlock(&b->mtx);
}

void serve_batch_put(struct serve_batch *b, enum store_kind k,
		     const char *name)
{
	pthread_mutex_lock(&b->mtx);
	if (b->put[k].n < BATCH_PUTS_MAX)
		batch_add(&b->put[k], name, 0);
	pthread_mutex_unlock(&b->mtx);
}

void serve_batch_drop(struct serve_batch *b, enum store_kind k,
		      const char *name)
{
	struct batch_kept *x;
	int sized;

	pthread_mutex_lock(&b->mtx);
	for (sized = 0; sized < 2; sized++)
		while ((x = batch_find(b, k, name, sized)) != NULL)
			batch_forget(x);
	pthread_mutex_unlock(&b->mtx);
}

/* Mostly it is the one behind the last. */
static bool batch_seek(struct batch_names *l, const char *name)
{
	size_t i, at;

	for (i = 0; i < l->n; i++) {
		at = (l->at + i) % l->n;
		if (strcmp(l->v[at].name, name) == 0) {
			l->at = at;
			return true;
		}
	}
	return false;
}

size_t serve_batch_next(struct serve_batch *b, enum serve_batch_which which,
			enum store_kind k, const char *name,
			char (*out)[STORE_NAME_MAX + 1], size_t most)
{
	struct batch_names *l = which == SERVE_BATCH_LISTED ?
		&b->listed[k] : &b->put[k];
	uint64_t bytes = 0;
	size_t n = 0, at;

	pthread_mutex_lock(&b->mtx);
	if (batch_seek(l, name)) {
		for (at = l->at + 1; at < l->n && n < most; at++) {
			bytes += l->v[at].size;
			if (bytes > BATCH_BYTES)
				break;
			memcpy(out[n++], l->v[at].name, sizeof(*out));
		}
		l->at = at < l->n ? at : 0;
	}
	pthread_mutex_unlock(&b->mtx);
	return n;
}

static void batch_keep(struct serve_batch *b, enum store_kind k,
		       const char *name, struct buf *bytes, uint64_t size)
{
	struct batch_kept *x;

	pthread_mutex_lock(&b->mtx);
	x = &b->kept[b->next++ % BATCH_KEPT];
	batch_forget(x);
	x->used = true;
	x->sized = !bytes;
	x->kind = k;
	memcpy(x->name, name, strlen(name) + 1);
	x->size = size;
	x->when_nsec = clock_mono_nsec();
	if (bytes)
		buf_swap(&x->bytes, bytes);
	pthread_mutex_unlock(&b->mtx);
}

void serve_batch_keep(struct serve_batch *b, enum store_kind k,
		      const char *name, struct buf *bytes)
{
	batch_keep(b, k, name, bytes, 0);
}

void serve_batch_keep_size(struct serve_batch *b, enum store_kind k,
			   const char *name, uint64_t size)
{
	batch_keep(b, k, name, NULL, size);
}

bool serve_batch_take(struct serve_batch *b, enum store_kind k,
		      const char *name, struct buf *bytes)
{
	struct batch_kept *x;

	pthread_mutex_lock(&b->mtx);
	x = batch_find(b, k, name, false);
	if (x) {
		buf_swap(&x->bytes, bytes);
		batch_forget(x);
	}
	pthread_mutex_unlock(&b->mtx);
	return x != NULL;
}

bool serve_batch_take_size(struct serve_batch *b, enum store_kind k,
			   const char *name, uint64_t *size)
{
	struct batch_kept *x;

	pthread_mutex_lock(&b->mtx);
	x = batch_find(b, k, name, true);
	if (x) {
		*size = x->size;
		batch_forget(x);
	}
	pthread_mutex_unlock(&b->mtx);
	return x != NULL;
}
