/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"
#include "codec/aead.h"

/* The example of draft-irtf-cfrg-xchacha-03, A.3.1. */
static const char plain[] = "Ladies and Gentlemen of the class of '99: If I "
	"could offer you only one tip for the future, sunscreen would be it.";
static const char sealed_hex[] =
	"bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
	"731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
	"2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
	"21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780a"
	"cf49";
static const uint8_t ad[] = {
	0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7
};
#define PLAIN_BYTES (sizeof(plain) - 1)
#define SEALED_BYTES (PLAIN_BYTES + AEAD_TAG_BYTES)

static struct key key;
static struct aead_nonce nonce;
static uint8_t sealed[SEALED_BYTES];

static int setup(void **state)
{
	uint8_t i;

	(void)state;
	for (i = 0; i < sizeof(key.b); i++)
		key.b[i] = (uint8_t)(0x80 + i);
	for (i = 0; i < sizeof(nonce.b); i++)
		nonce.b[i] = (uint8_t)(0x40 + i);
	return hex_get(sealed, sizeof(sealed), sealed_hex) ?
		key_setup(NULL) : -1;
}

static void test_known(void **state)
{
	uint8_t out[SEALED_BYTES], back[PLAIN_BYTES];
	struct err e = { 0 };

	(void)state;
	aead_seal(out, plain, PLAIN_BYTES, ad, sizeof(ad), &nonce, &key);
	assert_memory_equal(out, sealed, sizeof(sealed));
	assert_int_equal(aead_open(back, out, sizeof(out), ad, sizeof(ad),
		&nonce, &key, &e), 0);
	assert_memory_equal(back, plain, PLAIN_BYTES);
}

static void test_in_place(void **state)
{
	uint8_t b[SEALED_BYTES];
	struct err e = { 0 };

	(void)state;
	memcpy(b, plain, PLAIN_BYTES);
	aead_seal(b, b, PLAIN_BYTES, ad, sizeof(ad), &nonce, &key);
	assert_memory_equal(b, sealed, sizeof(sealed));
	assert_int_equal(aead_open(b, b, sizeof(b), ad, sizeof(ad), &nonce,
		&key, &e), 0);
	assert_memory_equal(b, plain, PLAIN_BYTES);
}

static void refused(const uint8_t *p, size_t len, const uint8_t *a,
		    size_t a_len, const struct aead_nonce *n,
		    const struct key *k)
{
	uint8_t out[SEALED_BYTES];
	struct err e = { 0 };

	assert_int_equal(aead_open(out, p, len, a, a_len, n, k, &e),
		ERR_CORRUPT);
	assert_int_equal(e.code, ERR_CORRUPT);
}

static void test_changed(void **state)
{
	uint8_t b[SEALED_BYTES], a[sizeof(ad)];
	struct aead_nonce n = nonce;
	struct key k = key;
	size_t i;

	(void)state;
	memcpy(b, sealed, sizeof(b));
	memcpy(a, ad, sizeof(a));
	for (i = 0; i < sizeof(b); i++) {
		b[i] ^= 0x80;
		refused(b, sizeof(b), ad, sizeof(ad), &nonce, &key);
		b[i] ^= 0x80;
	}
	for (i = 0; i < sizeof(a); i++) {
		a[i] ^= 1;
		refused(sealed, sizeof(sealed), a, sizeof(a), &nonce, &key);
		a[i] ^= 1;
	}
	for (i = 0; i < sizeof(n.b); i++) {
		n.b[i] ^= 1;
		refused(sealed, sizeof(sealed), ad, sizeof(ad), &n, &key);
		n.b[i] ^= 1;
	}
	for (i = 0; i < sizeof(k.b); i++) {
		k.b[i] ^= 1;
		refused(sealed, sizeof(sealed), ad, sizeof(ad), &nonce, &k);
		k.b[i] ^= 1;
	}
	refused(sealed, sizeof(sealed), ad, sizeof(ad) - 1, &nonce, &key);
}

/* Copies of the exact size, so that a sanitizer sees a read past the end. */
static void test_short(void **state)
{
	uint8_t *b;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sealed); i++) {
		b = malloc(i ? i : 1);
		assert_non_null(b);
		memcpy(b, sealed, i);
		refused(b, i, ad, sizeof(ad), &nonce, &key);
		free(b);
	}
}

static void test_count(void **state)
{
	static const uint8_t want[24] = { 8, 7, 6, 5, 4, 3, 2, 1 };
	struct aead_nonce n;
	struct key k;
	uint8_t out[AEAD_TAG_BYTES], tag[AEAD_TAG_BYTES], i;
	struct err e = { 0 };

	(void)state;
	memset(&n, 0xff, sizeof(n));
	aead_nonce_count(&n, UINT64_C(0x0102030405060708));
	assert_memory_equal(n.b, want, sizeof(want));
	for (i = 0; i < sizeof(k.b); i++)
		k.b[i] = i;
	aead_seal(out, NULL, 0, NULL, 0, &n, &k);
	assert_true(hex_get(tag, sizeof(tag),
		"83a2aa2c262b7d11181fb1ed691824dc"));
	assert_memory_equal(out, tag, sizeof(tag));
	assert_int_equal(aead_open(NULL, out, sizeof(out), NULL, 0, &n, &k,
		&e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_in_place),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_count),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
