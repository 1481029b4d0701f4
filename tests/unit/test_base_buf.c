/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strv.h"
#include "tests/lib/check.h"

static void assert_sane(const struct buf *b)
{
	assert_true(b->len <= b->cap);
	assert_true(b->max == 0 || b->len <= b->max);
	assert_true(b->max == 0 || b->cap <= b->max + 1);
	assert_true(b->p != NULL || b->cap == 0);
}

/* Every byte that went in comes out, whatever the steps were. */
static void test_append(void **state)
{
	struct buf b = BUF_INIT;
	uint8_t piece[257], expect = 0;
	size_t n, i, total = 0;
	struct err e;

	(void)state;
	for (n = 0; n < sizeof(piece); n++) {
		for (i = 0; i < n; i++)
			piece[i] = (uint8_t)((total + i) * 7);
		check_ok(buf_append(&b, piece, n, &e), &e);
		total += n;
		assert_int_equal(b.len, total);
		assert_sane(&b);
	}
	for (i = 0; i < total; i++, expect = (uint8_t)(expect + 7))
		assert_int_equal(b.p[i], expect);
	check_ok(buf_append(&b, NULL, 0, &e), &e);
	buf_clear(&b);
	assert_int_equal(b.len, 0);
	assert_true(b.cap >= total);
	buf_release(&b);
	buf_release(&b);
	buf_release(NULL);
	assert_null(b.p);
}

static void test_limit(void **state)
{
	struct buf b = { .max = 100 };
	uint8_t x[101] = { 0 };
	struct err e;

	(void)state;
	check_err(buf_append(&b, x, 101, &e), ERR_CORRUPT, &e);
	assert_int_equal(b.len, 0);
	check_ok(buf_append(&b, x, 99, &e), &e);
	assert_sane(&b);
	check_err(buf_append(&b, x, 2, &e), ERR_CORRUPT, &e);
	check_err(buf_resize(&b, 101, &e), ERR_CORRUPT, &e);
	assert_int_equal(b.len, 99);
	check_ok(buf_resize(&b, 100, &e), &e);
	assert_sane(&b);
	/* the room for the NUL is not room for a byte */
	check_ok(buf_cstr(&b, &e), &e);
	assert_sane(&b);
	check_err(buf_append(&b, x, 1, &e), ERR_CORRUPT, &e);
	check_err(buf_reserve(&b, SIZE_MAX, &e), ERR_NOMEM, &e);
	check_err(buf_reserve(&b, SIZE_MAX - b.len, &e), ERR_CORRUPT, &e);
	buf_release(&b);
	assert_int_equal(b.max, 100);
}

static void test_text(void **state)
{
	struct buf b = { .max = 10 };
	struct err e;

	(void)state;
	check_ok(buf_cstr(&b, &e), &e);
	assert_string_equal((char *)b.p, "");
	check_ok(buf_printf(&b, &e, "%s-%d", "abc", 12), &e);
	check_err(buf_printf(&b, &e, "%s", "12345"), ERR_CORRUPT, &e);
	assert_int_equal(b.len, 6);
	check_ok(buf_printf(&b, &e, "%s", "wxyz"), &e);
	assert_int_equal(b.len, 10);
	check_ok(buf_cstr(&b, &e), &e);
	assert_string_equal((char *)b.p, "abc-12wxyz");
	check_ok(buf_printf(&b, &e, "%s", ""), &e);
	buf_release(&b);
}

static void test_huge(void **state)
{
	struct buf b = BUF_INIT;
	struct err e;

	(void)state;
	check_err(buf_reserve(&b, SIZE_MAX, &e), ERR_NOMEM, &e);
	check_err(buf_reserve(&b, (size_t)PTRDIFF_MAX + 1, &e), ERR_NOMEM,
		&e);
	check_ok(buf_append(&b, "x", 1, &e), &e);
	check_err(buf_reserve(&b, SIZE_MAX, &e), ERR_NOMEM, &e);
	assert_int_equal(b.len, 1);
	assert_int_equal(b.p[0], 'x');
	buf_release(&b);
}

static void test_take_and_swap(void **state)
{
	struct buf a = BUF_INIT, b = { .max = 5 };
	struct err e;
	uint8_t *p;
	size_t n;

	(void)state;
	assert_null(buf_take(&a, &n));
	assert_int_equal(n, 0);
	check_ok(buf_append(&a, "long text", 9, &e), &e);
	buf_swap(&a, &b);
	assert_int_equal(a.max, 5);
	assert_int_equal(a.len, 0);
	p = buf_take(&b, &n);
	assert_int_equal(n, 9);
	assert_memory_equal(p, "long text", 9);
	assert_null(b.p);
	assert_int_equal(b.cap, 0);
	free(p);
	check_ok(buf_append(&b, "x", 1, &e), &e);
	free(buf_take(&b, NULL));
}

/* Whatever fails, the bytes are as before. */
static void test_no_memory(void **state)
{
	struct buf b = BUF_INIT;
	struct err e;
	char x[200] = "x";

	(void)state;
	check_ok(buf_append(&b, x, 60, &e), &e);
	mem_fail(1, 1);
	check_err(buf_append(&b, x, 200, &e), ERR_NOMEM, &e);
	check_err(buf_printf(&b, &e, "%200d", 1), ERR_NOMEM, &e);
	check_err(buf_resize(&b, 200, &e), ERR_NOMEM, &e);
	check_ok(buf_resize(&b, 64, &e), &e);
	check_err(buf_cstr(&b, &e), ERR_NOMEM, &e);
	mem_fail(0, 0);
	assert_int_equal(b.len, 64);
	assert_memory_equal(b.p, x, 60);
	buf_release(&b);
}

static void test_strv(void **state)
{
	struct strv s = STRV_INIT;
	struct err e;
	char word[8];
	unsigned i;

	(void)state;
	strv_sort(&s);
	assert_null(s.v);
	for (i = 0; i < 300; i++) {
		snprintf(word, sizeof(word), "%03u", i * 7 % 300);
		check_ok(strv_add(&s, word, &e), &e);
		assert_int_equal(s.n, i + 1);
		assert_null(s.v[s.n]);
		assert_true(s.n < s.cap);
	}
	strv_sort(&s);
	for (i = 0; i < 300; i++) {
		snprintf(word, sizeof(word), "%03u", i);
		assert_string_equal(s.v[i], word);
	}
	assert_null(s.v[300]);
	strv_release(&s);
	strv_release(&s);
	strv_release(NULL);
	check_ok(strv_add(&s, "\xff", &e), &e);
	check_ok(strv_add(&s, "a", &e), &e);
	strv_sort(&s);		/* by unsigned bytes */
	assert_string_equal(s.v[0], "a");
	strv_release(&s);
}

static void test_strv_no_memory(void **state)
{
	struct strv s = STRV_INIT;
	struct err e;
	unsigned long at;

	(void)state;
	check_err(strv_take(&s, NULL, &e), ERR_NOMEM, &e);
	for (at = 1; at <= 2; at++) {
		mem_fail(at, 0);
		check_err(strv_add(&s, "x", &e), ERR_NOMEM, &e);
		assert_int_equal(s.n, 0);
	}
	check_ok(strv_add(&s, "x", &e), &e);
	while (s.n + 1 < s.cap)
		check_ok(strv_add(&s, "y", &e), &e);
	mem_fail(2, 0);
	check_err(strv_add(&s, "z", &e), ERR_NOMEM, &e);
	mem_fail(0, 0);
	assert_string_equal(s.v[0], "x");
	assert_null(s.v[s.n]);
	check_ok(strv_add(&s, "z", &e), &e);
	strv_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_huge),
		cmocka_unit_test(test_take_and_swap),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_strv),
		cmocka_unit_test(test_strv_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
