/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Known answers come from elsewhere: Python's hashlib (BLAKE2b, crypto_kdf,
 * X25519 seeds), PyNaCl (Argon2id, sealed box, Ed25519), the papers' formulas
 * written out in Python (SipHash, ChaCha20), xxHash's own bindings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"
#include "base/mem.h"
#include "codec/key.h"

#define IS_HEX(got, hex) is_hex(&(got), sizeof(got), hex)

static void is_hex(const void *got, size_t len, const char *hex)
{
	uint8_t want[128];

	assert_true(len <= sizeof(want));
	assert_true(hex_get(want, len, hex));
	assert_memory_equal(got, want, len);
}

static void fill(void *p, size_t len, unsigned from, unsigned step)
{
	uint8_t *b = p;
	size_t i;

	for (i = 0; i < len; i++)
		b[i] = (uint8_t)(from + i * step);
}

static struct key key_from(unsigned from)
{
	struct key k;

	fill(&k, sizeof(k), from, 1);
	return k;
}

static void test_hash(void **state)
{
	struct key k = key_from(0);
	uint8_t msg[1000];
	struct oid a, b;

	(void)state;
	fill(msg, sizeof(msg), 3, 7);
	key_hash(&a, NULL, NULL, 0, NULL, 0, NULL, 0);
	IS_HEX(a, "0e5751c026e543b2e8ab2eb06099daa1"
		"d1e5df47778f7787faab45cdf12fe3a8");
	key_hash(&a, &k, "abc", 3, "def", 3, "ghi", 3);
	IS_HEX(a, "670855037cbdbe66733a3cec560fc090"
		"6687ea4b5f196c5d6a247781d1383d34");
	key_hash(&a, &k, NULL, 0, "abcdefgh", 8, "i", 1);
	key_hash(&b, &k, "abcdefghi", 9, NULL, 0, NULL, 0);
	assert_true(oid_eq(&a, &b));
	key_hash(&a, &k, msg, 1000, NULL, 0, NULL, 0);
	IS_HEX(a, "eb07b428f1674f6598aaecf9b898c520"
		"824910d6f4c531e6f62f81b9d5946387");
	key_hash(&b, &k, msg, 129, msg + 129, 600, msg + 729, 271);
	assert_true(oid_eq(&a, &b));
}

static void test_derive(void **state)
{
	struct key k = key_from(0), out;

	(void)state;
	key_derive(&out, &k, 1, "chunker ");
	IS_HEX(out, "d6a5734176da28c4602055ae8e68ce8e"
		"af6a9261a2661cf11af8dbf85ca8bf50");
	key_derive(&out, &k, (UINT64_C(1) << 40) + 2, "slotwrap");
	IS_HEX(out, "695a14e5d239ec24d18223a4eb92f7f9"
		"fa9355740c722e2c42c59f749506c4bf");
}

static void test_siphash(void **state)
{
	struct key k = key_from(0), k2 = key_from(100);
	uint8_t msg[15];

	(void)state;
	fill(msg, sizeof(msg), 0, 1);
	/* The worked example of the SipHash paper. */
	assert_true(key_siphash(&k, msg, 15) == UINT64_C(0xa129ca6149be45e5));
	assert_true(key_siphash(&k2, "INBOX", 5) ==
		UINT64_C(0x62998cf3cead888d));
}

static void test_stream(void **state)
{
	struct key k = key_from(0);
	uint8_t out[100];

	(void)state;
	key_stream(out, sizeof(out), &k, UINT64_C(0x0102030405060708));
	is_hex(out, 32, "1546a1667684b1726ae6ebebd49af7c3"
		"8eba7996ca85f9e2b6193eccad16bcb5");
	is_hex(out + 68, 32, "ab39ea1864ab2acc737861b8e006f2c4"
		"8844459e5735a75de902a7dd597c00bd");
}

static void test_sum(void **state)
{
	static const struct {
		size_t len;
		const char *hex;
	} want[] = {
		{ 0, "99aa06d3014798d86001c324468d497f" },
		{ 3, "ce31763cbf8245a5a9088dda485b481c" },
		{ 17, "bfd327edcc2fbd12eeed7654312a26d7" },
		{ 200, "32200a52a918beaf380142cdd5843bbd" },
		{ 1000, "6bcc7eff62da44c26c4f14bd97bd9e82" },
	};
	struct key_sum_state *s = key_sum_new();
	struct key_sum sum;
	uint8_t msg[1000];
	size_t i, done = 0;

	(void)state;
	assert_non_null(s);
	fill(msg, sizeof(msg), 3, 7);
	for (i = 0; i < sizeof(want) / sizeof(*want); i++) {
		key_sum(&sum, msg, want[i].len);
		IS_HEX(sum, want[i].hex);
		key_sum_add(s, msg + done, want[i].len - done);
		done = want[i].len;
		key_sum_end(s, &sum);
		IS_HEX(sum, want[i].hex);
	}
	key_sum_add(s, NULL, 0);
	key_sum_free(s);
	key_sum_free(NULL);
	mem_fail(1, 0);
	assert_null(key_sum_new());
}

static void test_box(void **state)
{
	static const char sealed_hex[] =
		"8f4a9271df1e8305f1071e3bcdf6c40efd312183803ae55c5276fa3b"
		"2dbd6011d89e4eddb83ae2c12663a005271080752c8d41c2e129e275"
		"08920ecadc34c9b59cc8411dea33f7354bee79e08628c34f";
	static const char said[] = "a session secret of thirty-two b";
	struct key seed = key_from(100), other = key_from(101);
	struct key pub, sec, out;
	uint8_t sealed[KEY_SEALED_BYTES(32)], again[KEY_SEALED_BYTES(32)];
	struct err e = { 0 };
	size_t i;

	(void)state;
	key_box_pair(&pub, &sec, &seed);
	IS_HEX(sec, "6846779755e884ab17637435bac06937"
		"155ff978cb2d2081030147535989f97d");
	IS_HEX(pub, "5bccd484527714f28eb6b6fa9e43feab"
		"ae73eab192aef1e7d59d2111343d7b70");
	assert_true(hex_get(sealed, sizeof(sealed), sealed_hex));
	assert_int_equal(key_box_open(&out, sealed, sizeof(sealed), &pub, &sec,
		&e), 0);
	assert_memory_equal(&out, said, 32);

	key_box_seal(again, said, 32, &pub);
	assert_memory_not_equal(again, sealed, sizeof(sealed));
	memset(&out, 0, sizeof(out));
	assert_int_equal(key_box_open(&out, again, sizeof(again), &pub, &sec,
		&e), 0);
	assert_memory_equal(&out, said, 32);

	for (i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 0x10;
		assert_int_equal(key_box_open(&out, sealed, sizeof(sealed),
			&pub, &sec, &e), ERR_AUTH);
		sealed[i] ^= 0x10;
	}
	for (i = 0; i < sizeof(sealed); i++)
		assert_int_equal(key_box_open(&out, sealed, i, &pub, &sec,
			NULL), ERR_AUTH);
	key_box_pair(&pub, &sec, &other);
	assert_int_equal(key_box_open(&out, sealed, sizeof(sealed), &pub, &sec,
		&e), ERR_AUTH);
}

static void test_sign(void **state)
{
	struct key seed = key_from(0), other = key_from(1);
	struct key_signer s, s2;
	struct key_signature sig;
	struct err e = { 0 };
	size_t i;

	(void)state;
	key_sign_pair(&s, &seed);
	IS_HEX(s.pub, "03a107bff3ce10be1d70dd18e74bc099"
		"67e4d6309ba50d5f1ddc8664125531b8");
	key_sign(&sig, &s, "record", 6);
	IS_HEX(sig, "fe19658f323722c11deaac954debd6c1"
		"2f343ec0e2eb2e1e9c4ab0386a849a07"
		"13c6f5312eefa597ae0da6e7fd22fea8"
		"4c39442aba561dfa4139e6c8db42eb09");
	assert_int_equal(key_verify(&sig, &s.pub, "record", 6, &e), 0);
	assert_int_equal(key_verify(&sig, &s.pub, "recorD", 6, &e), ERR_AUTH);
	assert_int_equal(key_verify(&sig, &s.pub, "record", 5, &e), ERR_AUTH);
	key_sign_pair(&s2, &other);
	assert_int_equal(key_verify(&sig, &s2.pub, "record", 6, &e), ERR_AUTH);
	for (i = 0; i < sizeof(sig.b); i++) {
		sig.b[i] ^= 1;
		assert_int_equal(key_verify(&sig, &s.pub, "record", 6, &e),
			ERR_AUTH);
		sig.b[i] ^= 1;
	}
}

static void test_kdf(void **state)
{
	struct key_kdf par = { .passes = 1, .mem_kib = 64 };
	struct err e = { 0 };
	struct key out, out2;

	(void)state;
	fill(par.salt, sizeof(par.salt), 200, 1);
	key_kdf_floor(64);
	assert_int_equal(key_kdf(&out, &par, "correct horse", 13, &e), 0);
	IS_HEX(out, "e795e22fa847dff3514b28eb550ad1e3"
		"9b6406afe96b12853c3768c4c1e6adb7");
	par.salt[31] ^= 1;
	assert_int_equal(key_kdf(&out2, &par, "correct horse", 13, &e), 0);
	assert_false(key_equal(&out, &out2, sizeof(out)));
	par.salt[31] ^= 1;
	par = (struct key_kdf){ .passes = 3, .mem_kib = 256 };
	fill(par.salt, sizeof(par.salt), 200, 1);
	assert_int_equal(key_kdf(&out, &par, "correct horse", 13, &e), 0);
	IS_HEX(out, "e995da3113202c199a8e6be8c2c06d35"
		"1e2dbf3c46052bafad43e43dcd3220ad");
	key_kdf_floor(19u << 10);
	par.passes = 1;
	par.mem_kib = 19u << 10;
	assert_int_equal(key_kdf(&out, &par, NULL, 0, &e), 0);
	IS_HEX(out, "89f74edcb8bf50312abeb5dd17454895"
		"6cf7c0f43c44673faf642d7223f08f14");
}

static void test_kdf_limits(void **state)
{
	static const struct {
		uint32_t passes, mem_kib;
	} bad[] = {
		{ 0, 19u << 10 }, { 65, 19u << 10 }, { UINT32_MAX, 19u << 10 },
		{ 1, 0 }, { 1, (19u << 10) - 1 }, { 1, (4u << 20) + 1 },
		{ 1, UINT32_MAX },
	};
	struct key_kdf par = { 0 };
	struct err e = { 0 };
	struct key out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		par.passes = bad[i].passes;
		par.mem_kib = bad[i].mem_kib;
		assert_int_equal(key_kdf(&out, &par, "x", 1, &e), ERR_CORRUPT);
		assert_int_equal(e.code, ERR_CORRUPT);
	}
}

static void test_alloc(void **state)
{
	static const uint8_t zero[100];
	size_t len;
	uint8_t *p;

	(void)state;
	for (len = 1; len <= sizeof(zero); len++) {
		p = key_alloc(len);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		assert_memory_equal(p, zero, len);
		memset(p, 0xff, len);
		key_free(p);
	}
	assert_null(key_alloc(SIZE_MAX));
	assert_null(key_alloc(SIZE_MAX - 20));
	key_free(NULL);
}

static void test_small(void **state)
{
	uint8_t a[40] = { 0 }, b[40] = { 0 };
	static const uint8_t zero[40];

	(void)state;
	assert_true(key_equal(a, b, sizeof(a)));
	b[39] = 1;
	assert_false(key_equal(a, b, sizeof(a)));
	assert_true(key_equal(a, b, sizeof(a) - 1));
	key_random(a, sizeof(a));
	key_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	key_wipe(a, sizeof(a));
	assert_memory_equal(a, zero, sizeof(a));
}

static int setup(void **state)
{
	(void)state;
	return key_setup(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_derive),
		cmocka_unit_test(test_siphash),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_sum),
		cmocka_unit_test(test_box),
		cmocka_unit_test(test_sign),
		cmocka_unit_test(test_kdf),
		cmocka_unit_test(test_kdf_limits),
		cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_small),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
