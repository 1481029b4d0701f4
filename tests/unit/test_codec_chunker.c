/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "codec/chunker.h"

#define DATA_BYTES (10u << 20)
#define MANY_BYTES (128u << 20)

static struct chunker chunker;
static uint8_t *data;

/* xorshift64, as the Python that computed the cuts has it. */
static uint8_t *noise(uint64_t x, size_t len)
{
	uint8_t *p = mem_alloc(len);
	size_t i, k;

	assert_non_null(p);
	for (i = 0; i < len; i += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		for (k = 0; k < 8; k++)
			p[i + k] = (uint8_t)(x >> 8 * k);
	}
	return p;
}

static int setup(void **state)
{
	struct key k;
	uint8_t i;

	(void)state;
	if (key_setup(NULL) < 0)
		return -1;
	for (i = 0; i < sizeof(k.b); i++)
		k.b[i] = i;
	chunker_init(&chunker, &k);
	data = noise(UINT64_C(0x9e3779b97f4a7c15), DATA_BYTES);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(data);
	return 0;
}

/* From ChaCha20 and the rule above chunker_cut, written out in Python. */
static void test_known(void **state)
{
	static const size_t want[] = {
		1168918, 1160289, 1080483, 1140345, 1101230, 1082276, 1080130,
		1409087, 1050154, 212848
	};
	size_t i, at = 0;

	(void)state;
	assert_true(chunker.gear[0] == UINT64_C(0x6a19c5d97d2bfd39));
	assert_true(chunker.gear[255] == UINT64_C(0x7343d61fb3c443b8));
	for (i = 0; i < sizeof(want) / sizeof(*want); i++) {
		assert_int_equal(chunker_cut(&chunker, data + at,
			DATA_BYTES - at), want[i]);
		at += want[i];
	}
	assert_int_equal(at, DATA_BYTES);
}

static void test_another_key(void **state)
{
	struct key k = { { 1 } };
	struct chunker other;

	(void)state;
	chunker_init(&other, &k);
	assert_int_not_equal(chunker_cut(&other, data, DATA_BYTES), 1168918);
}

/* What is not there is not read: under a sanitizer the copy ends exactly. */
static void test_short(void **state)
{
	static const size_t len[] = {
		1, 63, 64, 1000, CHUNKER_MIN_BYTES - 1, CHUNKER_MIN_BYTES,
		CHUNKER_MIN_BYTES + 1, CHUNKER_MIN_BYTES + 2,
		CHUNKER_TARGET_BYTES - 1, CHUNKER_TARGET_BYTES,
		CHUNKER_TARGET_BYTES + 1, 1168917, 1168918
	};
	uint8_t *p;
	size_t i;

	(void)state;
	assert_int_equal(chunker_cut(&chunker, data, 0), 0);
	for (i = 0; i < sizeof(len) / sizeof(*len); i++) {
		p = mem_dup(data, len[i]);
		assert_non_null(p);
		assert_int_equal(chunker_cut(&chunker, p, len[i]), len[i]);
		free(p);
	}
	assert_int_equal(chunker_cut(&chunker, data, 1168919), 1168918);
}

/* Nothing to cut at: the limit holds, and bytes after it do not matter. */
static void test_constant(void **state)
{
	uint8_t *p = mem_zero(CHUNKER_MAX_BYTES + 100, 1);

	(void)state;
	assert_non_null(p);
	assert_int_equal(chunker_cut(&chunker, p, CHUNKER_MAX_BYTES + 100),
		CHUNKER_MAX_BYTES);
	assert_int_equal(chunker_cut(&chunker, p, CHUNKER_MAX_BYTES),
		CHUNKER_MAX_BYTES);
	assert_int_equal(chunker_cut(&chunker, p, CHUNKER_MAX_BYTES - 1),
		CHUNKER_MAX_BYTES - 1);
	free(p);
}

/*
 * The hash is of the 64 bytes before a cut and of no others.  This window was
 * searched for: its highest 22 bits are zero, and the lowest bit of gear['+']
 * is not that of gear['-'].
 */
static void test_window(void **state)
{
	static const char window[] = "---------------------------------------"
		"------------------00689d0";
	uint8_t *p = mem_zero(CHUNKER_MAX_BYTES, 1);
	size_t at;

	(void)state;
	assert_non_null(p);
	assert_int_equal(sizeof(window) - 1, 64);
	for (at = CHUNKER_MIN_BYTES - 1; at < CHUNKER_MIN_BYTES + 5; at++) {
		memset(p, 0, CHUNKER_MIN_BYTES + 5);
		memcpy(p + at - 64, window, 64);
		memset(p, '+', at - 64);
		assert_int_equal(chunker_cut(&chunker, p, CHUNKER_MAX_BYTES),
			at < CHUNKER_MIN_BYTES ? CHUNKER_MAX_BYTES : at);
		p[at - 64] = '+';
		assert_int_equal(chunker_cut(&chunker, p, CHUNKER_MAX_BYTES),
			CHUNKER_MAX_BYTES);
	}
	free(p);
}

/* After bytes are put in front, the old cuts come again. */
static void test_shift(void **state)
{
	const size_t shift = 12345;
	uint8_t *p = noise(5, shift - 1 + DATA_BYTES + 8);
	size_t a = 0, b = 0, same = 0;

	(void)state;
	memcpy(p + shift, data, DATA_BYTES);
	while (a < DATA_BYTES && b < DATA_BYTES + shift) {
		if (a + shift == b && a)
			same++;
		if (a + shift <= b)
			a += chunker_cut(&chunker, data + a, DATA_BYTES - a);
		else
			b += chunker_cut(&chunker, p + b,
				DATA_BYTES + shift - b);
	}
	assert_true(same >= 5);
	free(p);
}

/* Sizes on random data: 1.19 MiB is what the two masks come to. */
static void test_distribution(void **state)
{
	uint8_t *p = noise(99, MANY_BYTES);
	size_t at = 0, n = 0, early = 0, len;

	(void)state;
	while (MANY_BYTES - at > CHUNKER_MAX_BYTES) {
		len = chunker_cut(&chunker, p + at, MANY_BYTES - at);
		assert_true(len >= CHUNKER_MIN_BYTES);
		assert_true(len < 4 * CHUNKER_TARGET_BYTES);
		early += len <= CHUNKER_TARGET_BYTES;
		at += len;
		n++;
	}
	assert_in_range(at / n, CHUNKER_TARGET_BYTES * 110 / 100,
		CHUNKER_TARGET_BYTES * 130 / 100);
	/* One in eight is expected; six sigma. */
	assert_in_range(early, n / 40, n * 30 / 100);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_another_key),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_constant),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_shift),
		cmocka_unit_test(test_distribution),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
