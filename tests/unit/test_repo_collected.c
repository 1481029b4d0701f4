/* SPDX-License-Identifier: BSD-2-Clause */
/* A collection that ends while archives are listed, or read. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maint/prune.h"
#include "tests/lib/badstore.h"
#include "tests/lib/check.h"
#include "tests/lib/world.h"

static struct world w;
static unsigned alarms;

static void on_alarm(const struct witness_finding *f, void *ctx)
{
	(void)f;
	(void)ctx;
	alarms++;
}

struct ending {
	struct store *store;
	char archive[SID_HEX_BYTES];	/* deleted before; "": nothing ends */
	unsigned listed;
};

/* Before the second of the two folders is read, as a collector does it. */
static void end_between(enum store_kind k, void *ctx)
{
	struct ending *end = ctx;
	struct err e;

	if ((k != STORE_ARCHIVES && k != STORE_TOMBSTONES) ||
	    !*end->archive || ++end->listed != 2)
		return;
	check_ok(store_del(end->store, STORE_ARCHIVES, end->archive, &e), &e);
	check_ok(store_del(end->store, STORE_TOMBSTONES, end->archive, &e),
		 &e);
}

static void three_archives(void)
{
	char cache[2 * WORLD_PATH];
	struct err e;

	world_make(&w, "collected");
	/* What is remembered is not read, and so not found missing. */
	snprintf(cache, sizeof(cache), "%s/cache", w.dir);
	setenv("MUNIMENT_CACHE_DIR", cache, 1);
	check_ok(world_init(&w, &e), &e);
	check_ok(world_create(&w, "one", &e), &e);
	check_ok(world_create(&w, "two", &e), &e);
	check_ok(world_create(&w, "three", &e), &e);
}

static void test_collected_meanwhile(void **state)
{
	struct repo_opts o = world_opts;
	const struct prune_opts newest = { .flags = PRUNE_FORCE,
		.keep.keep[RETENTION_YEARLY] = 1 };
	struct ending end = { .listed = 0 };
	struct prune_result pruned;
	struct map lost = MAP_INIT;
	struct catalog *stale;
	struct badstore *bad;
	struct sid gone[2];
	struct catalog *c;
	struct repo *r;
	struct err e;

	(void)state;
	three_archives();
	o.alarm = on_alarm;
	check_ok(repo_open(&r, w.repo, &o, &e), &e);
	check_ok(catalog_load(&c, r, &e), &e);
	gone[0] = c->item[1]->rec.session;
	gone[1] = c->item[2]->rec.session;
	check_ok(catalog_delete(r, c->item[1], "", &e), &e);
	check_ok(catalog_delete(r, c->item[2], "", &e), &e);
	stale = c;
	repo_close(r);

	check_ok(store_open(&end.store, w.repo, 0, &e), &e);
	bad = badstore_open(end.store);
	bad->listing = end_between;
	bad->ctx = &end;
	check_ok(repo_open_on(&r, &bad->store, &o, &e), &e);
	/* all, in the collector's order */
	sid_hex(&gone[0], end.archive);
	check_ok(catalog_load_all(&c, r, &e), &e);
	assert_int_equal(end.listed, 2);
	assert_int_equal(c->n, 3);
	check_ok(catalog_lost(&lost, r, c, &e), &e);
	assert_int_equal(lost.count, 1);
	assert_non_null(map_get(&lost, gone[0].b));
	catalog_free(c);
	/* what lives */
	end.listed = 0;
	sid_hex(&gone[1], end.archive);
	check_ok(catalog_load(&c, r, &e), &e);
	assert_int_equal(end.listed, 2);
	assert_int_equal(c->n, 1);
	catalog_free(c);
	assert_int_equal(alarms, 0);
	/* what is gone makes the one that is left no less the last */
	check_ok(prune_run(r, stale, &newest, &pruned, &e), &e);
	assert_int_equal(pruned.deleted, 0);
	assert_int_equal(pruned.kept, 1);
	catalog_free(stale);
	map_release(&lost);
	repo_close(r);
	world_end(&w);
}

/* --- faster than a reader, twice --- */

static const char *const dead[] = { "first", "second" };
static unsigned moved;

/* The pack that is about to be read is copied to another, without what only
 * this archive had, and goes. */
static void move_it(enum store_kind k, void *ctx)
{
	struct err e;

	(void)ctx;
	if (k != STORE_DATA || moved == 2)
		return;
	moved++;
	check_ok(world_delete(&w, dead[moved - 1], &e), &e);
	check_ok(world_compact(&w, &e), &e);
}

/* One pack, of which each archive has less than the one before. */
static void three_of_a_pack(void)
{
	char path[2 * WORLD_PATH];
	struct err e;
	unsigned i;

	world_make(&w, "moved");
	world_write(&w, "first", 40000, 51);
	world_write(&w, "second", 40000, 52);
	check_ok(world_init(&w, &e), &e);
	for (i = 0; i < 2; i++) {
		check_ok(world_create(&w, dead[i], &e), &e);
		snprintf(path, sizeof(path), "%s/%s", w.source, dead[i]);
		assert_int_equal(unlink(path), 0);
	}
	w.expected = world_digest(w.source);
	check_ok(world_create(&w, "third", &e), &e);
}

static void test_moved_twice(void **state)
{
	const struct extract_opts o = { .destination = w.out };
	struct extract_result res;
	const struct catalog_item *it;
	struct store *below;
	struct badstore *bad;
	struct catalog *c;
	struct reader *rd;
	struct repo *r;
	struct err e;

	(void)state;
	three_of_a_pack();
	mkdir(w.out, 0700);
	check_ok(store_open(&below, w.repo, 0, &e), &e);
	bad = badstore_open(below);
	bad->getting = move_it;
	check_ok(repo_open_on(&r, &bad->store, &world_opts, &e), &e);
	check_ok(catalog_load(&c, r, &e), &e);
	check_ok(catalog_find(c, "third", &it, &e), &e);
	check_ok(reader_open(&rd, r, 1u << 20, &e), &e);
	moved = 0;
	check_ok(extract_run(rd, &it->rec, &o, &res, &e), &e);
	assert_int_equal(moved, 2);
	assert_int_equal(res.warnings, 0);
	assert_true(world_same(&w));
	reader_close(rd);
	catalog_free(c);
	repo_close(r);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moved_twice),
		cmocka_unit_test(test_collected_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
