/* SPDX-License-Identifier: BSD-2-Clause */
/* The store of a program of a sim: it stops before each operation, what it saw
 * goes into its digest, and what archives need is looked for. */
#include "tests/lib/sim_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "format/pack.h"
#include "tests/lib/world.h"

#define SIM_FENCE_BYTES 96

/* --- names --- */

bool sim_own_names(const struct sim *s, enum store_kind k)
{
	return k == STORE_DATA || k == STORE_META || k == STORE_SESSIONS ||
		k == STORE_PINS || (k == STORE_INDEX && s->one_collector);
}

bool sim_owned(const struct sim *s, enum store_kind k)
{
	return sim_own_names(s, k) || k == STORE_ARCHIVES ||
		k == STORE_TOMBSTONES;
}

static uint64_t sim_session_digest(const char *name)
{
	return XXH3_64bits(name, strnlen(name, SID_HEX_BYTES - 1));
}

static struct sim_name *sim_name(struct sim *s, enum store_kind k,
				 const char *name);

/* An archive, and its tombstone, are of the session of that name. */
static uint8_t sim_owner(struct sim *s, enum store_kind k, const char *name)
{
	unsigned i;

	if (k == STORE_TOMBSTONES)
		return sim_name(s, STORE_ARCHIVES, name)->owner;
	for (i = 0; k == STORE_ARCHIVES && i < s->n_sessions; i++)
		if (s->session[i].digest == sim_session_digest(name))
			return s->session[i].who;
	return SIM_NOBODY;
}

static struct sim_name *sim_name(struct sim *s, enum store_kind k,
				 const char *name)
{
	uint64_t key = XXH3_64bits_withSeed(name, strlen(name), k + 1u) | 1;
	unsigned i = key >> 32 & (SIM_NAMES - 1), n;
	uint8_t owner;

	for (n = 0; s->name[i].key && s->name[i].key != key; n++) {
		BUG_ON(n == SIM_NAMES);
		i = (i + 1) & (SIM_NAMES - 1);
	}
	if (s->name[i].key)
		return &s->name[i];
	s->name[i].key = key;
	owner = sim_owner(s, k, name);
	s->name[i] = (struct sim_name) { key, 0, owner, false };
	return &s->name[i];
}

static void sim_flip(struct sim *s, struct sim_name *n)
{
	uint64_t both[2] = { n->key, n->body };

	s->content ^= XXH3_64bits(both, sizeof(both));
	n->there = !n->there;
}

struct sim_base {
	struct sim *s;
	enum store_kind k;
};

static int sim_base_cb(const char *name, uint64_t size, void *ctx)
{
	struct sim_base *b = ctx;

	(void)size;
	sim_name(b->s, b->k, name)->owner = SIM_BASE;
	sim_name(b->s, b->k, name)->there = true;
	return 0;
}

void sim_names_begin(struct sim *s)
{
	struct sim_base b = { s, 0 };

	memset(s->name, 0, sizeof(s->name));
	s->content = 0;
	s->n_sessions = 0;
	for (b.k = 0; b.k < STORE_KINDS; b.k++)
		store_list(s->below, b.k, sim_base_cb, &b, NULL);
}

/* --- what archives need --- */

static int sim_any_cb(const char *name, uint64_t size, void *ctx)
{
	return strcmp(name, ctx) == 0 && size != SIM_FENCE_BYTES;
}

static bool sim_there(struct sim *s, enum store_kind k, const char *name)
{
	char text[STORE_NAME_MAX];

	if (!sim_name(s, k, name)->there)
		return false;
	snprintf(text, sizeof(text), "%s", name);
	return store_list(s->below, k, sim_any_cb, text, NULL) == 1;
}

static bool sim_stored(const struct sim *s, const struct oid *id)
{
	unsigned i, k;

	for (i = 0; i < s->n_packs; i++)
		for (k = 0; s->pack[i].there && k < s->pack[i].n; k++)
			if (oid_eq(&s->pack[i].id[k], id))
				return true;
	return false;
}

/* An archive that is there, and not deleted, has all that it needs. */
void sim_look(struct sim *s, const char *when)
{
	char text[256];
	unsigned i, k;

	for (i = 0; i < s->n_needs; i++) {
		const struct sim_need *w = &s->need[i];

		if (!sim_there(s, STORE_ARCHIVES, w->name) ||
		    sim_there(s, STORE_TOMBSTONES, w->name))
			continue;
		for (k = 0; k < w->n; k++)
			if (!sim_stored(s, &w->id[k])) {
				snprintf(text, sizeof(text), "archive %.8s "
					"has lost object %u at %.100s",
					w->name, k, when);
				sim_wrong(s, text);
			}
	}
}

static void sim_pack_put(struct sim *s, const char *name,
			 const struct iovec *iov)
{
	struct sim_pack *p = &s->pack[s->n_packs++];
	const uint8_t *b = iov[0].iov_base;
	struct err e = { ERR_OK, "" };
	struct pack_table t = { 0 };
	struct pack_head h;
	struct oid id;
	uint32_t i;

	BUG_ON(s->n_packs > SIM_PACKS || !oid_parse(&id, name));
	if (pack_open_head(&h, repo_ctx(s->keys), &id, b, PACK_HEADER_BYTES,
			   &e) < 0 ||
	    pack_open_table(&t, &h, repo_ctx(s->keys), b + PACK_HEADER_BYTES,
			    h.table_bytes, &e) < 0)
		world_die("a pack that was put", &e);
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->there = true;
	p->n = t.n_entries;
	p->id = calloc(p->n + 1u, sizeof(*p->id));
	for (i = 0; i < p->n; i++)
		p->id[i] = t.entries[i].obj.id;
	pack_table_release(&t);
}

static void sim_pack_del(struct sim *s, const char *name)
{
	unsigned i;

	for (i = 0; i < s->n_packs; i++)
		if (!strcmp(s->pack[i].name, name))
			s->pack[i].there = false;
}

/* --- stopping, seeing, forgetting --- */

static struct sim_door *door_of(struct store *st)
{
	return (struct sim_door *)(void *)st;
}

void sim_forget(struct sim *s, unsigned who, const void *but, size_t len)
{
	struct sim_prog *p = &s->prog[who];
	uint64_t all[3] = { XXH3_64bits(but, len), p->draws, ++p->stage };

	if (!fiber_current() || !s->forgets)
		return;
	BUG_ON(p->done > p->stage * SIM_STAGE_OPS);
	p->done = p->stage * SIM_STAGE_OPS;
	p->seen = p->knew = XXH3_64bits(all, sizeof(all));
}

void sim_at_once(struct sim *s, unsigned who)
{
	s->prog[who].at_once = true;
}

/* A collector that lists archives again when it has waited for sessions (G3)
 * knows of them no more than that none is left. */
static void door_waited(struct sim_door *d, enum sim_verb verb,
			enum store_kind k)
{
	struct sim_prog *p = &d->s->prog[d->who];
	uint64_t but = p->before_wait;

	if (but && verb == SIM_LIST && k == STORE_ARCHIVES) {
		sim_forget(d->s, d->who, &but, sizeof(but));
		p->before_wait = 0;
	}
}

/* What else a session has seen since it looked at the index is in its
 * record. */
static void door_commits(struct sim_door *d, const char *name, uint64_t record)
{
	uint64_t but[2] = { d->s->prog[d->who].knew, record };

	if (sim_name(d->s, STORE_ARCHIVES, name)->owner == d->who)
		sim_forget(d->s, d->who, but, sizeof(but));
}

/* Outside of a run nobody else is there. */
static void door_stop(struct store *st, enum sim_verb verb, enum store_kind k,
		      const char *name)
{
	struct sim_door *d = door_of(st);
	struct sim_prog *p = &d->s->prog[d->who];

	if (!fiber_current() || (p->at_once && verb == SIM_READ))
		return;
	door_waited(d, verb, k);
	p->next = (struct sim_op) { verb, k,
		name ? sim_name(d->s, k, name) : NULL };
	fiber_stop();
	p->done++;
}

static void door_saw(struct store *st, int rc, uint64_t what)
{
	struct sim_door *d = door_of(st);
	struct sim_prog *p = &d->s->prog[d->who];
	uint64_t all[3] = { p->seen, (uint64_t)rc, what };

	p->seen = p->blind > 0 ? p->ahead[--p->blind] :
		XXH3_64bits(all, sizeof(all));
}

static uint64_t door_sum(const struct iovec *iov, int n)
{
	uint64_t sum = 1;
	int i;

	for (i = 0; i < n; i++)
		sum = XXH3_64bits_withSeed(iov[i].iov_base, iov[i].iov_len,
			sum);
	return sum;
}

static void door_was_put(struct sim_door *d, enum store_kind k,
			 const char *name, const struct iovec *iov, int n)
{
	struct sim_name *sn = sim_name(d->s, k, name);

	sn->body = door_sum(iov, n);
	if (sn->owner == SIM_NOBODY)
		sn->owner = (uint8_t)d->who;
	sim_flip(d->s, sn);
	if (k == STORE_SESSIONS) {
		BUG_ON(d->s->n_sessions == SIM_SESSIONS);
		d->s->session[d->s->n_sessions++] = (struct sim_session) {
			sim_session_digest(name), (uint8_t)d->who };
	}
	if (k == STORE_DATA || k == STORE_META)
		sim_pack_put(d->s, name, iov);
	if (k == STORE_ARCHIVES || k == STORE_GENERATIONS || k == STORE_INDEX)
		d->s->touched = true;
	if (k == STORE_ARCHIVES)
		sim_look(d->s, "a commit");
}

static int door_put(struct store *st, enum store_kind k, const char *name,
		    const struct iovec *iov, int n, unsigned flags,
		    struct err *e)
{
	struct sim_door *d = door_of(st);
	int rc;

	if (k == STORE_ARCHIVES)
		door_commits(d, name, door_sum(iov, n));
	door_stop(st, SIM_PUT, k, name);
	rc = store_put(d->s->below, k, name, iov, n, flags, e);
	if (rc == 0)
		door_was_put(d, k, name, iov, n);
	else if (rc == ERR_EXIST && sim_own_names(d->s, k) && fiber_current())
		sim_wrong(d->s, "two have put the same name");
	door_saw(st, rc, 0);
	if (rc == 0 && k == STORE_GENERATIONS)
		d->s->prog[d->who].before_wait = d->s->prog[d->who].seen;
	return rc;
}

static int door_get(struct store *st, enum store_kind k, const char *name,
		    uint64_t off, size_t len, struct buf *out, struct err *e)
{
	size_t had = out->len;
	int rc;

	door_stop(st, SIM_READ, k, name);
	rc = store_get(door_of(st)->s->below, k, name, off, len, out, e);
	door_saw(st, rc, out->len == had ? 0 :
		XXH3_64bits(out->p + had, out->len - had));
	return rc;
}

static int door_get_all(struct store *st, enum store_kind k, const char *name,
			size_t max, struct buf *out, struct err *e)
{
	size_t had = out->len;
	int rc;

	door_stop(st, SIM_READ, k, name);
	rc = store_get_all(door_of(st)->s->below, k, name, max, out, e);
	door_saw(st, rc, out->len == had ? 0 :
		XXH3_64bits(out->p + had, out->len - had));
	return rc;
}

static int door_stat(struct store *st, enum store_kind k, const char *name,
		     uint64_t *size, struct err *e)
{
	int rc;

	door_stop(st, SIM_READ, k, name);
	rc = store_stat(door_of(st)->s->below, k, name, size, e);
	door_saw(st, rc, rc == 0 ? *size : 0);
	return rc;
}

/* In the order of names, whatever came before: programs see no more. */
struct door_listing {
	struct {
		char name[STORE_NAME_MAX + 1];
		uint64_t size;
	} item[256];
	size_t n;
};

static int door_list_cb(const char *name, uint64_t size, void *ctx)
{
	struct door_listing *l = ctx;

	BUG_ON(l->n == sizeof(l->item) / sizeof(*l->item));
	snprintf(l->item[l->n].name, sizeof(l->item[l->n].name), "%s", name);
	l->item[l->n++].size = size;
	return 0;
}

static int door_list_cmp(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int door_list(struct store *st, enum store_kind k, store_list_fn *fn,
		     void *ctx, struct err *e)
{
	struct door_listing *l;
	uint64_t sum = 0;
	size_t i;
	int rc;

	door_stop(st, SIM_LIST, k, NULL);
	if (!(l = malloc(sizeof(*l))))
		world_die("no memory", NULL);
	l->n = 0;
	rc = store_list(door_of(st)->s->below, k, door_list_cb, l, e);
	qsort(l->item, l->n, sizeof(*l->item), door_list_cmp);
	for (i = 0; i < l->n; i++)
		sum = XXH3_64bits_withSeed(l->item[i].name,
			strlen(l->item[i].name), sum + l->item[i].size);
	door_saw(st, rc, sum);
	for (i = 0; rc == 0 && i < l->n; i++)
		rc = fn(l->item[i].name, l->item[i].size, ctx);
	free(l);
	return rc;
}

static int door_del(struct store *st, enum store_kind k, const char *name,
		    struct err *e)
{
	struct sim *s = door_of(st)->s;
	int rc;

	door_stop(st, SIM_DEL, k, name);
	rc = store_del(s->below, k, name, e);
	if (rc == 0) {
		sim_flip(s, sim_name(s, k, name));
		s->touched = true;
	}
	door_saw(st, 0, 0);		/* that it was gone is all the same */
	if (rc == 0 && (k == STORE_DATA || k == STORE_META)) {
		sim_pack_del(s, name);
		sim_look(s, "the deletion of a pack");
	}
	return rc;
}

/* Nothing is lost here, and nobody sees it. */
static int door_sync(struct store *st, struct err *e)
{
	return store_sync(door_of(st)->s->below, e);
}

/* Room for what programs write here, and a small reserve. */
static int door_space(struct store *st, uint64_t *space, uint64_t *total,
		      struct err *e)
{
	(void)st;
	(void)e;
	*space = *total = 100000;
	return 0;
}

static void door_close(struct store *st)
{
	free(st->url);
	st->url = NULL;
}

const struct store_ops sim_door_ops = {
	.put = door_put, .get = door_get, .get_all = door_get_all,
	.stat = door_stat, .list = door_list, .del = door_del,
	.sync = door_sync, .space = door_space, .close = door_close,
};
