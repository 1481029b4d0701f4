/* SPDX-License-Identifier: BSD-2-Clause */
#include "fs/inode.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/attr.h"
#include "tests/lib/check.h"

/* A few thousand entries of one directory; every tenth is one of 50 hard
 * links. */
#define ENTRIES 3000u
#define GROUPS 50u

static struct arch arch_a = { .seed = 77, .serial = 0 };

static struct inode_make make_entry(struct inode *parent, unsigned i)
{
	struct inode_make mk = {
		.parent = parent, .arch = &arch_a, .place = dir_place(0, i),
		.ino = i + 100, .kind = INODE_ENTRY, .type = S_IFREG
	};

	if (i % 10 == 0)
		mk.group = 1 + i / 10 % GROUPS;
	return mk;
}

/* The class of entries that are one inode. */
static unsigned same_as(unsigned i)
{
	return i % 10 ? i : i / 10 % GROUPS * 10;
}

static void test_model(void **state)
{
	struct inode_tab *t = inode_tab_new(INODE_ARCH, &arch_a);
	struct inode *root = inode_get(t, FUSE_ROOT_ID), *n;
	static uint64_t id[ENTRIES], owed[ENTRIES];
	unsigned i, k, step, live = 0;
	struct inode_make mk;
	uint64_t rng = 1;
	struct err e;

	(void)state;
	assert_non_null(root);
	for (step = 0; step < 200000; step++) {
		rng = rng * 6364136223846793005u + 1442695040888963407u;
		i = (unsigned)(rng >> 33) % ENTRIES;
		k = same_as(i);
		if (rng >> 63 || !owed[k]) {
			mk = make_entry(root, i);
			check_ok(inode_enter(t, &mk, &n, &e), &e);
			live += !owed[k];
			assert_true(!owed[k] || id[k] == n->id);
			assert_true(id[k] != n->id || owed[k]);
			id[k] = n->id;
			owed[k]++;
		} else if (step % 3) {
			inode_forget(t, id[k], owed[k]);
			assert_null(inode_get(t, id[k]));
			owed[k] = 0;
			live--;
		} else {
			assert_ptr_equal(inode_get(t, id[k])->arch, &arch_a);
		}
		if (step % 20000 == 0)
			assert_true(inode_tab_sane(t));
		assert_int_equal(inode_tab_count(t), live + 1);
	}
	for (i = 0; i < ENTRIES; i++)
		if (owed[i])
			inode_forget(t, id[i], owed[i]);
	assert_int_equal(inode_tab_count(t), 1);
	assert_true(inode_tab_sane(t));
	inode_tab_free(t);
}

/* By id of the parent and place, or by the group of hard links; what was
 * forgotten is not found. */
static void test_child(void **state)
{
	struct inode_tab *t = inode_tab_new(INODE_ARCH, &arch_a);
	struct inode *root = inode_get(t, FUSE_ROOT_ID), *n, *linked;
	struct inode_make mk = make_entry(root, 7);
	struct err e;

	(void)state;
	mk.group = 0;
	check_ok(inode_enter(t, &mk, &n, &e), &e);
	assert_int_equal(inode_tab_child(t, root->id, mk.place, 0), n->id);
	assert_int_equal(inode_tab_child(t, root->id, mk.place + 1, 0), 0);
	assert_int_equal(inode_tab_child(t, n->id, mk.place, 0), 0);
	assert_int_equal(inode_tab_child(t, 12345, mk.place, 0), 0);
	mk.group = 9;
	mk.place += 1;
	check_ok(inode_enter(t, &mk, &linked, &e), &e);
	assert_int_equal(inode_tab_child(t, root->id, 1000, 9), linked->id);
	assert_int_equal(inode_tab_child(t, root->id, mk.place, 0), 0);
	inode_forget(t, n->id, 1);
	assert_int_equal(inode_tab_child(t, root->id, mk.place - 1, 0), 0);
	inode_forget(t, linked->id, 1);
	inode_tab_free(t);
}

/* A parent outlives its children, however the kernel forgets them. */
static void test_parents(void **state)
{
	struct inode_tab *t = inode_tab_new(INODE_ARCH, &arch_a);
	struct inode *up = inode_get(t, FUSE_ROOT_ID);
	struct dir_layer layer = { .ref = { .kind = DIR_EMPTY } };
	uint64_t id[100];
	struct inode_make mk;
	struct err e;
	unsigned i;

	(void)state;
	for (i = 0; i < 100; i++) {
		mk = make_entry(up, i);
		mk.group = 0;
		mk.type = S_IFDIR;
		mk.dir = dir_new(&layer, 1, (const uint8_t *)"x", 1);
		assert_non_null(mk.dir);
		check_ok(inode_enter(t, &mk, &up, &e), &e);
		id[i] = up->id;
	}
	for (i = 0; i < 99; i++)
		inode_forget(t, id[i], 1);
	assert_true(inode_tab_sane(t));
	assert_int_equal(inode_tab_count(t), 101);
	for (i = 0; up->parent; i++)
		up = up->parent;
	assert_int_equal(i, 100);
	inode_forget(t, id[99], 1);
	assert_int_equal(inode_tab_count(t), 1);
	inode_tab_free(t);
}

static void forget_too_much(void *arg)
{
	struct inode_make mk;
	struct inode *n;

	mk = make_entry(inode_get(arg, FUSE_ROOT_ID), 1);
	if (inode_enter(arg, &mk, &n, NULL) == 0)
		inode_forget(arg, n->id, 2);
}

static void test_forget_too_much(void **state)
{
	struct inode_tab *t = inode_tab_new(INODE_ARCH, &arch_a);

	(void)state;
	check_bug(forget_too_much, t);
	inode_tab_free(t);
}

static void test_no_memory(void **state)
{
	struct inode_tab *t;
	struct inode_make mk;
	struct inode *n;
	unsigned long at;
	struct err e;
	unsigned i;
	int rc = 0;

	(void)state;
	for (at = 1; at < 6; at++) {
		mem_fail(at, 1);
		t = inode_tab_new(INODE_ARCH, &arch_a);
		for (i = 0; t && i < 2000 && rc == 0; i++) {
			mk = make_entry(inode_get(t, FUSE_ROOT_ID), i);
			rc = inode_enter(t, &mk, &n, &e);
		}
		mem_fail(0, 0);
		if (t && rc < 0) {
			check_err(rc, ERR_NOMEM, &e);
			check_ok(inode_enter(t, &mk, &n, &e), &e);
			assert_true(inode_tab_sane(t));
			rc = 0;
		}
		inode_tab_free(t);
	}
}

#define THREADS 4
static void *hammer(void *arg)
{
	struct inode_tab *t = arg;
	struct inode *root = inode_get(t, FUSE_ROOT_ID), *n;
	struct inode_make mk;
	unsigned i;

	for (i = 0; i < 40000; i++) {
		mk = make_entry(root, i % 37);
		if (inode_enter(t, &mk, &n, NULL) < 0)
			return arg;
		inode_forget(t, n->id, 1);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct inode_tab *t = inode_tab_new(INODE_ARCH, &arch_a);
	pthread_t tid[THREADS];
	void *bad;
	unsigned i;

	(void)state;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&tid[i], NULL, hammer, t), 0);
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(tid[i], &bad), 0);
		assert_null(bad);
	}
	assert_int_equal(inode_tab_count(t), 1);
	inode_tab_free(t);
}

static uint64_t ino_of(uint64_t dir_ino, uint64_t seed, uint64_t entries,
		       uint64_t place, uint64_t group)
{
	struct arch a = { .seed = seed };
	struct inode up = { .ino = dir_ino, .arch = &a };
	struct entry en = { .mode = S_IFREG, .link_group = group };
	struct dir_layer layer[2] = {
		{ .ref = { .entries = entries } },
		{ .ref = { .entries = entries } }
	};
	struct dir *d = dir_new(layer, 2, NULL, 0);
	uint64_t ino;

	assert_non_null(d);
	ino = attr_ino(&up, d, place, &en);
	free(d);
	return ino;
}

static void test_numbers(void **state)
{
	uint64_t i, last = 0, ino;

	(void)state;
	/* These are on disk in the indexes of others (Dovecot, backup
	 * programs): a change makes every file of a mount new to them. */
	assert_true(ino_of(1, 77, 1000, 0, 0) == ino_of(1, 77, 1000, 0, 0));
	for (i = 0; i < 1000; i++) {
		ino = ino_of(1, 77, 1000, i, 0);
		assert_true(ino > 1 && ino <= INT64_MAX);
		assert_true(i == 0 || ino == last + 1);
		last = ino;
	}
	assert_true(ino_of(1, 77, 1000, 3, 0) != ino_of(2, 77, 1000, 3, 0));
	assert_true(ino_of(1, 77, 1000, 3, 0) != ino_of(1, 78, 1000, 3, 0));
	assert_true(ino_of(1, 77, 1000, dir_place(1, 3), 0) !=
		    ino_of(1, 77, 1000, 3, 0));
	assert_true(ino_of(1, 77, 10, 3, 5) == ino_of(2, 77, 1000, 4, 5));
	assert_true(ino_of(1, 77, 10, 3, 5) != ino_of(1, 77, 10, 3, 6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_child),
		cmocka_unit_test(test_parents),
		cmocka_unit_test(test_forget_too_much),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
