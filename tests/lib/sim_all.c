/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every order of what the programs of a sim do.
 *
 * A state is what the store has, and what each program has seen and not
 * forgotten (sim_forget, all_ahead): programs are told apart by that alone, so
 * what two orders have led to is gone on from once.  Where more than one may go
 * on, memory is put back for each of them (snap.h).  The table of states is
 * shared by a few processes, which begin at different ends: what one of them
 * has done the others need not.
 *
 * Of operations that do not touch each other one order is enough: persistent
 * sets and sleep sets, and both together with a table of states (Godefroid,
 * Partial-Order Methods, 1996).  What touches what nobody declares: 'later'
 * has what each program was seen to do from its i-th operation on, and a pass
 * that adds to it is followed by another one.  Operations that may change what
 * is looked at count as touching each other ("visible").  Programs end, so no
 * operation is put off for ever.
 */
#include "tests/lib/sim_priv.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#include "tests/lib/snap.h"
#include "tests/lib/world.h"

#define ALL_OPS 4096		/* of one program, and the gaps of stages */
#define ALL_SLOTS (1ull << 28)	/* touched as they are needed */
#define ALL_TRACE 2048
#define ALL_TRIES(n) (1000u << 2 * ((n) < 3 ? 0 : (n) - 3))

/* What a program does from some operation on, for each kind of file: a bit for
 * listings, then one for each verb and owner of the name: a program, ALL_BASE,
 * ALL_NOBODY (it was never put). */
#define ALL_BASE SIM_ALL_MAX
#define ALL_NOBODY (SIM_ALL_MAX + 1)
#define ALL_OWNERS (SIM_ALL_MAX + 2)
#define LATER_LIST 1u
#define LATER(verb, owner) \
	(1u << (1 + ((verb) - SIM_READ) * ALL_OWNERS + (owner)))
#define LATER_ANY(verb) (LATER(verb, ALL_OWNERS) - LATER(verb, 0))
#define LATER_VISIBLE STORE_KINDS	/* in place of a kind: of these */
#define VISIBLE_HURTS 1u
#define VISIBLE_HELPS 2u
#define VISIBLE_BOTH 3u

/* A slot of the table: digest of a state, and who slept in it. */
#define ALL_SLEEP ((uint64_t)((1u << SIM_ALL_MAX) - 1))

struct all_shared {
	atomic_bool stop, grew;
	atomic_uint_least64_t states, moves, stores, ends, ends_digest;
	_Atomic uint32_t later[SIM_ALL_MAX][ALL_OPS][STORE_KINDS + 1];
	atomic_flag told;
	char violation[512];
};
struct all {
	struct sim *s;
	const struct sim_all_opts *o;
	struct all_shared *sh;
	_Atomic uint64_t *seen;		/* ALL_SLOTS of them, of this pass */
	_Atomic uint8_t *next;		/* of each, what all do next; 0: ? */
	unsigned number;		/* of this process */
	unsigned len;
	char trace[ALL_TRACE];		/* who went */
};

/* --- what is known of programs --- */

/* Where several may put one name, who was first may be another in another
 * order: they are one. */
static unsigned all_owner(const struct sim *s, const struct sim_op *op,
			  unsigned who)
{
	unsigned owner = op->name->owner;

	if (op->verb == SIM_PUT && owner == SIM_NOBODY)
		owner = who;
	return !sim_owned(s, op->kind) ? 0 : owner == SIM_BASE ? ALL_BASE :
		owner == SIM_NOBODY ? ALL_NOBODY : owner;
}

static unsigned all_class(const struct sim *s, const struct sim_op *op,
			  unsigned who)
{
	return op->verb == SIM_LIST ? LATER_LIST :
		LATER(op->verb, all_owner(s, op, who));
}

/* Who may do 'verb' to a name of this owner, or to one that nobody put yet. */
static unsigned all_mask(enum sim_verb verb, unsigned owner)
{
	return owner == ALL_NOBODY ? LATER_ANY(verb) :
		LATER(verb, owner) | LATER(verb, ALL_NOBODY);
}

/*
 * Archives lose what they need by some operations, after each of which it is
 * looked; others only give them something, or take them out of sight.  More of
 * the one and less of the other is never better, so only their order among
 * each other can be seen.  What the index lists may do either.
 */
static unsigned all_visible(const struct sim_op *op, unsigned who)
{
	if (op->verb != SIM_PUT && op->verb != SIM_DEL)
		return 0;
	if (op->kind == STORE_INDEX || op->kind == STORE_GENERATIONS)
		return VISIBLE_BOTH;
	if (op->kind == STORE_ARCHIVES && op->verb == SIM_PUT)
		return op->name->owner == who ? VISIBLE_HURTS : 0; /* a fence */
	if (op->kind == STORE_ARCHIVES)
		return VISIBLE_HELPS;
	if (op->kind == STORE_TOMBSTONES || op->kind == STORE_DATA ||
	    op->kind == STORE_META)
		return op->verb == SIM_PUT ? VISIBLE_HELPS : VISIBLE_HURTS;
	return 0;
}

static bool all_seen_apart(unsigned a, unsigned b)
{
	return a && b && (a | b) == VISIBLE_BOTH;
}

static void all_add(struct all *a, unsigned who, unsigned kind, unsigned what)
{
	unsigned i = a->s->prog[who].done | 7;	/* a little more */
	_Atomic uint32_t *later;

	BUG_ON(i >= ALL_OPS);
	do {
		later = &a->sh->later[who][i][kind];
		if ((atomic_load(later) & what) == what)
			return;
		atomic_fetch_or(later, what);
		atomic_store(&a->sh->grew, true);
	} while (i-- > 0);
}

/* A program stands before its next operation. */
static void all_learn(struct all *a, unsigned who)
{
	const struct sim_op *op = &a->s->prog[who].next;

	if (a->s->prog[who].ended)
		return;
	all_add(a, who, op->kind, all_class(a->s, op, who));
	all_add(a, who, LATER_VISIBLE, all_visible(op, who));
}

/* May it matter whether this comes before all that 'other' may still do? */
static bool all_depends(struct all *a, unsigned who, unsigned other)
{
	const struct sim_op *op = &a->s->prog[who].next;
	_Atomic uint32_t *later =
		a->sh->later[other][a->s->prog[other].done];
	unsigned f = atomic_load(&later[op->kind]), owner, dels, puts;

	if (a->o->plain ||
	    all_seen_apart(all_visible(op, who),
			   atomic_load(&later[LATER_VISIBLE])))
		return true;
	if (op->verb == SIM_LIST)
		return f & (LATER_ANY(SIM_PUT) | LATER_ANY(SIM_DEL));
	owner = all_owner(a->s, op, who);
	dels = all_mask(SIM_DEL, owner);
	puts = all_mask(SIM_PUT, owner);
	if (op->verb == SIM_READ || (op->verb == SIM_PUT && op->name->there))
		return f & (dels | (op->name->there ? 0 : puts));
	return f & (LATER_LIST | all_mask(SIM_READ, owner) | dels |
		    (sim_own_names(a->s, op->kind) ? 0 : puts));
}

/* May it matter which of two comes first? */
static bool all_touch(const struct sim *s, unsigned who, unsigned other)
{
	const struct sim_op *a = &s->prog[who].next, *b = &s->prog[other].next;

	if (all_seen_apart(all_visible(a, who), all_visible(b, other)))
		return true;
	if (a->kind != b->kind ||
	    (a->verb <= SIM_READ && b->verb <= SIM_READ))
		return false;
	return !a->name || !b->name || a->name == b->name;
}

/* The programs that must go on from here, a bit for each: none outside does
 * anything, ever, that touches what one of them does next. */
static unsigned all_closed(struct all *a, unsigned first)
{
	unsigned set = 1u << first, was = 0, i, k;

	while (was != set) {
		was = set;
		for (i = 0; i < a->s->n; i++)
			for (k = 0; was >> i & 1 && k < a->s->n; k++)
				if (!(set >> k & 1) &&
				    !a->s->prog[k].ended &&
				    all_depends(a, i, k))
					set |= 1u << k;
	}
	return set;
}

static unsigned all_choose(struct all *a)
{
	unsigned best = 0, i, set;

	for (i = 0; i < a->s->n; i++) {
		if (a->s->prog[i].ended)
			continue;
		set = all_closed(a, i);
		if (!best || __builtin_popcount(set) <
			     __builtin_popcount(best))
			best = set;
	}
	return best;
}

/* --- what was seen --- */

static void all_wrong(struct all *a, const char *what)
{
	if (atomic_flag_test_and_set(&a->sh->told))
		return;
	snprintf(a->sh->violation, sizeof(a->sh->violation),
		"%s, after %.*s", what, (int)a->len, a->trace);
	atomic_store(&a->sh->stop, true);
}

static uint64_t all_digest(const struct sim *s)
{
	uint64_t v[SIM_ALL_MAX + 1] = { s->content };
	unsigned i;

	for (i = 0; i < s->n; i++)
		v[1 + i] = s->prog[i].seen + s->prog[i].ended;
	return XXH3_64bits(v, sizeof(v));
}

static uint64_t all_key(uint64_t digest)
{
	return (digest & ~ALL_SLEEP) | (ALL_SLEEP + 1);
}

/* The slot of a state, or the free one that it would have. */
static _Atomic uint64_t *all_slot(struct all *a, uint64_t digest)
{
	uint64_t key = all_key(digest), i = digest >> 32, had;

	for (;; i++) {
		_Atomic uint64_t *slot = &a->seen[i & (ALL_SLOTS - 1)];

		had = atomic_load(slot);
		if (had == 0 || (had & ~ALL_SLEEP) == key)
			return slot;
	}
}

/* What all are about to do, never 0. */
static uint8_t all_next(const struct sim *s)
{
	uint64_t v[SIM_ALL_MAX][3] = { { 0 } };
	unsigned i;

	for (i = 0; i < s->n; i++)
		if (!s->prog[i].ended) {
			v[i][0] = s->prog[i].next.verb + 1u;
			v[i][1] = s->prog[i].next.kind;
			v[i][2] = s->prog[i].next.name ?
				s->prog[i].next.name->key : 0;
		}
	return (uint8_t)(XXH3_64bits(v, sizeof(v)) | 1);
}

/* Who slept each time that a state was gone on from; all, if it never was.  Did
 * a program forget too much, it goes on in another way. */
static unsigned all_slept(struct all *a, uint64_t digest)
{
	_Atomic uint64_t *slot = all_slot(a, digest);
	uint64_t had = atomic_load(slot);
	uint8_t next = had ? atomic_load(&a->next[slot - a->seen]) : 0;

	if (next && next != all_next(a->s))
		all_wrong(a, "what was taken for the same goes on otherwise");
	return had ? (unsigned)(had & ALL_SLEEP) : (unsigned)ALL_SLEEP;
}

/*
 * It was gone on from, but for 'sleep'.  Not before: another process that comes
 * here meanwhile goes on, too, from the other end.  False: it was known.
 */
static bool all_done(struct all *a, uint64_t digest, unsigned sleep,
		     uint8_t next)
{
	uint64_t had, key = all_key(digest);
	_Atomic uint64_t *slot;

	do {
		slot = all_slot(a, digest);
		had = 0;
		if (atomic_compare_exchange_strong(slot, &had, key | sleep)) {
			atomic_store(&a->next[slot - a->seen], next);
			return true;
		}
	} while ((had & ~ALL_SLEEP) != key);
	while (!atomic_compare_exchange_strong(slot, &had,
			had & (~ALL_SLEEP | sleep)))
		;
	return false;
}

/* What the store has now may hurt somebody: look, once for all states. */
static void all_look(struct all *a, bool ended, unsigned depth)
{
	uint64_t key[2] = { a->s->content, 77 + ended };

	a->s->touched = false;
	if (!all_done(a, XXH3_64bits(key, sizeof(key)), 0, 0))
		return;
	atomic_fetch_add(&a->sh->stores, 1);
	if (ended) {
		atomic_fetch_add(&a->sh->ends, 1);
		atomic_fetch_xor(&a->sh->ends_digest, a->s->content);
	}
	snap_save(depth);
	a->o->look(ended, a->o->ctx);
	if (sim_violation(a->s))
		all_wrong(a, sim_violation(a->s));
	snap_restore(depth);
}

/* --- programs that see nothing any more --- */

/* Nobody looks at what came of it: deletions, and how large the index is,
 * which is for the reserve, and that takes all there is. */
static bool all_blind(const struct sim_op *op)
{
	return op->verb == SIM_DEL || op->kind == STORE_RESERVE ||
		(op->verb == SIM_LIST &&
		 (op->kind == STORE_PARITY || op->kind == STORE_INDEX));
}

/* Where a program does nothing else until it ends, that is all there is to know
 * of it: it goes ahead alone, and comes back. */
static void all_ahead(struct all *a, unsigned who, unsigned depth)
{
	struct sim_prog *p = &a->s->prog[who];
	uint64_t op[SIM_AHEAD][3], sum = 1;
	unsigned n = 0, i;
	bool ended;

	if (p->ended || p->blind || a->o->plain || p->next.verb != SIM_DEL)
		return;
	snap_save(depth);
	while (!p->ended && n < SIM_AHEAD && all_blind(&p->next)) {
		op[n][0] = p->next.verb * 16ull + p->next.kind;
		op[n++][1] = p->next.name ? p->next.name->key : 0;
		sim_go(a->s, who);
	}
	ended = p->ended;
	snap_restore(depth);
	if (!ended)
		return;
	for (i = n; i-- > 0; ) {
		p->ahead[n - 1 - i] = sum;
		op[i][2] = sum;
		sum = XXH3_64bits(op[i], sizeof(op[i]));
	}
	BUG_ON(p->done > ALL_OPS - 8 - n);
	p->done = ALL_OPS - 8 - n;
	p->seen = sum;
	p->blind = n;
	all_learn(a, who);
}

/* --- the search --- */

static void all_go(struct all *a, unsigned who)
{
	uint64_t moves;

	BUG_ON(a->len == ALL_TRACE);
	a->trace[a->len++] = (char)('0' + who);
	moves = atomic_fetch_add(&a->sh->moves, 1);
	if (a->o->say && moves % a->o->say == 0)
		dprintf(STDERR_FILENO, "%llu operations, %llu states\n",
			(unsigned long long)moves, (unsigned long long)
			atomic_load(&a->sh->states));
	sim_go(a->s, who);
	if (sim_violation(a->s))
		all_wrong(a, sim_violation(a->s));
	all_learn(a, who);
}

/* Of those who sleep, who still does when 'who' has gone on. */
static unsigned all_asleep(struct all *a, unsigned sleep, unsigned who)
{
	unsigned i, out = sleep & ~(1u << who);

	for (i = 0; i < a->s->n; i++)
		if (out >> i & 1 && all_touch(a->s, i, who))
			out &= ~(1u << i);
	return a->o->plain ? 0 : out;
}

static unsigned all_first(const struct all *a, unsigned set)
{
	return a->number % 2 ? 31 - (unsigned)__builtin_clz(set) :
		(unsigned)__builtin_ctz(set);
}

/* One goes on from here. */
static void all_step(struct all *a, unsigned who, unsigned depth)
{
	all_go(a, who);
	all_ahead(a, who, depth);
}

static void all_search(struct all *a, unsigned sleep, unsigned depth);

/* Each of 'set' goes on from here, and then all others. */
static void all_branch(struct all *a, unsigned set, unsigned sleep,
		       unsigned depth)
{
	unsigned who, still, len = a->len;
	bool alone = (set & (set - 1)) == 0;

	if (!alone)
		snap_save(depth);
	while (set && !atomic_load(&a->sh->stop)) {
		who = all_first(a, set);
		set &= ~(1u << who);
		still = all_asleep(a, sleep, who);
		all_step(a, who, depth + 1);
		all_search(a, still, depth + 1);
		a->len = len;
		if (!alone)
			snap_restore(depth);
		sleep |= 1u << who;
	}
}

/* From here on: every way.  What sleeps goes on elsewhere. */
static void all_search(struct all *a, unsigned sleep, unsigned depth)
{
	uint64_t digest;
	unsigned set, who, slept;
	uint8_t next;

	for (;;) {
		if (a->s->touched)
			all_look(a, false, depth);
		if (atomic_load(&a->sh->stop))
			return;
		if ((set = all_choose(a)) == 0) {
			all_look(a, true, depth);
			return;
		}
		if (set & (set - 1))
			break;
		if ((set &= ~sleep) == 0)
			return;
		who = all_first(a, set);
		sleep = all_asleep(a, sleep, who);
		all_step(a, who, depth);
	}
	digest = all_digest(a->s);
	slept = all_slept(a, digest);
	set &= slept & ~sleep;
	sleep &= slept;
	if (set == 0)
		return;
	next = all_next(a->s);
	all_branch(a, set, sleep, depth);
	if (all_done(a, digest, sleep, next))
		atomic_fetch_add(&a->sh->states, 1);
}

/* --- from the outside --- */

/* What programs do in many orders, so that the passes begin knowing it: each
 * time that one of them learns something all are gone through once more. */
static void all_try(struct all *a)
{
	unsigned i, who, left, rarely;

	snap_save(0);
	for (i = 0; i < ALL_TRIES(a->s->n) && !atomic_load(&a->sh->stop); i++) {
		snap_restore(0);
		a->len = 0;
		a->s->rng += i * 0x9e3779b97f4a7c15ull;
		rarely = 1 + (unsigned)sim_random(a->s, 20);
		for (left = a->s->n, who = 0; left; ) {
			if (a->s->prog[who].ended ||
			    sim_random(a->s, rarely) == 0)
				who = (unsigned)sim_random(a->s, a->s->n);
			if (a->s->prog[who].ended)
				continue;
			all_step(a, who, 1);
			left -= a->s->prog[who].ended;
		}
	}
	snap_restore(0);
}

static void *all_memory(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		world_die("no memory", NULL);
	return p;
}

static void all_pass(struct all *a)
{
	struct all_shared *sh = a->sh;
	int status;

	sh->states = sh->moves = sh->stores = sh->ends = 0;
	sh->ends_digest = 0;
	sh->grew = false;
	a->len = 0;
	a->seen = all_memory(ALL_SLOTS * sizeof(*a->seen));
	a->next = all_memory(ALL_SLOTS);
	for (a->number = 0; a->number < a->o->jobs; a->number++) {
		pid_t pid = fork();

		if (pid < 0)
			world_die("fork", NULL);
		if (pid == 0) {
			all_search(a, 0, 0);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		if (status != 0)
			all_wrong(a, "a process that died");
	munmap(a->seen, ALL_SLOTS * sizeof(*a->seen));
	munmap(a->next, ALL_SLOTS);
}

void sim_all(struct sim *s, const struct sim_all_opts *o,
	     struct sim_all_result *res)
{
	struct fiber *fiber[SIM_ALL_MAX];
	struct all a = { .s = s, .o = o };
	unsigned i;

	BUG_ON(o->n > SIM_ALL_MAX);
	memset(res, 0, sizeof(*res));
	a.sh = all_memory(sizeof(*a.sh));
	s->one_collector = o->one_collector;
	s->forgets = !o->plain;
	sim_start(s, o->n, o->fn, o->ctx);
	for (i = 0; i < o->n; i++) {
		fiber[i] = s->prog[i].fiber;
		all_learn(&a, i);
	}
	snap_begin(fiber, o->n);
	all_try(&a);
	do {
		all_pass(&a);
		res->passes++;
	} while (!o->plain && atomic_load(&a.sh->grew) &&
		 !atomic_load(&a.sh->stop));
	snap_end();
	s->forgets = false;
	sim_stop(s);
	if (a.sh->violation[0])
		sim_wrong(s, a.sh->violation);
	res->states = atomic_load(&a.sh->states);
	res->moves = atomic_load(&a.sh->moves);
	res->stores = atomic_load(&a.sh->stores);
	res->ends = atomic_load(&a.sh->ends);
	res->ends_digest = atomic_load(&a.sh->ends_digest);
	munmap(a.sh, sizeof(*a.sh));
}
