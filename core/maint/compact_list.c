/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * G0 and the listings of G1.  The order matters: packs and sessions before
 * archives, so that a pack whose archive is not seen is known to be of a
 * session at work, or was put too late to be condemned; archives, then
 * tombstones, then pins, as DESIGN section 5 has it; the index after all.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strv.h"
#include "maint/compact_priv.h"
#include "repo/generation.h"

/* Tombstones without a record go along with other work, unless so many. */
#define LIST_BURIED_MANY 256

/* --- G0 --- */

/* n is chosen before anything is marked: a collector that is late finds its
 * number taken. */
int compact_generation(struct collect *c)
{
	int rc = generation_newest(c->r, &c->before, c->e);

	c->n = c->before.number + 1;
	if (rc == 0 && c->n == 0)
		rc = err_set(c->e, ERR_CORRUPT,
			"generations/ffffffff: there is no number after that");
	return rc;
}

/* --- packs --- */

struct list_packs {
	struct collect *c;
	enum pack_kind kind;
	unsigned state;
};

static int list_pack_cb(const char *name, uint64_t size, void *ctx)
{
	struct list_packs *l = ctx;
	struct collect *c = l->c;
	uint64_t *place;
	struct oid id;
	bool was;
	int rc;

	if (!oid_parse(&id, name))
		return 0;
	if ((rc = map_put(&c->by_name, id.b, &place, &was, c->e)) < 0 || was)
		return rc;
	if (c->n_pack == c->cap_pack) {
		uint32_t cap = c->cap_pack ? c->cap_pack * 2 : 256;
		struct compact_pack *p = mem_resize(c->pack, cap, sizeof(*p));

		if (!p)
			return err_nomem(c->e);
		c->pack = p;
		c->cap_pack = cap;
	}
	*place = c->n_pack;
	c->pack[c->n_pack++] = (struct compact_pack) {
		.name = id, .bytes = size, .kind = l->kind,
		.state = l->state | (c->o->renew &&
			map_get(c->o->renew, id.b) ? PACK_RENEW : 0u),
	};
	return 0;
}

int compact_list_packs(struct collect *c, unsigned state)
{
	struct list_packs data = { c, PACK_DATA, state };
	struct list_packs meta = { c, PACK_META, state };
	int rc;

	rc = store_list(repo_store(c->r), STORE_DATA, list_pack_cb, &data,
		c->e);
	if (rc == 0)
		rc = store_list(repo_store(c->r), STORE_META, list_pack_cb,
			&meta, c->e);
	return rc;
}

struct compact_pack *compact_pack(struct collect *c, const struct oid *name)
{
	uint64_t *place = map_get(&c->by_name, name->b);

	return place ? &c->pack[*place] : NULL;
}

/* RULE C: generation n - 1 names all that were condemned before n and were
 * still there. */
static void list_condemned(struct collect *c)
{
	struct compact_pack *p;
	uint32_t i;

	for (i = 0; i < c->before.n_condemned; i++)
		if ((p = compact_pack(c, &c->before.condemned[i])))
			p->state |= PACK_OLD;
}

/* --- archives, tombstones, pins --- */

bool compact_deleted(struct collect *c, const struct catalog_item *it)
{
	return map_get(&c->dead, it->rec.session.b) != NULL;
}

static bool list_pinned(const struct alive *pins, const struct sid *archive)
{
	size_t i, k;

	for (i = 0; i < pins->n; i++)
		for (k = 0; pins->owner[i].alive &&
		     k < pins->owner[i].n_archives; k++)
			if (sid_eq(&pins->owner[i].archives[k], archive))
				return true;
	return false;
}

static bool list_lost(const struct collect *c, const struct sid *archive)
{
	unsigned i;

	for (i = 0; i < c->rounds->n_lost; i++)
		if (sid_eq(&c->rounds->lost[i], archive))
			return true;
	return false;
}

/* What is deleted and pinned by nobody.  What was seen before keeps what it
 * was then: to mark it now would be too late, or needless. */
static int list_dead(struct collect *c, bool late)
{
	struct alive pins = ALIVE_INIT;
	uint64_t *value;
	bool was;
	size_t i;
	int rc;

	rc = alive_load(&pins, c->r, STORE_PINS, c->e);
	for (i = 0; rc == 0 && i < c->cat->n; i++) {
		const struct catalog_item *it = c->cat->item[i];

		rc = map_put(&c->seen, it->rec.session.b, &value, &was, c->e);
		if (rc < 0 || was || !it->deleted ||
		    (list_pinned(&pins, &it->rec.session) &&
		     !list_lost(c, &it->rec.session)))
			continue;
		rc = map_put(&c->dead, it->rec.session.b, &value, &was, c->e);
		if (rc == 0)
			*value = late;
	}
	alive_release(&pins);
	return rc;
}

/* Stale pins go: they do not count, and their owners are dead. */
static int list_tidy_pins(struct collect *c)
{
	struct alive pins = ALIVE_INIT;
	size_t i;
	int rc;

	rc = alive_load(&pins, c->r, STORE_PINS, c->e);
	for (i = 0; rc == 0 && i < pins.n; i++)
		if (!pins.owner[i].alive)
			rc = alive_remove(c->r, STORE_PINS, &pins.owner[i],
				c->e);
	alive_release(&pins);
	return rc;
}

static int list_tombstone_cb(const char *name, uint64_t size, void *ctx)
{
	struct strv *names = ctx;

	(void)size;
	return strv_add(names, name, NULL);
}

/* Tombstones whose record is gone for good: a record that has a tombstone was
 * there before it, and a name never comes back. */
static int list_buried(struct collect *c)
{
	struct strv names = STRV_INIT;
	uint64_t bytes;
	struct sid sid;
	size_t i;
	int rc;

	rc = store_list(repo_store(c->r), STORE_TOMBSTONES, list_tombstone_cb,
		&names, c->e);
	if (rc == ERR_NOMEM)
		err_nomem(c->e);
	c->buried = mem_array(names.n, sizeof(*c->buried));
	if (!c->buried)
		rc = err_nomem(c->e);
	for (i = 0; rc == 0 && i < names.n; i++) {
		if (!sid_parse(&sid, names.v[i]) || sid_is_zero(&sid) ||
		    map_get(&c->seen, sid.b))
			continue;
		rc = store_stat(repo_store(c->r), STORE_ARCHIVES, names.v[i],
			&bytes, c->e);
		if (rc == ERR_NOENT) {
			c->buried[c->n_buried++] = sid;
			err_clear(c->e);
			rc = 0;
		}
	}
	strv_release(&names);
	return rc;
}

int compact_list(struct collect *c)
{
	int rc;

	compact_tell(c, "listing", 0, 0);
	if ((rc = compact_list_packs(c, 0)) < 0 ||
	    (rc = alive_load(&c->sessions, c->r, STORE_SESSIONS, c->e)) < 0 ||
	    (rc = catalog_load_all(&c->cat, c->r, c->e)) < 0 ||
	    (rc = list_dead(c, false)) < 0 ||
	    (rc = list_buried(c)) < 0)
		return rc;
	if (!c->o->dry_run && (rc = list_tidy_pins(c)) < 0)
		return rc;
	c->res->packs_before = c->n_pack;
	list_condemned(c);
	return idx_census_open(&c->census, c->r, c->e);
}

int compact_list_late(struct collect *c)
{
	struct catalog *cat;
	int rc;

	if ((rc = catalog_load_all(&cat, c->r, c->e)) < 0)
		return rc;
	catalog_free(c->cat);
	c->cat = cat;
	if ((rc = list_dead(c, true)) < 0)
		return rc;
	return idx_census_refresh(c->census, c->e);
}

/* --- is there anything to do? --- */

static bool list_at_work(const struct collect *c, const struct sid *session)
{
	size_t i;

	for (i = 0; i < c->sessions.n; i++)
		if (c->sessions.owner[i].alive &&
		    sid_eq(&c->sessions.owner[i].id, session))
			return true;
	return false;
}

static bool list_anybody(const struct collect *c)
{
	size_t i;

	for (i = 0; i < c->sessions.n; i++)
		if (c->sessions.owner[i].alive)
			return true;
	return false;
}

int compact_workers(struct collect *c)
{
	uint32_t i;

	free(c->working);
	c->n_working = idx_census_sessions(c->census);
	c->working = mem_zero(c->n_working, sizeof(*c->working));
	if (!c->working)
		return err_nomem(c->e);
	for (i = 0; i < c->n_working; i++)
		c->working[i] = list_at_work(c,
			idx_census_session(c->census, i));
	return 0;
}

/* The session of a pack that no segment names, if it is at work. */
static int list_unlisted(struct collect *c, struct compact_pack *p)
{
	struct pack_table t;
	size_t i;
	int rc;

	rc = compact_table(c, p, &t, NULL);
	if (rc == ERR_NOMEM)
		return err_nomem(c->e);
	if (rc < 0) {			/* in doubt it is young */
		p->state |= PACK_YOUNG;
		return 0;
	}
	for (i = 0; i < t.n_sessions; i++)
		if (list_at_work(c, &t.sessions[i].id))
			p->state |= PACK_YOUNG;
	pack_table_release(&t);
	return 0;
}

static int list_listed_cb(const struct segment_pack *sp, void *ctx)
{
	struct collect *c = ctx;
	struct compact_pack *p = compact_pack(c, &sp->name);

	if (p)
		p->state |= PACK_LISTED;
	return 0;
}

int compact_young(struct collect *c)
{
	uint32_t i;
	int rc;

	rc = idx_census_each_pack(c->census, list_listed_cb, c, c->e);
	for (i = 0; rc == 0 && list_anybody(c) && i < c->n_pack; i++)
		if (!(c->pack[i].state & (PACK_LISTED | PACK_OLD)))
			rc = list_unlisted(c, &c->pack[i]);
	return rc;
}

static bool list_base(const struct collect *c, const struct segment_name *s)
{
	uint32_t i;

	for (i = 0; i < c->before.n_base; i++)
		if (oid_eq(&c->before.base[i].hash, &s->hash))
			return true;
	return false;
}

/* A segment that a collection should have replaced, or one of a session that
 * never made an archive. */
static bool list_stale_segment(struct collect *c, size_t i)
{
	const struct segment_name *s = idx_census_segment(c->census, i);
	const uint32_t *no;
	uint16_t n, k;

	if (s->kind == SEGMENT_BASE)
		return !list_base(c, s);
	if (s->generation + 1 < c->n && !list_anybody(c))
		return true;
	no = idx_census_segment_sessions(c->census, i, &n);
	for (k = 0; k < n; k++)
		if (!c->working[no[k]] && !map_get(&c->seen,
				idx_census_session(c->census, no[k])->b))
			return true;
	return false;
}

int compact_wanted(struct collect *c, bool *wanted)
{
	uint32_t i;
	size_t k;
	int rc;

	*wanted = c->dead.count > 0 || c->n_buried > LIST_BURIED_MANY ||
		idx_census_spoilt(c->census) > 0;
	for (i = 0; i < c->n_pack; i++)
		if ((c->pack[i].state & PACK_OLD) ||
		    !(c->pack[i].state & (PACK_LISTED | PACK_YOUNG)))
			*wanted = true;
	for (k = 0; !*wanted && k < idx_census_segments(c->census); k++)
		*wanted = list_stale_segment(c, k);
	if (*wanted)
		return 0;
	if ((rc = compact_account(c, true)) < 0 ||
	    (rc = compact_choose(c)) < 0)
		return rc;
	for (i = 0; i < c->n_pack; i++)
		if (compact_in_x(&c->pack[i]))
			*wanted = true;
	return 0;
}
