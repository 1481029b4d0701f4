/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/strv.h"
#include "repo/catalog_priv.h"
#include "repo/parity_store.h"
#include "repo/repo.h"
#include "repo/witness.h"

static void catalog_item_free(struct catalog_item *it)
{
	if (!it)
		return;
	record_release(&it->rec);
	free(it);
}

static void catalog_list_free(struct catalog_item **item, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		catalog_item_free(item[i]);
	free(item);
}

void catalog_free(struct catalog *c)
{
	if (!c)
		return;
	catalog_list_free(c->item, c->n);
	catalog_list_free(c->bad, c->n_bad);
	free(c);
}

static int catalog_append(struct catalog_item ***list, size_t *n,
			  struct catalog_item *it, struct err *e)
{
	struct catalog_item **p = *list;

	if ((*n & (*n - 1)) == 0) {		/* 0, 1, 2, 4, ...: full */
		p = mem_resize(p, *n ? *n * 2 : 1,
			sizeof(struct catalog_item *));
		if (!p) {
			catalog_item_free(it);
			return err_nomem(e);
		}
		*list = p;
	}
	p[(*n)++] = it;
	return 0;
}

static int catalog_keys(struct repo *r, const struct record *rec,
			struct object_keys *k, struct err *e)
{
	struct key secret;
	int rc = repo_unseal(r, &rec->key, &secret, e);

	if (rc == 0)
		object_keys(k, &secret, repo_psk(r), &rec->session);
	key_wipe(&secret, sizeof(secret));
	return rc;
}

/* The bytes of a record. */
static int catalog_open(struct repo *r, const struct sid *session,
			const struct buf *b, struct catalog_item *it,
			struct err *e)
{
	struct object_keys k;
	int rc;

	it->rec.session = *session;
	rc = record_open_head(&it->rec, repo_ctx(r), session, b->p, b->len,
		&it->id, e);
	if (rc == 0)
		rc = repo_check_writer(r, &it->rec.writer, &it->rec.client, e);
	if (rc == 0 && (repo_rights(r) & KEY_READ)) {
		rc = catalog_keys(r, &it->rec, &k, e);
		if (rc == 0)
			rc = record_open_body(&it->rec, repo_ctx(r), &k, b->p,
				b->len, e);
		key_wipe(&k, sizeof(k));
	}
	return rc;
}

/* A damaged record is as good as its parity; what that gives is authenticated
 * like any other. */
static int catalog_mend(struct repo *r, const struct sid *session,
			struct catalog_item *it)
{
	struct buf b = BUF_INIT;
	char hex[SID_HEX_BYTES];
	int rc;

	sid_hex(session, hex);
	record_release(&it->rec);
	rc = parity_store_mend(repo_store(r), STORE_ARCHIVES, hex, &b, NULL,
		NULL);
	if (rc == 0)
		rc = catalog_open(r, session, &b, it, NULL);
	if (rc == 0)
		log_warn("catalog", "archives/%s is damaged and was read by "
			"its parity", hex);
	buf_release(&b);
	return rc;
}

/* What reading gave, or else what its parity gives. */
static int catalog_open_read(struct repo *r, const struct sid *session, int rc,
			     const struct buf *b, struct catalog_item *it,
			     struct err *e)
{
	if (rc == 0)
		rc = catalog_open(r, session, b, it, e);
	if ((rc == ERR_CORRUPT || rc == ERR_AUTH || rc == ERR_CONFIG ||
	     rc == ERR_IO) && catalog_mend(r, session, it) == 0) {
		err_clear(e);
		rc = 0;
	}
	return rc;
}

int catalog_read(struct repo *r, const struct sid *session,
		 struct catalog_item *it, struct err *e)
{
	struct buf b = BUF_INIT;
	char hex[SID_HEX_BYTES];
	int rc;

	sid_hex(session, hex);
	it->rec.session = *session;
	rc = store_get_all(repo_store(r), STORE_ARCHIVES, hex,
		RECORD_MAX_BYTES, &b, e);
	rc = catalog_open_read(r, session, rc, &b, it, e);
	if (rc < 0 && rc != ERR_EXIST && rc != ERR_NOENT)
		err_ctx(e, "archives/%s", hex);
	buf_release(&b);
	return rc;
}

static int catalog_there(struct repo *r, enum store_kind k,
			 const struct sid *session, bool *there, struct err *e)
{
	char hex[SID_HEX_BYTES];
	uint64_t size;
	int rc;

	rc = store_stat(repo_store(r), k, sid_hex(session, hex), &size, e);
	*there = rc == 0;
	if (rc == ERR_NOENT) {
		err_clear(e);
		rc = 0;
	}
	return rc;
}

/* A collector takes the record away before the tombstone. */
int catalog_gone(struct repo *r, const struct sid *session, bool *gone,
		 struct err *e)
{
	bool dead, record;
	int rc;

	rc = catalog_there(r, STORE_TOMBSTONES, session, &dead, e);
	if (rc == 0)
		rc = catalog_there(r, STORE_ARCHIVES, session, &record, e);
	*gone = rc == 0 && (dead || !record);
	return rc;
}

/* A catalog that is being loaded. */
struct catalog_loading {
	struct catalog *c;
	struct repo *r;
	struct catalog_cache *cache;
	struct sid *sid;		/* records to be read */
	bool *deleted;
	struct strv name;		/* theirs */
	struct err *e;
};

/* One of them came, or did not. */
static int catalog_got(size_t i, int rc, const struct buf *b,
		       const struct err *said, void *ctx)
{
	struct catalog_loading *g = ctx;
	struct catalog_item *it = mem_zero(1, sizeof(*it));
	struct err why = *said;

	if (!it)
		return err_nomem(g->e);
	it->deleted = g->deleted[i];
	rc = catalog_open_read(g->r, &g->sid[i], rc, b, it, &why);
	if (rc == 0) {
		catalog_cache_put(g->cache, it);
		return catalog_append(&g->c->item, &g->c->n, it, g->e);
	}
	err_ctx(&why, "archives/%s", g->name.v[i]);
	if (rc == ERR_CORRUPT || rc == ERR_AUTH || rc == ERR_CONFIG) {
		record_release(&it->rec);
		it->rec.session = g->sid[i];
		it->bad = why;
		return catalog_append(&g->c->bad, &g->c->n_bad, it, g->e);
	}
	catalog_item_free(it);
	if (rc == ERR_EXIST || rc == ERR_NOENT)	/* a fence; collected */
		return 0;
	return err_set(g->e, why.code, "%s", why.msg);
}

/* From the cache, or noted as one to be read. */
static int catalog_add(struct catalog_loading *g, const struct sid *session,
		       bool deleted)
{
	struct catalog_item *it = mem_zero(1, sizeof(*it));
	char hex[SID_HEX_BYTES];

	if (!it)
		return err_nomem(g->e);
	it->deleted = deleted;
	if (catalog_cache_get(g->cache, session, it))
		return catalog_append(&g->c->item, &g->c->n, it, g->e);
	catalog_item_free(it);
	g->sid[g->name.n] = *session;
	g->deleted[g->name.n] = deleted;
	return strv_add(&g->name, sid_hex(session, hex), g->e);
}

static int catalog_cmp(const void *a, const void *b)
{
	const struct record *x = &(*(struct catalog_item *const *)a)->rec;
	const struct record *y = &(*(struct catalog_item *const *)b)->rec;
	int c;

	if (x->start_nsec != y->start_nsec)
		return x->start_nsec < y->start_nsec ? -1 : 1;
	c = x->name && y->name ? strcmp(x->name, y->name) : 0;
	return c ? c : memcmp(x->session.b, y->session.b, 16);
}

/* Names of archives/ and tombstones/ as they are now. */
struct catalog_listing {
	struct sid *sid;
	size_t n, cap;
	struct map dead;	/* value: 1 if the tombstone is none */
	struct map there;	/* all of archives/; only if it is watched */
	struct witness_look *look;
	struct err *e;
};

static int catalog_list_cb(enum store_kind k, const char *name, uint64_t size,
			   void *ctx)
{
	struct catalog_listing *l = ctx;
	struct sid sid;
	uint64_t *value;
	bool was;

	(void)size;
	if (!sid_parse(&sid, name) || sid_is_zero(&sid))
		return 0;
	if (k == STORE_TOMBSTONES)
		return map_put(&l->dead, sid.b, &value, &was, l->e);
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 256;
		struct sid *p = mem_resize(l->sid, cap, sizeof(*p));

		if (!p)
			return err_nomem(l->e);
		l->sid = p;
		l->cap = cap;
	}
	l->sid[l->n++] = sid;
	return l->look ? map_put(&l->there, sid.b, &value, &was, l->e) : 0;
}

static bool catalog_is_dead(const struct catalog_listing *l,
			    const struct sid *session)
{
	const uint64_t *bad = map_get(&l->dead, session->b);

	return bad && !*bad;
}

/* Does what is in tombstones/ count? */
static int catalog_judge_dead(struct catalog_listing *l, struct err *e)
{
	struct map_entry *t = l->dead.tab;
	struct sid sid;
	bool counts;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < l->dead.size; i++) {
		memcpy(sid.b, t[i].key, sizeof(sid.b));
		if (sid_is_zero(&sid))
			continue;
		rc = witness_tombstone(l->look, &sid,
			map_get(&l->there, sid.b) != NULL, &counts, e);
		t[i].value = !counts;
	}
	return rc;
}

enum catalog_want {
	CATALOG_OPENED,		/* that live, as of when the store was opened
				 * or later */
	CATALOG_LIVE,		/* as of now */
	CATALOG_ALL		/* as of now, with those that are deleted */
};

/*
 * Tombstones first: a collector takes the record away before the tombstone, so
 * one that was deleted before this began is not listed as an archive that
 * lives, and one that is renamed meanwhile has at least one of its names.  The
 * collector itself wants the other order (DESIGN section 5): what is deleted
 * meanwhile is deleted.  A far store may read both at once, part by part; then
 * only catalog_lost is sure.
 */
static int catalog_list(struct catalog_listing *l, struct repo *r,
			enum catalog_want want, struct err *e)
{
	static const enum store_kind live[] = { STORE_TOMBSTONES,
		STORE_ARCHIVES };
	static const enum store_kind all[] = { STORE_ARCHIVES,
		STORE_TOMBSTONES };
	const enum store_kind *kinds = want == CATALOG_ALL ? all : live;
	size_t i, keep = 0;
	int rc;

	l->e = e;
	rc = want == CATALOG_OPENED ?
		store_list_opened(repo_store(r), kinds, 2, catalog_list_cb, l,
			e) :
		store_list_many(repo_store(r), kinds, 2, catalog_list_cb, l,
			e);
	if (rc == 0 && l->look)
		rc = catalog_judge_dead(l, e);
	for (i = 0; i < l->n; i++)
		if (want == CATALOG_ALL || !catalog_is_dead(l, &l->sid[i]))
			l->sid[keep++] = l->sid[i];
	l->n = keep;
	return rc;
}

static void catalog_listing_release(struct catalog_listing *l)
{
	free(l->sid);
	map_release(&l->dead);
	map_release(&l->there);
	witness_look_free(l->look);
}

static int catalog_load_listed(struct catalog_loading *g,
			       const struct catalog_listing *l)
{
	size_t i;
	int rc = 0;

	g->sid = mem_array(l->n, sizeof(*g->sid));
	g->deleted = mem_array(l->n, sizeof(*g->deleted));
	if (!g->sid || !g->deleted)
		return err_nomem(g->e);
	for (i = 0; rc == 0 && i < l->n; i++)
		rc = catalog_add(g, &l->sid[i],
			catalog_is_dead(l, &l->sid[i]));
	if (rc == 0)
		rc = store_get_many(repo_store(g->r), STORE_ARCHIVES,
			g->name.v, g->name.n, RECORD_MAX_BYTES, catalog_got,
			g, g->e);
	return rc;
}

static int catalog_load_some(struct catalog **out, struct repo *r,
			     enum catalog_want want, struct err *e)
{
	struct catalog *c = mem_zero(1, sizeof(*c));
	struct catalog_loading g = { .c = c, .r = r, .e = e,
		.cache = catalog_cache_open(r, want == CATALOG_ALL) };
	struct catalog_listing l = { .n = 0 };
	int rc;

	*out = NULL;
	rc = witness_begin(&l.look, r, e);
	if (rc == 0)
		rc = catalog_list(&l, r, want, e);
	if (!c)
		rc = err_nomem(e);
	if (rc == 0)
		rc = catalog_load_listed(&g, &l);
	if (c)
		c->names_at_load = l.n;
	if (rc == 0 && c->n > 1)
		qsort(c->item, c->n, sizeof(*c->item), catalog_cmp);
	if (rc == 0 && l.look)
		rc = witness_end(l.look, c, &l.there, &l.dead, e);
	catalog_listing_release(&l);
	catalog_cache_close(g.cache);
	strv_release(&g.name);
	free(g.sid);
	free(g.deleted);
	if (rc < 0) {
		catalog_free(c);
		return rc;
	}
	*out = c;
	return 0;
}

int catalog_load(struct catalog **out, struct repo *r, struct err *e)
{
	return catalog_load_some(out, r, CATALOG_OPENED, e);
}

int catalog_load_all(struct catalog **out, struct repo *r, struct err *e)
{
	return catalog_load_some(out, r, CATALOG_ALL, e);
}

int catalog_changed(const struct catalog *c, struct repo *r, bool *changed,
		    struct err *e)
{
	struct map have = MAP_INIT;
	struct catalog_listing l = { .n = 0 };
	uint64_t *value;
	size_t i, found = 0;
	bool was;
	int rc;

	rc = catalog_list(&l, r, CATALOG_LIVE, e);
	for (i = 0; rc == 0 && i < c->n; i++)
		rc = map_put(&have, c->item[i]->rec.session.b, &value, &was, e);
	/* Fences and damaged records are names without an item. */
	for (i = 0; rc == 0 && i < l.n; i++)
		found += map_get(&have, l.sid[i].b) != NULL;
	*changed = rc == 0 && (found != c->n ||
		l.n != c->names_at_load);
	map_release(&have);
	catalog_listing_release(&l);
	return rc;
}

int catalog_lost(struct map *lost, struct repo *r, const struct catalog *c,
		 struct err *e)
{
	struct store_look *look = mem_zero(c->n + 1, sizeof(*look));
	char (*name)[SID_HEX_BYTES] = mem_zero(c->n + 1, sizeof(*name));
	uint64_t *value;
	size_t i;
	bool was;
	int rc = look && name ? 0 : err_nomem(e);

	for (i = 0; rc == 0 && i < c->n; i++) {
		look[i].kind = STORE_ARCHIVES;
		look[i].name = sid_hex(&c->item[i]->rec.session, name[i]);
	}
	if (rc == 0)
		rc = store_stat_many(repo_store(r), look, c->n, e);
	for (i = 0; rc == 0 && i < c->n; i++)
		if (look[i].rc == ERR_NOENT)
			rc = map_put(lost, c->item[i]->rec.session.b, &value,
				&was, e);
	free(name);
	free(look);
	return rc;
}

const struct catalog_item *catalog_latest(const struct catalog *c)
{
	size_t i;

	for (i = c->n; i-- > 0;)
		if (!(c->item[i]->rec.flags & RECORD_PARTIAL))
			return c->item[i];
	return NULL;
}
