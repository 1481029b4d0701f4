/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/digits.h"
#include "format/names.h"
#include "format/node.h"
#include "tests/lib/check.h"

static uint64_t random_state;
static uint64_t next_random(void)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1;
	return random_state >> 33;
}

static void check_digits(uint64_t v, unsigned width)
{
	char want[40], tail[] = "9/:\0\377x", text[60];
	uint8_t got[40];
	uint64_t back;
	unsigned i, len = (unsigned)snprintf(want, sizeof(want), "%0*llu",
		(int)width, (unsigned long long)v);

	if (width == 1)
		assert_int_equal(digits_count(v), len);
	memset(got, 'x', sizeof(got));
	assert_ptr_equal(digits_put(got, v, len), got + len);
	assert_memory_equal(got, want, len);
	for (i = 0; i < sizeof(tail) - 1; i++) {
		memcpy(text, want, len);
		memset(text + len, tail[i], 10);
		if (tail[i] == '9')
			assert_int_equal(digits_get((uint8_t *)text, len,
						    &back), len);
		else
			assert_int_equal(digits_get((uint8_t *)text, len + 10,
						    &back), len);
		assert_int_equal(back, v);
	}
}

static void test_digits(void **state)
{
	uint64_t v = 0, power;
	unsigned i, width;

	(void)state;
	random_state = 7;
	for (power = 1, i = 0; i < 18; i++, power *= 10)
		for (width = 1; width <= 18; width++) {
			check_digits(power - 1, width);
			check_digits(power, width);
			check_digits(power * 9 + power / 9, width);
		}
	for (i = 0; i < 20000; i++) {
		v = (v ^ next_random()) * UINT64_C(0x9e3779b97f4a7c15);
		check_digits((v >> v % 60) % 1000000000000000000,
			     1 + i % 18);
	}
}

/* Encode, decode, compare, encode again.  Returns the columns of numbers. */
static unsigned round_trip(const struct names_name *name, unsigned n)
{
	uint8_t room[60000], again[60000], *end = room, *end2 = again, *block;
	struct names_name back[COLUMN_ROWS];
	struct column_tab t, t2;
	struct err e = { 0 };
	struct rd r;
	unsigned i;

	t.n = t2.n = 0;
	check_ok(names_put(&end, &t, name, n, &e), &e);
	rd_init(&r, room, (size_t)(end - room));
	check_ok(names_get(&r, &t2, back, n, &block, &e), &e);
	assert_true(rd_done(&r));
	assert_int_equal(t.n, t2.n);
	for (i = 0; i < n; i++) {
		assert_int_equal(back[i].len, name[i].len);
		assert_memory_equal(back[i].p, name[i].p, name[i].len);
	}
	t.n = 0;
	check_ok(names_put(&end2, &t, back, n, &e), &e);
	assert_int_equal(end2 - again, end - room);
	assert_memory_equal(again, room, (size_t)(end - room));
	free(block);
	return t2.n;
}

static int cmp_names(const void *a, const void *b)
{
	const struct names_name *x = a, *y = b;

	return node_name_cmp(x->p, x->len, y->p, y->len);
}

static struct names_name name_of(const char *s)
{
	return (struct names_name){ (const uint8_t *)s, (uint16_t)strlen(s) };
}

/* Names whose numbers are odd in some way, and how many they have. */
static void test_odd(void **state)
{
	static const struct {
		const char *name;
		unsigned numbers;
	} t[] = {
		{ "0", 0 }, { "00", 1 }, { "000", 1 }, { "01", 1 },
		{ "1", 0 }, { "10", 1 }, { "100", 1 },
		{ "999999999999999999", 1 }, { "9999999999999999999", 0 },
		{ "000000000000000001", 1 }, { "0000000000000000001", 0 },
		{ "12a", 0 }, { "a12", 0 }, { "12g", 1 }, { "g12", 1 },
		{ "g12g", 1 }, { "g12.34.56.78.90.11.22.33.44.55", 8 },
		{ "x99A", 0 }, { "x99G", 1 }, { "IMG_0001", 1 },
		{ "IMG_0002", 1 }, { "IMG_10", 1 }, { "IMG_9", 0 },
		{ "1-22-333-4444", 3 }, { "-22-", 1 },
		{ "18446744073709551615", 0 }, { "\1" "55\1", 1 },
		{ "a.44", 1 }, { "a.44.", 1 }, { "a.4.", 0 },
		{ "550e8400-e29b-41d4-a716-446655440000", 1 },
		{ "1795380469.M531106P20076.3a2f1b,S=316,W=326:2,S", 5 }
	};
	const unsigned n = sizeof(t) / sizeof(t[0]);
	struct names_name name[sizeof(t) / sizeof(t[0])];
	unsigned i;

	(void)state;
	for (i = 0; i < n; i++) {
		name[i] = name_of(t[i].name);
		if (round_trip(&name[i], 1) != t[i].numbers)
			fail_msg("'%s'", t[i].name);
	}
	qsort(name, n, sizeof(name[0]), cmp_names);
	assert_int_equal(round_trip(name, n), 8);
}

/* As long and as many as they can be. */
static void test_longest(void **state)
{
	char text[COLUMN_ROWS][256];
	struct names_name name[COLUMN_ROWS];
	unsigned i, j;

	(void)state;
	for (i = 0; i < COLUMN_ROWS; i++) {
		memset(text[i], '7', 255);
		text[i][255] = '\0';
		for (j = 0; j < 255; j += 19)
			text[i][j] = '.';
		snprintf(text[i] + 1, 4, "%03u", i);
		text[i][4] = (char)(128 + i % 64);
		name[i] = name_of(text[i]);
	}
	round_trip(name, 1);
	round_trip(name, COLUMN_ROWS / 2);
}

static void test_refused(void **state)
{
	static const struct {
		const char *a, *b;
	} t[] = {
		{ "", NULL }, { ".", NULL }, { "..", NULL }, { "a/b", NULL },
		{ "a", "a" }, { "b", "a" }, { "ab", "a" },
		{ "x10", "x10" }, { "x20", "x10" }
	};
	uint8_t room[1000], *p;
	struct names_name name[2];
	struct column_tab tab;
	struct err e = { 0 };
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		name[0] = name_of(t[i].a);
		name[1] = name_of(t[i].b ? t[i].b : "z");
		p = room;
		tab.n = 0;
		check_err(names_put(&p, &tab, name, 2, &e), ERR_CORRUPT, &e);
	}
	name[0] = (struct names_name){ (const uint8_t *)"a\0b", 3 };
	p = room;
	tab.n = 0;
	check_err(names_put(&p, &tab, name, 1, &e), ERR_CORRUPT, &e);
}

static bool decodes(const uint8_t *p, size_t len, unsigned n)
{
	struct names_name name[COLUMN_ROWS];
	struct column_tab t;
	uint8_t *block;
	struct rd r;

	t.n = 0;
	rd_init(&r, p, len);
	assert_int_equal(names_get(&r, &t, name, n, &block, NULL), 0);
	free(block);
	return rd_done(&r);
}

/* Other forms of what names_put would have written. */
static void test_one_form(void **state)
{
	(void)state;
#define DECODES(n, s) decodes((const uint8_t *)s, sizeof(s) - 1, n)
	assert_true(DECODES(2, "\3" "\0\0" "\0\1" "\1\1" "ab"));
	assert_false(DECODES(2, "\3" "\0\0" "\0\0" "\1\2" "aab"));
	/* x10, x20: the shape x0, new or used again; modes of a column */
	assert_true(DECODES(2, "\6" "\0\1" "\0" "\2" "x\0" "\1\12\24"));
	assert_false(DECODES(2, "\6" "\0\0" "\0\2" "\2\0" "x\0"
			     "\1\12\24"));
	assert_false(DECODES(2, "\6" "\0\1" "\0" "\2" "x\0" "\2\24\24"));
	assert_false(DECODES(2, "\6" "\0\2" "\0" "\2" "x\0" "\1\12\24"));
	/* one name: all its values are the same */
	assert_true(DECODES(1, "\3" "\0" "\0" "\2" "x\0" "\0\12"));
	assert_false(DECODES(1, "\3" "\0" "\0" "\2" "x\0" "\1\12"));
	/* a number of one digit, text that is a number, a wrong total */
	assert_false(DECODES(1, "\2" "\0" "\0" "\2" "x\0" "\0\11"));
	assert_false(DECODES(1, "\3" "\0" "\0" "\3" "x10"));
	assert_false(DECODES(1, "\4" "\0" "\0" "\2" "x\0" "\0\12"));
	/* next to a letter of a hexadecimal number, or to another number */
	assert_false(DECODES(1, "\3" "\0" "\0" "\2" "a\0" "\0\12"));
	assert_false(DECODES(1, "\4" "\0" "\0" "\2" "\0\0" "\0\12\0\12"));
	/* 007: three digits, and no more than its width */
	assert_true(DECODES(1, "\3" "\0" "\0" "\2" "/\3" "\0\7"));
	assert_false(DECODES(1, "\3" "\0" "\0" "\2" "/\3" "\0\144"));
#undef DECODES
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digits),
		cmocka_unit_test(test_odd),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_one_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
