/* SPDX-License-Identifier: BSD-2-Clause */
/* timeout: 300 */
/*
 * The real writer, collector, deletion, reader and check over one store, where
 * every operation of the store is a point at which another goes on
 * (tests/lib/sim.h): no archive ever loses an object, and check finds nothing.
 * At random: three writers, two collectors, deletions, a reader, a check, one
 * of them stopping anywhere.  By plan: two writers, a
 * collector and two deletions, in each order, and with each choice of a few
 * switches in between.  tests/cases/mutants.sh builds this with one rule of
 * the protocol left out, and sees that it fails.
 *
 * COLLECT_RUNS, COLLECT_STEPS: so many at random, instead of the short form.
 * COLLECT_SEED: only this run.  COLLECT_SWITCHES, COLLECT_ORDERS,
 * COLLECT_SCENARIOS: of the plans; at most 3, 24, 6.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repo/mount_pin.h"
#include "tests/lib/sim.h"
#include "tests/lib/simtree.h"
#include "tests/lib/world.h"

#define RUNS 60
#define WRITERS 3
#define COLLECTOR 3
#define PRUNER 4
#define READER 5
#define CHECKER 6
#define PROGRAMS 8		/* the last one: a second collector */
#define PLANNED 4		/* two writers, a collector, a pruner */

static struct world w;
static struct sim *sim;
static struct repo *repo[SIM_MAX];
static int verdict;		/* alive_pretend's */
static unsigned fresh;		/* counts runs */
static unsigned commits, fenced, removed, reads, checks;

/* Few, so that writers meet. */
static const unsigned sets[6] = { 0x07, 0x1c, 0x31, 0x0e, 0x2a, 0x3f };

static const struct session_opts session_opts = { .comp = COMP_SPEC_DEFAULT };

static int put_files(struct session *s, unsigned set, struct err *e)
{
	uint8_t bytes[SIMTREE_FILE_BYTES];
	struct oid id;
	unsigned i;
	int rc = 0;

	for (i = 0; rc == 0 && i < SIMTREE_FILES; i++)
		if (set >> i & 1) {
			simtree_file(set, i, bytes);
			rc = session_put(s, OBJ_DATA, bytes, sizeof(bytes),
				&id, e);
		}
	return rc;
}

/* A folder that is listed is not looked into, as create does it. */
static int put_tree(struct session *s, unsigned set, const struct buf *node,
		    const struct oid *root, struct err *e)
{
	struct oid id;
	int rc;

	if (session_has(s, root))
		return 0;
	if ((rc = put_files(s, set, e)) == 0 && set % 2)
		rc = session_flush(s, e);
	return rc < 0 ? rc :
		session_put(s, OBJ_NODE, node->p, node->len, &id, e);
}

static void record_fill(struct record *r, const char *name,
			const struct oid *root, unsigned n)
{
	memset(r, 0, sizeof(*r));
	r->name = mem_str(name);
	r->series = mem_str("test");
	r->host = mem_str("host");
	r->user = mem_str("");
	r->comment = mem_str("");
	r->program = mem_str("test");
	r->root = (struct dir_ref) { .kind = DIR_ROOT, .id = *root,
		.entries = n, .files = n, .bytes = n * SIMTREE_FILE_BYTES };
}

static int write_once(struct repo *r, const char *name, unsigned set,
		      struct err *e)
{
	struct oid need[SIM_OBJECTS], id;
	struct buf node = BUF_INIT;
	struct session *s = NULL;
	struct record rec;
	unsigned n = simtree_node(r, set, &node, need);
	int rc;

	record_fill(&rec, name, &need[0], n - 1);
	rc = session_begin(&s, r, &session_opts, e);
	if (rc == 0)
		rc = put_tree(s, set, &node, &need[0], e);
	if (rc == 0) {
		sim_expect(sim, session_id(s), need, n);
		rc = session_commit(s, &rec, &id, e);
	}
	session_free(s);
	record_release(&rec);
	buf_release(&node);
	return rc;
}

static void writer(unsigned who)
{
	struct err e = { ERR_OK, "" };
	char name[32];
	unsigned i, tries;
	int rc;

	for (i = 0; i < 2; i++) {
		unsigned set = sets[sim_random(sim, 6)];

		if (sim_random(sim, 2))		/* files that are new */
			set |= fresh << 8;
		snprintf(name, sizeof(name), "w%u-%u", who, i);
		rc = ERR_RETRY;
		for (tries = 0; rc == ERR_RETRY && tries < 4; tries++) {
			rc = write_once(repo[who], name, set, &e);
			fenced += rc == ERR_RETRY;
		}
		commits += rc == 0;
		if (rc < 0 && rc != ERR_RETRY)
			sim_wrong(sim, e.msg);
	}
}

static void collector(unsigned who)
{
	struct compact_opts o = COMPACT_DEFAULT;
	struct compact_result res;
	struct err e = { ERR_OK, "" };
	unsigned i;
	int rc;

	o.threshold = 1;
	o.wait_secs = 0;
	for (i = 0; i < 2; i++) {
		o.fence_all = sim_random(sim, 2);
		rc = compact_run(repo[who], &o, &res, &e);
		if (rc < 0 && rc != ERR_RETRY)
			sim_wrong(sim, e.msg);
		removed += (unsigned)res.packs_removed;
	}
}

/* A deleted archive that comes back needs what it needed before. */
static void undelete(struct repo *r, const struct catalog_item *it)
{
	struct err e = { ERR_OK, "" };
	struct oid id;
	int rc = catalog_undelete(r, it, &id, &e);

	if (rc < 0 && rc != ERR_NOENT && rc != ERR_RETRY && rc != ERR_EXIST)
		sim_wrong(sim, e.msg);
}

static void pruner(unsigned who)
{
	struct err e = { ERR_OK, "" };
	struct catalog *c;
	unsigned i;
	int rc;

	for (i = 0; i < 4; i++) {
		if (catalog_load_all(&c, repo[who], &e) < 0) {
			sim_wrong(sim, e.msg);
			return;
		}
		if (c->n > 0) {
			const struct catalog_item *it =
				c->item[sim_random(sim, c->n)];

			if (it->deleted) {
				undelete(repo[who], it);
			} else {
				rc = catalog_delete(repo[who], it, "test", &e);
				if (rc < 0 && rc != ERR_NOENT)
					sim_wrong(sim, e.msg);
			}
		}
		catalog_free(c);
	}
}

/* Everything that an archive has. */
static int read_archive(struct reader *rd, const struct record *rec,
			struct err *e)
{
	const struct entry *en;
	struct tree_iter it;
	struct buf b = BUF_INIT;
	int rc;

	rc = tree_iter_init(&it, rd, &rec->root, 0, e);
	while (rc >= 0 && (rc = tree_iter_next(&it, &en, e)) > 0)
		if (en->content.kind == CONTENT_ONE)
			rc = reader_fetch(rd, OBJ_DATA, &en->content.id, &b,
				e);
	tree_iter_release(&it);
	buf_release(&b);
	return rc;
}

/* As a mount: what is pinned can be read, also when it is deleted. */
static void reader(unsigned who)
{
	struct mount_pin *pin = mount_pin_new(repo[who]);
	struct err e = { ERR_OK, "" };
	struct reader *rd = NULL;
	struct catalog *c = NULL;
	unsigned i;
	bool gone = true;
	int rc;

	rc = catalog_load(&c, repo[who], &e);
	if (rc == 0)
		rc = reader_open(&rd, repo[who], 0, &e);
	for (i = 0; rc == 0 && c->n > 0 && i < 6; i++) {
		const struct record *rec =
			&c->item[sim_random(sim, c->n)]->rec;

		rc = mount_pin_add(pin, &rec->session, 1, &gone, &e);
		if (rc < 0 || gone)
			continue;
		rc = read_archive(rd, rec, &e);
		reads += rc == 0;
		if (rc < 0 && verdict < 0)	/* taken for dead */
			rc = 0;
	}
	if (rc < 0)
		sim_wrong(sim, e.msg);
	reader_close(rd);
	catalog_free(c);
	mount_pin_free(pin);
}

static void checker_found(const struct check_finding *f, void *ctx)
{
	(void)ctx;
	if (f->severity == CHECK_DAMAGE)
		sim_wrong(sim, f->text);
}

static void checker(unsigned who)
{
	const struct check_opts o = { .finding = checker_found,
		.flags = CHECK_REPOSITORY | CHECK_ARCHIVES };
	struct check_result res;
	struct err e = { ERR_OK, "" };
	int rc = check_run(repo[who], &o, &res, &e);

	if (rc < 0)
		sim_wrong(sim, e.msg);
	checks += rc == 0;
}

static unsigned scenario;		/* of the plans */

static void planned_writer(unsigned who)
{
	unsigned set = sets[(scenario + 3 * who) % 6], tries;
	struct err e = { ERR_OK, "" };
	int rc = ERR_RETRY;

	if (scenario % 2 == who)
		set |= 1u << 8;
	for (tries = 0; rc == ERR_RETRY && tries < 3; tries++) {
		rc = write_once(repo[who], who ? "b" : "a", set, &e);
		fenced += rc == ERR_RETRY;
	}
	commits += rc == 0;
	if (rc < 0 && rc != ERR_RETRY)
		sim_wrong(sim, e.msg);
}

static void planned_collector(unsigned who)
{
	struct compact_opts o = COMPACT_DEFAULT;
	struct compact_result res;
	struct err e = { ERR_OK, "" };
	int rc;

	o.threshold = 1;
	o.wait_secs = 0;
	o.fence_all = scenario % 3 != 2;
	rc = compact_run(repo[who], &o, &res, &e);
	if (rc < 0 && rc != ERR_RETRY)
		sim_wrong(sim, e.msg);
	removed += (unsigned)res.packs_removed;
}

/* The oldest archive, and then the newest. */
static void planned_pruner(unsigned who)
{
	struct err e = { ERR_OK, "" };
	struct catalog *c;
	unsigned i;
	int rc = 0;

	for (i = 0; rc == 0 && i < 2; i++) {
		if ((rc = catalog_load(&c, repo[who], &e)) < 0)
			break;
		if (c->n > 0)
			rc = catalog_delete(repo[who],
				c->item[i ? c->n - 1 : 0], "test", &e);
		if (rc == ERR_NOENT)
			rc = 0;
		catalog_free(c);
	}
	if (rc < 0)
		sim_wrong(sim, e.msg);
}

static void planned(unsigned who, void *ctx)
{
	(void)ctx;
	if (who < 2)
		planned_writer(who);
	else if (who == 2)
		planned_collector(who);
	else
		planned_pruner(who);
}

static void program(unsigned who, void *ctx)
{
	(void)ctx;
	if (who < WRITERS)
		writer(who);
	else if (who == PRUNER)
		pruner(who);
	else if (who == READER)
		reader(who);
	else if (who == CHECKER)
		checker(who);
	else
		collector(who);
}

/* When all have ended: every archive is read by one who knows nothing. */
static void read_all(struct repo *r)
{
	struct err e = { ERR_OK, "" };
	struct catalog *c = NULL;
	struct reader *rd = NULL;
	size_t i;
	int rc;

	rc = catalog_load(&c, r, &e);
	if (rc == 0)
		rc = reader_open(&rd, r, 0, &e);
	for (i = 0; rc == 0 && i < c->n; i++)
		rc = read_archive(rd, &c->item[i]->rec, &e);
	if (rc < 0)
		sim_wrong(sim, e.msg);
	reader_close(rd);
	catalog_free(c);
}

/* Another collection clears up behind those that stopped, and harms nobody. */
static void finish(void)
{
	struct compact_opts o = COMPACT_DEFAULT;
	struct compact_result res;
	struct err e = { ERR_OK, "" };

	read_all(repo[PROGRAMS]);
	o.threshold = 1;
	o.wait_secs = 0;
	o.fence_all = true;
	if (!sim_violation(sim) &&
	    compact_run(repo[PROGRAMS], &o, &res, &e) < 0)
		sim_wrong(sim, e.msg);
	read_all(repo[PROGRAMS]);
}

static struct store *prepare(void)
{
	struct repo_init init = { .mode = SLOT_REPOKEY, .kdf_mem_kib = 8 };
	struct err e = { ERR_OK, "" };
	struct store *from = store_open_mem(&e);
	unsigned i;

	if (!from)
		world_die("store", &e);
	sim_begin(sim, from, 0);
	for (i = 0; i <= PROGRAMS; i++) {
		struct store *st = sim_store(sim, i);
		int rc = i == 0 ? repo_create_on(&repo[0], st, &init,
			&world_opts, &e) :
			repo_open_on(&repo[i], st, &world_opts, &e);

		if (rc < 0)
			world_die("open", &e);
	}
	sim_keys(sim, repo[0]);
	if (write_once(repo[0], "one", 0x07, &e) < 0 ||
	    write_once(repo[0], "two", 0x1c, &e) < 0 ||
	    write_once(repo[1], "three", 0x31, &e) < 0)
		world_die("write", &e);
	return from;
}

/* What stops for ever never gives back what it holds. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return 1;
}

static const char *run_once(struct store *from, uint64_t seed)
{
	sim_begin(sim, from, seed);
	fresh = (unsigned)seed;
	verdict = sim_random(sim, 3) ? 1 : -1;
	alive_pretend(verdict);
	sim_run(sim, PROGRAMS, program, NULL);
	if (!sim_violation(sim))
		finish();
	return sim_violation(sim);
}

static void unprepare(struct store *from)
{
	unsigned i;

	for (i = 0; i <= PROGRAMS; i++)
		repo_close(repo[i]);
	store_close(from);
	sim_free(sim);
}

static _Noreturn void broken(const char *which, uint64_t n)
{
	fprintf(stderr, "%s %llu: %s\n", which, (unsigned long long)n,
		sim_violation(sim));
	world_die("a rule of the protocol is broken", NULL);
}

static void test_random(struct store *from, uint64_t runs, uint64_t max_steps,
			uint64_t seed)
{
	uint64_t i, steps = 0;

	for (i = 0; i < runs && steps < max_steps; i++) {
		if (run_once(from, seed + i))
			broken("COLLECT_SEED", seed + i);
		steps += sim_steps(sim);
	}
	printf("%llu runs, %llu steps: %u commits, %u fenced, %u packs "
	       "removed, %u archives read, %u checks\n",
	       (unsigned long long)i, (unsigned long long)steps, commits,
	       fenced, removed, reads, checks);
	fflush(stdout);
	if (i >= RUNS && (!commits || !fenced || !removed || !reads ||
			   !checks))
		world_die("too little happened", NULL);
}

static uint64_t plans;

/* This plan, and all that have more switches after its own. */
static void explore(struct store *from, struct sim_plan *p, unsigned switches)
{
	unsigned at = p->n ? p->to[p->n - 1].at : 0, points, to;
	uint8_t who[1024];

	sim_begin(sim, from, 1);
	fresh = 1;
	verdict = 1;
	alive_pretend(verdict);
	sim_plan(sim, p);
	sim_run(sim, PLANNED, planned, NULL);
	points = sim_points(sim) < 1023 ? sim_points(sim) : 1023;
	for (to = 1; to <= points; to++)
		who[to] = (uint8_t)sim_who(sim, to);
	if (!sim_violation(sim))
		finish();
	if (sim_violation(sim))
		broken("plan", plans);
	plans++;
	if (p->n == switches)
		return;
	p->n++;
	while (++at <= points)
		for (to = 0; to < PLANNED; to++) {
			if (who[at] == to)
				continue;
			p->to[p->n - 1].at = at;
			p->to[p->n - 1].to = (uint8_t)to;
			explore(from, p, switches);
		}
	p->n--;
}

/* The n-th order of the four. */
static void order_of(struct sim_plan *p, unsigned n)
{
	uint8_t left[PLANNED] = { 0, 1, 2, 3 };
	unsigned i, k;

	for (i = 0; i < PLANNED; i++) {
		k = n % (PLANNED - i);
		n /= PLANNED - i;
		p->order[i] = left[k];
		for (; k + 1 < PLANNED - i; k++)
			left[k] = left[k + 1];
	}
}

static unsigned number(const char *name, unsigned otherwise)
{
	const char *v = getenv(name);

	return v ? (unsigned)strtoul(v, NULL, 10) : otherwise;
}

static void test_plans(struct store *from)
{
	unsigned orders = number("COLLECT_ORDERS", 2), i;
	unsigned scenarios = number("COLLECT_SCENARIOS", 1);
	unsigned switches = number("COLLECT_SWITCHES", 1);

	for (scenario = 0; scenario < scenarios; scenario++)
		for (i = 0; i < orders; i++) {
			struct sim_plan p = { .n = 0 };

			order_of(&p, i * 24 / orders);
			explore(from, &p, switches);
		}
	sim_plan(sim, NULL);
	printf("%llu plans of %u orders with up to %u switches\n",
	       (unsigned long long)plans, orders, switches);
}

/* Seeds of long runs that broke something once. */
static const uint64_t found[] = {
	1395,	/* check: a segment of a collector that was too late */
	5692,	/* check: moved again, between the index and the pack */
};

int main(void)
{
	const char *seed = getenv("COLLECT_SEED");
	const char *steps = getenv("COLLECT_STEPS");
	struct store *from;
	size_t i;

	world_make(&w, "collect");
	setenv("MUNIMENT_CONFIG_DIR", "/dev/null/none", 1);
	sim = sim_new();
	from = prepare();
	if (seed)
		test_random(from, 1, UINT64_MAX, strtoull(seed, NULL, 10));
	else
		test_random(from, steps ? UINT64_MAX :
			number("COLLECT_RUNS", RUNS), steps ?
			strtoull(steps, NULL, 10) : UINT64_MAX, 1);
	for (i = 0; !seed && i < sizeof(found) / sizeof(*found); i++)
		test_random(from, 1, UINT64_MAX, found[i]);
	if (!seed)
		test_plans(from);
	unprepare(from);
	world_end(&w);
	return 0;
}
