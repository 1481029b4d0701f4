/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/map.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/lib/check.h"

/* The model: keys are small numbers, spread or piled on one place. */
#define KEYS 3000u
struct model {
	bool there[KEYS];
	uint64_t value[KEYS];
	size_t count;
};

static void make_key(uint8_t key[16], unsigned n, bool piled)
{
	uint64_t h = piled ? n % 3 : (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
	uint64_t low = n + 1;

	memcpy(key, &h, 8);
	memcpy(key + 8, &low, 8);
}

static void assert_same(const struct map *m, const struct model *o, bool piled)
{
	uint8_t key[16];
	uint64_t *v;
	unsigned n;

	assert_int_equal(m->count, o->count);
	assert_true(m->size == 0 || (m->size & (m->size - 1)) == 0);
	assert_true(m->count <= m->size / 4 * 3);
	for (n = 0; n < KEYS; n++) {
		make_key(key, n, piled);
		v = map_get(m, key);
		assert_int_equal(v != NULL, o->there[n]);
		if (v)
			assert_true(*v == o->value[n]);
	}
}

static void run_model(bool piled, unsigned steps)
{
	struct map m = MAP_INIT;
	struct model o = { 0 };
	struct err e;
	uint8_t key[16];
	uint64_t *v, rng = 1;
	unsigned i, n;
	bool was;

	for (i = 0; i < steps; i++) {
		rng = rng * 6364136223846793005u + 1442695040888963407u;
		n = (unsigned)(rng >> 33) % KEYS;
		make_key(key, n, piled);
		check_ok(map_put(&m, key, &v, &was, &e), &e);
		assert_int_equal(was, o.there[n]);
		assert_true(m.count <= m.size / 4 * 3);
		assert_true(*v == o.value[n]);
		*v = rng;
		o.count += !was;
		o.there[n] = true;
		o.value[n] = rng;
		if (i % (steps / 5) == 0)
			assert_same(&m, &o, piled);
		if (i == steps / 2) {
			map_clear(&m);
			memset(&o, 0, sizeof(o));
			assert_same(&m, &o, piled);
		}
	}
	assert_same(&m, &o, piled);
	map_release(&m);
	map_release(&m);
	memset(&o, 0, sizeof(o));
	assert_same(&m, &o, piled);
}

static void test_model(void **state)
{
	(void)state;
	run_model(false, 20000);
	run_model(true, 4000);
}

static void test_zero_key(void **state)
{
	static const uint8_t zero[16];
	struct map m = MAP_INIT;
	struct err e;
	uint64_t *v;
	bool was;
	uint8_t key[16] = { 0 };

	(void)state;
	assert_null(map_get(&m, zero));
	check_err(map_put(&m, zero, &v, &was, &e), ERR_CORRUPT, &e);
	key[15] = 1;
	check_ok(map_put(&m, key, &v, &was, &e), &e);
	assert_null(map_get(&m, zero));
	check_err(map_put(&m, zero, &v, &was, &e), ERR_CORRUPT, &e);
	assert_int_equal(m.count, 1);
	map_release(&m);
}

/* Growing fails: everything that was there still is. */
static void test_no_memory(void **state)
{
	struct map m = MAP_INIT;
	struct err e;
	uint8_t key[16];
	uint64_t *v;
	unsigned n, fails = 0;
	bool was;

	(void)state;
	for (n = 0; n < 1000; n++) {
		make_key(key, n, false);
		mem_fail(1, 0);
		if (map_put(&m, key, &v, &was, &e) < 0) {
			fails++;
			assert_int_equal(e.code, ERR_NOMEM);
			assert_null(map_get(&m, key));
			assert_int_equal(m.count, n);
			check_ok(map_put(&m, key, &v, &was, &e), &e);
		}
		mem_fail(0, 0);
		*v = n;
	}
	assert_int_equal(fails, 6);	/* 64, 128, ... 2048 */
	for (n = 0; n < 1000; n++) {
		make_key(key, n, false);
		assert_true(*map_get(&m, key) == n);
	}
	map_release(&m);
}

static void test_sizes(void **state)
{
	char *p;
	size_t i;

	(void)state;
	assert_null(mem_alloc(SIZE_MAX));
	assert_null(mem_alloc((size_t)PTRDIFF_MAX + 1));
	assert_null(mem_array(SIZE_MAX / 2 + 1, 2));
	assert_null(mem_array(SIZE_MAX, SIZE_MAX));
	assert_null(mem_zero(SIZE_MAX / 8 + 1, 8));
	assert_null(mem_resize(NULL, (size_t)1 << 62, 4));
	free(mem_alloc(0));
	p = mem_zero(0, 8);
	assert_non_null(p);
	p = mem_resize(p, 0, 0);
	assert_non_null(p);
	assert_null(mem_resize(p, SIZE_MAX, 2));	/* p is still ours */
	free(p);
	p = mem_zero(1000, 7);
	for (i = 0; i < 7000; i++)
		assert_int_equal(p[i], 0);
	free(p);
	p = mem_dup("ab", 3);
	assert_string_equal(p, "ab");
	free(p);
	p = mem_dup(NULL, 0);
	assert_non_null(p);
	free(p);
	p = mem_str("");
	assert_string_equal(p, "");
	free(p);
	p = mem_printf("%s/%d", "x", 5);
	assert_string_equal(p, "x/5");
	free(p);
}

static void test_fail(void **state)
{
	unsigned i;
	void *p;

	(void)state;
	mem_fail(3, 0);
	for (i = 1; i <= 6; i++) {
		p = i % 2 ? mem_alloc(1) : mem_zero(1, 1);
		assert_int_equal(p == NULL, i == 3);
		free(p);
	}
	mem_fail(3, 1);
	for (i = 1; i <= 6; i++) {
		p = i % 2 ? mem_str("x") : mem_printf("x");
		assert_int_equal(p == NULL, i >= 3);
		free(p);
	}
	mem_fail(0, 0);
	p = mem_alloc(1);
	assert_non_null(p);
	free(p);
}

static atomic_uint failures;

static void *allocate(void *arg)
{
	unsigned i;

	for (i = 0; i < 10000; i++) {
		void *p = mem_alloc(1);

		if (!p)
			atomic_fetch_add(&failures, 1);
		free(p);
	}
	return arg;
}

/* The n-th allocation fails, and no other, whichever thread makes it. */
static void test_fail_threads(void **state)
{
	pthread_t t[4];
	unsigned i, round;

	(void)state;
	for (round = 1; round <= 8; round++) {
		mem_fail(round * 4000, 0);
		for (i = 0; i < 4; i++)
			assert_int_equal(pthread_create(&t[i], NULL, allocate,
				NULL), 0);
		for (i = 0; i < 4; i++)
			pthread_join(t[i], NULL);
		assert_int_equal(atomic_load(&failures), round);
	}
	mem_fail(0, 0);
}

static int64_t fixed_wall(void)
{
	return 12345;
}

static void test_clock(void **state)
{
	int64_t a = clock_mono_nsec(), b = clock_mono_nsec();

	(void)state;
	assert_true(a <= b);
	assert_true(clock_wall_nsec() > INT64_C(1600000000) * 1000000000);
	clock_set_wall(fixed_wall);
	assert_true(clock_wall_nsec() == 12345);
	clock_set_wall(NULL);
	assert_true(clock_wall_nsec() > INT64_C(1600000000) * 1000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_zero_key),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_fail),
		cmocka_unit_test(test_fail_threads),
		cmocka_unit_test(test_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
