/* SPDX-License-Identifier: BSD-2-Clause */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dlfcn.h>

#include <cmocka.h>
#include <zstd.h>

#include "base/mem.h"
#include "codec/comp.h"
#include "codec/key.h"

#define MANY (1u << 20)

static uint8_t *noise, *base64, *text;	/* MANY bytes each */
static bool compressor_lies;

/* Stands before libzstd's: compresses a changed copy when told to lie. */
size_t ZSTD_compress2(ZSTD_CCtx *c, void *dst, size_t room, const void *src,
		      size_t len)
{
	size_t (*real)(ZSTD_CCtx *, void *, size_t, const void *, size_t);
	void *sym = dlsym(RTLD_NEXT, "ZSTD_compress2");
	uint8_t *copy;
	size_t rc;

	memcpy(&real, &sym, sizeof(real));
	if (!compressor_lies)
		return real(c, dst, room, src, len);
	copy = malloc(len);
	if (!copy)
		abort();
	memcpy(copy, src, len);
	copy[len - 1] ^= 1;
	rc = real(c, dst, room, copy, len);
	free(copy);
	return rc;
}

static int setup(void **state)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij"
		"klmnopqrstuvwxyz0123456789+/";
	struct key k = { { 7 } };
	size_t i, n;

	(void)state;
	noise = mem_alloc(MANY);
	base64 = mem_alloc(MANY);
	text = mem_alloc(MANY + 100);
	if (!noise || !base64 || !text || key_setup(NULL) < 0)
		return -1;
	key_stream(noise, MANY, &k, 0);
	for (i = 0; i < MANY; i++)
		base64[i] = i % 77 == 76 ? '\n' :
			(uint8_t)alphabet[noise[i] & 63];
	for (i = n = 0; n < MANY; i++)
		n += (size_t)snprintf((char *)text + n, 100,
			"Received: from mx%u.example.org by mail, %u Nov\r\n",
			noise[i % MANY] & 7u, noise[(i + 1) % MANY] & 31u);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(noise);
	free(base64);
	free(text);
	return 0;
}

static struct comp *comp_at(int level, bool try_first)
{
	const struct comp_spec spec = { level, try_first };
	struct comp *c = comp_new(&spec);

	assert_non_null(c);
	return c;
}

/* Pack, unpack, compare; the length of the frame, 0 for raw. */
static size_t round_trip(struct comp *c, const void *p, size_t len)
{
	struct buf out = BUF_INIT;
	struct err e = { 0 };
	uint8_t *back = mem_alloc(len);
	int codec = comp_pack(c, p, len, &out, &e);
	size_t n = out.len;

	assert_non_null(back);
	if (codec == COMP_RAW) {
		assert_int_equal(n, 0);
		assert_int_equal(comp_unpack(COMP_RAW, p, len, back, len, &e),
			0);
	} else {
		assert_int_equal(codec, COMP_ZSTD);
		assert_true(n * 100 <= len * 97);
		assert_int_equal(comp_unpack(COMP_ZSTD, out.p, n, back, len,
			&e), 0);
	}
	assert_memory_equal(back, p, len);
	free(back);
	buf_release(&out);
	return n;
}

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int level;
		bool try_first;
		const char *note;	/* a part of it */
	} want[] = {
		{ "none", 0, false, NULL },
		{ "lz4", -2, false, "lz4" },
		{ "zstd", 3, false, NULL },
		{ "zstd,1", 1, false, NULL },
		{ "zstd,22", 22, false, NULL },
		{ "zlib", 3, false, "zlib" },
		{ "zlib,0", 0, false, "zlib" },
		{ "zlib,9", 6, false, "zlib" },
		{ "lzma", 17, false, "lzma" },
		{ "lzma,0", 6, false, "lzma" },
		{ "lzma,9", 19, false, "lzma" },
		{ "auto,zstd", 3, true, NULL },
		{ "auto,zstd,8", 8, true, NULL },
		{ "auto,lzma,6", 17, true, "lzma" },
		{ "auto,none", 0, true, NULL },
		{ "obfuscate,2,zstd,6", 6, false, "obfuscate" },
		{ "obfuscate,250,none", 0, false, "obfuscate" },
		{ "obfuscate,110,auto,zstd,7", 7, true, "obfuscate" },
		{ "obfuscate,123,lz4", -2, false, "lz4" },
	};
	struct comp_spec spec;
	struct err e = { 0 };
	const char *note;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(want) / sizeof(*want); i++) {
		note = "unset";
		assert_int_equal(comp_parse(&spec, want[i].text, &note, &e), 0);
		assert_int_equal(spec.level, want[i].level);
		assert_int_equal(spec.try_first, want[i].try_first);
		if (want[i].note)
			assert_non_null(strstr(note, want[i].note));
		else
			assert_null(note);
	}
	assert_int_equal(comp_parse(&spec, "obfuscate,1,lz4", &note, &e), 0);
	assert_non_null(strstr(note, "obfuscate"));
	assert_int_equal(comp_parse(&spec, "lz4", NULL, &e), 0);
}

static void test_parse_refused(void **state)
{
	static const char *const bad[] = {
		"", ",", "zst", "zstdx", "ZSTD", " zstd", "zstd ", "zstd,",
		"zstd,0", "zstd,23", "zstd,-1", "zstd,+3", "zstd,3,", "zstd,3 ",
		"zstd,3,3", "zstd,1000", "zstd,4294967299", "zlib,10",
		"lzma,10", "zlib,", "lzma,",
		"lz4,", "lz4,1", "none,1", "auto", "auto,", "auto,auto,zstd",
		"auto,obfuscate,1,zstd", "obfuscate", "obfuscate,1",
		"obfuscate,1,", "obfuscate,0,zstd", "obfuscate,7,zstd",
		"obfuscate,109,zstd", "obfuscate,124,zstd",
		"obfuscate,251,zstd", "obfuscate,,zstd",
		"obfuscate,1,obfuscate,1,zstd", "brotli",
	};
	struct comp_spec spec = { 42, true };
	struct err e;
	char *copy;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		err_clear(&e);
		copy = mem_str(bad[i]);
		assert_non_null(copy);
		assert_int_equal(comp_parse(&spec, copy, NULL, &e),
			ERR_CONFIG);
		assert_non_null(strstr(e.msg, bad[i]));
		assert_int_equal(spec.level, 42);
		free(copy);
	}
}

static void test_round_trip(void **state)
{
	static const int levels[] = { 0, -2, 1, 3, 9, 19, 22 };
	static const size_t len[] = {
		1, 2, 9, 10, 100, 4095, 4096, 5000, 16383, 16384, 16385,
		(128u << 10) - 1, 128u << 10, (128u << 10) + 1, MANY
	};
	struct comp *c;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
		c = comp_at(levels[i], true);
		for (k = 0; k < sizeof(len) / sizeof(*len); k++) {
			round_trip(c, text, len[k]);
			round_trip(c, base64, len[k]);
			assert_int_equal(round_trip(c, noise, len[k]), 0);
		}
		comp_free(c);
	}
	comp_free(NULL);
}

static void test_gain(void **state)
{
	struct comp *c = comp_at(3, true);
	size_t n;

	(void)state;
	/* Base64 is six bits in eight and a little for the line ends. */
	n = round_trip(c, base64, MANY);
	assert_in_range(n, MANY / 100 * 75, MANY / 100 * 77);
	assert_in_range(round_trip(c, base64, 5000), 3700, 4000);
	assert_in_range(round_trip(c, text, MANY), 1, MANY / 4);
	comp_free(c);
	c = comp_at(0, false);
	assert_int_equal(round_trip(c, text, MANY), 0);
	comp_free(c);
}

/* The border of 3 %: noise with a tail of zeros, which cost nothing. */
static void test_three_percent(void **state)
{
	struct comp *c = comp_at(3, false);
	uint8_t *p = mem_dup(noise, 100000);

	(void)state;
	assert_non_null(p);
	memset(p + 100000 - 2800, 0, 2800);
	assert_int_equal(round_trip(c, p, 100000), 0);
	memset(p + 100000 - 3200, 0, 3200);
	assert_in_range(round_trip(c, p, 100000), 96800, 97000);
	free(p);
	comp_free(c);
}

/* What a compressor did before does not show. */
static void test_deterministic(void **state)
{
	static const int levels[] = { -2, 1, 3, 6, 13, 19 };
	static const size_t len[] = { 3000, MANY, 70000, 200 };
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct comp *used, *fresh;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
		used = comp_at(levels[i], true);
		for (k = 0; k < sizeof(len) / sizeof(*len); k++) {
			fresh = comp_at(levels[i], true);
			round_trip(used, base64 + k, 50000);
			assert_int_equal(comp_pack(used, text + k, len[k], &a,
				NULL), COMP_ZSTD);
			assert_int_equal(comp_pack(fresh, text + k, len[k], &b,
				NULL), COMP_ZSTD);
			assert_int_equal(a.len, b.len);
			assert_memory_equal(a.p, b.p, a.len);
			comp_free(fresh);
		}
		comp_free(used);
	}
	buf_release(&a);
	buf_release(&b);
}

/* Magic, no flags, the smallest window that holds the input. */
static void test_header(void **state)
{
	static const uint8_t magic[] = { 0x28, 0xb5, 0x2f, 0xfd, 0 };
	uint8_t *p = mem_zero(COMP_MAX_BYTES, 1);
	struct buf out = BUF_INIT;
	struct comp *c;

	(void)state;
	assert_non_null(p);
	c = comp_at(3, true);
	assert_int_equal(comp_pack(c, text, 3000, &out, NULL), COMP_ZSTD);
	assert_memory_equal(out.p, magic, sizeof(magic));
	assert_in_range(out.p[5], 0, (12 - 10) << 3);
	round_trip(c, p, COMP_MAX_BYTES);
	comp_free(c);
	c = comp_at(22, true);
	assert_int_equal(comp_pack(c, p, COMP_MAX_BYTES, &out, NULL),
		COMP_ZSTD);
	assert_int_equal(out.p[5], (24 - 10) << 3);
	comp_free(c);
	buf_release(&out);
	free(p);
}

static void test_verify(void **state)
{
	struct comp *c = comp_at(3, true);
	struct buf out = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	compressor_lies = true;
	assert_int_equal(comp_pack(c, text, 5000, &out, &e), ERR_IO);
	assert_int_equal(out.len, 0);
	assert_int_equal(comp_pack(c, text, MANY, &out, &e), ERR_IO);
	compressor_lies = false;
	assert_int_equal(comp_pack(c, text, 5000, &out, &e), COMP_ZSTD);
	buf_release(&out);
	comp_free(c);
}

static void test_no_memory(void **state)
{
	const struct comp_spec spec = COMP_SPEC_DEFAULT;
	struct comp *c = comp_new(&spec);
	struct buf out = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	mem_fail(1, 0);
	assert_null(comp_new(&spec));
	mem_fail(1, 0);
	assert_int_equal(comp_pack(c, text, 5000, &out, &e), ERR_NOMEM);
	assert_int_equal(comp_pack(c, text, 5000, &out, &e), COMP_ZSTD);
	buf_release(&out);
	comp_free(c);
}

#define MAGIC(s) { s, sizeof(s) - 1 }
static void test_magic(void **state)
{
	static const struct {
		const char *p;
		size_t len;
	} known[] = {
		MAGIC("CRYPTED\x03\x07"), MAGIC("\x1f\x8b\x08"),
		MAGIC("\x28\xb5\x2f\xfd"), MAGIC("\xfd" "7zXZ\0"),
		MAGIC("BZh91AY&SY"), MAGIC("BZh11AY&SY"),
		MAGIC("7z\xbc\xaf\x27\x1c"), MAGIC("Rar!\x1a\x07"),
		MAGIC("PK\x03\x04\x14\0\x06\0\x08\0"), MAGIC("\xff\xd8\xff"),
		MAGIC("\x89PNG\r\n\x1a\n"), MAGIC("RIFF\1\2\3\4WEBP"),
		MAGIC("\0\0\0\x20" "ftyp"), MAGIC("\x1a\x45\xdf\xa3"),
		MAGIC("OggS"), MAGIC("fLaC"),
	}, other[] = {
		MAGIC("Dovecot-LZ4\x0d\x2a\x9b\xc5"),
		MAGIC("PK\x03\x04\x14\0\0\0\0\0"), MAGIC("RIFF\1\2\3\4WAVE"),
		MAGIC("\x04\x22\x4d\x18"), MAGIC("From: a@example.org"),
		MAGIC("BZh9 is text"),
	};
	struct comp *c = comp_at(3, false);
	uint8_t *p;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(known) / sizeof(*known); i++) {
		for (n = 1; n <= known[i].len; n++) {
			p = mem_dup(known[i].p, n);
			assert_int_equal(comp_hopeless(p, n, false),
				n == known[i].len);
			free(p);
		}
		p = mem_dup(text, 5000);
		memcpy(p, known[i].p, known[i].len);
		assert_int_equal(round_trip(c, p, 5000), 0);
		free(p);
	}
	for (i = 0; i < sizeof(other) / sizeof(*other); i++)
		assert_false(comp_hopeless(other[i].p, other[i].len, true));
	comp_free(c);
}

static void test_sample(void **state)
{
	struct comp *c = comp_at(3, true);
	uint8_t *p = mem_dup(noise, MANY);
	size_t i, quarter = MANY / 4;

	(void)state;
	assert_non_null(p);
	assert_true(comp_hopeless(noise, MANY, true));
	assert_true(comp_hopeless(noise, 4096, true));
	assert_true(comp_hopeless(noise, 8191, true));
	assert_false(comp_hopeless(noise, 4095, true));
	assert_false(comp_hopeless(noise, MANY, false));
	assert_false(comp_hopeless(base64, MANY, true));
	assert_false(comp_hopeless(text, MANY, true));
	/* A third of base64 anywhere is worth trying. */
	for (i = 0; i < 4; i++) {
		memcpy(p + i * quarter, base64, quarter);
		assert_false(comp_hopeless(p, MANY, true));
		memcpy(p + i * quarter, noise + i * quarter, quarter);
	}
	assert_true(comp_hopeless(p, MANY, true));
	/* One byte in eight is a zero: 7.54 bits of eight, 5 % to gain. */
	for (i = 0; i < MANY; i++)
		if (noise[i] % 8 == 3)
			p[i] = 0;
	assert_false(comp_hopeless(p, MANY, true));
	assert_in_range(round_trip(c, p, MANY), MANY / 100 * 90,
		MANY / 100 * 96);
	/* One in 64: less than 1 %. */
	for (i = 0; i < MANY; i++)
		p[i] = noise[i] % 64 == 3 ? 0 : noise[i];
	assert_true(comp_hopeless(p, MANY, true));
	/* What a sample does not see is found if it is not asked for. */
	memcpy(p, noise, MANY / 2);
	memcpy(p + MANY / 2, noise, MANY / 2);
	assert_int_equal(round_trip(c, p, MANY), 0);
	comp_free(c);
	c = comp_at(3, false);
	assert_in_range(round_trip(c, p, MANY), MANY / 2, MANY / 2 + 1000);
	comp_free(c);
	free(p);
	/* Every draw of random bytes is seen for what it is. */
	for (i = 0; i + 4096 <= MANY; i += 4096)
		assert_true(comp_hopeless(noise + i, 4096, true));
}

static void refused(const void *p, size_t len, size_t plain_len)
{
	uint8_t *copy = mem_dup(p, len), *out = mem_alloc(plain_len);
	struct err e = { 0 };

	assert_non_null(copy);
	assert_non_null(out);
	assert_int_equal(comp_unpack(COMP_ZSTD, copy, len, out, plain_len, &e),
		ERR_CORRUPT);
	assert_int_equal(e.code, ERR_CORRUPT);
	free(copy);
	free(out);
}

/* Frames written by hand from RFC 8878: one raw block, one RLE block. */
#define HEAD "\x28\xb5\x2f\xfd"
#define RAW_5 "\x29\0\0hello"
#define RLE_100 "\x23\x03\0z"
static void test_unpack(void **state)
{
	static const char raw[] = HEAD "\0\0" RAW_5, rle[] = HEAD "\0\x70"
		RLE_100;
	uint8_t out[100];
	struct err e = { 0 };
	size_t i;

	(void)state;
	assert_int_equal(comp_unpack(COMP_ZSTD, raw, sizeof(raw) - 1, out, 5,
		&e), 0);
	assert_memory_equal(out, "hello", 5);
	assert_int_equal(comp_unpack(COMP_ZSTD, rle, sizeof(rle) - 1, out, 100,
		&e), 0);
	for (i = 0; i < 100; i++)
		assert_int_equal(out[i], 'z');
	for (i = 0; i < sizeof(raw) - 1; i++)
		refused(raw, i, 5);
	for (i = 0; i < 200; i++) {
		if (i != 5)
			refused(raw, sizeof(raw) - 1, i);
		if (i != 100)
			refused(rle, sizeof(rle) - 1, i);
	}
	refused(HEAD "\0\0" RAW_5 "\0", 15, 5);
	refused(HEAD "\0\0" RAW_5 HEAD "\0\0" RAW_5, 28, 10);
	refused("\x50\x2a\x4d\x18\0\0\0\0" HEAD "\0\0" RAW_5, 22, 5);
	refused("\x50\x2a\x4d\x18\0\0\0\0", 8, 0);	/* skippable alone */
	refused(HEAD "\0\x71" RLE_100, 10, 100);	/* 18 MiB window */
	refused(HEAD "\0\x78" RLE_100, 10, 100);	/* 32 MiB */
	refused(HEAD "\x20\x64" RLE_100, 10, 100);	/* content size */
	refused(HEAD "\x04\0" RAW_5 "\0\0\0\0", 18, 5);	/* checksum */
	refused(HEAD "\x01\0\x07" RAW_5, 15, 5);	/* dictionary */
	refused(HEAD "\x08\0" RAW_5, 14, 5);		/* reserved */
	refused("\x27\xb5\x2f\xfd\0\0" RAW_5, 14, 5);	/* version 0.7 */
	assert_int_equal(comp_unpack((enum comp_codec)2, raw, 14, out, 5, &e),
		ERR_CORRUPT);
	assert_int_equal(comp_unpack(COMP_RAW, raw, 14, out, 13, &e),
		ERR_CORRUPT);
	assert_int_equal(comp_unpack(COMP_RAW, raw, 14, out, 15, &e),
		ERR_CORRUPT);
	assert_int_equal(comp_unpack(COMP_RAW, raw, 14, out, 14, &e), 0);
	assert_memory_equal(out, raw, 14);
}

static void *unpack_many(void *arg)
{
	const struct buf *frame = arg;
	uint8_t *out = mem_alloc(50000);
	size_t i, good = 0;

	for (i = 0; out && i < 200; i++)
		good += comp_unpack(COMP_ZSTD, frame->p, frame->len, out,
			50000, NULL) == 0 && memcmp(out, text, 50000) == 0;
	free(out);
	return good == 200 ? arg : NULL;
}

static void test_threads(void **state)
{
	struct comp *c = comp_at(3, true);
	struct buf frame = BUF_INIT;
	pthread_t t[4];
	void *rc;
	size_t i;

	(void)state;
	assert_int_equal(comp_pack(c, text, 50000, &frame, NULL), COMP_ZSTD);
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, unpack_many,
			&frame), 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(t[i], &rc), 0);
		assert_ptr_equal(rc, &frame);
	}
	buf_release(&frame);
	comp_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_refused),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_gain),
		cmocka_unit_test(test_three_percent),
		cmocka_unit_test(test_deterministic),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_magic),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_unpack),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
