/* SPDX-License-Identifier: BSD-2-Clause */
/* timeout: 120 */
/*
 * Parity in a repository: chosen, made, used for rot and for sectors that
 * cannot be read; what is damaged itself is of no use and does no harm.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/badstore.h"
#include "tests/lib/check.h"
#include "tests/lib/paritykit.h"

#define MILLE 30
#define ALL_FLAGS (PARITY_REPAIR_FILL | PARITY_REPAIR_RENEW)

static void test_parse(void **state)
{
	static const struct { const char *text; int mille; } t[] = {
		{ "3%", 30 }, { "3", 30 }, { "2.5%", 25 }, { "0.1%", 1 },
		{ "none", 0 }, { "0", 0 }, { "0%", 0 }, { "25%", 250 },
		{ "25.1%", -1 }, { "26", -1 }, { "-3%", -1 }, { "", -1 },
		{ "3 %", -1 }, { "3%%", -1 }, { "3.%", -1 }, { "x", -1 },
		{ "3.25%", -1 }, { " 3%", -1 }, { "+3", -1 },
		{ "99999999999999999999", -1 }, { "1000000", -1 },
	};
	struct err e = { 0 };
	unsigned mille;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		rc = parity_store_parse(&mille, t[i].text, &e);
		if (t[i].mille < 0) {
			check_err(rc, ERR_CONFIG, &e);
		} else {
			check_ok(rc, &e);
			assert_int_equal(mille, t[i].mille);
		}
	}
}

static void test_level(void **state)
{
	struct err e = { 0 };
	struct store *mem = store_open_mem(&e);
	struct repo *r = paritykit_new(mem, 0);
	struct buf b = BUF_INIT;
	unsigned mille;

	(void)state;
	check_ok(parity_store_level(r, &mille, &e), &e);
	assert_int_equal(mille, 0);
	assert_int_equal(paritykit_count(r, STORE_PARITY), 0);
	check_ok(parity_store_choose(r, 0, &e), &e);	/* as it is */
	assert_int_equal(paritykit_count(r, STORE_PARITY), 0);
	check_ok(parity_store_choose(r, 30, &e), &e);
	check_ok(parity_store_choose(r, 30, &e), &e);
	assert_int_equal(paritykit_count(r, STORE_PARITY), 1);
	check_ok(parity_store_choose(r, 50, &e), &e);
	check_ok(parity_store_level(r, &mille, &e), &e);
	assert_int_equal(mille, 50);
	check_ok(parity_store_choose(r, 0, &e), &e);
	check_ok(parity_store_level(r, &mille, &e), &e);
	assert_int_equal(mille, 0);
	/* A damaged one does not count, and does not hide the others. */
	paritykit_rot(r, STORE_PARITY, "level.3", 300, 5);
	check_ok(parity_store_level(r, &mille, &e), &e);
	assert_int_equal(mille, 50);
	paritykit_get(r, STORE_PARITY, "level.1", &b);
	paritykit_replace(r, STORE_PARITY, "level.2", &b);
	check_ok(parity_store_level(r, &mille, &e), &e);
	assert_int_equal(mille, 30);
	check_ok(parity_store_choose(r, 10, &e), &e);
	check_ok(parity_store_level(r, &mille, &e), &e);
	assert_int_equal(mille, 10);
	buf_release(&b);
	repo_close(r);
}

static void test_names(void **state)
{
	char name[OID_HEX_BYTES], text[OID_HEX_BYTES + 8];
	unsigned number;

	(void)state;
	snprintf(text, sizeof(text), "%064d.0", 7);
	assert_true(parity_store_owner(text, name, &number));
	assert_int_equal(strlen(name), 64);
	snprintf(text, sizeof(text), "%032d.7", 7);
	assert_true(parity_store_owner(text, name, &number));
	assert_int_equal(number, 7);
	snprintf(text, sizeof(text), "%032d.8", 7);
	assert_false(parity_store_owner(text, name, &number));
	snprintf(text, sizeof(text), "%033d.0", 7);
	assert_false(parity_store_owner(text, name, &number));
	assert_false(parity_store_owner("level.1", name, &number));
	assert_false(parity_store_owner("", name, &number));
	assert_false(parity_store_owner(".1", name, &number));
}

/* A repository without parity is as it was; with it, everything has some. */
static void test_made(void **state)
{
	struct parity_repair_result res;
	struct strv names = STRV_INIT;
	struct err e = { 0 };
	struct buf b = BUF_INIT;
	struct repo *r;

	(void)state;
	r = paritykit_new(store_open_mem(&e), 0);
	check_ok(paritykit_archive(r, "a", &e), &e);
	assert_int_equal(paritykit_count(r, STORE_PARITY), 0);
	paritykit_sound(r);
	paritykit_list(r, STORE_DATA, &names);
	check_err(parity_store_mend(repo_store(r), STORE_DATA, names.v[0],
		&b, NULL, &e),
		ERR_NOENT, &e);
	check_err(paritykit_repair(r, PARITY_REPAIR_FILL, &res, &e),
		ERR_CONFIG, &e);
	/* Later. */
	check_ok(parity_store_choose(r, MILLE, &e), &e);
	check_ok(paritykit_repair(r, PARITY_REPAIR_FILL, &res, &e), &e);
	assert_int_equal(res.made, res.packs + res.records);
	check_ok(paritykit_repair(r, ALL_FLAGS, &res, &e), &e);
	assert_int_equal(res.made, 0);
	assert_int_equal(res.without, 0);
	repo_close(r);

	r = paritykit_new(store_open_mem(&e), MILLE);
	check_ok(paritykit_archive(r, "a", &e), &e);
	check_ok(paritykit_repair(r, 0, &res, &e), &e);
	assert_true(res.packs >= 2 && res.records == 1);
	assert_int_equal(res.without, 0);
	assert_int_equal(res.parity_files, res.packs + 1);
	paritykit_sound(r);
	repo_close(r);
	strv_release(&names);
	buf_release(&b);
}

static void rot_everywhere(struct repo *r, enum store_kind k)
{
	struct strv names = STRV_INIT;
	struct buf was = BUF_INIT, b = BUF_INIT;
	struct err e = { 0 };
	uint32_t damaged;
	size_t i, at;

	for (i = 0; i < paritykit_list(r, k, &names); i++) {
		paritykit_get(r, k, names.v[i], &was);
		for (at = 0; at < was.len; at += 1 + was.len / 37) {
			paritykit_rot(r, k, names.v[i], at, 4096);
			check_ok(parity_store_mend(repo_store(r), k,
				names.v[i], &b, &damaged, &e), &e);
			assert_true(damaged > 0);
			assert_int_equal(b.len, was.len);
			assert_memory_equal(b.p, was.p, was.len);
			paritykit_replace(r, k, names.v[i], &was);
		}
		/* Cut off, and grown. */
		buf_clear(&b);
		check_ok(buf_append(&b, was.p, was.len - (was.len < 4096 ?
			was.len : 4096), &e), &e);
		paritykit_replace(r, k, names.v[i], &b);
		check_ok(parity_store_mend(repo_store(r), k, names.v[i], &b,
			NULL, &e), &e);
		assert_int_equal(b.len, was.len);
		check_ok(buf_append(&b, "more", 4, &e), &e);
		paritykit_replace(r, k, names.v[i], &b);
		check_ok(parity_store_mend(repo_store(r), k, names.v[i], &b,
			NULL, &e), &e);
		assert_int_equal(b.len, was.len);
		paritykit_replace(r, k, names.v[i], &was);
	}
	strv_release(&names);
	buf_release(&was);
	buf_release(&b);
}

static void test_rot(void **state)
{
	struct err e = { 0 };
	struct repo *r = paritykit_new(store_open_mem(&e), MILLE);

	(void)state;
	check_ok(paritykit_archive(r, "a", &e), &e);
	rot_everywhere(r, STORE_DATA);
	rot_everywhere(r, STORE_META);
	rot_everywhere(r, STORE_ARCHIVES);
	paritykit_sound(r);
	repo_close(r);
}

/* With rot in every file that has parity, archives are read and extracted; and
 * not any more without the parity. */
static void test_read(void **state)
{
	static const enum store_kind kind[] = { STORE_DATA, STORE_META,
						STORE_ARCHIVES };
	struct err e = { 0 };
	struct strv names = STRV_INIT;
	struct repo *r = paritykit_new(store_open_mem(&e), MILLE);
	uint64_t damage;
	size_t i, k;

	(void)state;
	check_ok(paritykit_archive(r, "a", &e), &e);
	for (k = 0; k < 3; k++)
		for (i = 0; i < paritykit_list(r, kind[k], &names); i++)
			paritykit_rot(r, kind[k], names.v[i], 256, 4000);
	paritykit_extracts(r);
	check_err(paritykit_check(r, &damage, &e), ERR_CORRUPT, &e);
	for (i = 0; i < paritykit_list(r, STORE_PARITY, &names); i++)
		check_ok(store_del(repo_store(r), STORE_PARITY, names.v[i],
			&e), &e);
	assert_true(paritykit_extract(r, &e) < 0);
	strv_release(&names);
	repo_close(r);
}

/* Replaced by a collection; what is in it goes on. */
static void test_renew(void **state)
{
	struct parity_repair_result res;
	struct strv before = STRV_INIT, after = STRV_INIT;
	struct err e = { 0 };
	struct repo *r = paritykit_new(store_open_mem(&e), MILLE);
	size_t i, k;

	(void)state;
	check_ok(paritykit_archive(r, "a", &e), &e);
	paritykit_list(r, STORE_DATA, &before);
	for (i = 0; i < before.n; i++)
		paritykit_rot(r, STORE_DATA, before.v[i], 100 * i, 2000);
	check_ok(paritykit_repair(r, PARITY_REPAIR_RENEW |
		PARITY_REPAIR_DRY_RUN, &res, &e), &e);
	assert_int_equal(res.damaged, before.n);
	assert_int_equal(res.mendable, before.n);
	assert_int_equal(res.renewed, 0);
	check_ok(paritykit_repair(r, ALL_FLAGS, &res, &e), &e);
	assert_int_equal(res.renewed, before.n);
	paritykit_list(r, STORE_DATA, &after);
	for (i = 0; i < after.n; i++)
		for (k = 0; k < before.n; k++)
			assert_string_not_equal(after.v[i], before.v[k]);
	paritykit_sound(r);
	paritykit_extracts(r);
	/* Their parity went with them, the new ones have some. */
	check_ok(paritykit_repair(r, 0, &res, &e), &e);
	assert_int_equal(res.without, 0);
	assert_int_equal(res.parity_files, res.packs + res.records);
	/* The packs of nodes, too. */
	paritykit_list(r, STORE_META, &before);
	for (i = 0; i < before.n; i++)
		paritykit_rot(r, STORE_META, before.v[i], 0, 300);
	check_ok(paritykit_repair(r, ALL_FLAGS, &res, &e), &e);
	assert_int_equal(res.renewed, before.n);
	paritykit_sound(r);
	paritykit_extracts(r);
	strv_release(&before);
	strv_release(&after);
	repo_close(r);
}

/* Too much: it is said, and nothing that is there goes away. */
static void test_lost(void **state)
{
	struct parity_repair_result res;
	struct strv names = STRV_INIT;
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	struct repo *r = paritykit_new(store_open_mem(&e), MILLE);
	size_t n;

	(void)state;
	check_ok(paritykit_archive(r, "a", &e), &e);
	n = paritykit_list(r, STORE_DATA, &names);
	paritykit_rot(r, STORE_DATA, names.v[0], 0, 1u << 20);
	check_err(parity_store_mend(repo_store(r), STORE_DATA, names.v[0],
		&b, NULL, &e),
		ERR_CORRUPT, &e);
	assert_int_equal(b.len, 0);
	check_err(paritykit_repair(r, ALL_FLAGS, &res, &e), ERR_CORRUPT, &e);
	assert_int_equal(res.damaged, 1);
	assert_int_equal(res.mendable, 0);
	assert_int_equal(paritykit_count(r, STORE_DATA), n);
	strv_release(&names);
	buf_release(&b);
	repo_close(r);
}

/* Damaged parity is found and made again beside the damaged one; parity of
 * another pack under this one's name is of no use, and does no harm. */
static void test_bad_parity(void **state)
{
	char file[PARITY_STORE_NAME_BYTES];
	struct parity_repair_result res;
	struct strv names = STRV_INIT;
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	struct repo *r = paritykit_new(store_open_mem(&e), MILLE);
	uint64_t damage;
	unsigned n = 1;

	(void)state;
	check_ok(paritykit_archive(r, "a", &e), &e);
	paritykit_list(r, STORE_PARITY, &names);
	assert_true(names.n >= 4);
	paritykit_rot(r, STORE_PARITY, names.v[0], 0, 100000);
	paritykit_get(r, STORE_PARITY, names.v[0], &b);
	paritykit_replace(r, STORE_PARITY, names.v[1], &b);
	check_err(paritykit_check(r, &damage, &e), ERR_CORRUPT, &e);
	assert_int_equal(damage, 2);
	check_ok(paritykit_repair(r, PARITY_REPAIR_FILL, &res, &e), &e);
	assert_int_equal(res.made, 2);
	paritykit_sound(r);
	/* Nothing was overwritten. */
	snprintf(file, sizeof(file), "%.*s.1", (int)strlen(names.v[0]) - 2,
		names.v[0]);
	check_ok(parity_store_scrub(r, file, &e), &e);
	assert_true(parity_store_scrub(r, names.v[0], &e) < 0);
	/* Mended by the second one. */
	paritykit_list(r, STORE_DATA, &names);
	paritykit_rot(r, STORE_DATA, names.v[0], 0, 4096);
	check_ok(parity_store_mend(repo_store(r), STORE_DATA, names.v[0],
		&b, NULL, &e),
		&e);
	/* Until every name is taken. */
	paritykit_list(r, STORE_META, &names);
	do {
		struct iovec iov = { b.p, b.len - 8 * n };
		int rc = parity_store_put(r, names.v[0], MILLE, &iov, 1, &e);

		if (rc < 0) {
			check_err(rc, ERR_EXIST, &e);
			break;
		}
	} while (++n <= PARITY_STORE_TRIES);
	assert_true(n <= PARITY_STORE_TRIES);
	strv_release(&names);
	buf_release(&b);
	repo_close(r);
}

/* The first one of a pack is gone but for its name, or is of other bytes, with
 * all its sums right: the second one counts, and nothing but the pack itself is
 * ever given. */
static void test_second(void **state)
{
	char file[PARITY_STORE_NAME_BYTES];
	struct strv names = STRV_INIT;
	struct buf was = BUF_INIT, b = BUF_INIT;
	struct err e = { 0 };
	struct repo *r = paritykit_new(store_open_mem(&e), MILLE);
	struct iovec iov;
	size_t i;

	(void)state;
	check_ok(paritykit_archive(r, "a", &e), &e);
	paritykit_list(r, STORE_DATA, &names);
	paritykit_get(r, STORE_DATA, names.v[0], &was);
	snprintf(file, sizeof(file), "%.64s.0", names.v[0]);
	for (i = 0; i < 2; i++) {
		check_ok(parity_store_del(r, names.v[0], &e), &e);
		check_ok(buf_append(&b, was.p, was.len, &e), &e);
		b.p[300] ^= 1;
		iov = (struct iovec) { b.p, b.len };
		check_ok(parity_store_put(r, names.v[0], MILLE, &iov, 1, &e),
			&e);
		if (i == 1)
			paritykit_rot(r, STORE_PARITY, file, 0, 1u << 20);
		check_err(parity_store_mend(repo_store(r), STORE_DATA,
			names.v[0], &b,
			NULL, &e), ERR_CORRUPT, &e);
		iov = (struct iovec) { was.p, was.len };
		check_ok(parity_store_put(r, names.v[0], MILLE, &iov, 1, &e),
			&e);
		paritykit_rot(r, STORE_DATA, names.v[0], 50, 3000);
		check_ok(parity_store_mend(repo_store(r), STORE_DATA,
			names.v[0], &b,
			NULL, &e), &e);
		assert_int_equal(b.len, was.len);
		assert_memory_equal(b.p, was.p, was.len);
		paritykit_replace(r, STORE_DATA, names.v[0], &was);
		buf_clear(&b);
	}
	strv_release(&names);
	buf_release(&was);
	buf_release(&b);
	repo_close(r);
}

/* Sectors that the disk cannot read; and a store that is gone. */
static void test_unreadable(void **state)
{
	struct err e = { 0 };
	struct badstore *bad = badstore_open(store_open_mem(&e));
	struct repo *r = paritykit_new(&bad->store, MILLE);
	struct parity_repair_result res;
	struct strv names = STRV_INIT;
	struct buf was = BUF_INIT, b = BUF_INIT;
	uint64_t at;

	(void)state;
	check_ok(paritykit_archive(r, "a", &e), &e);
	paritykit_list(r, STORE_DATA, &names);
	paritykit_get(r, STORE_DATA, names.v[0], &was);
	snprintf(bad->name, sizeof(bad->name), "%s", names.v[0]);
	for (at = 0; at < was.len; at += 4096) {
		bad->from = at;
		bad->to = at + 4096;
		check_ok(parity_store_mend(repo_store(r), STORE_DATA,
			names.v[0], &b,
			NULL, &e), &e);
		assert_memory_equal(b.p, was.p, was.len);
	}
	paritykit_extracts(r);
	/* The parity, too. */
	paritykit_list(r, STORE_PARITY, &names);
	bad->from = bad->to = 0;
	check_ok(paritykit_repair(r, PARITY_REPAIR_RENEW, &res, &e), &e);
	assert_int_equal(res.damaged, 0);
	bad->from = 4096;
	bad->to = 8192;
	check_ok(paritykit_repair(r, PARITY_REPAIR_RENEW, &res, &e), &e);
	assert_int_equal(res.renewed, 1);
	paritykit_sound(r);
	paritykit_list(r, STORE_DATA, &names);
	bad->dead = true;
	check_err(parity_store_mend(repo_store(r), STORE_DATA, names.v[0],
		&b, NULL, &e),
		ERR_IO, &e);
	check_err(paritykit_repair(r, PARITY_REPAIR_RENEW, &res, &e), ERR_IO,
		&e);
	assert_true(paritykit_extract(r, &e) < 0);
	bad->dead = false;
	paritykit_sound(r);
	strv_release(&names);
	buf_release(&was);
	buf_release(&b);
	repo_close(r);
}

/* Who may put packs and no parity makes backups all the same. */
static void test_denied(void **state)
{
	struct err e = { 0 };
	struct badstore *bad = badstore_open(store_open_mem(&e));
	struct repo *r = paritykit_new(&bad->store, MILLE);

	(void)state;
	bad->no_parity = true;
	check_ok(paritykit_archive(r, "a", &e), &e);
	assert_int_equal(paritykit_count(r, STORE_PARITY), 1);
	paritykit_extracts(r);
	paritykit_sound(r);
	repo_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_rot),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_renew),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_bad_parity),
		cmocka_unit_test(test_second),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_denied),
	};
	int rc;

	world_make(&paritykit, "parity");
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	world_end(&paritykit);
	return rc;
}
