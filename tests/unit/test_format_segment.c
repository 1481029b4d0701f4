/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/sealed.h"
#include "format/segment.h"
#include "tests/lib/check.h"
#include "tests/lib/formatkit.h"

#define ENTRIES (2 * SEGMENT_BLOCK_ENTRIES + 100)

static void test_name(void **state)
{
	struct segment_name n = { SEGMENT_BASE, 0xabcdef01, 0x5f, { { 0 } } };
	struct segment_name back;
	char text[SEGMENT_NAME_BYTES];

	(void)state;
	n.hash = formatkit_oid("segment", 0);
	segment_name_put(&n, text);
	assert_memory_equal(text, "b-abcdef01-5f-", 14);
	assert_int_equal(strlen(text), 78);
	assert_true(segment_name_get(&back, text));
	assert_int_equal(back.kind, n.kind);
	assert_int_equal(back.generation, n.generation);
	assert_int_equal(back.tier, n.tier);
	assert_memory_equal(&back.hash, &n.hash, sizeof(n.hash));
	n.kind = SEGMENT_SESSION;
	assert_true(segment_name_get(&back, segment_name_put(&n, text)));
	assert_int_equal(back.kind, SEGMENT_SESSION);
	text[77] = '\0';
	assert_false(segment_name_get(&back, text));
	segment_name_put(&n, text);
	text[5] = 'A';
	assert_false(segment_name_get(&back, text));
	assert_false(segment_name_get(&back, ""));
	assert_false(segment_name_get(&back, "s"));
	assert_false(segment_name_get(&back, "s-"));
	assert_false(segment_name_get(&back, "s-00000000"));
	assert_false(segment_name_get(&back, "x-00000000-00-"));
}

static void test_entry(void **state)
{
	struct segment_entry en = { .pack = 0xfffffe, .session = 65534,
		.off = 0xfedcba98, .stored_len = OBJ_MAX_BYTES + 16,
		.plain_len = OBJ_MAX_BYTES, .type = OBJ_LIST,
		.codec = COMP_RAW }, back;
	uint8_t b[SEGMENT_ENTRY_BYTES];
	struct err e = { 0 };

	(void)state;
	memset(en.prefix, 0x77, sizeof(en.prefix));
	segment_entry_put(b, &en);
	check_ok(segment_entry_get(&back, b, &e), &e);
	assert_memory_equal(back.prefix, en.prefix, sizeof(en.prefix));
	assert_int_equal(back.pack, en.pack);
	assert_int_equal(back.session, en.session);
	assert_int_equal(back.off, en.off);
	assert_int_equal(back.stored_len, en.stored_len);
	assert_int_equal(back.plain_len, en.plain_len);
	assert_int_equal(back.type, en.type);
	assert_int_equal(back.codec, en.codec);
	b[31] = 0x01;
	check_err(segment_entry_get(&back, b, &e), ERR_CORRUPT, &e);
	b[31] = 0x12;
	check_err(segment_entry_get(&back, b, &e), ERR_CORRUPT, &e);
	b[31] = OBJ_LIST << 4;
	b[25] ^= 1;
	check_err(segment_entry_get(&back, b, &e), ERR_CORRUPT, &e);
}

static void test_filter(void **state)
{
	struct oid id;
	unsigned i, wrong = 0;
	const uint32_t n = 2000, blocks = n * 12 / 512 + 1;
	uint8_t *f = mem_zero(blocks, 64);

	(void)state;
	assert_non_null(f);
	for (i = 0; i < n; i++) {
		id = formatkit_oid("in", i);
		segment_filter_add(f, blocks, id.b);
	}
	for (i = 0; i < n; i++) {
		id = formatkit_oid("in", i);
		assert_true(segment_filter_has(f, blocks, id.b));
	}
	for (i = 0; i < 20000; i++) {
		id = formatkit_oid("out", i);
		wrong += segment_filter_has(f, blocks, id.b);
	}
	print_message("%u of 20000 pass that are not there\n", wrong);
	assert_true(wrong < 300);
	assert_false(segment_filter_has(NULL, 0, id.b));
	free(f);
}

static void test_segment(void **state)
{
	const struct fmt_ctx *ctx = formatkit_ctx();
	static const uint32_t size[] = { 0, 1, SEGMENT_BLOCK_ENTRIES,
		SEGMENT_BLOCK_ENTRIES + 1, ENTRIES };
	struct buf file = BUF_INIT;
	struct err e = { 0 };
	struct segment s, back;
	struct segment_name name;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		formatkit_segment(&s, size[i]);
		check_ok(segment_seal(ctx, &s, &file, &name, &e), &e);
		assert_int_equal(name.kind, SEGMENT_SESSION);
		assert_int_equal(name.generation, 7);
		assert_int_equal(name.tier, 2);
		assert_int_equal(file.len, fmt_padme(file.len));
		check_ok(segment_scrub(&name, file.p, file.len, &e), &e);
		check_ok(segment_open(&back, ctx, &name, file.p, file.len,
				      &e), &e);
		assert_int_equal(back.n_entries, s.n_entries);
		assert_int_equal(back.n_packs, 1);
		assert_int_equal(back.n_sessions, 1);
		assert_memory_equal(back.entries, s.entries,
				    (size_t)size[i] * SEGMENT_ENTRY_BYTES);
		assert_memory_equal(&back.packs[0].name, &s.packs[0].name, 32);
		assert_int_equal(back.packs[0].bytes, s.packs[0].bytes);
		assert_memory_equal(back.sessions[0].sealed,
				    s.sessions[0].sealed, PACK_SEALED_BYTES);
		assert_int_equal(back.n_filter, s.n_filter);
		segment_release(&s);
		segment_release(&back);
	}
	buf_release(&file);
}

static int open_it(const struct segment_name *name, const struct buf *file,
		   struct err *e)
{
	struct segment s;
	int rc = segment_open(&s, formatkit_ctx(), name, file->p, file->len,
			      e);

	segment_release(&s);
	return rc;
}

static void test_damage(void **state)
{
	struct buf file = BUF_INIT;
	struct segment_name name, other;
	struct err e = { 0 };
	struct segment s;
	size_t i;

	(void)state;
	formatkit_segment(&s, 300);
	check_ok(segment_seal(formatkit_ctx(), &s, &file, &name, &e), &e);
	for (i = 0; i < file.len; i++) {
		file.p[i] ^= 4;
		assert_true(open_it(&name, &file, &e) < 0);
		assert_true(segment_scrub(&name, file.p, file.len, &e) < 0);
		file.p[i] ^= 4;
	}
	check_ok(open_it(&name, &file, &e), &e);
	other = name;
	other.tier++;
	check_err(open_it(&other, &file, &e), ERR_CORRUPT, &e);
	other = name;
	other.generation++;
	check_err(open_it(&other, &file, &e), ERR_CORRUPT, &e);
	other = name;
	other.kind = SEGMENT_BASE;
	check_err(open_it(&other, &file, &e), ERR_CORRUPT, &e);
	file.len--;
	check_err(open_it(&name, &file, &e), ERR_CORRUPT, &e);
	segment_release(&s);
	buf_release(&file);
}

/* A writer that lies in what is sealed: every check behind the seal. */
static void test_lies(void **state)
{
	struct buf file = BUF_INIT;
	struct segment_name name;
	struct err e = { 0 };
	struct segment s;
	uint8_t *en;

	(void)state;
	formatkit_segment(&s, 300);
	en = s.entries + (size_t)123 * SEGMENT_ENTRY_BYTES;
#define LIE(at, mask) \
	do { \
		en[at] ^= mask; \
		check_ok(segment_seal(formatkit_ctx(), &s, &file, &name, \
				      &e), &e); \
		check_err(open_it(&name, &file, &e), ERR_CORRUPT, &e); \
		assert_non_null(strstr(e.msg, "123")); \
		en[at] ^= mask; \
	} while (0)
	LIE(16, 1);		/* a pack that is not there */
	LIE(19, 1);		/* a session that is not there */
	LIE(22, 1);		/* inside the header */
	LIE(24, 0x80);		/* past the pack's end */
	LIE(31, 0x02);		/* codec */
	LIE(31, 0x50);		/* type */
#undef LIE
	segment_release(&s);
	buf_release(&file);
}

/* A front that does not agree with the entries: one byte of it, counted from
 * its end, is changed before it is sealed again. */
static void lie_in_front(size_t from_end, const char *want)
{
	struct buf file = BUF_INIT;
	struct segment_name name;
	struct sealed_head h;
	struct err e = { 0 };
	struct segment s;
	uint8_t *front;
	size_t len;

	formatkit_segment(&s, 300);
	check_ok(segment_seal(formatkit_ctx(), &s, &file, &name, &e), &e);
	check_ok(sealed_get_head(&h, formatkit_ctx(), FMT_SEGMENT, &name.hash,
				 file.p, file.len, &e), &e);
	len = h.counts[4] | (size_t)h.counts[5] << 8;
	front = mem_alloc(len);
	assert_non_null(front);
	check_ok(sealed_get_front(front, &h, formatkit_ctx(), file.p + 256,
				  len, &e), &e);
	front[len - from_end] ^= 1;
	sealed_put_front(&h, formatkit_ctx(), front, len, file.p + 256);
	key_sum(&h.sum, file.p + 256, file.len - 256);
	sealed_put_head(file.p, &h, formatkit_ctx(), FMT_SEGMENT, &name.hash);
	check_err(open_it(&name, &file, &e), ERR_CORRUPT, &e);
	if (!strstr(e.msg, want))
		fail_msg("'%s', expected something of a %s", e.msg, want);
	free(front);
	segment_release(&s);
	buf_release(&file);
}

static void test_front(void **state)
{
	const size_t filter = (300 * 12 + 511) / 512 * 64;

	(void)state;
	lie_in_front(1, "filter");
	lie_in_front(filter + 1, "fence");
	lie_in_front(filter + 8 + 104 + 40 + 1, "front");	/* packs */
}

/* The same front with other entries must not meet the same key. */
static void test_salt(void **state)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct segment_name one, two;
	struct segment s;

	(void)state;
	formatkit_segment(&s, 300);
	assert_int_equal(segment_seal(formatkit_ctx(), &s, &a, &one, NULL), 0);
	assert_int_equal(segment_seal(formatkit_ctx(), &s, &b, &two, NULL), 0);
	assert_memory_equal(&one.hash, &two.hash, sizeof(one.hash));
	s.entries[5 * SEGMENT_ENTRY_BYTES + 21] ^= 1;	/* an offset */
	assert_int_equal(segment_seal(formatkit_ctx(), &s, &b, &two, NULL), 0);
	assert_memory_not_equal(a.p + 80, b.p + 80, 32);
	segment_release(&s);
	buf_release(&a);
	buf_release(&b);
}

static void seal_unsorted(void *arg)
{
	struct segment *s = arg;
	struct segment_name name;
	struct buf file = BUF_INIT;

	memmove(s->entries, s->entries + SEGMENT_ENTRY_BYTES,
		SEGMENT_ENTRY_BYTES);
	segment_seal(formatkit_ctx(), s, &file, &name, NULL);
}

static void test_unsorted(void **state)
{
	struct segment s;

	(void)state;
	formatkit_segment(&s, 10);
	check_bug(seal_unsorted, &s);
	segment_release(&s);
}

static void test_no_memory(void **state)
{
	struct buf file = BUF_INIT;
	struct segment_name name;
	struct err e = { 0 };
	struct segment s;
	unsigned long i;
	int rc = -1;

	(void)state;
	formatkit_segment(&s, 300);
	for (i = 1; rc < 0; i++) {
		buf_release(&file);
		mem_fail(i, 0);
		rc = segment_seal(formatkit_ctx(), &s, &file, &name, &e);
		mem_fail(0, 0);
		if (rc < 0)
			check_err(rc, ERR_NOMEM, &e);
	}
	for (i = 1, rc = -1; rc < 0; i++) {
		mem_fail(i, 0);
		rc = open_it(&name, &file, &e);
		mem_fail(0, 0);
		if (rc < 0)
			check_err(rc, ERR_NOMEM, &e);
	}
	assert_true(i > 6);
	segment_release(&s);
	buf_release(&file);
}

/* A change of this is a change of the format: bump FMT_VERSION. */
static const char golden[] =
	"dc7836700e4f574daec1d14080edb23c147858ca00467c8d16d8dcc660aa7885";

static void test_golden(void **state)
{
	char hex[OID_HEX_BYTES];
	struct buf file = BUF_INIT;
	struct segment_name name;
	struct segment s;
	struct oid h;

	(void)state;
	formatkit_segment(&s, ENTRIES);
	assert_int_equal(segment_seal(formatkit_ctx(), &s, &file, &name,
				      NULL), 0);
	key_hash(&h, NULL, file.p, file.len, NULL, 0, NULL, 0);
	assert_string_equal(oid_hex(&h, hex), golden);
	segment_release(&s);
	buf_release(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_entry),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_segment),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_front),
		cmocka_unit_test(test_salt),
		cmocka_unit_test(test_unsorted),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_golden),
	};

	formatkit_ctx();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
