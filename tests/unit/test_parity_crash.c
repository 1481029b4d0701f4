/* SPDX-License-Identifier: BSD-2-Clause */
/* timeout: 120 */
/*
 * Parity and what may happen around it: collections, power cuts between a pack
 * and its parity, failures of the store at every operation.
 */
#include <stdio.h>
#include <string.h>

#include "tests/lib/check.h"
#include "tests/lib/paritykit.h"
#include "tests/lib/prng.h"

#define MILLE 30
#define ALL_FLAGS (PARITY_REPAIR_FILL | PARITY_REPAIR_RENEW)

/* What a collection leaves: no parity of what went, nor of what never was; but
 * that of a pack that an archive needs, and which is lost, and of a record
 * that nobody deleted. */
static void test_collect(void **state)
{
	struct compact_opts o = COMPACT_DEFAULT;
	struct compact_result res;
	struct parity_repair_result is;
	const struct catalog_item *it;
	struct strv names = STRV_INIT;
	struct err e = { 0 };
	struct repo *r = paritykit_new(store_open_mem(&e), MILLE);
	struct iovec iov = { paritykit.repo, sizeof(paritykit.repo) };
	char pack[OID_HEX_BYTES], record[SID_HEX_BYTES];
	char file[PARITY_STORE_NAME_BYTES];
	struct catalog *c;
	uint64_t bytes;

	(void)state;
	o.wait_secs = 0;
	check_ok(paritykit_archive(r, "a", &e), &e);
	snprintf(pack, sizeof(pack), "%064d", 5);
	snprintf(record, sizeof(record), "%032d", 5);
	check_ok(parity_store_put(r, pack, MILLE, &iov, 1, &e), &e);
	check_ok(parity_store_put(r, record, MILLE, &iov, 1, &e), &e);
	check_ok(catalog_load(&c, r, &e), &e);
	check_ok(catalog_find(c, "a", &it, &e), &e);
	check_ok(catalog_delete(r, it, "test", &e), &e);
	catalog_free(c);
	world_write(&paritykit, "other", 5000, 99);
	paritykit.expected = world_digest(paritykit.source);
	check_ok(paritykit_archive(r, "b", &e), &e);
	check_ok(compact_run(r, &o, &res, &e), &e);
	assert_int_equal(res.collected, 1);
	paritykit_sound(r);
	check_ok(paritykit_repair(r, 0, &is, &e), &e);
	assert_int_equal(is.without, 0);
	/* That of the record is nobody's, and stays. */
	assert_int_equal(is.parity_files, is.packs + is.records + 1);
	paritykit_list(r, STORE_DATA, &names);
	snprintf(file, sizeof(file), "%.64s.0", names.v[0]);
	check_ok(store_del(repo_store(r), STORE_DATA, names.v[0], &e), &e);
	check_ok(parity_store_put(r, pack, MILLE, &iov, 1, &e), &e);
	compact_run(r, &o, &res, NULL);
	check_ok(store_stat(repo_store(r), STORE_PARITY, file, &bytes, &e),
		&e);
	strv_release(&names);
	repo_close(r);
}

/* Two packs of a session. */
static int some_packs(struct repo *r, unsigned seed, struct err *e)
{
	struct session_opts so = { .comp = COMP_SPEC_DEFAULT };
	static uint8_t bytes[90000];
	struct session *s;
	struct oid id;
	int rc;

	if ((rc = session_begin(&s, r, &so, e)) < 0)
		return rc;
	prng_fill(prng_key(3, seed), bytes, sizeof(bytes));
	if ((rc = session_put(s, OBJ_DATA, bytes, sizeof(bytes), &id, e)) ==
	    0 && (rc = session_flush(s, e)) == 0 &&
	    (rc = session_put(s, OBJ_DATA, bytes, 5000, &id, e)) == 0)
		rc = session_flush(s, e);
	session_free(s);
	return rc;
}

/* The power goes at every operation, and of what was not synced anything is
 * there: a pack without parity is as good as any, parity without a pack is
 * nothing; both are put in order. */
static void test_cut(void **state)
{
	struct compact_opts o = COMPACT_DEFAULT;
	struct compact_result gone;
	struct parity_repair_result res;
	struct err e = { 0 };
	uint64_t at, seed, lonely = 0, orphans = 0;
	struct store *mem, *fault, *after;
	struct repo *r;
	bool cut = true;

	(void)state;
	o.wait_secs = 0;
	for (at = 1; cut; at++) {
		mem = store_open_mem(&e);
		fault = store_open_fault(mem, &e);
		r = paritykit_new(fault, MILLE);
		store_fault_arm(fault, at, STORE_FAULT_CUT_AFTER, ERR_IO);
		cut = some_packs(r, 1, &e) < 0;
		for (seed = 0; seed < 4; seed++) {
			after = store_mem_copy(mem, &e);
			store_mem_cut(after, seed * 1000 + at);
			alive_pretend(-1);
			struct repo *again = paritykit_open(after);
			check_ok(paritykit_repair(again, ALL_FLAGS, &res,
				&e), &e);
			assert_int_equal(res.damaged, 0);
			lonely += res.made;
			orphans += res.parity_files + res.made > res.packs +
				res.records;
			paritykit_sound(again);
			check_ok(compact_run(again, &o, &gone, &e), &e);
			check_ok(paritykit_repair(again, 0, &res, &e), &e);
			assert_int_equal(res.parity_files, res.packs);
			alive_pretend(0);
			repo_close(again);
		}
		store_fault_arm(fault, 0, STORE_FAULT_BEFORE, ERR_IO);
		repo_close(r);
	}
	assert_true(at > 10 && lonely > 0 && orphans > 0);
}

static int act_renew(struct repo *r, struct err *e)
{
	struct parity_repair_result res;

	return paritykit_repair(r, ALL_FLAGS, &res, e);
}

static int act_repair(struct repo *r, struct err *e)
{
	const struct repair_opts o = { .threads = 0 };
	struct repair_result res;
	int rc = repair_run(r, &o, &res, e);

	if (rc == 0)
		assert_int_equal(res.archives_damaged, 0);
	return rc;
}

/* The store fails once, anywhere, in replacing a pack: the next run ends it,
 * and nothing is lost at any time. */
static void fail_once(struct store *mem,
		      int (*act)(struct repo *r, struct err *e),
		      enum store_fault_how how)
{
	struct compact_opts o = COMPACT_DEFAULT;
	struct compact_result gone;
	struct err e = { 0 };
	uint64_t at;
	int rc = -1;

	o.wait_secs = 0;
	for (at = 1; rc < 0; at += 1 + at / 12) {
		struct store *copy = store_mem_copy(mem, &e);
		struct store *fault = store_open_fault(copy, &e);
		struct repo *again = paritykit_open(fault);

		store_fault_arm(fault, at, how, ERR_IO);
		rc = act(again, &e);
		if (store_fault_count(fault) >= at && rc == 0)
			rc = -1;	/* it was not needed */
		store_fault_arm(fault, 0, STORE_FAULT_BEFORE, ERR_IO);
		if (how == STORE_FAULT_CUT_AFTER)
			store_mem_cut(copy, at);
		paritykit_extracts(again);
		check_ok(act(again, &e), &e);
		paritykit_sound(again);
		paritykit_extracts(again);
		check_ok(compact_run(again, &o, &gone, &e), &e);
		paritykit_sound(again);
		paritykit_extracts(again);
		repo_close(again);
	}
}

static void test_faults(void **state)
{
	static const enum store_fault_how how[] = { STORE_FAULT_BEFORE,
		STORE_FAULT_AFTER, STORE_FAULT_CUT_AFTER };
	struct strv names = STRV_INIT;
	struct err e = { 0 };
	struct store *mem = store_open_mem(&e);
	struct repo *r = paritykit_new(mem, MILLE);
	unsigned k;

	(void)state;
	check_ok(paritykit_archive(r, "a", &e), &e);
	paritykit_list(r, STORE_META, &names);
	paritykit_rot(r, STORE_META, names.v[0], 10, 500);
	for (k = 0; k < 3; k++)
		fail_once(mem, act_repair, how[k]);
	paritykit_list(r, STORE_PARITY, &names);
	paritykit_rot(r, STORE_PARITY, names.v[0], 10, 5);
	for (k = 0; k < 3; k++)
		fail_once(mem, act_renew, how[k]);
	strv_release(&names);
	repo_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_collect),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_faults),
	};
	int rc;

	world_make(&paritykit, "parity");
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	world_end(&paritykit);
	return rc;
}
