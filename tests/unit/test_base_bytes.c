/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/hex.h"
#include "base/mem.h"
#include "base/oid.h"
#include "base/rd.h"
#include "base/sid.h"
#include "base/wr.h"
#include "tests/lib/check.h"

/* Every power of two, one less and one more. */
static uint64_t edge(unsigned i)
{
	return ((uint64_t)1 << i / 3 % 64) + i % 3 - 1;
}
#define EDGES (3 * 64u)

static void test_round_trip(void **state)
{
	struct buf b = BUF_INIT;
	struct wr w;
	struct rd r;
	struct err e;
	unsigned i;

	(void)state;
	wr_init(&w, &b);
	for (i = 0; i < EDGES; i++) {
		wr_u8(&w, (uint8_t)edge(i));
		wr_le16(&w, (uint16_t)edge(i));
		wr_le24(&w, (uint32_t)edge(i) & 0xffffff);
		wr_le32(&w, (uint32_t)edge(i));
		wr_le64(&w, edge(i));
		wr_varint(&w, edge(i));
		wr_zigzag(&w, (int64_t)edge(i));
		wr_bytes(&w, &i, sizeof(i));
		wr_zero(&w, i);
	}
	check_ok(wr_done(&w, &e), &e);
	rd_init(&r, b.p, b.len);
	for (i = 0; i < EDGES; i++) {
		unsigned copy;

		assert_int_equal(rd_u8(&r), (uint8_t)edge(i));
		assert_int_equal(rd_le16(&r), (uint16_t)edge(i));
		assert_int_equal(rd_le24(&r), (uint32_t)edge(i) & 0xffffff);
		assert_int_equal(rd_le32(&r), (uint32_t)edge(i));
		assert_true(rd_le64(&r) == edge(i));
		assert_true(rd_varint(&r) == edge(i));
		assert_true(rd_zigzag(&r) == (int64_t)edge(i));
		rd_copy(&r, &copy, sizeof(copy));
		assert_int_equal(copy, i);
		assert_false(rd_done(&r));
		rd_zero(&r, i);
	}
	assert_int_equal(rd_left(&r), 0);
	assert_true(rd_done(&r));
	buf_release(&b);
}

/* The bytes, so that both sides cannot be wrong in the same way. */
static void test_layout(void **state)
{
	static const uint8_t want[] = {
		0x12, 0x34, 0x12, 0x56, 0x34, 0x12, 0x78, 0x56, 0x34, 0x12,
		0xf0, 0xde, 0xbc, 0x9a, 0x78, 0x56, 0x34, 0x12,
		0x00, 0x7f, 0x80, 0x01, 0xac, 0x02,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
		0x01, 0x02, 0x03,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
		0x00, 0x00,
	};
	struct buf b = BUF_INIT;
	struct wr w;
	struct err e;

	(void)state;
	wr_init(&w, &b);
	wr_u8(&w, 0x12);
	wr_le16(&w, 0x1234);
	wr_le24(&w, 0x123456);
	wr_le32(&w, 0x12345678);
	wr_le64(&w, 0x123456789abcdef0);
	wr_varint(&w, 0);
	wr_varint(&w, 127);
	wr_varint(&w, 128);
	wr_varint(&w, 300);
	wr_varint(&w, UINT64_MAX);
	wr_zigzag(&w, -1);
	wr_zigzag(&w, 1);
	wr_zigzag(&w, -2);
	wr_zigzag(&w, INT64_MIN);
	wr_zero(&w, 2);
	check_ok(wr_done(&w, &e), &e);
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(b.p, want, sizeof(want));
	buf_release(&b);
}

struct varint_row {
	uint8_t len, b[11];
	bool good;
	uint64_t value;
};

static void test_varint_forms(void **state)
{
#define F 0xff
	static const struct varint_row row[] = {
		{ 1, { 0x00 }, true, 0 },
		{ 1, { 0x7f }, true, 127 },
		{ 2, { 0x80, 0x01 }, true, 128 },
		{ 10, { F, F, F, F, F, F, F, F, F, 1 }, true, UINT64_MAX },
		{ 0, { 0 }, false, 0 },
		{ 1, { 0x80 }, false, 0 },		/* cut */
		{ 9, { F, F, F, F, F, F, F, F, F }, false, 0 },
		{ 2, { 0x80, 0x00 }, false, 0 },	/* needless byte */
		{ 2, { 0xff, 0x00 }, false, 0 },
		{ 3, { 0x80, 0x80, 0x00 }, false, 0 },
		{ 10, { F, F, F, F, F, F, F, F, F, 0 }, false, 0 },
		{ 10, { F, F, F, F, F, F, F, F, F, 2 }, false, 0 },
		{ 10, { F, F, F, F, F, F, F, F, F, 0x81 }, false, 0 },
		{ 11, { F, F, F, F, F, F, F, F, F, F, 1 }, false, 0 },
		{ 11, { F, F, F, F, F, F, F, F, F, 0x81, 0 }, false, 0 },
	};
#undef F
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct rd r;

		rd_init(&r, row[i].b, row[i].len);
		assert_true(rd_varint(&r) == row[i].value);
		assert_int_equal(!r.bad, row[i].good);
		assert_int_equal(rd_done(&r), row[i].good);
	}
}

/* Every two- and three-byte form: good if and only if it is what wr makes. */
static void test_varint_canonical(void **state)
{
	struct buf b = BUF_INIT;
	uint32_t v;

	(void)state;
	for (v = 0; v < 1 << 24; v += 1 + (v >> 20) * 61) {
		uint8_t in[3] = { (uint8_t)v, (uint8_t)(v >> 8),
			(uint8_t)(v >> 16) };
		struct rd r;
		struct wr w;
		uint64_t got;
		size_t used;

		rd_init(&r, in, sizeof(in));
		got = rd_varint(&r);
		if (r.bad)
			continue;
		used = (size_t)(r.p - in);
		buf_clear(&b);
		wr_init(&w, &b);
		wr_varint(&w, got);
		assert_int_equal(b.len, used);
		assert_memory_equal(b.p, in, used);
	}
	buf_release(&b);
}

static void test_varint_max(void **state)
{
	static const uint8_t in[] = { 200, 1, 200, 1 };
	struct rd r;

	(void)state;
	rd_init(&r, in, sizeof(in));
	assert_int_equal(rd_varint_max(&r, 200), 200);
	assert_int_equal(rd_varint_max(&r, 199), 0);
	assert_false(rd_done(&r));
	assert_int_equal(rd_left(&r), 0);
}

/* After the first short read nothing comes any more. */
static void test_sticky(void **state)
{
	static const uint8_t in[] = { 1, 2, 3, 4, 5, 6, 7 };
	struct rd r;
	uint8_t copy[4] = { 9, 9, 9, 9 };

	(void)state;
	rd_init(&r, in, sizeof(in));
	assert_int_equal(rd_le32(&r), 0x04030201);
	assert_int_equal(rd_left(&r), 3);
	assert_int_equal(rd_le32(&r), 0);
	assert_true(r.bad);
	assert_int_equal(rd_left(&r), 0);
	assert_int_equal(rd_u8(&r), 0);
	assert_int_equal(rd_varint(&r), 0);
	assert_int_equal(rd_zigzag(&r), 0);
	assert_null(rd_bytes(&r, 0));
	rd_copy(&r, copy, sizeof(copy));
	assert_memory_equal(copy, "\0\0\0\0", 4);
	assert_ptr_equal(r.p, in + 4);
	assert_false(rd_done(&r));
}

static void test_bounds(void **state)
{
	static const uint8_t in[] = { 1, 0, 0, 1 };
	struct rd r;

	(void)state;
	rd_init(&r, NULL, 0);
	assert_non_null(rd_bytes(&r, 0));
	rd_copy(&r, NULL, 0);
	assert_true(rd_done(&r));
	rd_init(&r, in, sizeof(in));
	assert_null(rd_bytes(&r, SIZE_MAX));
	rd_init(&r, in, sizeof(in));
	assert_ptr_equal(rd_bytes(&r, 4), in);
	assert_true(rd_done(&r));
	rd_fail(&r);
	assert_false(rd_done(&r));
	rd_init(&r, in + 1, 2);
	rd_zero(&r, 2);
	assert_true(rd_done(&r));
	rd_init(&r, in + 1, 3);
	rd_zero(&r, 3);
	assert_false(rd_done(&r));
	rd_init(&r, in, 3);
	rd_zero(&r, 3);
	assert_false(rd_done(&r));
}

static void test_wr_limit(void **state)
{
	struct buf b = { .max = 5 };
	struct wr w;
	struct err e;

	(void)state;
	wr_init(&w, &b);
	wr_le32(&w, 1);
	check_ok(wr_done(&w, &e), &e);
	wr_le16(&w, 1);
	check_err(wr_done(&w, &e), ERR_CORRUPT, &e);
	wr_u8(&w, 1);			/* would fit: but it is sticky */
	wr_zero(&w, 1);
	assert_int_equal(b.len, 4);
	check_err(wr_done(&w, &e), ERR_CORRUPT, &e);
	wr_init(&w, &b);
	wr_zero(&w, 2);
	check_err(wr_done(&w, &e), ERR_CORRUPT, &e);
	buf_release(&b);
	mem_fail(1, 0);
	wr_init(&w, &b);
	wr_u8(&w, 1);
	wr_u8(&w, 1);
	check_err(wr_done(&w, &e), ERR_NOMEM, &e);
	assert_int_equal(b.len, 0);
	buf_release(&b);
}

static void write_25_bits(void *arg)
{
	wr_le24(arg, 1 << 24);
}

static void test_le24_range(void **state)
{
	struct buf b = BUF_INIT;
	struct wr w;

	(void)state;
	wr_init(&w, &b);
	check_bug(write_25_bits, &w);
}

static void test_hex(void **state)
{
	uint8_t all[256], back[256];
	char text[513], bad[5];
	unsigned c, at;

	(void)state;
	for (c = 0; c < 256; c++)
		all[c] = (uint8_t)c;
	assert_ptr_equal(hex_put(text, all, 256), text);
	assert_int_equal(strlen(text), 512);
	assert_memory_equal(text, "000102", 6);
	assert_true(hex_get(back, 256, text));
	assert_memory_equal(back, all, 256);
	assert_false(hex_get(back, 255, text));
	text[511] = '\0';
	assert_false(hex_get(back, 256, text));
	assert_true(hex_get(back, 0, ""));
	assert_false(hex_get(back, 0, "0"));
	/* every character at every place: the digits and nothing else */
	for (at = 0; at < 4; at++) {
		for (c = 0; c < 256; c++) {
			memcpy(bad, "12ab", 5);
			bad[at] = (char)c;
			assert_int_equal(hex_get(back, 2, bad),
				c && strchr("0123456789abcdef", (int)c));
		}
	}
}

static void test_ids(void **state)
{
	struct oid a = { { 0 } }, b = { { 0 } };
	struct sid s = { { 0 } }, t = { { 0 } };
	char hex[OID_HEX_BYTES], sid_text[SID_HEX_BYTES];
	unsigned i;

	(void)state;
	assert_true(oid_is_zero(&a));
	assert_true(sid_is_zero(&s));
	for (i = 0; i < 32; i++) {
		b = a;
		b.b[i] = 0x80;
		assert_false(oid_eq(&a, &b));
		assert_false(oid_is_zero(&b));
		assert_true(oid_cmp(&a, &b) < 0);
		assert_true(oid_cmp(&b, &a) > 0);
		assert_int_equal(oid_hash(&a) != oid_hash(&b), i < 8);
		assert_true(oid_parse(&a, oid_hex(&b, hex)));
		assert_true(oid_eq(&a, &b));
		assert_int_equal(oid_cmp(&a, &b), 0);
		memset(&a, 0, sizeof(a));
	}
	for (i = 0; i < 16; i++) {
		t = s;
		t.b[i] = 1;
		assert_false(sid_eq(&s, &t));
		assert_false(sid_is_zero(&t));
		assert_true(sid_parse(&s, sid_hex(&t, sid_text)));
		assert_true(sid_eq(&s, &t));
		memset(&s, 0, sizeof(s));
	}
	assert_false(oid_parse(&a, ""));
	assert_false(oid_parse(&a, sid_text));
	assert_false(sid_parse(&s, hex));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_varint_forms),
		cmocka_unit_test(test_varint_canonical),
		cmocka_unit_test(test_varint_max),
		cmocka_unit_test(test_sticky),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_wr_limit),
		cmocka_unit_test(test_le24_range),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
