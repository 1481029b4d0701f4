/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/sim.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/pack.h"
#include "store/ops.h"
#include "tests/lib/world.h"

#define SIM_PACKS 4096
#define SIM_ARCHIVES 256
#define SIM_FENCE_BYTES 96
#define SIM_POINTS 4096

struct sim_door {			/* the store of one program */
	struct store store;
	struct sim *s;
	unsigned who;
};
struct sim_pack {
	char name[OID_HEX_BYTES];
	bool there;
	uint32_t n;
	struct oid *id;
};
struct sim_need {
	char name[SID_HEX_BYTES];
	unsigned n;
	struct oid id[SIM_OBJECTS];
};
struct sim {
	struct store *below;
	struct repo *keys;
	struct sim_door door[SIM_MAX];
	struct sim_pack pack[SIM_PACKS];
	unsigned n_packs, base_packs;
	struct sim_need need[SIM_ARCHIVES];
	unsigned n_needs, base_needs;
	char violation[256];

	pthread_mutex_t mtx;
	pthread_cond_t turn;
	bool running;
	unsigned n, current;		/* mtx, as all below */
	bool ended[SIM_MAX];
	unsigned frozen;		/* SIM_MAX: nobody */
	uint64_t freeze_at, steps, rng;
	unsigned rarely;		/* one switch in so many steps */
	const struct sim_plan *plan;
	unsigned points;
	uint8_t who[SIM_POINTS];
	sim_fn *fn;
	void *ctx;
};

static uint64_t sim_next(struct sim *s)
{
	s->rng ^= s->rng << 13;
	s->rng ^= s->rng >> 7;
	s->rng ^= s->rng << 17;
	return s->rng * 0x2545f4914f6cdd1dull >> 11;
}

uint64_t sim_random(struct sim *s, uint64_t below)
{
	uint64_t v;

	pthread_mutex_lock(&s->mtx);
	v = sim_next(s) % below;
	pthread_mutex_unlock(&s->mtx);
	return v;
}

void sim_wrong(struct sim *s, const char *what)
{
	if (!s->violation[0])
		snprintf(s->violation, sizeof(s->violation), "%s", what);
}

const char *sim_violation(const struct sim *s)
{
	return s->violation[0] ? s->violation : NULL;
}

uint64_t sim_steps(const struct sim *s)
{
	return s->steps;
}

/* --- whose turn it is --- */

static bool sim_can(const struct sim *s, unsigned who)
{
	return !s->ended[who] && s->frozen != who;
}

void sim_plan(struct sim *s, const struct sim_plan *plan)
{
	s->plan = plan;
}

unsigned sim_points(const struct sim *s)
{
	return s->points;
}

unsigned sim_who(const struct sim *s, unsigned point)
{
	return s->who[point];
}

static void sim_choose_planned(struct sim *s, bool stay)
{
	const struct sim_plan *p = s->plan;
	unsigned i, next = SIM_MAX;

	for (i = 0; stay && i < p->n; i++)
		if (p->to[i].at == s->points && sim_can(s, p->to[i].to))
			next = p->to[i].to;
	for (i = 0; !stay && i < s->n && next == SIM_MAX; i++)
		if (sim_can(s, p->order[i]))
			next = p->order[i];
	if (next == SIM_MAX)
		return;
	s->current = next;
	pthread_cond_broadcast(&s->turn);
}

static void sim_choose(struct sim *s, bool stay)
{
	unsigned i, k, n = 0, can[SIM_MAX];

	if (s->plan) {
		sim_choose_planned(s, stay);
		return;
	}
	for (i = 0; i < s->n; i++)
		if (sim_can(s, i))
			can[n++] = i;
	if (n == 0) {			/* only the frozen one is left */
		s->frozen = SIM_MAX;
		for (i = 0; i < s->n; i++)
			if (!s->ended[i])
				can[n++] = i;
	}
	if (n == 0)
		return;
	if (stay && sim_can(s, s->current) && sim_next(s) % s->rarely != 0)
		return;
	k = (unsigned)(sim_next(s) % n);
	s->current = can[k];
	pthread_cond_broadcast(&s->turn);
}

static void sim_step(struct sim_door *d, bool point)
{
	struct sim *s = d->s;

	if (!s->running)
		return;
	pthread_mutex_lock(&s->mtx);
	s->steps++;
	if (point && s->points + 1 < SIM_POINTS)
		s->who[++s->points] = (uint8_t)d->who;
	if (s->plan && !point) {
		pthread_mutex_unlock(&s->mtx);
		return;
	}
	if (s->steps == s->freeze_at)
		s->frozen = d->who;
	sim_choose(s, true);
	while (s->current != d->who)
		pthread_cond_wait(&s->turn, &s->mtx);
	pthread_mutex_unlock(&s->mtx);
}

struct sim_thread {
	struct sim *s;
	unsigned who;
};

static void *sim_main(void *arg)
{
	struct sim_thread *t = arg;
	struct sim *s = t->s;

	pthread_mutex_lock(&s->mtx);
	while (s->current != t->who)
		pthread_cond_wait(&s->turn, &s->mtx);
	pthread_mutex_unlock(&s->mtx);
	s->fn(t->who, s->ctx);
	pthread_mutex_lock(&s->mtx);
	s->ended[t->who] = true;
	sim_choose(s, false);
	pthread_mutex_unlock(&s->mtx);
	return NULL;
}

void sim_run(struct sim *s, unsigned n, sim_fn *fn, void *ctx)
{
	static const unsigned rarely[] = { 1, 3, 12, 40 };
	struct sim_thread t[SIM_MAX];
	pthread_t tid[SIM_MAX];
	unsigned i;

	s->n = n;
	s->fn = fn;
	s->ctx = ctx;
	memset(s->ended, 0, sizeof(s->ended));
	s->frozen = SIM_MAX;
	s->rarely = rarely[sim_next(s) % 4];
	s->freeze_at = sim_next(s) % 2 ? 0 : 1 + sim_next(s) % 600;
	s->current = (unsigned)(sim_next(s) % n);
	if (s->plan) {
		s->freeze_at = 0;
		s->current = s->plan->order[0];
	}
	s->steps = s->points = 0;
	s->running = true;
	for (i = 0; i < n; i++) {
		t[i] = (struct sim_thread) { s, i };
		if (pthread_create(&tid[i], NULL, sim_main, &t[i]) != 0)
			world_die("no thread", NULL);
	}
	for (i = 0; i < n; i++)
		pthread_join(tid[i], NULL);
	s->running = false;
}

/* --- what archives need --- */

static int sim_any_cb(const char *name, uint64_t size, void *ctx)
{
	return strcmp(name, ctx) == 0 && size != SIM_FENCE_BYTES;
}

static bool sim_there(struct sim *s, enum store_kind k, const char *name)
{
	char text[STORE_NAME_MAX];

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
static void sim_look(struct sim *s, const char *when)
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

void sim_expect(struct sim *s, const struct sid *session,
		const struct oid *id, unsigned n)
{
	struct sim_need *w = &s->need[s->n_needs++];

	BUG_ON(s->n_needs > SIM_ARCHIVES || n > SIM_OBJECTS);
	sid_hex(session, w->name);
	w->n = n;
	memcpy(w->id, id, n * sizeof(*id));
	sim_look(s, "the end of a write");
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

/* --- the store of a program --- */

static struct sim_door *door_of(struct store *st)
{
	return (struct sim_door *)(void *)st;
}

static int door_put(struct store *st, enum store_kind k, const char *name,
		    const struct iovec *iov, int n, unsigned flags,
		    struct err *e)
{
	struct sim_door *d = door_of(st);
	int rc;

	sim_step(d, true);
	rc = store_put(d->s->below, k, name, iov, n, flags, e);
	if (rc < 0)
		return rc;
	if (k == STORE_DATA || k == STORE_META)
		sim_pack_put(d->s, name, iov);
	if (k == STORE_ARCHIVES)
		sim_look(d->s, "a commit");
	return 0;
}

static int door_get(struct store *st, enum store_kind k, const char *name,
		    uint64_t off, size_t len, struct buf *out, struct err *e)
{
	sim_step(door_of(st), false);
	return store_get(door_of(st)->s->below, k, name, off, len, out, e);
}

static int door_get_all(struct store *st, enum store_kind k, const char *name,
			size_t max, struct buf *out, struct err *e)
{
	sim_step(door_of(st), false);
	return store_get_all(door_of(st)->s->below, k, name, max, out, e);
}

static int door_stat(struct store *st, enum store_kind k, const char *name,
		     uint64_t *size, struct err *e)
{
	sim_step(door_of(st), true);
	return store_stat(door_of(st)->s->below, k, name, size, e);
}

static int door_list(struct store *st, enum store_kind k, store_list_fn *fn,
		     void *ctx, struct err *e)
{
	struct sim_door *d = door_of(st);

	sim_step(d, true);
	return store_list(d->s->below, k, fn, ctx, e);
}

static int door_del(struct store *st, enum store_kind k, const char *name,
		    struct err *e)
{
	struct sim_door *d = door_of(st);
	int rc;

	sim_step(d, true);
	rc = store_del(d->s->below, k, name, e);
	if (rc == 0 && (k == STORE_DATA || k == STORE_META)) {
		sim_pack_del(d->s, name);
		sim_look(d->s, "the deletion of a pack");
	}
	return rc;
}

static int door_sync(struct store *st, struct err *e)
{
	sim_step(door_of(st), false);
	return store_sync(door_of(st)->s->below, e);
}

static int door_space(struct store *st, uint64_t *space, uint64_t *total,
		      struct err *e)
{
	return store_space(door_of(st)->s->below, space, total, e);
}

static void door_close(struct store *st)
{
	free(st->url);
	st->url = NULL;
}

static const struct store_ops door_ops = {
	.put = door_put, .get = door_get, .get_all = door_get_all,
	.stat = door_stat, .list = door_list, .del = door_del,
	.sync = door_sync, .space = door_space, .close = door_close,
};

struct store *sim_store(struct sim *s, unsigned who)
{
	struct sim_door *d = &s->door[who];

	BUG_ON(who >= SIM_MAX);
	d->store = (struct store) { &door_ops, strdup("sim") };
	d->s = s;
	d->who = who;
	return &d->store;
}

void sim_keys(struct sim *s, struct repo *r)
{
	s->keys = r;
}

/* --- life --- */

struct sim *sim_new(void)
{
	struct sim *s = calloc(1, sizeof(*s));

	if (!s)
		world_die("no memory", NULL);
	pthread_mutex_init(&s->mtx, NULL);
	pthread_cond_init(&s->turn, NULL);
	return s;
}

/* Packs and needs that are there when the first run begins stay for all. */
void sim_begin(struct sim *s, struct store *from, uint64_t seed)
{
	struct err e = { ERR_OK, "" };
	unsigned i;

	if (s->below && s->below != from)
		store_close(s->below);
	else if (s->below) {
		s->base_packs = s->n_packs;
		s->base_needs = s->n_needs;
	}
	s->rng = seed * 0x9e3779b97f4a7c15ull + 1;
	s->violation[0] = '\0';
	for (i = s->base_packs; i < s->n_packs; i++)
		free(s->pack[i].id);
	s->n_packs = s->base_packs;
	s->n_needs = s->base_needs;
	for (i = 0; i < s->n_packs; i++)
		s->pack[i].there = true;
	s->below = seed ? store_mem_copy(from, &e) : from;
	if (!s->below)
		world_die("copy", &e);
}

void sim_free(struct sim *s)
{
	unsigned i;

	for (i = 0; i < s->n_packs; i++)
		free(s->pack[i].id);
	pthread_mutex_destroy(&s->mtx);
	pthread_cond_destroy(&s->turn);
	free(s);
}
