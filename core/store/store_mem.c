/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/store_priv.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/ops.h"

/* The bytes of one put: never changed, shared between copies of a store. */
struct memblob {
	atomic_uint refs;
	size_t len;
	uint8_t p[];
};

/*
 * A name.  1. 'now' is what a reader sees, NULL: deleted.  2. 'durable' is
 * what the last barrier made safe, NULL: nothing.  3. 'gone' is what was
 * deleted last since then.  4. Not all are NULL.
 */
struct memname {
	struct memname *next;
	enum store_kind kind;
	struct memblob *now, *durable, *gone;
	char name[];
};

#define MEM_BUCKETS 4096u

struct memstore {
	struct store store;
	pthread_mutex_t mtx;		/* a leaf */
	struct memname *bucket[MEM_BUCKETS];	/* mtx */
};

static struct memstore *memstore_of(struct store *s)
{
	return (struct memstore *)(void *)s;
}

static struct memblob *memblob_ref(struct memblob *b)
{
	if (b)
		atomic_fetch_add(&b->refs, 1);
	return b;
}

static void memblob_drop(struct memblob *b)
{
	if (b && atomic_fetch_sub(&b->refs, 1) == 1)
		free(b);
}

static struct memblob *memblob_new(const struct iovec *iov, int n,
				   struct err *e)
{
	struct memblob *b;
	size_t len = 0;
	int i;

	for (i = 0; i < n; i++)
		if (__builtin_add_overflow(len, iov[i].iov_len, &len))
			return err_nomem(e), NULL;
	if (len > SIZE_MAX - sizeof(*b) || !(b = mem_alloc(sizeof(*b) + len)))
		return err_nomem(e), NULL;
	atomic_init(&b->refs, 1);
	b->len = 0;
	for (i = 0; i < n; i++) {
		if (iov[i].iov_len > 0)
			memcpy(b->p + b->len, iov[i].iov_base, iov[i].iov_len);
		b->len += iov[i].iov_len;
	}
	return b;
}

/* Where the name is linked from, or would be. */
static struct memname **memname_find(struct memstore *m, enum store_kind k,
				     const char *name)
{
	uint64_t h = 0xcbf29ce484222325u + k;
	struct memname **at;
	const char *s;

	for (s = name; *s; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3u;
	at = &m->bucket[(h ^ h >> 32) % MEM_BUCKETS];
	while (*at && ((*at)->kind != k || strcmp((*at)->name, name) != 0))
		at = &(*at)->next;
	return at;
}

static struct memname *memname_new(struct memname **at, enum store_kind k,
				   const char *name)
{
	size_t len = strlen(name) + 1;
	struct memname *n = mem_zero(1, sizeof(*n) + len);

	if (!n)
		return NULL;
	n->kind = k;
	memcpy(n->name, name, len);
	*at = n;
	return n;
}

static void memname_unlink(struct memname **at)
{
	struct memname *n = *at;

	*at = n->next;
	memblob_drop(n->now);
	memblob_drop(n->durable);
	memblob_drop(n->gone);
	free(n);
}

static int memstore_put(struct store *s, enum store_kind k, const char *name,
		   const struct iovec *iov, int n, unsigned flags,
		   struct err *e)
{
	struct memstore *m = memstore_of(s);
	struct memblob *b = memblob_new(iov, n, e);
	struct memname **at, *mn;
	int rc = 0;

	(void)flags;
	if (!b)
		return ERR_NOMEM;
	pthread_mutex_lock(&m->mtx);
	at = memname_find(m, k, name);
	if (*at && (*at)->now) {
		rc = store_say_exist(k, name, e);
	} else if (!(mn = *at ? *at : memname_new(at, k, name))) {
		rc = err_nomem(e);
	} else {
		mn->now = b;
		b = NULL;
	}
	pthread_mutex_unlock(&m->mtx);
	memblob_drop(b);
	return rc;
}

/* A reference to what the name holds now; NULL and ERR_NOENT: nothing. */
static struct memblob *memstore_look(struct store *s, enum store_kind k,
				const char *name, struct err *e)
{
	struct memstore *m = memstore_of(s);
	struct memblob *b;
	struct memname *mn;

	pthread_mutex_lock(&m->mtx);
	mn = *memname_find(m, k, name);
	b = mn ? memblob_ref(mn->now) : NULL;
	pthread_mutex_unlock(&m->mtx);
	if (!b)
		store_say_noent(k, name, e);
	return b;
}

static int memstore_get(struct store *s, enum store_kind k, const char *name,
		   uint64_t off, size_t len, struct buf *out, struct err *e)
{
	struct memblob *b = memstore_look(s, k, name, e);
	int rc;

	if (!b)
		return ERR_NOENT;
	if (off > b->len || len > b->len - off)
		rc = store_say_short(k, name, e);
	else
		rc = len > 0 ? buf_append(out, b->p + off, len, e) : 0;
	memblob_drop(b);
	return rc;
}

static int memstore_stat(struct store *s, enum store_kind k, const char *name,
		    uint64_t *size, struct err *e)
{
	struct memblob *b = memstore_look(s, k, name, e);

	if (!b)
		return ERR_NOENT;
	*size = b->len;
	memblob_drop(b);
	return 0;
}

struct memlist {
	char (*name)[STORE_NAME_MAX + 1];
	uint64_t *size;
	size_t n;
};

static int memlist_take(struct memlist *l, struct memstore *m,
			enum store_kind k, struct err *e)
{
	const struct memname *mn;
	size_t total = 0;
	unsigned i;

	for (i = 0; i < MEM_BUCKETS; i++)
		for (mn = m->bucket[i]; mn; mn = mn->next)
			total += mn->kind == k && mn->now;
	l->name = mem_array(total, sizeof(*l->name));
	l->size = mem_array(total, sizeof(*l->size));
	if (!l->name || !l->size)
		return err_nomem(e);
	for (i = 0; i < MEM_BUCKETS; i++) {
		for (mn = m->bucket[i]; mn; mn = mn->next) {
			if (mn->kind != k || !mn->now)
				continue;
			memcpy(l->name[l->n], mn->name, strlen(mn->name) + 1);
			l->size[l->n++] = mn->now->len;
		}
	}
	return 0;
}

static int memstore_list(struct store *s, enum store_kind k, store_list_fn *fn,
		    void *ctx, struct err *e)
{
	struct memstore *m = memstore_of(s);
	struct memlist l = { NULL, NULL, 0 };
	size_t i;
	int rc;

	pthread_mutex_lock(&m->mtx);
	rc = memlist_take(&l, m, k, e);
	pthread_mutex_unlock(&m->mtx);
	for (i = 0; rc == 0 && i < l.n; i++)
		rc = fn(l.name[i], l.size[i], ctx);
	free(l.name);
	free(l.size);
	return rc;
}

static int memstore_del(struct store *s, enum store_kind k, const char *name,
		   struct err *e)
{
	struct memstore *m = memstore_of(s);
	struct memname *mn;
	int rc = 0;

	pthread_mutex_lock(&m->mtx);
	mn = *memname_find(m, k, name);
	if (mn && mn->now) {
		memblob_drop(mn->gone);
		mn->gone = mn->now;
		mn->now = NULL;
	} else {
		rc = store_say_noent(k, name, e);
	}
	pthread_mutex_unlock(&m->mtx);
	return rc;
}

/* What is seen now becomes what is durable. */
static void memstore_settle(struct memstore *m)
{
	struct memname **at;
	unsigned i;

	for (i = 0; i < MEM_BUCKETS; i++) {
		at = &m->bucket[i];
		while (*at) {
			memblob_drop((*at)->gone);
			memblob_drop((*at)->durable);
			(*at)->gone = NULL;
			(*at)->durable = memblob_ref((*at)->now);
			if ((*at)->now)
				at = &(*at)->next;
			else
				memname_unlink(at);
		}
	}
}

static int memstore_sync(struct store *s, struct err *e)
{
	struct memstore *m = memstore_of(s);

	(void)e;
	pthread_mutex_lock(&m->mtx);
	memstore_settle(m);
	pthread_mutex_unlock(&m->mtx);
	return 0;
}

static int memstore_space(struct store *s, uint64_t *free_bytes,
		     uint64_t *total_bytes, struct err *e)
{
	(void)s;
	(void)e;
	*free_bytes = *total_bytes = (uint64_t)1 << 40;
	return 0;
}

static void memstore_close(struct store *s)
{
	struct memstore *m = memstore_of(s);
	unsigned i;

	for (i = 0; i < MEM_BUCKETS; i++)
		while (m->bucket[i])
			memname_unlink(&m->bucket[i]);
	pthread_mutex_destroy(&m->mtx);
	free(s->url);
	free(m);
}

static const struct store_ops memstore_ops = {
	.put = memstore_put,
	.get = memstore_get,
	.stat = memstore_stat,
	.list = memstore_list,
	.del = memstore_del,
	.sync = memstore_sync,
	.space = memstore_space,
	.close = memstore_close,
};

struct store *store_open_mem(struct err *e)
{
	struct memstore *m = mem_zero(1, sizeof(*m));

	if (m)
		m->store.url = mem_str("memory");
	if (!m || !m->store.url) {
		free(m);
		err_nomem(e);
		return NULL;
	}
	m->store.ops = &memstore_ops;
	pthread_mutex_init(&m->mtx, NULL);
	return &m->store;
}

/* splitmix64: neighbouring seeds choose differently. */
static uint64_t memstore_draw(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

void store_mem_cut(struct store *s, uint64_t seed)
{
	struct memstore *m = memstore_of(s);
	struct memname *mn;
	unsigned i;

	BUG_ON(s->ops != &memstore_ops);
	pthread_mutex_lock(&m->mtx);
	for (i = 0; i < MEM_BUCKETS; i++) {
		for (mn = m->bucket[i]; mn; mn = mn->next) {
			struct memblob *can[] = { mn->now, mn->durable,
				mn->gone, NULL };
			struct memblob *was = mn->now;
			size_t n = mn->now && mn->durable ? 4 : 3;

			if (was == mn->durable && !mn->gone)
				continue;
			mn->now = memblob_ref(can[memstore_draw(&seed) % n]);
			memblob_drop(was);
		}
	}
	memstore_settle(m);
	pthread_mutex_unlock(&m->mtx);
}

struct store *store_mem_copy(struct store *s, struct err *e)
{
	struct memstore *m = memstore_of(s);
	struct store *copy = store_open_mem(e);
	const struct memname *mn;
	struct memname *n;
	unsigned i;
	int rc = 0;

	BUG_ON(s->ops != &memstore_ops);
	if (!copy)
		return NULL;
	pthread_mutex_lock(&m->mtx);
	for (i = 0; rc == 0 && i < MEM_BUCKETS; i++) {
		for (mn = m->bucket[i]; rc == 0 && mn; mn = mn->next) {
			n = memname_new(memname_find(memstore_of(copy),
				mn->kind, mn->name), mn->kind, mn->name);
			if (!n) {
				rc = err_nomem(e);
				break;
			}
			n->now = memblob_ref(mn->now);
			n->durable = memblob_ref(mn->durable);
			n->gone = memblob_ref(mn->gone);
		}
	}
	pthread_mutex_unlock(&m->mtx);
	if (rc == 0)
		return copy;
	store_close(copy);
	return NULL;
}
