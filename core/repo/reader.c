/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/reader.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "format/object.h"
#include "repo/idx.h"
#include "repo/repo.h"

#define READER_BUCKETS 16384	/* a power of two */

enum cell_state { CELL_LOADING, CELL_READY, CELL_FAILED };

/* A cached object.  The bytes follow in the same allocation once they are
 * there (obj.p), so that giving up a cell is one free. */
struct cell {
	struct obj obj;			/* first: they share an address */
	struct oid id;
	enum cell_state state;		/* mtx */
	unsigned refs;			/* mtx */
	struct cell *chain;		/* mtx: bucket */
	struct cell *newer, *older;	/* mtx: LRU, only while refs == 0 */
	bool in_table;			/* mtx */
	struct err *err;		/* CELL_FAILED */
};

/* Buffers for one load. */
struct scratch {
	struct scratch *next;
	struct buf sealed, packed;
};

struct reader {
	struct repo *repo;
	size_t cache_max;
	struct idx *idx;		/* idx_lock */
	pthread_rwlock_t idx_lock;	/* order: idx_lock > mtx */
	struct object_keys **keys;	/* mtx: by session number, or NULL */
	uint32_t n_keys;		/* mtx */
	pthread_mutex_t mtx;		/* nothing slow is called under it */
	pthread_cond_t loaded;
	struct cell *bucket[READER_BUCKETS];
	/*
	 * Whenever mtx is not held:
	 * 1. a cell with refs == 0 is READY, in the table and on the LRU.
	 * 2. 'idle_bytes' is the sum of those cells' lengths.
	 * 3. idle_bytes <= cache_max.
	 */
	struct cell *newest, *oldest;	/* mtx */
	size_t idle_bytes;		/* mtx */
	struct scratch *scratch;	/* mtx: free ones */
	struct reader_stats stats;	/* mtx */
};

int reader_open(struct reader **out, struct repo *r, size_t cache_bytes,
		struct err *e)
{
	struct reader *rd;
	int rc;

	*out = NULL;
	if ((rc = repo_require(r, KEY_READ, e)) < 0)
		return rc;
	rd = mem_zero(1, sizeof(*rd));
	if (!rd)
		return err_nomem(e);
	if ((rc = idx_open(&rd->idx, r, IDX_READER, e)) < 0) {
		free(rd);
		return rc;
	}
	rd->repo = r;
	rd->cache_max = cache_bytes;
	pthread_rwlock_init(&rd->idx_lock, NULL);
	pthread_mutex_init(&rd->mtx, NULL);
	pthread_cond_init(&rd->loaded, NULL);
	*out = rd;
	return 0;
}

static void reader_cell_free(struct cell *c)
{
	if (c->obj.p) {
		union { const uint8_t *c; void *v; } u = { .c = c->obj.p };

		free(u.v);
	}
	free(c->err);
	free(c);
}

void reader_close(struct reader *rd)
{
	struct scratch *s;
	struct cell *c;
	uint32_t i;

	if (!rd)
		return;
	while ((c = rd->newest)) {
		rd->newest = c->older;
		reader_cell_free(c);
	}
	while ((s = rd->scratch)) {
		rd->scratch = s->next;
		buf_release(&s->sealed);
		buf_release(&s->packed);
		free(s);
	}
	for (i = 0; i < rd->n_keys; i++)
		key_free(rd->keys[i]);
	free(rd->keys);
	idx_close(rd->idx);
	pthread_cond_destroy(&rd->loaded);
	pthread_mutex_destroy(&rd->mtx);
	pthread_rwlock_destroy(&rd->idx_lock);
	free(rd);
}

struct repo *reader_repo(const struct reader *rd)
{
	return rd->repo;
}

/* --- cells; all of these under mtx --- */

static struct cell **reader_bucket(struct reader *rd, const struct oid *id)
{
	return &rd->bucket[oid_hash(id) & (READER_BUCKETS - 1)];
}

static struct cell *reader_cell_find(struct reader *rd, const struct oid *id)
{
	struct cell *c = *reader_bucket(rd, id);

	while (c && !oid_eq(&c->id, id))
		c = c->chain;
	return c;
}

static void reader_cell_unlink(struct reader *rd, struct cell *c)
{
	struct cell **at = reader_bucket(rd, &c->id);

	while (*at != c)
		at = &(*at)->chain;
	*at = c->chain;
	c->in_table = false;
}

static void reader_lru_out(struct reader *rd, struct cell *c)
{
	if (c->newer)
		c->newer->older = c->older;
	else
		rd->newest = c->older;
	if (c->older)
		c->older->newer = c->newer;
	else
		rd->oldest = c->newer;
	c->newer = c->older = NULL;
	rd->idle_bytes -= c->obj.len;
}

static void reader_lru_in(struct reader *rd, struct cell *c)
{
	c->older = rd->newest;
	if (rd->newest)
		rd->newest->newer = c;
	else
		rd->oldest = c;
	rd->newest = c;
	rd->idle_bytes += c->obj.len;
	while (rd->idle_bytes > rd->cache_max) {
		struct cell *old = rd->oldest;

		reader_lru_out(rd, old);
		reader_cell_unlink(rd, old);
		reader_cell_free(old);
	}
}

static void reader_unref(struct reader *rd, struct cell *c)
{
	if (--c->refs > 0)
		return;
	if (c->in_table && c->state == CELL_READY)
		reader_lru_in(rd, c);
	else
		reader_cell_free(c);
}

/* --- loading --- */

static struct scratch *reader_scratch_get(struct reader *rd)
{
	struct scratch *s;

	pthread_mutex_lock(&rd->mtx);
	s = rd->scratch;
	if (s)
		rd->scratch = s->next;
	pthread_mutex_unlock(&rd->mtx);
	return s ? s : mem_zero(1, sizeof(*s));
}

static void reader_scratch_put(struct reader *rd, struct scratch *s)
{
	/* One large object must not pin its size for ever. */
	if (s->sealed.cap > (2u << 20))
		buf_release(&s->sealed);
	if (s->packed.cap > (2u << 20))
		buf_release(&s->packed);
	pthread_mutex_lock(&rd->mtx);
	s->next = rd->scratch;
	rd->scratch = s;
	pthread_mutex_unlock(&rd->mtx);
}

static int reader_keys_grow(struct reader *rd, uint32_t no, struct err *e)
{
	uint32_t n = rd->n_keys ? rd->n_keys : 16;
	struct object_keys **p;

	while (n <= no)
		n *= 2;
	p = mem_resize(rd->keys, n, sizeof(struct object_keys *));
	if (!p)
		return err_nomem(e);
	memset(p + rd->n_keys, 0, (n - rd->n_keys) * sizeof(*p));
	rd->keys = p;
	rd->n_keys = n;
	return 0;
}

/* The keys of a session; opening its secret is dear, so they are kept. */
static int reader_keys(struct reader *rd, const struct idx_loc *loc,
		       const struct object_keys **out, struct err *e)
{
	struct object_keys *k = NULL;
	struct key secret;
	int rc = 0;

	pthread_mutex_lock(&rd->mtx);
	if (loc->session_no < rd->n_keys)
		k = rd->keys[loc->session_no];
	pthread_mutex_unlock(&rd->mtx);
	*out = k;
	if (k)
		return 0;
	rc = repo_unseal(rd->repo, loc->session, &secret, e);
	if (rc < 0)
		return rc;
	k = key_alloc(sizeof(*k));
	if (!k) {
		key_wipe(&secret, sizeof(secret));
		return err_nomem(e);
	}
	object_keys(k, &secret, repo_psk(rd->repo), &loc->session->id);
	key_wipe(&secret, sizeof(secret));
	pthread_mutex_lock(&rd->mtx);
	if (loc->session_no >= rd->n_keys)
		rc = reader_keys_grow(rd, loc->session_no, e);
	if (rc == 0 && !rd->keys[loc->session_no]) {
		rd->keys[loc->session_no] = k;
		k = NULL;
	}
	if (rc == 0)
		*out = rd->keys[loc->session_no];
	pthread_mutex_unlock(&rd->mtx);
	key_free(k);
	return rc;
}

static int reader_load_at(struct reader *rd, enum obj_type t,
			  const struct idx_loc *loc, struct scratch *s,
			  struct buf *out, struct err *e)
{
	const struct object_keys *keys;
	char hex[OID_HEX_BYTES];
	int rc;

	if (loc->obj.type != t)
		return err_set(e, ERR_CORRUPT, "the index has another type");
	if ((rc = reader_keys(rd, loc, &keys, e)) < 0)
		return rc;
	buf_clear(&s->sealed);
	rc = store_get(repo_store(rd->repo), loc->kind == PACK_META ?
		STORE_META : STORE_DATA, oid_hex(&loc->pack, hex), loc->off,
		loc->obj.stored_len, &s->sealed, e);
	if (rc < 0)
		return rc;
	buf_clear(out);
	if ((rc = buf_resize(out, loc->obj.plain_len, e)) < 0)
		return rc;
	rc = object_open(&loc->obj, repo_ctx(rd->repo), keys,
		repo_id_key(rd->repo, t), s->sealed.p, &s->packed, out->p, e);
	if (rc < 0)
		err_ctx(e, "pack %s", hex);
	return rc;
}

/* Every place that the index knows, until one gives the bytes. */
static int reader_load_any(struct reader *rd, enum obj_type t,
			   const struct oid *id, struct scratch *s,
			   struct buf *out, struct err *e)
{
	struct idx_loc loc;
	unsigned at = 0;
	bool found;
	int rc = ERR_NOENT;

	for (;;) {
		pthread_rwlock_rdlock(&rd->idx_lock);
		found = idx_find_next(rd->idx, id, &at, &loc);
		pthread_rwlock_unlock(&rd->idx_lock);
		if (!found)
			break;
		rc = reader_load_at(rd, t, &loc, s, out, e);
		if (rc != ERR_NOENT && rc != ERR_CORRUPT)
			break;
	}
	return rc;
}

static int reader_load(struct reader *rd, enum obj_type t,
		       const struct oid *id, struct buf *out, struct err *e)
{
	struct scratch *s = reader_scratch_get(rd);
	char hex[OID_HEX_BYTES];
	struct err why = { ERR_OK, "" };
	int rc;

	if (!s)
		return err_nomem(e);
	rc = reader_load_any(rd, t, id, s, out, &why);
	if (rc == ERR_NOENT || rc == ERR_CORRUPT) {
		/* Written, merged or compacted since the index was read, or a
		 * local copy of it is damaged. */
		if ((rc = reader_refresh(rd, e)) == 0)
			rc = reader_load_any(rd, t, id, s, out, &why);
	}
	if (rc == 0) {
		pthread_mutex_lock(&rd->mtx);
		rd->stats.misses++;
		rd->stats.read_bytes += s->sealed.len;
		rd->stats.plain_bytes += out->len;
		pthread_mutex_unlock(&rd->mtx);
	} else if (why.code != ERR_OK) {
		if (e)
			*e = why;
		err_ctx(e, "%s object %.16s", fmt_type_name(t),
			oid_hex(id, hex));
	}
	/* Who asks has it from a node or a record, so it must be there: to say
	 * "no such thing" would make damage look like an empty folder. */
	if (rc == ERR_NOENT)
		rc = err_set(e, ERR_CORRUPT, "%s object %.16s is missing from "
			"the repository", fmt_type_name(t), oid_hex(id, hex));
	reader_scratch_put(rd, s);
	return rc;
}

int reader_fetch(struct reader *rd, enum obj_type t, const struct oid *id,
		 struct buf *out, struct err *e)
{
	return reader_load(rd, t, id, out, e);
}

/* The cell is ours to load: in the table, CELL_LOADING, refs 1. */
static int reader_fill(struct reader *rd, struct cell *c, enum obj_type t,
		       struct err *e)
{
	struct err why = { ERR_OK, "" };
	struct buf b = BUF_INIT;
	int rc = reader_load(rd, t, &c->id, &b, &why);

	pthread_mutex_lock(&rd->mtx);
	if (rc == 0) {
		c->obj.p = buf_take(&b, &c->obj.len);
		c->state = CELL_READY;
	} else {
		c->state = CELL_FAILED;
		c->err = mem_dup(&why, sizeof(why));
		reader_cell_unlink(rd, c);
	}
	pthread_cond_broadcast(&rd->loaded);
	if (rc < 0)
		reader_unref(rd, c);
	pthread_mutex_unlock(&rd->mtx);
	buf_release(&b);
	if (rc < 0 && e)
		*e = why;
	return rc;
}

/* Somebody else loads it: wait. */
static int reader_await(struct reader *rd, struct cell *c, struct err *e)
{
	int rc = 0;

	while (c->state == CELL_LOADING)
		pthread_cond_wait(&rd->loaded, &rd->mtx);
	if (c->state == CELL_FAILED) {
		rc = c->err ? (int)c->err->code : err_nomem(e);
		if (e && c->err)
			*e = *c->err;
		reader_unref(rd, c);
	}
	return rc;
}

int reader_get(struct reader *rd, enum obj_type t, const struct oid *id,
	       struct obj **out, struct err *e)
{
	struct cell *c;
	int rc;

	*out = NULL;
	pthread_mutex_lock(&rd->mtx);
	c = reader_cell_find(rd, id);
	if (c) {
		if (c->refs++ == 0)
			reader_lru_out(rd, c);
		rd->stats.hits++;
		rc = reader_await(rd, c, e);
		pthread_mutex_unlock(&rd->mtx);
		if (rc == 0)
			*out = &c->obj;
		return rc;
	}
	c = mem_zero(1, sizeof(*c));
	if (!c) {
		pthread_mutex_unlock(&rd->mtx);
		return err_nomem(e);
	}
	c->id = *id;
	c->refs = 1;
	c->state = CELL_LOADING;
	c->in_table = true;
	c->chain = *reader_bucket(rd, id);
	*reader_bucket(rd, id) = c;
	pthread_mutex_unlock(&rd->mtx);
	if ((rc = reader_fill(rd, c, t, e)) == 0)
		*out = &c->obj;
	return rc;
}

void reader_release(struct reader *rd, struct obj *o)
{
	if (!o)
		return;
	pthread_mutex_lock(&rd->mtx);
	reader_unref(rd, (struct cell *)o);
	pthread_mutex_unlock(&rd->mtx);
}

bool reader_has(struct reader *rd, const struct oid *id)
{
	bool has;

	pthread_rwlock_rdlock(&rd->idx_lock);
	has = idx_has(rd->idx, id);
	pthread_rwlock_unlock(&rd->idx_lock);
	return has;
}

int reader_refresh(struct reader *rd, struct err *e)
{
	int rc;

	pthread_rwlock_wrlock(&rd->idx_lock);
	rc = idx_refresh(rd->idx, e);
	pthread_rwlock_unlock(&rd->idx_lock);
	return rc;
}

void reader_stats(struct reader *rd, struct reader_stats *out)
{
	pthread_mutex_lock(&rd->mtx);
	*out = rd->stats;
	out->cached_bytes = rd->idle_bytes;
	pthread_mutex_unlock(&rd->mtx);
}
