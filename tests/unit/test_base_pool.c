/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/lib/check.h"

#define ITEMS 200u

struct item {
	struct job job;
	unsigned n;
	uint64_t result;
	unsigned runs;
};

struct work {
	unsigned nthread;
	unsigned bad;			/* this item fails; ITEMS: none */
	atomic_uint running, most;
	atomic_uint worker_out_of_range;
};

static void work_item(struct job *j, unsigned worker, void *ctx)
{
	struct item *it = (struct item *)j;
	struct work *w = ctx;
	unsigned now = atomic_fetch_add(&w->running, 1) + 1;
	unsigned most = atomic_load(&w->most), i;

	while (now > most &&
	       !atomic_compare_exchange_weak(&w->most, &most, now))
		;
	if (worker >= (w->nthread ? w->nthread : 1))
		atomic_fetch_add(&w->worker_out_of_range, 1);
	it->runs++;
	/* the later an item was put the sooner it is done, now and then */
	for (i = 0; i < (it->n % 7 == 0 ? 20000u : 10u); i++)
		it->result = it->result * 6364136223846793005u + it->n + 1;
	if (it->n == w->bad)
		err_set(&j->err, ERR_IO, "item %u", it->n);
	atomic_fetch_sub(&w->running, 1);
}

/* Hash of all that came back, in order.  The asserts are the contract. */
static uint64_t run_items(unsigned nthread, unsigned max, unsigned bad)
{
	struct work w = { .nthread = nthread, .bad = bad };
	struct item *item = mem_zero(ITEMS, sizeof(*item));
	struct pool *p = pool_new(nthread, max, work_item, &w);
	unsigned put = 0, taken = 0, failed = 0;
	uint64_t hash = 0;
	struct item *it;

	assert_non_null(item);
	assert_non_null(p);
	assert_null(pool_take(p));
	while (taken < ITEMS) {
		while (put < ITEMS && !pool_full(p)) {
			item[put].n = put;
			item[put].job.err.code = ERR_BUSY;	/* stale */
			pool_put(p, &item[put].job);
			put++;
			assert_false(pool_empty(p));
		}
		assert_true(put - taken <= max);
		it = (struct item *)pool_take(p);
		assert_ptr_equal(it, &item[taken]);
		assert_int_equal(it->job.ticket, taken);
		assert_true(it->job.done);
		assert_int_equal(it->runs, 1);
		hash = hash * 31 + it->result;
		hash = hash * 31 + (uint64_t)-it->job.err.code;
		failed += it->job.err.code != ERR_OK;
		taken++;
	}
	assert_true(pool_empty(p));
	assert_null(pool_take(p));
	assert_false(pool_ready(p));
	assert_int_equal(failed, bad < ITEMS);
	assert_int_equal(w.worker_out_of_range, 0);
	assert_true(w.most <= (nthread ? nthread : 1));
	pool_free(p);
	free(item);
	return hash;
}

/* Serial or with any number of threads: the same. */
static void test_same_results(void **state)
{
	static const unsigned threads[] = { 0, 1, 2, 4, 8 };
	static const unsigned max[] = { 1, 2, 3, 16, ITEMS, 2 * ITEMS };
	uint64_t want = run_items(0, 16, ITEMS);
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(threads) / sizeof(threads[0]); i++)
		for (k = 0; k < sizeof(max) / sizeof(max[0]); k++)
			assert_true(run_items(threads[i], max[k], ITEMS) ==
				want);
}

static void test_each_fails(void **state)
{
	static const unsigned threads[] = { 1, 2, 4, 8 };
	unsigned bad;
	size_t i;

	(void)state;
	for (bad = 0; bad < ITEMS; bad++) {
		uint64_t want = run_items(0, 16, bad);

		i = bad % (sizeof(threads) / sizeof(threads[0]));
		assert_true(run_items(threads[i], 16, bad) == want);
		assert_true(want != run_items(0, 16, ITEMS));
	}
}

static void test_ready(void **state)
{
	static const unsigned threads[] = { 0, 1, 3 };
	struct work w = { .nthread = 3, .bad = ITEMS };
	struct item item[2] = { { .n = 0 }, { .n = 1 } };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(threads) / sizeof(threads[0]); i++) {
		struct pool *p = pool_new(threads[i], 2, work_item, &w);

		assert_non_null(p);
		assert_false(pool_ready(p));
		pool_put(p, &item[0].job);
		pool_put(p, &item[1].job);
		assert_true(pool_full(p));
		while (!pool_ready(p))
			usleep(100);
		assert_ptr_equal(pool_take(p), &item[0].job);
		assert_false(pool_full(p));
		assert_ptr_equal(pool_take(p), &item[1].job);
		pool_free(p);
	}
	pool_free(NULL);
}

/* Jobs do run side by side: each waits until the other has begun. */
static void meet(struct job *j, unsigned worker, void *ctx)
{
	(void)j;
	(void)worker;
	pthread_barrier_wait(ctx);
}

static void test_side_by_side(void **state)
{
	pthread_barrier_t both;
	struct job j[2] = { 0 };
	struct pool *p;

	(void)state;
	assert_int_equal(pthread_barrier_init(&both, NULL, 2), 0);
	p = pool_new(2, 2, meet, &both);
	assert_non_null(p);
	pool_put(p, &j[0]);
	pool_put(p, &j[1]);
	assert_ptr_equal(pool_take(p), &j[0]);
	assert_ptr_equal(pool_take(p), &j[1]);
	pool_free(p);
	pthread_barrier_destroy(&both);
}

/* A signal for the process must reach its owner, not a worker. */
static void look_at_mask(struct job *j, unsigned worker, void *ctx)
{
	sigset_t *set = ctx;

	(void)j;
	(void)worker;
	pthread_sigmask(SIG_SETMASK, NULL, set);
}

static void test_signals(void **state)
{
	sigset_t theirs, before, after;
	struct job j = { 0 };
	struct pool *p;

	(void)state;
	sigemptyset(&theirs);
	sigemptyset(&before);
	sigaddset(&before, SIGUSR2);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	p = pool_new(1, 1, look_at_mask, &theirs);
	assert_non_null(p);
	pool_put(p, &j);
	pool_take(p);
	pool_free(p);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	assert_true(sigismember(&theirs, SIGINT));
	assert_true(sigismember(&theirs, SIGTERM));
	assert_false(sigismember(&after, SIGINT));
	assert_true(sigismember(&after, SIGUSR2));
	sigemptyset(&before);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void test_no_memory(void **state)
{
	struct work w = { .bad = ITEMS };
	unsigned long at;

	(void)state;
	for (at = 1; at <= 2; at++) {
		mem_fail(at, 0);
		assert_null(pool_new(2, 2, work_item, &w));
	}
	mem_fail(0, 0);
}

static void put_into_full(void *arg)
{
	struct job j[2] = { 0 };
	struct pool *p = pool_new(0, 1, work_item, arg);

	pool_put(p, &j[0]);
	pool_put(p, &j[1]);
}

static void free_with_jobs(void *arg)
{
	struct job j = { 0 };
	struct pool *p = pool_new(0, 1, work_item, arg);

	pool_put(p, &j);
	pool_free(p);
}

static void test_bugs(void **state)
{
	struct work w = { .bad = ITEMS };

	(void)state;
	check_bug(put_into_full, &w);
	check_bug(free_with_jobs, &w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_results),
		cmocka_unit_test(test_each_fails),
		cmocka_unit_test(test_ready),
		cmocka_unit_test(test_side_by_side),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_bugs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
