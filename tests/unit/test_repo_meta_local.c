/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Metadata packs kept on this machine: what is kept, when, and for how long.
 * That readers use them: tests/cases/sftp_local.sh.
 */
#include "repo/meta_local.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/ops.h"
#include "tests/lib/check.h"
#include "tests/lib/workdir.h"
#include "tests/lib/world.h"

#define PACK (1u << 20)

static struct store *mem;
static struct repo *repo;
static struct store_ops far_ops;
static uint8_t bytes[PACK];

/* A pack of so many of the bytes, in the store. */
static struct oid put_pack(uint8_t no, size_t len)
{
	struct iovec iov = { bytes, len };
	char hex[OID_HEX_BYTES];
	struct oid name;
	struct err e;

	memset(&name, no, sizeof(name));
	check_ok(store_put(mem, STORE_META, oid_hex(&name, hex), &iov, 1, 0,
			   &e), &e);
	return name;
}

static void del_pack(const struct oid *name)
{
	char hex[OID_HEX_BYTES];
	struct err e;

	check_ok(store_del(mem, STORE_META, oid_hex(name, hex), &e), &e);
}

/* The local copy's path. */
static const char *kept_path(const struct oid *name)
{
	char hex[OID_HEX_BYTES], id[SID_HEX_BYTES];
	static char path[512];

	snprintf(path, sizeof(path), "cache/%s/meta/%s",
		 sid_hex(repo_id(repo), id), oid_hex(name, hex));
	return path;
}

static bool kept(const struct oid *name)
{
	return access(kept_path(name), F_OK) == 0;
}

/* What is asked for comes, and is right. */
static bool get(struct meta_local *m, const struct oid *name, uint32_t pack,
		size_t off, size_t len)
{
	struct buf b = BUF_INIT;
	struct err e;
	bool got;

	check_ok(buf_append(&b, "x", 1, &e), &e);
	got = meta_local_get(m, name, pack, off, len, &b);
	assert_int_equal(b.len, got ? len + 1 : 1);
	assert_int_equal(b.p[0], 'x');
	assert_true(!got || memcmp(b.p + 1, bytes + off, len) == 0);
	buf_release(&b);
	return got;
}

static void test_asked(void **state)
{
	struct meta_local *m = meta_local_new(repo);
	struct oid large = put_pack(1, PACK), small = put_pack(2, 5000);

	(void)state;
	assert_non_null(m);
	/* a little of a large one is not worth all of it */
	assert_false(get(m, &large, PACK, 0, 1000));
	assert_false(get(m, &large, PACK, 70000, PACK / 5));
	assert_false(kept(&large));
	assert_true(get(m, &large, PACK, 500, PACK / 5));
	assert_true(kept(&large));
	assert_true(get(m, &small, 5000, 4990, 10));
	assert_true(kept(&small));
	/* from here on without the repository, and in the next run */
	del_pack(&large);
	del_pack(&small);
	assert_true(get(m, &large, PACK, PACK - 1, 1));
	meta_local_free(m);
	m = meta_local_new(repo);
	assert_true(get(m, &large, PACK, 0, PACK));
	assert_true(get(m, &small, 5000, 0, 5000));
	/* bytes that it cannot have */
	assert_false(get(m, &small, 5000, 4999, 2));
	meta_local_free(m);
}

static void test_damage(void **state)
{
	struct meta_local *m = meta_local_new(repo);
	struct oid name = put_pack(3, 5000);

	(void)state;
	assert_true(get(m, &name, 5000, 0, 10));
	assert_int_equal(truncate(kept_path(&name), 4999), 0);
	assert_true(get(m, &name, 5000, 0, 5000));	/* fetched again */
	del_pack(&name);
	assert_int_equal(truncate(kept_path(&name), 0), 0);
	assert_false(get(m, &name, 5000, 0, 10));
	assert_false(kept(&name));
	assert_false(meta_local_drop(m, &name));
	/* it is another pack than the index says */
	name = put_pack(4, 6000);
	assert_false(get(m, &name, 7000, 0, 10));
	assert_false(kept(&name));
	assert_true(get(m, &name, 6000, 0, 10));
	assert_true(meta_local_drop(m, &name));
	assert_false(kept(&name));
	meta_local_free(m);
}

static void test_put(void **state)
{
	struct meta_local *m = meta_local_new(repo);
	struct iovec iov[3] = {
		{ bytes, 100 }, { bytes + 100, 4000 }, { bytes + 4100, 900 }
	};
	struct oid name;

	(void)state;
	memset(&name, 5, sizeof(name));
	meta_local_put(m, &name, iov, 3);
	assert_int_equal(iov[1].iov_len, 4000);
	assert_true(get(m, &name, 5000, 50, 4900));
	meta_local_free(m);
}

/* What was of no use for longest goes. */
static void test_limit(void **state)
{
	struct timespec t[2] = { { 1000, 0 }, { 1000, 0 } };
	struct meta_local *m;
	struct oid name[4];
	uint8_t i;

	(void)state;
	world_remove("cache");
	m = meta_local_new(repo);
	for (i = 0; i < 4; i++) {
		name[i] = put_pack(10 + i, 100000);
		assert_true(get(m, &name[i], 100000, 0, 10));
		t[1].tv_sec = 1000 + i;
		utimensat(AT_FDCWD, kept_path(&name[i]), t, 0);
	}
	meta_local_free(m);
	m = meta_local_new(repo);
	assert_true(get(m, &name[0], 100000, 0, 10));	/* is used */
	meta_local_limit(m, 250000);
	meta_local_free(m);
	assert_true(kept(&name[0]) && kept(&name[3]));
	assert_false(kept(&name[1]) || kept(&name[2]));
}

static void test_none(void **state)
{
	struct oid name = put_pack(20, 5000);
	struct iovec iov = { bytes, 5000 };
	struct buf b = BUF_INIT;

	(void)state;
	assert_false(meta_local_get(NULL, &name, 5000, 0, 10, &b));
	meta_local_put(NULL, &name, &iov, 1);
	assert_false(meta_local_drop(NULL, &name));
	meta_local_free(NULL);
	buf_release(&b);
	far_ops.far = false;
	assert_null(meta_local_new(repo));
	far_ops.far = true;
}

static int setup(void **state)
{
	const struct repo_init init = { .mode = SLOT_REPOKEY,
		.kdf_mem_kib = 64 };
	struct repo_opts o = world_opts;
	struct err e;

	key_kdf_floor(64);
	workdir_setup(state);
	setenv("MUNIMENT_CACHE_DIR", "cache", 1);
	mem = store_open_mem(&e);
	check_ok(repo_create_on(&repo, mem, &init, &o, &e), &e);
	far_ops = *mem->ops;
	far_ops.far = true;
	mem->ops = &far_ops;
	key_random(bytes, sizeof(bytes));
	return 0;
}

static int teardown(void **state)
{
	repo_close(repo);
	return workdir_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asked),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
