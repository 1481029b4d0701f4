/* SPDX-License-Identifier: BSD-2-Clause */
/* timeout: 300 */
/*
 * Real writers, collectors, deletions, a reader and a check over one store,
 * where every operation of the store is a point at which another goes on
 * (tests/lib/sim.h), at random: three writers, two collectors, one of them all
 * stopping anywhere.  No archive ever loses an object, and check finds
 * nothing.  Every order there is, of fewer: test_orders.c.
 * tests/cases/mutants.sh builds both with one rule of the protocol left out,
 * and sees that they fail.
 *
 * COLLECT_RUNS, COLLECT_STEPS: so many, instead of the short form.
 * COLLECT_SEED: only this run.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/simprog.h"
#include "tests/lib/simtree.h"
#include "tests/lib/world.h"

#define RUNS 60
#define WRITERS 3
#define COLLECTOR 3
#define PRUNER 4
#define READER 5
#define CHECKER 6
#define PROGRAMS 8		/* the last one: a second collector */

static struct simprog p;
static unsigned fresh;		/* counts runs */

/* Few, so that writers meet. */
static const unsigned trees[6] = { 0x07, 0x1c, 0x31, 0x0e, 0x2a, 0x3f };

static void writer(unsigned who)
{
	char name[32];
	unsigned i;

	for (i = 0; i < 2; i++) {
		unsigned tree = trees[sim_random(p.sim, 6)];

		if (sim_random(p.sim, 2))	/* files that are new */
			tree |= fresh << 8;
		snprintf(name, sizeof(name), "w%u-%u", who, i);
		simprog_write(&p, who, name, tree, 4);
	}
}

/* A deleted archive that comes back needs what it needed before. */
static void undelete(struct repo *r, const struct catalog_item *it)
{
	struct err e = { ERR_OK, "" };
	struct oid id;
	int rc = catalog_undelete(r, it, &id, &e);

	if (rc < 0 && rc != ERR_NOENT && rc != ERR_RETRY && rc != ERR_EXIST)
		sim_wrong(p.sim, e.msg);
}

static void pruner(unsigned who)
{
	struct err e = { ERR_OK, "" };
	struct catalog *c;
	unsigned i;

	for (i = 0; i < 4; i++) {
		if (catalog_load_all(&c, p.repo[who], &e) < 0) {
			sim_wrong(p.sim, e.msg);
			return;
		}
		if (c->n > 0) {
			const struct catalog_item *it =
				c->item[sim_random(p.sim, c->n)];

			if (it->deleted)
				undelete(p.repo[who], it);
			else
				simprog_delete(&p, who, it);
		}
		catalog_free(c);
	}
}

static void program(unsigned who, void *ctx)
{
	unsigned i;

	(void)ctx;
	if (who < WRITERS)
		writer(who);
	else if (who == PRUNER)
		pruner(who);
	else if (who == READER)
		simprog_read(&p, who, 6);
	else if (who == CHECKER)
		simprog_check(&p, who);
	else
		for (i = 0; i < 2; i++)
			simprog_collect(&p, who, sim_random(p.sim, 2));
}

static const char *run_once(uint64_t seed)
{
	simprog_begin(&p, seed, seed % 3 ? 1 : -1);
	fresh = (unsigned)seed;
	sim_run(p.sim, PROGRAMS, program, NULL);
	if (!sim_violation(p.sim))
		simprog_finish(&p);
	return sim_violation(p.sim);
}

static void test_random(uint64_t runs, uint64_t max_steps, uint64_t seed)
{
	const struct simprog_counts *n = p.count;
	uint64_t i, steps = 0;

	for (i = 0; i < runs && steps < max_steps; i++) {
		if (run_once(seed + i)) {
			fprintf(stderr, "COLLECT_SEED %llu: %s\n",
				(unsigned long long)(seed + i),
				sim_violation(p.sim));
			world_die("a rule of the protocol is broken", NULL);
		}
		steps += sim_steps(p.sim);
	}
	printf("%llu runs, %llu steps: %u commits, %u fenced, %u packs "
	       "removed, %u archives read, %u checks\n",
	       (unsigned long long)i, (unsigned long long)steps, n->commits,
	       n->fenced, n->removed, n->reads, n->checks);
	if (i >= RUNS && (!n->commits || !n->fenced || !n->removed ||
			   !n->reads || !n->checks))
		world_die("too little happened", NULL);
}

/* Seeds of long runs that broke something once: tests/mutant.py has what. */
static const uint64_t found[] = {
	1660,	/* check-late */
};

int main(void)
{
	const char *seed = getenv("COLLECT_SEED");
	const char *steps = getenv("COLLECT_STEPS");
	const char *runs = getenv("COLLECT_RUNS");
	struct err e = { ERR_OK, "" };
	struct world w;
	size_t i;

	world_make(&w, "collect");
	setenv("MUNIMENT_CONFIG_DIR", "/dev/null/none", 1);
	simprog_open(&p, PROGRAMS);
	if (simprog_write_once(&p, 0, "one", 0x07, &e) < 0 ||
	    simprog_write_once(&p, 0, "two", 0x1c, &e) < 0 ||
	    simprog_write_once(&p, 1, "three", 0x31, &e) < 0)
		world_die("write", &e);
	if (seed)
		test_random(1, UINT64_MAX, strtoull(seed, NULL, 10));
	else if (steps)
		test_random(UINT64_MAX, strtoull(steps, NULL, 10), 1);
	else
		test_random(runs ? strtoull(runs, NULL, 10) : RUNS,
			UINT64_MAX, 1);
	for (i = 0; !seed && i < sizeof(found) / sizeof(*found); i++)
		test_random(1, UINT64_MAX, found[i]);
	simprog_close(&p);
	world_end(&w);
	return 0;
}
