/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/reader_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

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
	rd->local = repo_meta_local(r);
	rd->cache_max = cache_bytes;
	pthread_rwlock_init(&rd->idx_lock, NULL);
	pthread_mutex_init(&rd->mtx, NULL);
	pthread_mutex_init(&rd->mend_mtx, NULL);
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
	buf_release(&rd->mended);
	map_release(&rd->mendable);
	idx_close(rd->idx);
	pthread_mutex_destroy(&rd->mend_mtx);
	pthread_cond_destroy(&rd->loaded);
	pthread_mutex_destroy(&rd->mtx);
	pthread_rwlock_destroy(&rd->idx_lock);
	free(rd);
}

void reader_past_local(struct reader *rd)
{
	rd->local = NULL;
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

/* One to load: in the table, CELL_LOADING, refs 1.  NULL: no memory. */
static struct cell *reader_cell_new(struct reader *rd, const struct oid *id)
{
	struct cell *c = mem_zero(1, sizeof(*c));

	if (!c)
		return NULL;
	c->id = *id;
	c->refs = 1;
	c->state = CELL_LOADING;
	c->in_table = true;
	c->chain = *reader_bucket(rd, id);
	*reader_bucket(rd, id) = c;
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
	struct cell **from = c->used ? &rd->oldest : &rd->newest;
	struct cell **to = c->used ? &rd->newest : &rd->oldest;

	if (c->used)
		c->newer = rd->oldest;
	else
		c->older = rd->newest;
	if (!*from)
		*to = c;
	else if (c->used)
		(*from)->older = c;
	else
		(*from)->newer = c;
	*from = c;
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

int reader_fetch(struct reader *rd, enum obj_type t, const struct oid *id,
		 struct buf *out, struct err *e)
{
	return reader_load(rd, t, id, out, e);
}

/* The bytes are there; under mtx. */
static void reader_ready(struct reader *rd, struct cell *c, struct buf *b)
{
	c->obj.p = buf_take(b, &c->obj.len);
	c->state = CELL_READY;
	pthread_cond_broadcast(&rd->loaded);
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
		reader_ready(rd, c, &b);
	} else {
		c->state = CELL_FAILED;
		c->err = mem_dup(&why, sizeof(why));
		reader_cell_unlink(rd, c);
		pthread_cond_broadcast(&rd->loaded);
		reader_unref(rd, c);
	}
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
		c->used = false;
		rd->stats.hits++;
		rc = reader_await(rd, c, e);
		pthread_mutex_unlock(&rd->mtx);
		if (rc == 0)
			*out = &c->obj;
		return rc;
	}
	c = reader_cell_new(rd, id);
	pthread_mutex_unlock(&rd->mtx);
	if (!c)
		return err_nomem(e);
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

void reader_release_used(struct reader *rd, struct obj *o)
{
	struct cell *c = (struct cell *)o;

	if (!o)
		return;
	pthread_mutex_lock(&rd->mtx);
	c->used = true;
	reader_unref(rd, c);
	pthread_mutex_unlock(&rd->mtx);
}

struct obj *reader_peek(struct reader *rd, const struct oid *id)
{
	struct cell *c;

	pthread_mutex_lock(&rd->mtx);
	c = reader_cell_find(rd, id);
	if (c && c->state != CELL_READY)
		c = NULL;
	if (c && c->refs++ == 0)
		reader_lru_out(rd, c);
	pthread_mutex_unlock(&rd->mtx);
	return c ? &c->obj : NULL;
}

/* --- ahead --- */

/* Those among id[0..n) that are not in the table, in their order. */
static unsigned reader_absent(struct reader *rd, const struct oid *id,
			      unsigned n, const struct oid **out)
{
	unsigned i, k = 0;

	pthread_mutex_lock(&rd->mtx);
	for (i = 0; i < n; i++)
		if (!reader_cell_find(rd, &id[i]))
			out[k++] = &id[i];
	pthread_mutex_unlock(&rd->mtx);
	return k;
}

/* One whose sealed bytes are at hand.  If they are not good, the whole way
 * is gone: a thread may already wait for the cell. */
static void reader_ahead_one(struct reader *rd, const struct idx_loc *loc,
			     const uint8_t *sealed, struct buf *packed)
{
	struct buf b = BUF_INIT;
	struct cell *c;

	pthread_mutex_lock(&rd->mtx);
	c = reader_cell_find(rd, &loc->obj.id) ? NULL :
		reader_cell_new(rd, &loc->obj.id);
	pthread_mutex_unlock(&rd->mtx);
	if (!c)
		return;
	if (reader_open_at(rd, loc->obj.type, loc, sealed, packed, &b,
			   NULL) == 0) {
		pthread_mutex_lock(&rd->mtx);
		rd->stats.ahead++;
		rd->stats.read_bytes += loc->obj.stored_len;
		rd->stats.plain_bytes += b.len;
		reader_ready(rd, c, &b);
		reader_unref(rd, c);
		pthread_mutex_unlock(&rd->mtx);
	} else if (reader_fill(rd, c, loc->obj.type, NULL) == 0) {
		reader_release(rd, &c->obj);
	}
	buf_release(&b);
}

/* How many of loc[0..n), n > 0, are read in one go; *len: the bytes. */
static unsigned reader_run(const struct idx_loc *loc, unsigned n, size_t *len)
{
	unsigned i;
	size_t end;

	*len = loc[0].obj.stored_len;
	for (i = 1; i < n; i++) {
		if (loc[i].kind != loc[0].kind ||
		    !oid_eq(&loc[i].pack, &loc[0].pack) ||
		    loc[i].off < loc[0].off + *len)
			break;
		end = loc[i].off - loc[0].off + (size_t)loc[i].obj.stored_len;
		if (loc[i].off - loc[0].off - *len > READER_GAP_BYTES ||
		    end > READER_RUN_BYTES)
			break;
		*len = end;
	}
	return i;
}

void reader_ahead(struct reader *rd, enum obj_type t, const struct oid *id,
		  unsigned n)
{
	const struct oid *want[READER_AHEAD_MAX];
	struct idx_loc loc[READER_AHEAD_MAX];
	unsigned i, at, run, found = 0;
	struct scratch *s;
	size_t len;

	BUG_ON(n > READER_AHEAD_MAX);
	n = reader_absent(rd, id, n, want);
	for (i = 0; i < n; i++)
		if (reader_find(rd, want[i], &loc[found]) &&
		    loc[found].obj.type == t)
			found++;
	s = found ? reader_scratch_get(rd) : NULL;
	for (at = 0; s && at < found; at += run) {
		run = reader_run(&loc[at], found - at, &len);
		buf_clear(&s->sealed);
		if (reader_sealed(rd, &loc[at], len, &s->sealed, NULL) < 0)
			continue;
		for (i = at; i < at + run; i++)
			reader_ahead_one(rd, &loc[i], s->sealed.p +
				(loc[i].off - loc[at].off), &s->packed);
	}
	if (s)
		reader_scratch_put(rd, s);
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
	bool news;

	return reader_look(rd, &news, e);
}

void reader_stats(struct reader *rd, struct reader_stats *out)
{
	pthread_mutex_lock(&rd->mtx);
	*out = rd->stats;
	out->cached_bytes = rd->idle_bytes;
	pthread_mutex_unlock(&rd->mtx);
}
