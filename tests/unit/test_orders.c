/* SPDX-License-Identifier: BSD-2-Clause */
/* timeout: 300 */
/*
 * Real writers, collectors, deletions, readers and checks over one store, in
 * every order of their operations on it that there is (tests/lib/sim_all.c):
 * no archive ever loses an object, check finds nothing, and another collection
 * harms nobody, wherever each of them is or has stopped for ever.
 *
 * ORDERS: the name of a deployment, or "all"; without it those that take
 * seconds.  ORDERS_JOBS: processes; ORDERS_SAY: where they are, now and then.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/simprog.h"
#include "tests/lib/snap.h"
#include "tests/lib/world.h"

/* The folder of the archive that is there, and others. */
#define SAME 0x02
#define MORE 0x06		/* a file of it, and a new one */
#define PARTS 0x03		/* the same, in two segments */

enum flags {
	FENCE_ALL = 1,			/* the collector fences who lives */
	DEAD = 2,			/* all are taken for dead */
	SECONDS = 4,			/* it takes some, not hours */
	PLAIN = 8,			/* again, with nothing left out */
	ONCE = 16			/* a writer that was fenced gives up */
};
static const struct deployment {
	const char *name;
	/* Programs: a writer, a collector, a deletion of the oldest archive, or
	 * of the newest (n; D, N: it reads all records at once), a reader, a
	 * check (k). */
	const char *programs;
	unsigned flags;
	unsigned tree[2];		/* of the first two */
} deployments[] = {
	{ "same", "wcd", FENCE_ALL | SECONDS | PLAIN, { SAME } },
	{ "alive", "wcd", SECONDS | PLAIN, { MORE } },
	{ "more", "wcd", FENCE_ALL | SECONDS, { MORE } },
	{ "parts", "wcd", FENCE_ALL, { PARTS } },
	{ "dead", "wcd", DEAD, { PARTS } },
	{ "read", "wcdr", FENCE_ALL, { SAME } },
	{ "check", "wcdk", FENCE_ALL, { SAME } },
	{ "collectors", "wccd", FENCE_ALL, { SAME } },
	{ "share", "wwc", FENCE_ALL, { MORE, MORE } },
	{ "late", "ccdk", FENCE_ALL, { 0 } },
	{ "again", "wwc", FENCE_ALL | SECONDS, { SAME, SAME } },
	{ "two", "wcdn", FENCE_ALL | SECONDS, { SAME } },
	{ "four", "wwcd", FENCE_ALL, { SAME, SAME } },
	{ "five", "wwcDN", FENCE_ALL | ONCE, { SAME, SAME } },
};
#define DEPLOYMENTS (sizeof(deployments) / sizeof(*deployments))

static struct simprog p;

static void deletes(unsigned who, char what)
{
	bool newest = what == 'n' || what == 'N';
	struct err e = { ERR_OK, "" };
	struct catalog *c;

	if (what == 'D' || what == 'N')
		sim_at_once(p.sim, who);
	if (catalog_load(&c, p.repo[who], &e) < 0) {
		sim_wrong(p.sim, e.msg);
		return;
	}
	if (c->n > 0) {
		const struct catalog_item *it =
			c->item[newest ? c->n - 1 : 0];

		sim_forget(p.sim, who, &it->id, sizeof(it->id));
		simprog_delete(&p, who, it);
	}
	catalog_free(c);
}

static void program(unsigned who, void *ctx)
{
	const struct deployment *d = ctx;
	char what = d->programs[who];

	if (what == 'w')
		simprog_write(&p, who, who ? "b" : "a", d->tree[who],
			d->flags & ONCE ? 1 : 2);
	else if (what == 'c')
		simprog_collect(&p, who, d->flags & FENCE_ALL);
	else if (what == 'r')
		simprog_read(&p, who, 1);
	else if (what == 'k')
		simprog_check(&p, who);
	else
		deletes(who, what);
}

static void look(bool ended, void *ctx)
{
	(void)ctx;
	if (ended)
		simprog_finish(&p);
	else
		simprog_read_all(&p);
}

static unsigned number(const char *name, unsigned otherwise)
{
	const char *v = getenv(name);

	return v ? (unsigned)strtoul(v, NULL, 10) : otherwise;
}

static uint64_t test_all(const struct deployment *d, bool plain)
{
	const struct sim_all_opts o = {
		.n = (unsigned)strlen(d->programs), .fn = program,
		.look = look, .ctx = (void *)(uintptr_t)d,
		.jobs = number("ORDERS_JOBS", 2),
		.say = number("ORDERS_SAY", 0), .plain = plain,
		.one_collector = strchr(d->programs, 'c') ==
			strrchr(d->programs, 'c') };
	struct sim_all_result res;

	simprog_begin(&p, 1, d->flags & DEAD ? -1 : 1);
	sim_all(p.sim, &o, &res);
	printf("%s%s: %llu states, %llu operations, %llu contents of the "
	       "store, %llu of them ends, %u passes\n", d->name,
	       plain ? ", plain" : "", (unsigned long long)res.states,
	       (unsigned long long)res.moves, (unsigned long long)res.stores,
	       (unsigned long long)res.ends, res.passes);
	return res.ends_digest;
}

/* What is taken to make no difference makes none to where it ends. */
static void test_ends(const struct deployment *d)
{
	uint64_t ends = test_all(d, false);

	if (d->flags & PLAIN && !sim_violation(p.sim) &&
	    test_all(d, true) != ends)
		sim_wrong(p.sim, "an order that was left out ends elsewhere");
}

/* Sanitizers have no snapshots: some orders. */
static void test_some(const struct deployment *d)
{
	unsigned seed;

	for (seed = 1; seed <= 20 && !sim_violation(p.sim); seed++) {
		simprog_begin(&p, seed, d->flags & DEAD ? -1 : 1);
		sim_run(p.sim, (unsigned)strlen(d->programs), program,
			(void *)(uintptr_t)d);
		look(true, NULL);
	}
}

static void test_one(const struct deployment *d)
{
	struct err e = { ERR_OK, "" };

	simprog_open(&p, (unsigned)strlen(d->programs));
	if (simprog_write_once(&p, 0, "one", SAME, &e) < 0)
		world_die("write", &e);
	if (snap_can())
		test_ends(d);
	else
		test_some(d);
	if (sim_violation(p.sim)) {
		fprintf(stderr, "%s: %s\n", d->name, sim_violation(p.sim));
		world_die("a rule of the protocol is broken", NULL);
	}
	if ((strchr(d->programs, 'w') && !p.count->commits) ||
	    (strpbrk(d->programs, "dD") && !p.count->removed))
		world_die("too little happened", NULL);
	simprog_close(&p);
}

int main(void)
{
	const char *which = getenv("ORDERS");
	unsigned i, ran = 0;
	struct world w;

	world_make(&w, "orders");
	setenv("MUNIMENT_CONFIG_DIR", "/dev/null/none", 1);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; i < DEPLOYMENTS; i++)
		if (which ? !strcmp(which, "all") ||
			    !strcmp(which, deployments[i].name) :
			    deployments[i].flags & SECONDS || !snap_can()) {
			test_one(&deployments[i]);
			ran++;
		}
	if (!ran)
		world_die("no such deployment", NULL);
	world_end(&w);
	return 0;
}
