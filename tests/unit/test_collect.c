/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The real writer, collector, deletion and reader over one store, where every
 * operation of the store is a point at which another goes on (tests/lib/sim.h):
 * no archive ever loses an object.  And with one rule of the protocol left
 * out it does, within so many runs: the test can fail.
 *
 * COLLECT_RUNS: so many runs instead of the short form.  COLLECT_SEED: only
 * this one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/node.h"
#include "repo/mount_pin.h"
#include "tests/lib/prng.h"
#include "tests/lib/sim.h"
#include "tests/lib/world.h"

#define RUNS 60
#define MUTANT_RUNS 1500
#define FILE_BYTES 3000
#define FILES 6
#define WRITERS 2
#define COLLECTOR 2
#define PRUNER 3
#define READER 4
#define PROGRAMS 6		/* the last one: a second collector */

static struct world w;
static struct sim *sim;
static struct repo *repo[SIM_MAX];
static enum sim_mutant mutant;
static int verdict;		/* alive_pretend's */
static unsigned fresh;		/* counts runs */
static unsigned commits, fenced, removed, reads;

/* Few, so that writers meet. */
static const unsigned sets[6] = { 0x07, 0x1c, 0x31, 0x0e, 0x2a, 0x3f };

static const struct session_opts session_opts = { .comp = COMP_SPEC_DEFAULT };

/* File i of a tree: its low byte has a bit a file, the rest tells which files
 * these are. */
static unsigned file_of(unsigned tree, unsigned i)
{
	return (tree >> 8) * FILES + i;
}

static void file_bytes(unsigned file, uint8_t out[FILE_BYTES])
{
	prng_fill(prng_key(77, file), out, FILE_BYTES);
}

static void entry_of(struct entry *en, char name[16], unsigned file,
		     const struct oid *id)
{
	memset(en, 0, sizeof(*en));
	snprintf(name, 16, "file%u", file);
	en->name = (const uint8_t *)name;
	en->name_len = (uint16_t)strlen(name);
	en->mode = S_IFREG | 0644;
	en->links = 1;
	en->size = FILE_BYTES;
	en->content.kind = CONTENT_ONE;
	en->content.id = *id;
}

/* A folder with the files of 'set', a bit each: its node, and what it needs
 * (the node first). */
static unsigned tree_of(struct repo *r, unsigned set, struct buf *node,
			struct oid id[SIM_OBJECTS])
{
	struct entry en[FILES];
	char name[FILES][16];
	uint8_t bytes[FILE_BYTES];
	struct err e = { ERR_OK, "" };
	unsigned i, n = 0;

	for (i = 0; i < FILES; i++) {
		if (!(set >> i & 1))
			continue;
		file_bytes(file_of(set, i), bytes);
		object_id(&id[1 + n], repo_id_key(r, OBJ_DATA), bytes,
			FILE_BYTES);
		entry_of(&en[n], name[n], i, &id[1 + n]);
		n++;
	}
	buf_clear(node);
	if (node_put_leaf(node, en, n, &e) < 0)
		world_die("node", &e);
	object_id(&id[0], repo_id_key(r, OBJ_NODE), node->p, node->len);
	return n + 1;
}

static int put_files(struct session *s, unsigned set, struct err *e)
{
	uint8_t bytes[FILE_BYTES];
	struct oid id;
	unsigned i;
	int rc = 0;

	for (i = 0; rc == 0 && i < FILES; i++)
		if (set >> i & 1) {
			file_bytes(file_of(set, i), bytes);
			rc = session_put(s, OBJ_DATA, bytes, FILE_BYTES, &id,
				e);
		}
	return rc;
}

/* A folder that is listed is not looked into, as create does it. */
static int put_tree(struct repo *r, struct session *s, unsigned set,
		    const struct buf *node, const struct oid *root,
		    struct err *e)
{
	struct oid id;
	unsigned i;
	int rc;

	if (session_has(s, root))
		return 0;
	if (mutant == SIM_OPEN_SEGMENT) {
		rc = session_put(s, OBJ_NODE, node->p, node->len, &id, e);
		if (rc == 0)
			rc = session_flush(s, e);
		for (i = 0; rc == 0 && i < 40; i++)	/* minutes pass */
			rc = store_sync(repo_store(r), e);
		return rc < 0 ? rc : put_files(s, set, e);
	}
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
		.entries = n, .files = n, .bytes = n * FILE_BYTES };
}

static int write_once(struct repo *r, const char *name, unsigned set,
		      struct err *e)
{
	struct oid need[SIM_OBJECTS], id;
	struct buf node = BUF_INIT;
	struct session *s = NULL;
	struct record rec;
	unsigned n = tree_of(r, set, &node, need);
	int rc;

	record_fill(&rec, name, &need[0], n - 1);
	rc = session_begin(&s, r, &session_opts, e);
	if (rc == 0)
		rc = put_tree(r, s, set, &node, &need[0], e);
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

static void program(unsigned who, void *ctx)
{
	(void)ctx;
	if (who < WRITERS)
		writer(who);
	else if (who == PRUNER)
		pruner(who);
	else if (who == READER)
		reader(who);
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
	static const enum sim_role role[] = {
		SIM_WRITER, SIM_WRITER, SIM_COLLECTOR, SIM_PRUNER, SIM_READER,
		SIM_COLLECTOR, SIM_READER
	};
	struct repo_init init = { .mode = SLOT_REPOKEY, .kdf_mem_kib = 8 };
	struct err e = { ERR_OK, "" };
	struct store *from = store_open_mem(&e);
	unsigned i;

	if (!from)
		world_die("store", &e);
	sim_begin(sim, from, 0);
	for (i = 0; i <= PROGRAMS; i++) {
		struct store *st = sim_store(sim, i, role[i]);
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

static void test_right(unsigned runs, uint64_t seed)
{
	struct store *from;
	const char *wrong;
	uint64_t i, steps = 0;

	mutant = SIM_RIGHT;
	sim = sim_new(mutant);
	from = prepare();
	for (i = seed; i < seed + runs; i++) {
		wrong = run_once(from, i);
		steps += sim_steps(sim);
		if (wrong) {
			fprintf(stderr, "COLLECT_SEED=%llu: %s\n",
				(unsigned long long)i, wrong);
			world_die("a rule of the protocol is broken", NULL);
		}
	}
	printf("%u runs, %llu steps: %u commits, %u fenced, %u packs removed, "
	       "%u archives read\n", runs, (unsigned long long)steps, commits,
	       fenced, removed, reads);
	if (runs >= RUNS && (!commits || !fenced || !removed || !reads))
		world_die("too little happened", NULL);
	unprepare(from);
}

static void test_mutant(enum sim_mutant m, const char *what)
{
	struct store *from;
	const char *wrong = NULL;
	unsigned i;

	mutant = m;
	sim = sim_new(m);
	from = prepare();
	for (i = 1; !wrong && i <= MUTANT_RUNS; i++)
		wrong = run_once(from, i);
	if (!wrong) {
		fprintf(stderr, "%s: not caught\n", what);
		world_die("a mutant lives", NULL);
	}
	printf("%s: caught in run %u: %s\n", what, i - 1, wrong);
	unprepare(from);
}

int main(void)
{
	const char *runs = getenv("COLLECT_RUNS");
	const char *seed = getenv("COLLECT_SEED");

	world_make(&w, "collect");
	setenv("MUNIMENT_CONFIG_DIR", "/dev/null/none", 1);
	test_right(seed ? 1 : runs ? (unsigned)strtoul(runs, NULL, 10) : RUNS,
		seed ? strtoull(seed, NULL, 10) : 1);
	if (!seed) {
		test_mutant(SIM_NO_W0, "no W0");
		test_mutant(SIM_NO_W1, "no W1");
		test_mutant(SIM_NO_G3, "no G3");
		test_mutant(SIM_NO_G4, "no G4");
		test_mutant(SIM_NO_FENCE, "no fence");
		test_mutant(SIM_NO_RACE, "a commit that replaces a fence");
		test_mutant(SIM_OPEN_SEGMENT, "a segment that is not closed");
		test_mutant(SIM_NO_PIN, "pins not looked at");
	}
	world_end(&w);
	return 0;
}
