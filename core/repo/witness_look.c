/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A listing compared with what was seen.  A listing is never proof that
 * something is absent, and another process may have written since: what looks
 * wrong is looked at again, each thing by its name, before it is said.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "format/mark.h"
#include "repo/alive.h"
#include "repo/gone.h"
#include "repo/repo.h"
#include "repo/witness_priv.h"

#define LOOK_MARK_MAX_BYTES (1u << 20)
#define LOOK_FRESH_NSEC 60000000000ll

int witness_begin(struct witness_look **out, struct repo *r, struct err *e)
{
	struct witness *w = repo_witness(r);
	struct witness_look *l;
	int rc;

	*out = NULL;
	if (!w)
		return 0;
	if (!(l = mem_zero(1, sizeof(*l))))
		return err_nomem(e);
	l->r = r;
	rc = witness_load(&l->s, r, e);
	pthread_mutex_lock(&w->mtx);
	if (rc == 0)
		rc = seen_merge(&l->more, &w->pending, e);
	seen_release(&w->pending);
	pthread_mutex_unlock(&w->mtx);
	if (rc == 0)
		rc = seen_merge(&l->s, &l->more, e);
	if (rc < 0) {
		witness_look_free(l);
		return rc;
	}
	*out = l;
	return 0;
}

void witness_look_free(struct witness_look *l)
{
	size_t i;

	if (!l)
		return;
	for (i = 0; i < l->n_f; i++)
		free(l->f[i].text);
	free(l->f);
	free(l->x);
	seen_release(&l->s);
	seen_release(&l->more);
	map_release(&l->ids);
	map_release(&l->at_work);
	free(l);
}

static struct seen_archive as_seen(const struct catalog_item *it)
{
	return (struct seen_archive) {
		.session = it->rec.session, .client = it->rec.client,
		.record = it->id, .seq = it->rec.seq,
		.start_nsec = it->rec.start_nsec,
		.name = it->rec.name ? it->rec.name : (char *)(uintptr_t)""
	};
}

/* --- tombstones --- */

/* Put just now, maybe: a power cut may still take it away, which is nothing to
 * be alarmed of.  Until the next look it is not seen. */
static bool look_fresh(int64_t time_nsec)
{
	int64_t age = clock_wall_nsec() - time_nsec;

	return age > -LOOK_FRESH_NSEC && age < LOOK_FRESH_NSEC;
}

int witness_tombstone(struct witness_look *l, const struct sid *session,
		      bool listed, bool *counts, struct err *e)
{
	const struct seen_archive *a = seen_live(&l->s, session);
	struct mark_tombstone t = { 0 };
	char hex[SID_HEX_BYTES];
	struct err why = { ERR_OK, "" };
	struct buf b = BUF_INIT;
	int rc;

	*counts = true;
	l->e = e;
	if (seen_is_dead(&l->s, session) || (!a && !listed))
		return 0;
	rc = store_get_all(repo_store(l->r), STORE_TOMBSTONES,
		sid_hex(session, hex), LOOK_MARK_MAX_BYTES, &b, &why);
	if (rc == 0)
		rc = mark_get_tombstone(&t, repo_ctx(l->r), session, b.p,
			b.len, &why);
	if (rc == 0 && a && !oid_eq(&t.record, &a->record))
		rc = err_set(&why, ERR_CORRUPT, "it names another record");
	if (rc == 0 && !look_fresh(t.time_nsec))
		rc = seen_bury(&l->more, session, t.record.b, &why);
	mark_tombstone_release(&t);
	buf_release(&b);
	if (rc == ERR_CORRUPT || rc == ERR_AUTH) {
		char id[WITNESS_WHICH_BYTES];
		static const struct oid none;

		*counts = false;
		return witness_find(l, WITNESS_TOMBSTONE, session,
			a ? &a->record : &none, "the tombstone of the archive "
			"%s is damaged or forged (%s): the archive counts as "
			"not deleted", a ? witness_which(id, a) : hex, why.msg);
	}
	if (rc < 0 && rc != ERR_NOENT && rc != ERR_CONFIG) {
		if (e)
			*e = why;
		return rc;
	}
	return 0;
}

/* --- what is listed --- */

static int suspect_add(struct witness_look *l, const struct suspect *x)
{
	struct suspect *p = mem_resize(l->x, l->n_x + 1, sizeof(*p));

	if (!p)
		return err_nomem(l->e);
	l->x = p;
	p[l->n_x++] = *x;
	return 0;
}

static bool known(const struct witness_look *l, const struct oid *record)
{
	return seen_knows(&l->s, record) || seen_knows(&l->more, record) ||
		map_get(&l->ids, record->b);
}

/* Is there a tombstone all the same, or was the record collected since it was
 * listed? */
static int look_returned(struct witness_look *l, const struct catalog_item *it)
{
	const struct seen_archive a = as_seen(it);
	char id[WITNESS_WHICH_BYTES];
	bool gone;
	int rc = catalog_gone(l->r, &a.session, &gone, l->e);

	if (rc < 0 || gone)
		return rc;
	return witness_find(l, WITNESS_RETURNED, &a.session, &a.record, "the "
		"archive %s, which was deleted, is back: its tombstone was "
		"taken away, or an older copy of the repository was put in its "
		"place", witness_which(id, &a));
}

static int look_refs(struct witness_look *l, const struct catalog_item *it)
{
	const struct record *r = &it->rec;
	struct suspect x = { .ref = { .record = r->prev, .client = r->client,
				      .by = r->session }, .prev = true };
	uint32_t i;
	int rc = 0;

	if (!oid_is_zero(&r->prev) && !known(l, &r->prev))
		rc = suspect_add(l, &x);
	x.prev = false;
	for (i = 0; rc == 0 && i < r->n_seen; i++) {
		x.ref.record = r->seen[i].hash;
		x.ref.client = r->seen[i].client;
		if (!oid_is_zero(&x.ref.record) && !known(l, &x.ref.record))
			rc = suspect_add(l, &x);
	}
	return rc;
}

/* One that was not seen before.  Before its session has ended it may be lost
 * in a power cut, and nobody was told that it is there: it is not seen yet. */
static int look_new(struct witness_look *l, const struct catalog_item *it)
{
	const struct seen_archive now = as_seen(it);
	int rc = 0;

	if (!l->listed)
		rc = alive_names(&l->at_work, l->r, STORE_SESSIONS, l->e);
	l->listed = true;
	if (rc < 0 || map_get(&l->at_work, now.session.b))
		return rc;
	if (l->s.known && (rc = look_refs(l, it)) < 0)
		return rc;
	return seen_add(&l->more, &now, l->e);
}

static int look_item(struct witness_look *l, const struct catalog_item *it)
{
	const struct seen_archive now = as_seen(it);
	const struct seen_archive *a = seen_live(&l->s, &now.session);
	char id[WITNESS_WHICH_BYTES];

	if (it->deleted)		/* witness_tombstone has seen to it */
		return 0;
	if (seen_is_dead(&l->s, &now.session))
		return look_returned(l, it);
	if (a && !oid_eq(&a->record, &now.record))
		return witness_find(l, WITNESS_REPLACED, &now.session,
			&now.record, "the record of the archive %s was "
			"replaced by another", witness_which(id, a));
	return a ? 0 : look_new(l, it);
}

static int look_missing(struct witness_look *l, const struct catalog *c,
			const struct map *dead)
{
	const uint64_t *tomb;
	struct map have = MAP_INIT;
	uint64_t *value;
	bool was;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < c->n; i++)
		rc = map_put(&have, c->item[i]->rec.session.b, &value, &was,
			l->e);
	for (i = 0; rc == 0 && i < c->n_bad; i++)
		rc = map_put(&have, c->bad[i]->rec.session.b, &value, &was,
			l->e);
	for (i = 0; rc == 0 && i < l->s.n_live; i++) {
		struct seen_archive *a = &l->s.live[i];
		struct suspect x = { .a = a };

		tomb = map_get(dead, a->session.b);
		if (a->gone || map_get(&have, a->session.b))
			continue;
		if (!tomb || *tomb)
			rc = suspect_add(l, &x);
	}
	map_release(&have);
	return rc;
}

/* --- suspects, looked at again --- */

static int gone_cb(const struct sid *session, const struct oid *record,
		   void *ctx)
{
	struct witness_look *l = ctx;

	return seen_bury(&l->more, session, record->b, NULL);
}

static void clear_known(struct witness_look *l)
{
	size_t i;

	for (i = 0; i < l->n_x; i++) {
		struct suspect *x = &l->x[i];

		if (x->a)
			x->cleared |= seen_is_dead(&l->more, &x->a->session);
		else
			x->cleared |= known(l, &x->ref.record);
	}
}

static bool all_clear(const struct witness_look *l)
{
	size_t i;

	for (i = 0; i < l->n_x; i++)
		if (!l->x[i].cleared)
			return false;
	return true;
}

/* Is its record there, and no fence? */
static int read_again(struct witness_look *l, const struct sid *session,
		      bool *there)
{
	struct catalog_item *it = mem_zero(1, sizeof(*it));
	struct err why = { ERR_OK, "" };
	uint64_t *value;
	bool was;
	int rc;

	if (!it)
		return err_nomem(l->e);
	rc = catalog_read(l->r, session, it, &why);
	*there = rc != ERR_NOENT && rc != ERR_EXIST;
	if (rc == 0)
		rc = map_put(&l->ids, it->id.b, &value, &was, &why);
	record_release(&it->rec);
	free(it);
	if (rc == ERR_NOENT || rc == ERR_EXIST || rc == ERR_CORRUPT ||
	    rc == ERR_AUTH || rc == ERR_CONFIG)
		return 0;
	if (rc < 0 && l->e)
		*l->e = why;
	return rc;
}

/* What was put since the listing began. */
struct late {
	struct witness_look *l;
	const struct map *there;
};
static int late_cb(const char *name, uint64_t size, void *ctx)
{
	struct late *late = ctx;
	struct sid sid;
	bool there;

	(void)size;
	if (!sid_parse(&sid, name) || sid_is_zero(&sid) ||
	    map_get(late->there, sid.b))
		return 0;
	return read_again(late->l, &sid, &there);
}

static int look_again(struct witness_look *l, const struct map *there)
{
	struct late late = { l, there };
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < l->n_x; i++)
		if (l->x[i].a && !l->x[i].cleared)
			rc = read_again(l, &l->x[i].a->session,
				&l->x[i].cleared);
	if (rc == 0)
		rc = store_list(repo_store(l->r), STORE_ARCHIVES, late_cb,
			&late, l->e);
	return rc;
}

static int resolve(struct witness_look *l, const struct map *there)
{
	int rc;

	if (l->n_x == 0)
		return 0;
	rc = gone_each(l->r, l->s.generation, gone_cb, l, &l->newest, l->e);
	clear_known(l);
	if (rc < 0 || all_clear(l))
		return rc;
	rc = look_again(l, there);
	clear_known(l);
	if (rc < 0 || all_clear(l))
		return rc;
	rc = gone_each(l->r, 0, gone_cb, l, &l->newest, l->e);
	clear_known(l);
	return rc;
}

/* --- the end of a look --- */

static int newest_cb(const char *name, uint64_t size, void *ctx)
{
	uint32_t *newest = ctx;
	unsigned n;

	(void)size;
	if (sscanf(name, "%8x", &n) == 1 && n > *newest)
		*newest = n;
	return 0;
}

static bool is_news(const struct witness_look *l)
{
	return !l->s.known || l->more.n_live || l->more.n_dead ||
		l->more.n_owed || l->newest > l->s.generation;
}

int witness_end(struct witness_look *l, const struct catalog *c,
		const struct map *there, const struct map *dead,
		struct err *e)
{
	uint64_t *value;
	bool was;
	size_t i;
	int rc = 0;

	l->e = e;
	for (i = 0; rc == 0 && i < c->n; i++)
		rc = map_put(&l->ids, c->item[i]->id.b, &value, &was, e);
	for (i = 0; rc == 0 && i < c->n; i++)
		rc = look_item(l, c->item[i]);
	if (rc == 0)
		rc = look_missing(l, c, dead);
	for (i = 0; rc == 0 && i < l->s.n_owed; i++)
		if (!known(l, &l->s.owed[i].record)) {
			const struct suspect x = { .ref = l->s.owed[i] };

			rc = suspect_add(l, &x);
		}
	if (rc == 0)
		rc = resolve(l, there);
	if (rc == 0 && !l->s.known)
		rc = store_list(repo_store(l->r), STORE_GENERATIONS, newest_cb,
			&l->newest, e);
	if (rc == 0)
		rc = witness_say_missing(l);
	if (rc == 0)
		rc = witness_say_refs(l);
	if (l->newest > l->more.generation)
		l->more.generation = l->newest;
	if (rc == 0 && is_news(l))
		rc = witness_keep(l->r, &l->more, e);
	return rc == 0 ? witness_tell(l) : rc;
}
