/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/sim_priv.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/thread.h"
#include "tests/lib/world.h"

static struct sim *sim_only;		/* whose programs run */

/* --- what programs see of the world --- */

static int64_t sim_clock(void)
{
	return 1800000000ll * 1000000000;
}

static void sim_rng_buf(void *buf, size_t size)
{
	struct sim *s = sim_only;
	bool inside = fiber_current() != NULL;
	uint8_t seed[randombytes_SEEDBYTES] = { 0 };
	uint64_t from[3] = { s->seed, inside ? s->current : SIM_MAX,
		inside ? s->prog[s->current].draws++ : s->draws++ };

	memcpy(seed, from, sizeof(from));
	randombytes_buf_deterministic(buf, size, seed);
}

static uint32_t sim_rng_word(void)
{
	uint32_t v;

	sim_rng_buf(&v, sizeof(v));
	return v;
}

static const char *sim_rng_name(void)
{
	return "counted";
}

static struct randombytes_implementation sim_rng = {
	.implementation_name = sim_rng_name, .random = sim_rng_word,
	.buf = sim_rng_buf,
};

/* In place of libsodium's, whose pages a snapshot would not have (snap.h). */
void *sodium_malloc(size_t size)
{
	return malloc(size ? size : 1);
}

void sodium_free(void *p)
{
	free(p);
}

/*
 * In place of libsodium's: a signature is verified once, for the same ones are
 * read in thousands of orders, and it is half of what they cost.  Of the same
 * arguments the answer is the same.  The table is shared by all processes, and
 * no part of a snapshot.
 */
#define SIM_SIGNATURES (1u << 16)

static _Atomic uint64_t *sim_verified;

int crypto_sign_verify_detached(const unsigned char *sig,
				const unsigned char *m, unsigned long long len,
				const unsigned char *pk)
{
	uint64_t key[2] = {
		XXH3_64bits_withSeed(sig, crypto_sign_BYTES, XXH3_64bits(pk,
			crypto_sign_PUBLICKEYBYTES)),
		XXH3_64bits(m, len) };
	uint64_t digest = XXH3_64bits(key, sizeof(key)) | 1;
	_Atomic uint64_t *slot = sim_only ?
		&sim_verified[digest >> 32 & (SIM_SIGNATURES - 1)] : NULL;
	int rc;

	if (slot && atomic_load(slot) == digest)
		return 0;
	rc = crypto_sign_ed25519_verify_detached(sig, m, len, pk);
	if (slot && rc == 0)
		atomic_store(slot, digest);
	return rc;
}

/* All processes of a search are one to those who look at the store. */
pid_t getpid(void)
{
	return sim_only ? sim_only->pid : (pid_t)syscall(SYS_getpid);
}

static uint64_t sim_next(struct sim *s)
{
	s->rng ^= s->rng << 13;
	s->rng ^= s->rng >> 7;
	s->rng ^= s->rng << 17;
	return s->rng * 0x2545f4914f6cdd1dull >> 11;
}

uint64_t sim_random(struct sim *s, uint64_t below)
{
	return sim_next(s) % below;
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

static void sim_main(void *arg)
{
	struct sim *s = arg;

	s->fn(s->current, s->ctx);
}

void sim_go(struct sim *s, unsigned who)
{
	s->current = who;
	if (fiber_go(s->prog[who].fiber))
		return;
	s->prog[who].ended = true;
	s->prog[who].seen = 0;		/* nothing of it matters any more */
}

void sim_start(struct sim *s, unsigned n, sim_fn *fn, void *ctx)
{
	unsigned i;

	BUG_ON(n > SIM_MAX);
	s->n = n;
	s->fn = fn;
	s->ctx = ctx;
	s->steps = 0;
	memset(s->prog, 0, sizeof(s->prog));
	for (i = 0; i < n; i++) {
		s->prog[i].fiber = fiber_new(sim_main, s);
		sim_go(s, i);
	}
}

void sim_stop(struct sim *s)
{
	unsigned i;

	for (i = 0; i < s->n; i++)
		fiber_free(s->prog[i].fiber);
	s->n = 0;
}

static bool sim_can(const struct sim *s, unsigned who)
{
	return !s->prog[who].ended && s->frozen != who;
}

/* SIM_MAX: all have ended. */
static unsigned sim_choose(struct sim *s)
{
	unsigned i, n = 0, can[SIM_MAX];

	for (i = 0; i < s->n; i++)
		if (sim_can(s, i))
			can[n++] = i;
	if (n == 0) {			/* only the frozen one is left */
		s->frozen = SIM_MAX;
		for (i = 0; i < s->n; i++)
			if (!s->prog[i].ended)
				can[n++] = i;
	}
	if (n == 0)
		return SIM_MAX;
	if (sim_can(s, s->current) && sim_next(s) % s->rarely != 0)
		return s->current;
	return can[sim_next(s) % n];
}

void sim_run(struct sim *s, unsigned n, sim_fn *fn, void *ctx)
{
	static const unsigned rarely[] = { 1, 3, 12, 40 };
	unsigned who;

	s->frozen = SIM_MAX;
	s->rarely = rarely[sim_next(s) % 4];
	s->freeze_at = sim_next(s) % 2 ? 0 : 1 + sim_next(s) % 600;
	sim_start(s, n, fn, ctx);
	while ((who = sim_choose(s)) < SIM_MAX) {
		sim_go(s, who);
		if (++s->steps == s->freeze_at)
			s->frozen = who;
	}
	sim_stop(s);
}

/* --- life --- */

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

struct store *sim_store(struct sim *s, unsigned who)
{
	struct sim_door *d = &s->door[who];

	BUG_ON(who >= SIM_MAX);
	d->store = (struct store) { &sim_door_ops, strdup("sim") };
	d->s = s;
	d->who = who;
	return &d->store;
}

void sim_keys(struct sim *s, struct repo *r)
{
	s->keys = r;
}

struct sim *sim_new(void)
{
	struct sim *s = calloc(1, sizeof(*s));

	if (!s)
		world_die("no memory", NULL);
	s->pid = getpid();
	sim_verified = mmap(NULL, SIM_SIGNATURES * sizeof(*sim_verified),
		PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sim_verified == MAP_FAILED)
		world_die("no memory", NULL);
	sim_only = s;
	thread_none();
	clock_set_wall(sim_clock);
	randombytes_set_implementation(&sim_rng);
	return s;
}

/* Packs and needs that are there when the first run begins stay for all. */
void sim_begin(struct sim *s, struct store *from, uint64_t seed)
{
	struct err e = { ERR_OK, "" };
	unsigned i;

	if (s->copy)
		store_close(s->below);
	else if (s->below) {
		s->base_packs = s->n_packs;
		s->base_needs = s->n_needs;
	}
	s->seed = seed;
	s->draws = 0;
	s->rng = seed * 0x9e3779b97f4a7c15ull + 1;
	s->violation[0] = '\0';
	for (i = s->base_packs; i < s->n_packs; i++)
		free(s->pack[i].id);
	s->n_packs = s->base_packs;
	s->n_needs = s->base_needs;
	for (i = 0; i < s->n_packs; i++)
		s->pack[i].there = true;
	s->copy = seed != 0;
	s->below = s->copy ? store_mem_copy(from, &e) : from;
	if (!s->below)
		world_die("copy", &e);
	sim_names_begin(s);
}

void sim_free(struct sim *s)
{
	unsigned i;

	for (i = 0; i < s->n_packs; i++)
		free(s->pack[i].id);
	if (s->copy)
		store_close(s->below);
	sim_only = NULL;
	munmap(sim_verified, SIM_SIGNATURES * sizeof(*sim_verified));
	free(s);
}
