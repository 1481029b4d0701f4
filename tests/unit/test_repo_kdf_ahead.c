/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hash of a passphrase that is made during the login: of what, when, and
 * what it is good for.  That a repository opens with it:
 * tests/cases/sftp_local.sh.
 */
#include "repo/kdf_ahead.h"

#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/check.h"
#include "tests/lib/workdir.h"

#define URL "ssh://host/repository"

static unsigned asked;
static bool refuses;

static int give(char **out, const char *url, unsigned attempt, bool confirm,
		void *ctx, struct err *e)
{
	assert_string_equal(url, URL);
	assert_int_equal(attempt, 0);
	assert_false(confirm);
	assert_null(ctx);
	asked++;
	if (refuses)
		return err_set(e, ERR_AUTH, "nobody knows");
	*out = key_alloc(8);
	memcpy(*out, "secret", 7);
	return 0;
}

static const struct repo_opts opts = { .pass_unasked = give };

static struct key_kdf par_of(uint8_t salt)
{
	struct key_kdf par = { .passes = 1, .mem_kib = 64 };

	memset(par.salt, salt, sizeof(par.salt));
	return par;
}

static void keep(uint8_t salt)
{
	struct key_kdf par = par_of(salt);
	struct kdf_ahead *a = kdf_ahead_new(URL, &opts);

	kdf_ahead_keep(a, &par);
	kdf_ahead_free(a);
	asked = 0;
}

static void test_first(void **state)
{
	struct key_kdf par = par_of(1);
	struct kdf_ahead *a = kdf_ahead_new(URL, &opts);

	(void)state;
	assert_non_null(a);
	assert_null(kdf_ahead_pass(a));
	assert_null(kdf_ahead_hash(a, "secret", &par));
	assert_int_equal(asked, 0);
	kdf_ahead_free(a);
	assert_null(kdf_ahead_new("/a/path", &opts));
	kdf_ahead_keep(NULL, &par);
	kdf_ahead_free(NULL);
	assert_null(kdf_ahead_pass(NULL));
}

static void test_again(void **state)
{
	struct key_kdf par = par_of(2), other = par_of(3);
	const struct key *hash;
	struct kdf_ahead *a;
	struct key want;
	struct err e;
	char *pass;

	(void)state;
	keep(2);
	a = kdf_ahead_new(URL, &opts);
	assert_int_equal(asked, 1);
	pass = kdf_ahead_pass(a);
	assert_string_equal(pass, "secret");
	assert_null(kdf_ahead_pass(a));
	check_ok(key_kdf(&want, &par, "secret", 6, &e), &e);
	hash = kdf_ahead_hash(a, pass, &par);
	assert_non_null(hash);
	assert_memory_equal(hash, &want, sizeof(want));
	assert_ptr_equal(kdf_ahead_hash(a, "secret", &par), hash);
	assert_null(kdf_ahead_hash(a, "another", &par));
	assert_null(kdf_ahead_hash(a, pass, &other));
	other = par;
	other.passes++;
	assert_null(kdf_ahead_hash(a, pass, &other));
	key_free(pass);
	kdf_ahead_free(a);
	/* Nobody wants the hash, or the passphrase. */
	kdf_ahead_free(kdf_ahead_new(URL, &opts));
}

static void test_refused(void **state)
{
	struct key_kdf par = par_of(2);
	struct kdf_ahead *a;

	(void)state;
	keep(2);
	refuses = true;
	a = kdf_ahead_new(URL, &opts);
	refuses = false;
	assert_int_equal(asked, 1);
	assert_null(kdf_ahead_pass(a));
	assert_null(kdf_ahead_hash(a, "secret", &par));
	kdf_ahead_free(a);
}

/* What cannot be is not made, and what is damaged is not there. */
static void test_bad_file(void **state)
{
	struct key_kdf par = par_of(4);
	struct kdf_ahead *a;
	glob_t found;
	char byte;
	int fd;

	(void)state;
	par.passes = 1000;
	a = kdf_ahead_new(URL, &opts);
	kdf_ahead_keep(a, &par);
	kdf_ahead_free(a);
	a = kdf_ahead_new(URL, &opts);
	assert_null(kdf_ahead_hash(a, "secret", &par));
	kdf_ahead_free(a);
	keep(4);
	assert_int_equal(glob("cache/kdf/*", 0, NULL, &found), 0);
	assert_int_equal(found.gl_pathc, 1);
	fd = open(found.gl_pathv[0], O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, 20), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, 20), 1);
	close(fd);
	globfree(&found);
	kdf_ahead_free(kdf_ahead_new(URL, &opts));
	assert_int_equal(asked, 0);
	keep(4);
	kdf_ahead_free(kdf_ahead_new(URL, &opts));
	assert_int_equal(asked, 1);
	kdf_ahead_forget(URL);
	kdf_ahead_free(kdf_ahead_new(URL, &opts));
	assert_int_equal(asked, 1);
	kdf_ahead_made(URL, &par);
	kdf_ahead_free(kdf_ahead_new(URL, &opts));
	assert_int_equal(asked, 2);
}

static int setup(void **state)
{
	asked = 0;
	workdir_setup(state);
	setenv("MUNIMENT_CACHE_DIR", "cache", 1);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, workdir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first), TEST(test_again), TEST(test_refused),
		TEST(test_bad_file),
	};
	struct err e;

	check_ok(key_setup(&e), &e);
	key_kdf_floor(64);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
