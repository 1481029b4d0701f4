/* SPDX-License-Identifier: BSD-2-Clause */
/* timeout: 120 */
/*
 * Parity against an arithmetic of its own, and everything that it promises to
 * mend: every burst, scattered blocks, its own damage, and no more than that.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "codec/rs.h"
#include "format/pack.h"
#include "format/parity.h"
#include "tests/lib/check.h"
#include "tests/lib/formatkit.h"
#include "tests/lib/prng.h"

/* --- GF(256), from its definition --- */

static uint8_t gf_times(uint8_t a, uint8_t b)
{
	unsigned product = 0, i;

	for (i = 0; i < 8; i++)
		if (b >> i & 1)
			product ^= (unsigned)a << i;
	for (i = 15; i >= 8; i--)
		if (product >> i & 1)
			product ^= 0x11du << (i - 8);
	return (uint8_t)product;
}

static uint8_t gf_inverse(uint8_t a)
{
	unsigned b;

	for (b = 1; b < 256; b++)
		if (gf_times(a, (uint8_t)b) == 1)
			return (uint8_t)b;
	abort();
}

static uint8_t inverse[256], times[256][256];

static void make_tables(void)
{
	unsigned a, b;

	for (a = 0; a < 256; a++)
		for (b = 0; b < 256; b++)
			times[a][b] = gf_times((uint8_t)a, (uint8_t)b);
	for (a = 1; a < 256; a++)
		inverse[a] = gf_inverse((uint8_t)a);
}

/* --- a file and its parity --- */

struct kit {
	struct oid name;
	uint8_t *file, *copy;
	size_t len;
	struct buf parity;
	struct parity y;
};

static void kit_open(struct kit *k)
{
	struct err e = { 0 };

	check_ok(parity_open(&k->y, &k->name, k->parity.p, k->parity.len, &e),
		&e);
}

static void kit_make(struct kit *k, size_t len, unsigned mille)
{
	struct iovec iov;
	struct err e = { 0 };

	memset(k, 0, sizeof(*k));
	k->name = formatkit_oid("parity", (uint32_t)len);
	k->len = len;
	k->file = malloc(len);
	k->copy = malloc(len);
	prng_fill(prng_key(len, mille), k->file, len);
	memcpy(k->copy, k->file, len);
	iov = (struct iovec) { k->file, len };
	check_ok(parity_make(&k->name, &iov, 1, mille, &k->parity, &e), &e);
	kit_open(k);
}

static void kit_end(struct kit *k)
{
	free(k->file);
	free(k->copy);
	buf_release(&k->parity);
}

static void spoil(uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		p[i] ^= (uint8_t)(0x55 + i % 3);
}

static void kit_mended(struct kit *k)
{
	struct err e = { 0 };
	uint32_t damaged;

	check_ok(parity_mend(&k->y, k->file, &damaged, &e), &e);
	assert_memory_equal(k->file, k->copy, k->len);
}

/* --- the coding --- */

/* Every byte of every block, by the formula of muniment-format(5). */
static void test_differential(void **state)
{
	static const size_t size[] = { 1, 700, 1024, 4096, 5000, 65536 + 2048,
				       262144, 262145, 2000000 };
	const struct parity_shape *s;
	struct kit k;
	uint32_t q, i, j, stripe;
	const uint8_t *blocks;
	size_t t, at, byte;

	(void)state;
	for (t = 0; t < sizeof(size) / sizeof(*size); t++) {
		kit_make(&k, size[t], 30);
		s = &k.y.shape;
		assert_int_equal(k.parity.len, parity_shape_bytes(s));
		blocks = k.parity.p + PARITY_HEADER_BYTES +
			(size_t)(s->n + s->p) * PARITY_SUM_BYTES;
		for (q = 0; q < s->p; q++)
			for (at = 0; at < s->block; at += 1 + at % 13) {
				uint8_t want = 0;

				i = q / s->stripes;
				stripe = q % s->stripes;
				for (j = 0; j < s->k; j++) {
					byte = ((size_t)j * s->stripes +
						stripe) * s->block + at;
					if (byte < k.len)
						want ^= times[k.file[byte]]
							[inverse[(s->k + i) ^
							j]];
				}
				assert_int_equal(blocks[(size_t)q * s->block +
					at], want);
			}
		kit_end(&k);
	}
}

/* Any m of k + m rows, for all small codes and the largest. */
static void test_any_rows(void **state)
{
	static const unsigned kinds[][2] = { { 1, 1 }, { 1, 4 }, { 4, 3 },
		{ 6, 4 }, { 228, 7 }, { 254, 1 }, { 204, 51 } };
	uint8_t *row[RS_ROWS_MAX], *was[RS_ROWS_MAX];
	bool good[RS_ROWS_MAX];
	struct err e = { 0 };
	struct rs *c;
	unsigned t, try, i, k, m, lost, at;

	(void)state;
	for (i = 0; i < RS_ROWS_MAX; i++) {
		row[i] = malloc(64);
		was[i] = malloc(64);
	}
	for (t = 0; t < sizeof(kinds) / sizeof(*kinds); t++) {
		k = kinds[t][0];
		m = kinds[t][1];
		check_ok(rs_new(&c, k, m, &e), &e);
		for (try = 0; try < 300; try++) {
			for (i = 0; i < k; i++)
				prng_fill(prng_key(try, i), row[i], 64);
			rs_encode(c, 64, row);
			for (i = 0; i < k + m; i++) {
				memcpy(was[i], row[i], 64);
				good[i] = true;
			}
			for (lost = 0; lost < m; ) {
				at = (unsigned)prng_below(prng_key(try, lost),
					i++, k + m);
				if (!good[at])
					continue;
				good[at] = false;
				spoil(row[at], 64);
				lost++;
			}
			check_ok(rs_rebuild(c, 64, row, good, &e), &e);
			for (i = 0; i < k; i++)
				assert_memory_equal(row[i], was[i], 64);
		}
		memset(good, 1, sizeof(good));
		for (i = 0; i < m; i++)
			good[k + i] = false;
		good[0] = false;
		check_err(rs_rebuild(c, 64, row, good, &e), ERR_CORRUPT, &e);
		rs_free(c);
	}
	for (i = 0; i < RS_ROWS_MAX; i++) {
		free(row[i]);
		free(was[i]);
	}
}

/* However the file is cut into pieces. */
static void test_pieces(void **state)
{
	struct iovec iov[5];
	struct buf other = BUF_INIT;
	struct err e = { 0 };
	struct kit k;
	unsigned try, i;
	size_t at;

	(void)state;
	kit_make(&k, 70001, 30);
	for (try = 0; try < 100; try++) {
		for (at = 0, i = 0; i < 5; i++) {
			size_t left = k.len - at;

			iov[i].iov_base = k.file + at;
			iov[i].iov_len = i == 4 ? left : (size_t)prng_below(
				prng_key(try, i), 0, try % 3 ? left + 1 :
				left < 3000 ? left + 1 : 3000);
			at += iov[i].iov_len;
		}
		check_ok(parity_make(&k.name, iov, 5, 30, &other, &e), &e);
		assert_int_equal(other.len, k.parity.len);
		assert_memory_equal(other.p, k.parity.p, other.len);
	}
	buf_release(&other);
	kit_end(&k);
}

/* --- the promise --- */

static size_t promised(size_t len, unsigned mille)
{
	size_t run = len * mille / 1000;

	if (run < 4096)
		run = 4096;
	return run < len ? run : len;
}

static void test_shapes(void **state)
{
	struct parity_shape s;
	uint64_t bytes;
	unsigned mille;

	(void)state;
	for (mille = 1; mille <= PARITY_MILLE_MAX; mille += 1 + mille / 7)
		for (bytes = 1; bytes <= FMT_PACK_MAX_BYTES;
		     bytes += 1 + bytes / 9) {
			parity_shape_make(&s, bytes, mille);
			assert_true(s.k + s.m <= RS_ROWS_MAX);
			assert_true(s.p <= s.n && s.m > 0);
			assert_true((uint64_t)s.n * s.block >= bytes);
			assert_true((uint64_t)s.k * s.stripes >= s.n);
			/* The promise, in blocks. */
			assert_true(s.p == s.n || (uint64_t)(s.p - 1) *
				s.block + 1 >= promised(bytes, mille));
		}
	/* What it costs. */
	parity_shape_make(&s, 32u << 20, 30);
	assert_true(parity_shape_bytes(&s) < (32u << 20) * 34ull / 1000);
	parity_shape_make(&s, 64u << 10, 30);
	assert_true(parity_shape_bytes(&s) < 6000);
	parity_shape_make(&s, 4096, 30);
	assert_true(parity_shape_bytes(&s) < 4500);
}

/* Every run of the promised length, at every place in a block. */
static void test_bursts(void **state)
{
	static const struct { size_t len, step; unsigned mille; } t[] = {
		{ 1, 1, 30 }, { 1000, 1, 30 }, { 2048, 1, 30 },
		{ 4096, 1, 30 }, { 4352, 1, 250 }, { 65536, 61, 30 },
		{ 65536, 61, 250 }, { 262144, 509, 30 }, { 264192, 509, 1 },
		{ 1u << 20, 4093, 30 }, { 9u << 20, 524287, 30 },
		{ 33u << 20, 4194303, 30 }, { 64u << 20, 8388607, 10 },
	};
	struct kit k;
	size_t i, at, run;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		kit_make(&k, t[i].len, t[i].mille);
		run = promised(t[i].len, t[i].mille);
		for (at = 0; at + run < t[i].len; at += t[i].step) {
			spoil(k.file + at, run);
			kit_mended(&k);
		}
		spoil(k.file + t[i].len - run, run);
		kit_mended(&k);
		kit_end(&k);
	}
}

/* Any m blocks of each stripe at once; one more is too much, is said, and the
 * other stripes are mended all the same. */
static void test_scattered(void **state)
{
	static const size_t size[] = { 60000, 2u << 20, 33u << 20 };
	struct err e = { 0 };
	struct kit k;
	uint32_t stripe, i, row, damaged;
	const struct parity_shape *s;
	size_t t, at;

	(void)state;
	for (t = 0; t < 3; t++) {
		kit_make(&k, size[t], 30);
		s = &k.y.shape;
		for (stripe = 0; stripe < s->stripes; stripe++)
			for (i = 0; i < s->m; i++) {
				row = (uint32_t)prng_below(prng_key(t, stripe),
					0, s->k / s->m) + i * (s->k / s->m);
				at = ((size_t)row * s->stripes + stripe) *
					s->block;
				if (at < k.len)
					k.file[at + (k.len - at) % s->block %
						(k.len - at)] ^= 1;
			}
		kit_mended(&k);
		for (i = 0; i <= s->m; i++)
			k.file[(size_t)i * s->stripes * s->block] ^= 1;
		if (s->stripes > 1)
			k.file[s->block] ^= 1;
		check_err(parity_mend(&k.y, k.file, &damaged, &e), ERR_CORRUPT,
			&e);
		assert_int_equal(damaged, s->m + 1 + (s->stripes > 1));
		if (s->stripes > 1)
			assert_memory_equal(k.file + s->block, k.copy +
				s->block, s->block);
		kit_end(&k);
	}
}

/* --- damage of the parity --- */

static void test_own_damage(void **state)
{
	struct err e = { 0 };
	struct kit k;
	size_t at, half, whole;

	(void)state;
	kit_make(&k, 65536, 30);
	check_ok(parity_scrub(&k.y, &e), &e);
	whole = k.parity.len;
	half = PARITY_HEADER_BYTES + (size_t)(k.y.shape.n + k.y.shape.p) *
		PARITY_SUM_BYTES;
	for (at = 0; at < whole; at++) {
		k.parity.p[at] ^= 0x20;
		kit_open(&k);
		check_err(parity_scrub(&k.y, &e), ERR_CORRUPT, &e);
		if (at % 31 == 0) {
			spoil(k.file + 1024 + at % 5000, 2000);
			kit_mended(&k);
		}
		k.parity.p[at] ^= 0x20;
	}
	/* A header and a table of either end are gone. */
	spoil(k.parity.p, half);
	kit_open(&k);
	spoil(k.file + 100, 4096);
	kit_mended(&k);
	spoil(k.parity.p, half);
	memcpy(k.parity.p, k.parity.p + whole - PARITY_HEADER_BYTES,
		PARITY_HEADER_BYTES);
	/* It ends early: the last blocks are lost with it, the others count. */
	for (at = whole; at > half + k.y.shape.block; at -= 7) {
		k.parity.len = at;
		kit_open(&k);
		k.file[5] ^= 1;
		kit_mended(&k);
	}
	k.parity.len = half;
	kit_open(&k);
	k.file[5] ^= 1;
	check_err(parity_mend(&k.y, k.file, &(uint32_t) { 0 }, &e),
		ERR_CORRUPT, &e);
	kit_end(&k);
}

/* Blocks of both: together no more than m of a stripe. */
static void test_both(void **state)
{
	struct err e = { 0 };
	uint32_t damaged, i, mine;
	struct kit k;
	size_t blocks;

	(void)state;
	for (mine = 0; mine <= 5; mine++) {
		kit_make(&k, 65536, 30);
		assert_int_equal(k.y.shape.m, 5);
		blocks = PARITY_HEADER_BYTES + (size_t)(k.y.shape.n +
			k.y.shape.p) * PARITY_SUM_BYTES;
		for (i = 0; i < mine; i++)
			k.parity.p[blocks + (size_t)i * 1024 + i] ^= 1;
		for (i = 0; i < 5 - mine; i++)
			k.file[(size_t)i * 9 * 1024] ^= 1;
		kit_mended(&k);
		for (i = 0; i < 6 - mine; i++)
			k.file[(size_t)i * 9 * 1024] ^= 1;
		check_err(parity_mend(&k.y, k.file, &damaged, &e),
			ERR_CORRUPT, &e);
		kit_end(&k);
	}
}

static void test_wrong(void **state)
{
	struct oid other = formatkit_oid("other", 1);
	struct err e = { 0 };
	struct kit k;
	size_t len;

	(void)state;
	kit_make(&k, 20000, 30);
	check_err(parity_open(&k.y, &other, k.parity.p, k.parity.len, &e),
		ERR_CORRUPT, &e);
	for (len = 0; len < PARITY_HEADER_BYTES; len += 9)
		check_err(parity_open(&k.y, &k.name, k.parity.p, len, &e),
			ERR_CORRUPT, &e);
	/* Both headers. */
	k.parity.p[70] ^= 1;
	k.parity.p[k.parity.len - 60] ^= 1;
	check_err(parity_open(&k.y, &k.name, k.parity.p, k.parity.len, &e),
		ERR_CORRUPT, &e);
	kit_end(&k);
}

/* Parity of other bytes under the right name, all sums right: what comes out
 * is no pack. */
static void test_forged(void **state)
{
	struct buf file = BUF_INIT, other = BUF_INIT;
	uint32_t damaged;
	struct err e = { 0 };
	struct iovec iov;
	struct parity y;
	struct buf forged = BUF_INIT;
	struct oid name;

	(void)state;
	formatkit_pack(&file, &name, 20);
	check_ok(buf_append(&other, file.p, file.len, &e), &e);
	spoil(other.p + 700, 50);
	iov = (struct iovec) { other.p, other.len };
	check_ok(parity_make(&name, &iov, 1, 30, &forged, &e), &e);
	check_ok(parity_open(&y, &name, forged.p, forged.len, &e), &e);
	check_ok(parity_mend(&y, file.p, &damaged, &e), &e);
	assert_true(damaged > 0);
	check_err(pack_scrub(&name, file.p, file.len, &e), ERR_CORRUPT, &e);
	buf_release(&file);
	buf_release(&other);
	buf_release(&forged);
}

static void test_no_memory(void **state)
{
	struct buf again = BUF_INIT;
	struct err e = { 0 };
	uint32_t damaged;
	struct iovec iov;
	unsigned long n;
	struct kit k;
	int rc;

	(void)state;
	kit_make(&k, 300001, 30);
	iov = (struct iovec) { k.copy, k.len };
	for (n = 1; ; n++) {
		buf_release(&again);
		mem_fail(n, 0);
		rc = parity_make(&k.name, &iov, 1, 30, &again, &e);
		mem_fail(0, 0);
		if (rc == 0)
			break;
		check_err(rc, ERR_NOMEM, &e);
	}
	assert_true(n > 4);
	for (n = 1; ; n++) {
		memcpy(k.file, k.copy, k.len);
		spoil(k.file + 299000, 1001);
		mem_fail(n, 0);
		rc = parity_mend(&k.y, k.file, &damaged, &e);
		mem_fail(0, 0);
		if (rc == 0)
			break;
		check_err(rc, ERR_NOMEM, &e);
	}
	assert_true(n > 8);
	assert_memory_equal(k.file, k.copy, k.len);
	buf_release(&again);
	kit_end(&k);
}

/* The bytes are those that muniment-format(5) describes. */
static void test_golden(void **state)
{
	static const char golden[] =
		"b4d2c2dfceeda6ba7a092a8c97c069db"
		"a7c986226a22d4574b2f86c23296f367";
	char hex[OID_HEX_BYTES];
	struct oid h;
	struct kit k;

	(void)state;
	kit_make(&k, 300001, 30);
	key_hash(&h, NULL, k.parity.p, k.parity.len, NULL, 0, NULL, 0);
	assert_string_equal(oid_hex(&h, hex), golden);
	kit_end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_differential),
		cmocka_unit_test(test_any_rows),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_scattered),
		cmocka_unit_test(test_own_damage),
		cmocka_unit_test(test_both),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_golden),
	};

	formatkit_ctx();
	make_tables();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
