/* SPDX-License-Identifier: BSD-2-Clause */
/* Open files: found, bounded, closed once, and never the wrong one. */
#include "tests/lib/check.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/os.h"
#include "store/fdcache.h"

static atomic_int opened, closed;

static int count_close(int fd)
{
	atomic_fetch_add(&closed, 1);
	return os_real->close(fd);
}

static int setup(void **state)
{
	static struct os counting;

	(void)state;
	counting = *os_real;
	counting.close = count_close;
	os_now = &counting;
	atomic_store(&opened, 0);
	atomic_store(&closed, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	os_now = os_real;
	return 0;
}

static const char *name_of(char out[65], unsigned n)
{
	snprintf(out, 65, "%056d%08x", 0, n);
	return out;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* As a store does it; the size says which file it is. */
static bool borrow(struct fdcache *c, enum store_kind k, unsigned n,
		   struct fdcache_file *f)
{
	char name[65];

	name_of(name, n);
	if (fdcache_find(c, k, name, f))
		return true;
	f->fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (f->fd < 0)
		abort();
	atomic_fetch_add(&opened, 1);
	f->size = n * 2 + (k == STORE_META);
	fdcache_add(c, k, name, f);
	return false;
}

static void test_find(void **state)
{
	struct fdcache *c = fdcache_new();
	struct fdcache_file f, g;
	char name[65];

	(void)state;
	assert_non_null(c);
	assert_false(borrow(c, STORE_DATA, 1, &f));
	assert_true(borrow(c, STORE_DATA, 1, &g));
	assert_int_equal(f.fd, g.fd);
	assert_int_equal(g.size, 2);
	fdcache_done(c, &f);
	fdcache_done(c, &g);
	assert_false(borrow(c, STORE_META, 1, &f));
	assert_int_equal(f.size, 3);
	fdcache_done(c, &f);
	/* Borrowed while it is dropped: open until it is given back. */
	assert_true(borrow(c, STORE_DATA, 1, &f));
	fdcache_drop(c, STORE_DATA, name_of(name, 1));
	assert_false(fdcache_find(c, STORE_DATA, name, &g));
	assert_true(is_open(f.fd));
	assert_int_equal(fdcache_clear(c), 1);
	fdcache_done(c, &f);
	assert_false(is_open(f.fd));
	fdcache_free(c);
	assert_int_equal(atomic_load(&opened), atomic_load(&closed));
}

static void test_bounds(void **state)
{
	struct fdcache *c = fdcache_new();
	struct fdcache_file f[FDCACHE_SLOTS + 8];
	unsigned i;

	(void)state;
	for (i = 0; i < FDCACHE_SLOTS + 8; i++)
		assert_false(borrow(c, STORE_DATA, i, &f[i]));
	for (i = 0; i < FDCACHE_SLOTS + 8; i++) {
		assert_true(is_open(f[i].fd));
		fdcache_done(c, &f[i]);
	}
	assert_int_equal(atomic_load(&closed), 8);
	/* The first is used again, so the second goes. */
	assert_true(borrow(c, STORE_DATA, 0, &f[0]));
	fdcache_done(c, &f[0]);
	assert_false(borrow(c, STORE_DATA, 1000, &f[0]));
	fdcache_done(c, &f[0]);
	assert_true(borrow(c, STORE_DATA, 0, &f[0]));
	fdcache_done(c, &f[0]);
	assert_false(borrow(c, STORE_DATA, 1, &f[0]));
	fdcache_done(c, &f[0]);
	fdcache_free(c);
	assert_int_equal(atomic_load(&opened), atomic_load(&closed));
}

static void test_age(void **state)
{
	struct fdcache *c = fdcache_new();
	struct fdcache_file f;

	(void)state;
	assert_false(borrow(c, STORE_DATA, 1, &f));
	fdcache_done(c, &f);
	fdcache_expire(c);
	assert_true(borrow(c, STORE_DATA, 1, &f));
	fdcache_done(c, &f);
	fdcache_set_age(c, -1);
	assert_false(borrow(c, STORE_DATA, 1, &f));
	assert_int_equal(atomic_load(&closed), 1);
	fdcache_expire(c);
	assert_true(is_open(f.fd));
	fdcache_done(c, &f);
	fdcache_expire(c);
	assert_false(is_open(f.fd));
	fdcache_free(c);
	assert_int_equal(atomic_load(&opened), atomic_load(&closed));
}

static void *hammer(void *arg)
{
	struct fdcache *c = arg;
	struct fdcache_file f;
	unsigned i, n, seed = (unsigned)(uintptr_t)&f;
	uintptr_t bad = 0;
	char name[65];

	for (i = 0; i < 20000; i++) {
		n = (unsigned)rand_r(&seed) % 100;
		borrow(c, n % 2 ? STORE_DATA : STORE_META, n, &f);
		bad += f.size != n * 2 + !(n % 2) || !is_open(f.fd);
		if (i % 7 == 0)
			fdcache_drop(c, STORE_DATA, name_of(name, n));
		fdcache_done(c, &f);
		if (i % 1000 == 0)
			fdcache_clear(c);
	}
	return (void *)bad;
}

static void test_threads(void **state)
{
	struct fdcache *c = fdcache_new();
	pthread_t tid[4];
	void *bad;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&tid[i], NULL, hammer, c), 0);
	for (i = 0; i < 4; i++) {
		pthread_join(tid[i], &bad);
		assert_null(bad);
	}
	fdcache_free(c);
	assert_int_equal(atomic_load(&opened), atomic_load(&closed));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_find, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_age, setup, teardown),
		cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
