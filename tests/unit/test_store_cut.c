/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * After each system call of a session, all that a power cut could leave is
 * looked at: a name has whole bytes or is not there, and what a barrier made
 * safe is there whatever happens.
 */
#include "tests/lib/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/store.h"
#include "tests/lib/cutos.h"
#include "tests/lib/faultos.h"
#include "tests/lib/tmpdir.h"

#define BIT(call) (1u << FAULTOS_##call)
#define HEX56 "00000000000000000000000000000000000000000000000000000000"

enum { STATES = 16, FACTS = 5 };

struct fact {
	enum store_kind kind;
	const char *folder, *name;
	size_t len;
	bool put, synced, del_tried, deleted, del_synced;
};
static const struct fact fresh[FACTS] = {
	{ STORE_DATA, "data/3f", "3f000000" HEX56, 9000, 0, 0, 0, 0, 0 },
	{ STORE_META, "meta/3f", "3f000001" HEX56, 1, 0, 0, 0, 0, 0 },
	{ STORE_ARCHIVES, "archives", "a", 500, 0, 0, 0, 0, 0 },
	{ STORE_DATA, "data/3f", "3f000003" HEX56, 0, 0, 0, 0, 0, 0 },
	{ STORE_KEYS, "keys", "b", 6000, 0, 0, 0, 0, 0 },
};

static struct err e;
static char dir[256];
static uint8_t bytes[9000];
static struct fact fact[FACTS];
static bool renames;		/* temporary names go away by a rename */

/* What a reader may find: 0 nothing, 1 the whole, -1 anything else. */
static int found(const struct fact *f, const struct cutos_state *s)
{
	if (!s->there)
		return 0;
	if (s->folder || s->torn || s->len != f->len ||
	    (s->len > 0 && memcmp(s->p, bytes, s->len) != 0))
		return -1;
	return 1;
}

static void judge_synced(const struct fact *f, int what)
{
	if (what < 0)
		fail_msg("'%s' may hold other bytes", f->name);
	if (what == 0 && f->synced && !f->del_tried)
		fail_msg("'%s' may be lost after a barrier", f->name);
	if (what == 1 && f->del_synced)
		fail_msg("'%s' may be back after a barrier", f->name);
}

struct alias {
	unsigned file;
	bool seen;
};

static void find_alias(const char *path, void *ctx)
{
	struct cutos_state s[STATES];
	struct alias *a = ctx;
	size_t n = cutos_states(path, s, STATES);

	while (n-- > 0)
		a->seen |= s[n].there && s[n].file == a->file;
}

/* A second name in tmp/ for bytes that were acknowledged: where names and
 * space are not journaled together, tidying it away would free them. */
static void judge_alias(const struct fact *f, unsigned file)
{
	struct alias a = { file, false };

	if (!f->synced || !renames)
		return;
	cutos_names("tmp", find_alias, &a);
	if (a.seen)
		fail_msg("'%s' may still have a name in tmp/", f->name);
}

static void judge(void *ctx)
{
	struct cutos_state s[STATES], in[STATES];
	char path[256], inner[300];
	size_t i, j, k, n, m;

	(void)ctx;
	for (i = 0; i < FACTS; i++) {
		snprintf(path, sizeof(path), "%s/%s", fact[i].folder,
			fact[i].name);
		n = cutos_states(path, s, STATES);
		for (j = 0; j < n; j++) {
			judge_alias(&fact[i], s[j].file);
			if (!s[j].folder) {
				judge_synced(&fact[i], found(&fact[i], &s[j]));
				continue;
			}
			snprintf(inner, sizeof(inner), "%s/content", path);
			m = cutos_states(inner, in, STATES);
			for (k = 0; k < m; k++)
				judge_synced(&fact[i],
					found(&fact[i], &in[k]));
		}
	}
}

static void do_put(struct store *s, unsigned i)
{
	struct iovec iov = { bytes, fact[i].len };

	fact[i].put = store_put(s, fact[i].kind, fact[i].name, &iov, 1, 0,
		&e) == 0;
}

static void do_sync(struct store *s)
{
	unsigned i;

	if (store_sync(s, &e) < 0)
		return;
	for (i = 0; i < FACTS; i++) {
		fact[i].synced |= fact[i].put && !fact[i].del_tried;
		fact[i].del_synced |= fact[i].deleted;
	}
	judge(NULL);
}

static void session(void)
{
	struct store *s;

	memcpy(fact, fresh, sizeof(fact));
	if (store_open(&s, dir, 0, &e) < 0)
		return;
	do_put(s, 0);
	do_put(s, 1);
	do_put(s, 2);
	do_sync(s);
	do_put(s, 3);
	fact[1].del_tried = true;
	fact[1].deleted = store_del(s, fact[1].kind, fact[1].name, &e) == 0;
	do_put(s, 4);
	do_sync(s);
	do_sync(s);
	store_close(s);
}

static void wipe(void)
{
	struct store *s;
	unsigned i;

	check_ok(store_open(&s, dir, 0, &e), &e);
	for (i = 0; i < FACTS; i++)
		store_del(s, fresh[i].kind, fresh[i].name, NULL);
	store_close(s);
}

static uint64_t run(const struct faultos_plan *plan)
{
	uint64_t n;

	renames = !(plan->lacks & BIT(RENAME_NEW)) ||
		plan->lacks & BIT(LINKAT);
	faultos_start(plan);
	cutos_start(dir);
	cutos_watch(judge, NULL);
	session();
	cutos_stop();
	n = faultos_stop();
	wipe();
	return n;
}

static void each_way(int errnum)
{
	static const uint32_t lacks[] = { 0, BIT(RENAME_NEW),
		BIT(RENAME_NEW) | BIT(LINKAT) };
	struct faultos_plan plan = { .no_disk = true, .errnum = errnum };
	uint64_t n;
	size_t i, j;

	for (i = 0; i < sizeof(lacks) / sizeof(*lacks); i++) {
		plan.lacks = lacks[i];
		plan.at = 0;
		n = run(&plan);
		for (j = 0; j < FACTS; j++)
			assert_true(fact[j].synced);
		assert_true(fact[1].del_synced);
		for (plan.at = 1; errnum != 0 && plan.at <= n; plan.at++)
			run(&plan);
	}
}

static void test_session(void **state)
{
	(void)state;
	each_way(0);
}

static void test_session_with_errors(void **state)
{
	(void)state;
	each_way(EIO);
	each_way(EINTR);
	each_way(EMFILE);
}

/* An init that said it is done cannot be lost, but for its own name. */
static void test_init(void **state)
{
	static const char *const folders[] = { "tmp", "keys", "data",
		"data/00", "data/ff", "meta/00", "meta/ff", "archives",
		"generations", "reserve", "pins" };
	struct cutos_state s[STATES];
	struct store *st;
	char path[300];
	size_t i;

	(void)state;
	snprintf(path, sizeof(path), "%s.new", dir);
	check_ok(store_open(&st, path, STORE_CREATE, &e), &e);
	store_close(st);
	for (i = 0; i < 3; i++) {
		static const char *const gone[] = { "pins", "data/ff",
			"meta/ff" };
		char rm[400];

		snprintf(rm, sizeof(rm), "%s/%s", path, gone[i]);
		assert_int_equal(remove(rm), 0);
	}
	cutos_start(path);
	check_ok(store_open(&st, path, STORE_CREATE, &e), &e);
	for (i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		assert_int_equal(cutos_states(folders[i], s, STATES), 1);
		assert_true(s[0].there && s[0].folder);
	}
	store_close(st);
	cutos_stop();
	tmpdir_remove(path);
}

static int setup(void **state)
{
	char x[] = "x";
	struct iovec iov = { x, 1 };
	struct store *s;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 13);
	tmpdir_make(dir, sizeof(dir));
	check_ok(store_open(&s, dir, STORE_CREATE, &e), &e);
	check_ok(store_put(s, STORE_ROOT, "REPOSITORY", &iov, 1, 0, &e), &e);
	store_close(s);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tmpdir_remove(dir);
	return 0;
}

static int off(void **state)
{
	(void)state;
	cutos_stop();
	faultos_stop();
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_session, off),
		cmocka_unit_test_teardown(test_session_with_errors, off),
		cmocka_unit_test_teardown(test_init, off),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
