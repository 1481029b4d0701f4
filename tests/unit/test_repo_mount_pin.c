/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The marks of a mount, as a collector sees them at every moment.
 */
#include "repo/mount_pin.h"

#include <string.h>
#include <unistd.h>

#include "repo/alive.h"
#include "store/ops.h"
#include "tests/lib/check.h"
#include "tests/lib/world.h"

static struct store *mem;
static struct repo *repo;
static uint8_t others;		/* archives of an earlier round */

static struct sid put_archive(uint8_t no)
{
	struct iovec iov = { &no, 1 };
	char hex[SID_HEX_BYTES];
	struct sid sid;
	struct err e;

	no += others;
	memset(&sid, no, sizeof(sid));
	check_ok(store_put(mem, STORE_ARCHIVES, sid_hex(&sid, hex), &iov, 1, 0,
			   &e), &e);
	return sid;
}

static void put_tombstone(const struct sid *sid)
{
	char hex[SID_HEX_BYTES];
	uint8_t byte = 0;
	struct iovec iov = { &byte, 1 };
	struct err e;

	check_ok(store_put(mem, STORE_TOMBSTONES, sid_hex(sid, hex), &iov, 1,
			   0, &e), &e);
}

static unsigned count_pins(void)
{
	struct alive a = ALIVE_INIT;
	unsigned n = 0;
	struct err e;
	size_t i;

	check_ok(alive_load(&a, repo, STORE_PINS, &e), &e);
	for (i = 0; i < a.n; i++)
		n += (unsigned)a.owner[i].names.n;
	alive_release(&a);
	return n;
}

static bool is_pinned(const struct sid *sid)
{
	struct alive a = ALIVE_INIT;
	bool found = false;
	struct err e;
	size_t i, k;

	check_ok(alive_load(&a, repo, STORE_PINS, &e), &e);
	for (i = 0; i < a.n; i++)
		for (k = 0; k < a.owner[i].n_archives && a.owner[i].alive; k++)
			found = found || sid_eq(&a.owner[i].archives[k], sid);
	alive_release(&a);
	return found;
}

static void test_marks(void **state)
{
	struct mount_pin *p = mount_pin_new(repo);
	struct sid s[3] = { put_archive(1), put_archive(2), put_archive(3) };
	bool gone[3] = { true, true, true };
	struct err e;

	(void)state;
	assert_int_equal(count_pins(), 0);
	check_ok(mount_pin_add(p, &s[0], 1, gone, &e), &e);
	assert_false(gone[0]);
	assert_true(is_pinned(&s[0]));
	assert_false(is_pinned(&s[1]));
	check_ok(mount_pin_add(p, &s[1], 2, gone, &e), &e);
	assert_false(gone[0] || gone[1]);
	assert_int_equal(mount_pin_count(p), 3);
	assert_int_equal(count_pins(), 2);
	/* one mark names both */
	mount_pin_drop(p, &s[1]);
	assert_true(is_pinned(&s[2]));
	assert_int_equal(count_pins(), 2);
	mount_pin_drop(p, &s[2]);
	assert_false(is_pinned(&s[2]));
	mount_pin_drop(p, &s[2]);
	assert_true(is_pinned(&s[0]));
	mount_pin_free(p);
	assert_int_equal(count_pins(), 0);
}

static void test_gone(void **state)
{
	struct mount_pin *p = mount_pin_new(repo);
	struct sid s[3] = { put_archive(4), put_archive(5), put_archive(6) };
	char hex[SID_HEX_BYTES];
	bool gone[3] = { false };
	struct err e;

	(void)state;
	put_tombstone(&s[0]);
	check_ok(store_del(mem, STORE_ARCHIVES, sid_hex(&s[2], hex), &e), &e);
	check_ok(mount_pin_add(p, s, 3, gone, &e), &e);
	assert_true(gone[0] && !gone[1] && gone[2]);
	assert_int_equal(mount_pin_count(p), 1);
	assert_true(is_pinned(&s[1]));
	assert_false(is_pinned(&s[0]) || is_pinned(&s[2]));
	assert_int_equal(count_pins(), 1);
	mount_pin_drop(p, &s[1]);
	assert_int_equal(count_pins(), 0);
	/* pinned before it is deleted, it stays */
	check_ok(mount_pin_add(p, &s[1], 1, gone, &e), &e);
	put_tombstone(&s[1]);
	assert_true(is_pinned(&s[1]));
	mount_pin_free(p);
}

/* The mark is there, and nobody can say whether a power cut leaves it. */
static void test_barrier_fails(void **state)
{
	struct mount_pin *p;
	struct sid s = put_archive(8);
	bool gone = true;
	struct err e;

	(void)state;
	if (store_far(mem))
		skip();		/* the second operation may be another */
	p = mount_pin_new(repo);
	store_fault_arm(mem, 2, STORE_FAULT_BEFORE, ERR_IO);
	check_ok(mount_pin_add(p, &s, 1, &gone, &e), &e);
	store_fault_arm(mem, 0, STORE_FAULT_BEFORE, ERR_IO);
	assert_false(gone);
	assert_int_equal(mount_pin_count(p), 1);
	assert_true(is_pinned(&s));
	mount_pin_free(p);
	assert_int_equal(count_pins(), 0);
}

static void test_beat(void **state)
{
	struct mount_pin *p = mount_pin_new(repo);
	struct alive a = ALIVE_INIT;
	struct sid s = put_archive(7);
	bool gone;
	struct err e;

	(void)state;
	mount_pin_pace(p, 1);
	mount_pin_tick(p);
	assert_int_equal(count_pins(), 0);	/* nothing is read */
	check_ok(mount_pin_add(p, &s, 1, &gone, &e), &e);
	mount_pin_tick(p);
	assert_int_equal(count_pins(), 1);	/* not yet due */
	sleep(1);
	mount_pin_tick(p);
	assert_int_equal(count_pins(), 2);
	sleep(1);
	mount_pin_tick(p);
	assert_int_equal(count_pins(), 2);	/* the older one went */
	assert_true(is_pinned(&s));

	/* taken for dead, and cleared away: it comes back */
	check_ok(alive_load(&a, repo, STORE_PINS, &e), &e);
	check_ok(alive_remove(repo, STORE_PINS, &a.owner[0], &e), &e);
	alive_release(&a);
	assert_false(is_pinned(&s));
	sleep(1);
	mount_pin_tick(p);
	assert_true(is_pinned(&s));
	mount_pin_free(p);
	assert_int_equal(count_pins(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marks), cmocka_unit_test(test_gone),
		cmocka_unit_test(test_barrier_fails),
		cmocka_unit_test(test_beat)
	};
	const struct repo_init init = {
		.mode = SLOT_REPOKEY, .kdf_mem_kib = 64
	};
	struct err e = { ERR_OK, "" };
	struct store_ops far_ops;

	key_kdf_floor(64);
	if (key_setup(&e) < 0 || !(mem = store_open_mem(&e)) ||
	    !(mem = store_open_fault(mem, &e)) ||
	    repo_create_on(&repo, mem, &init, &world_opts, &e) < 0)
		world_die("create", &e);
	if (cmocka_run_group_tests(tests, NULL, NULL) != 0)
		return 1;
	/* the barrier while the rest is looked at */
	far_ops = *mem->ops;
	far_ops.far = true;
	mem->ops = &far_ops;
	others = 100;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
