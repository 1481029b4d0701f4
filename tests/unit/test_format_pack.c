/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/fmt.h"
#include "format/object.h"
#include "format/pack.h"
#include "format/sealed.h"
#include "tests/lib/check.h"
#include "tests/lib/formatkit.h"

#define OBJECTS 300

static void test_prefix(void **state)
{
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	struct rd r;
	struct wr w;

	(void)state;
	wr_init(&w, &b);
	fmt_put_prefix(&w, FMT_PACK);
	assert_int_equal(b.len, FMT_PREFIX_BYTES);
	rd_init(&r, b.p, b.len);
	check_ok(fmt_get_prefix(&r, FMT_PACK, &e), &e);
	assert_true(rd_done(&r));
#define PREFIX(at, value, code) \
	do { \
		uint8_t was = b.p[at]; \
		b.p[at] = value; \
		rd_init(&r, b.p, b.len); \
		check_err(fmt_get_prefix(&r, FMT_PACK, &e), code, &e); \
		b.p[at] = was; \
	} while (0)
	PREFIX(0, 0x88, ERR_CORRUPT);
	PREFIX(3, 'I', ERR_CORRUPT);
	PREFIX(4, 0x0a, ERR_CORRUPT);
	PREFIX(8, FMT_VERSION + 1, ERR_CONFIG);
	assert_non_null(strstr(e.msg, "needs a newer muniment"));
	PREFIX(10, FMT_SUITE + 1, ERR_CONFIG);
	PREFIX(12, 1, ERR_CONFIG);
	assert_non_null(strstr(e.msg, "needs a newer muniment"));
	PREFIX(11, 1, ERR_CORRUPT);
	PREFIX(24, 1, ERR_CORRUPT);
	/* What writes and deletes is not needed by who reads. */
	b.p[16] = b.p[20] = 1;
	rd_init(&r, b.p, b.len);
	check_ok(fmt_get_prefix(&r, FMT_PACK, &e), &e);
	rd_init(&r, b.p, b.len - 1);
	check_err(fmt_get_prefix(&r, FMT_PACK, &e), ERR_CORRUPT, &e);
#undef PREFIX
	buf_release(&b);
}

/* PURBs, section 4.3: at most 12 % more, sizes with few bits set. */
static void test_padme(void **state)
{
	uint64_t n, last = 0, padded;

	(void)state;
	assert_int_equal(fmt_padme(0), FMT_MIN_BYTES);
	assert_int_equal(fmt_padme(4096), 4096);
	assert_int_equal(fmt_padme(4097), 4096 + 256);
	assert_int_equal(fmt_padme(65537), 65536 + 2048);
	assert_int_equal(fmt_padme((64u << 20) - 5), 64u << 20);
	for (n = 1; n < 1u << 24; n += 1 + n / 50) {
		padded = fmt_padme(n);
		assert_true(padded >= n && padded >= last);
		assert_true(padded <= 4096 || padded - n <= n / 8);
		assert_int_equal(fmt_padme(padded), padded);
		last = padded;
	}
}

static void open_all(const struct pack_table *t, const struct buf *file)
{
	const struct object_keys k = formatkit_object_keys("session");
	const struct key id_key = formatkit_id_key(OBJ_DATA);
	struct buf scratch = BUF_INIT;
	struct err e = { 0 };
	char out[64], want[64];
	uint32_t i;

	for (i = 0; i < t->n_entries; i++) {
		snprintf(want, sizeof(want), "object %u", i);
		check_ok(object_open(&t->entries[i].obj, formatkit_ctx(), &k,
				     &id_key, file->p + t->entries[i].off,
				     &scratch, out, &e), &e);
		assert_int_equal(t->entries[i].obj.plain_len, strlen(want));
		assert_memory_equal(out, want, strlen(want));
	}
	buf_release(&scratch);
}

static void test_pack(void **state)
{
	const struct fmt_ctx *ctx = formatkit_ctx();
	struct pack_session want = formatkit_session("session");
	struct buf file = BUF_INIT;
	struct err e = { 0 };
	struct pack_head h;
	struct pack_table t;
	struct oid name;

	(void)state;
	formatkit_pack(&file, &name, OBJECTS);
	assert_int_equal(file.len, fmt_padme(file.len));
	check_ok(pack_scrub(&name, file.p, file.len, &e), &e);
	check_ok(pack_open_head(&h, ctx, &name, file.p, PACK_HEADER_BYTES,
				&e), &e);
	assert_int_equal(h.kind, PACK_DATA);
	assert_int_equal(h.n_entries, OBJECTS);
	assert_int_equal(h.n_sessions, 1);
	assert_int_equal(h.file_bytes, file.len);
	assert_memory_equal(&h.writer, &ctx->signer->pub, sizeof(h.writer));
	check_ok(pack_open_table(&t, &h, ctx, file.p + PACK_HEADER_BYTES,
				 h.table_bytes, &e), &e);
	assert_int_equal(t.n_entries, OBJECTS);
	assert_memory_equal(&t.sessions[0].id, &want.id, sizeof(want.id));
	assert_memory_equal(t.sessions[0].sealed, want.sealed,
			    sizeof(want.sealed));
	assert_int_equal(t.sessions[0].level, want.level);
	open_all(&t, &file);
	pack_table_release(&t);
	buf_release(&file);
}

static int open_whole(const struct fmt_ctx *ctx, const struct oid *name,
		      const uint8_t *p, size_t len, struct err *e)
{
	struct pack_head h;
	struct pack_table t;
	int rc = pack_open_head(&h, ctx, name, p, len, e);

	if (rc == 0) {
		rc = pack_open_table(&t, &h, ctx, p + PACK_HEADER_BYTES,
				     len - PACK_HEADER_BYTES, e);
		pack_table_release(&t);
	}
	return rc;
}

/* Scrub finds every changed byte; the head and table find theirs. */
static void test_damage(void **state)
{
	const struct fmt_ctx *ctx = formatkit_ctx();
	struct buf file = BUF_INIT;
	struct err e = { 0 };
	struct pack_head h;
	struct oid name;
	size_t i;

	(void)state;
	formatkit_pack(&file, &name, 20);
	check_ok(pack_open_head(&h, ctx, &name, file.p, file.len, &e), &e);
	for (i = 0; i < file.len; i++) {
		file.p[i] ^= 0x40;
		assert_true(pack_scrub(&name, file.p, file.len, &e) < 0);
		if (i < PACK_HEADER_BYTES + h.table_bytes)
			assert_true(open_whole(ctx, &name, file.p, file.len,
					       &e) < 0);
		file.p[i] ^= 0x40;
	}
	check_err(pack_scrub(&name, file.p, file.len - 1, &e), ERR_CORRUPT,
		  &e);
	check_err(pack_scrub(&name, file.p, 100, &e), ERR_CORRUPT, &e);
	check_err(pack_open_head(&h, ctx, &name, file.p, 255, &e),
		  ERR_CORRUPT, &e);
	check_err(open_whole(ctx, &name, file.p, PACK_HEADER_BYTES + 50, &e),
		  ERR_CORRUPT, &e);
	name.b[0] ^= 1;
	check_err(pack_scrub(&name, file.p, file.len, &e), ERR_CORRUPT, &e);
	buf_release(&file);
}

/* Changed by somebody who can name files, but has no key. */
static void test_forged(void **state)
{
	struct buf file = BUF_INIT;
	struct err e = { 0 };
	struct oid name;

	(void)state;
	formatkit_pack(&file, &name, 20);
	file.p[170] ^= 1;
	key_hash(&name, NULL, file.p, PACK_HEADER_BYTES, NULL, 0, NULL, 0);
	check_err(pack_scrub(&name, file.p, file.len, &e), ERR_CORRUPT, &e);
	assert_non_null(strstr(e.msg, "signature"));
	check_err(open_whole(formatkit_ctx(), &name, file.p, file.len, &e),
		  ERR_CORRUPT, &e);
	buf_release(&file);
}

/* A size that is not that of the objects, from one who has the keys. */
static void test_size(void **state)
{
	struct sealed_head h;
	struct buf file = BUF_INIT;
	struct err e = { 0 };
	struct oid name;

	(void)state;
	formatkit_pack(&file, &name, 200);
	check_ok(sealed_get_head(&h, formatkit_ctx(), FMT_PACK, &name, file.p,
				 file.len, &e), &e);
	h.file_bytes = fmt_padme(h.file_bytes + 1);
	sealed_put_head(file.p, &h, formatkit_ctx(), FMT_PACK, &name);
	check_err(open_whole(formatkit_ctx(), &name, file.p, file.len, &e),
		  ERR_CORRUPT, &e);
	assert_non_null(strstr(e.msg, "cannot be"));
	buf_release(&file);
}

static void test_foreign(void **state)
{
	struct fmt_ctx other = *formatkit_ctx();
	struct key loc = formatkit_key("other location");
	struct buf file = BUF_INIT;
	struct err e = { 0 };
	struct oid name;

	(void)state;
	formatkit_pack(&file, &name, 20);
	other.repo = formatkit_sid("other repository");
	check_err(open_whole(&other, &name, file.p, file.len, &e),
		  ERR_CORRUPT, &e);
	assert_non_null(strstr(e.msg, "belongs to another repository"));
	other = *formatkit_ctx();
	other.loc = &loc;
	check_err(open_whole(&other, &name, file.p, file.len, &e),
		  ERR_CORRUPT, &e);
	buf_release(&file);
}

/* The same objects give the same pack; another kind another key. */
static void test_salt(void **state)
{
	struct buf a = BUF_INIT, b = BUF_INIT, objects = BUF_INIT;
	struct buf head = BUF_INIT, pad = BUF_INIT;
	struct pack_table t;
	struct oid one, two;

	(void)state;
	formatkit_pack(&a, &one, 20);
	formatkit_pack(&b, &two, 20);
	assert_memory_equal(&one, &two, sizeof(one));
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.p, b.p, a.len);
	formatkit_objects(&t, &objects, 20);
	assert_int_equal(pack_seal(formatkit_ctx(), PACK_META, &t, objects.p,
				   objects.len, &head, &pad, &two, NULL), 0);
	assert_memory_not_equal(a.p + 80, head.p + 80, 32);
	assert_memory_not_equal(&one, &two, sizeof(one));
	pack_table_release(&t);
	buf_release(&a);
	buf_release(&b);
	buf_release(&objects);
	buf_release(&head);
	buf_release(&pad);
}

static void make_object(struct object_head *h, const uint8_t *plain,
			size_t len, struct buf *sealed)
{
	static const struct comp_spec spec = COMP_SPEC_DEFAULT;
	const struct object_keys k = formatkit_object_keys("session");
	const struct key id_key = formatkit_id_key(OBJ_NODE);
	struct comp *c = comp_new(&spec);
	struct buf z = BUF_INIT;
	int codec = comp_pack(c, plain, len, &z, NULL);

	assert_true(codec >= 0);
	h->type = OBJ_NODE;
	h->codec = (enum comp_codec)codec;
	h->plain_len = (uint32_t)len;
	object_id(&h->id, &id_key, plain, len);
	assert_int_equal(buf_resize(sealed, len + AEAD_TAG_BYTES, NULL), 0);
	if (codec == COMP_ZSTD)
		object_seal(h, formatkit_ctx(), &k, z.p, z.len, sealed->p);
	else
		object_seal(h, formatkit_ctx(), &k, plain, len, sealed->p);
	comp_free(c);
	buf_release(&z);
}

static int open_object(const struct object_head *h, const struct buf *sealed,
		       uint8_t *out, struct err *e)
{
	const struct object_keys k = formatkit_object_keys("session");
	const struct key id_key = formatkit_id_key(OBJ_NODE);
	struct buf scratch = BUF_INIT;
	int rc = object_open(h, formatkit_ctx(), &k, &id_key, sealed->p,
			     &scratch, out, e);

	buf_release(&scratch);
	return rc;
}

static void test_object(void **state)
{
	struct object_head h, bad;
	struct buf sealed = BUF_INIT;
	uint8_t plain[1000], out[1001];
	struct err e = { 0 };
	unsigned i, raw;

	(void)state;
	for (raw = 0; raw < 2; raw++) {
		for (i = 0; i < sizeof(plain); i++)
			plain[i] = raw ? formatkit_oid("noise", i).b[0] :
				(uint8_t)(i / 100);
		make_object(&h, plain, sizeof(plain), &sealed);
		assert_int_equal(h.codec, raw ? COMP_RAW : COMP_ZSTD);
		out[1000] = 0xa5;
		check_ok(open_object(&h, &sealed, out, &e), &e);
		assert_memory_equal(out, plain, sizeof(plain));
		assert_int_equal(out[1000], 0xa5);
#define BAD(member, value) \
	do { \
		bad = h; \
		bad.member = value; \
		check_err(open_object(&bad, &sealed, out, &e), ERR_CORRUPT, \
			  &e); \
	} while (0)
		BAD(id.b[31], h.id.b[31] ^ 1);
		BAD(type, OBJ_LIST);
		BAD(type, (enum obj_type)0);
		BAD(type, (enum obj_type)4);
		BAD(codec, raw ? COMP_ZSTD : COMP_RAW);
		BAD(codec, (enum comp_codec)2);
		BAD(plain_len, h.plain_len - 1);
		BAD(plain_len, 0);
		BAD(plain_len, OBJ_MAX_BYTES + 1);
		BAD(stored_len, h.stored_len - 1);
		BAD(stored_len, 16);
#undef BAD
		for (i = 0; i < h.stored_len; i++) {
			sealed.p[i] ^= 1;
			check_err(open_object(&h, &sealed, out, &e),
				  ERR_CORRUPT, &e);
			sealed.p[i] ^= 1;
		}
	}
	buf_release(&sealed);
}

/* A sealed object whose plain bytes are not those of its id: a writer's bug,
 * which no authentication finds. */
static void test_wrong_id(void **state)
{
	const struct object_keys k = formatkit_object_keys("session");
	struct object_head h = { .type = OBJ_NODE, .codec = COMP_RAW,
				 .plain_len = 5 };
	struct buf sealed = BUF_INIT;
	struct err e = { 0 };
	uint8_t out[5];

	(void)state;
	h.id = formatkit_oid("some", 0);
	assert_int_equal(buf_resize(&sealed, 21, NULL), 0);
	object_seal(&h, formatkit_ctx(), &k, "hello", 5, sealed.p);
	check_err(open_object(&h, &sealed, out, &e), ERR_CORRUPT, &e);
	assert_non_null(strstr(e.msg, "does not have its id"));
	buf_release(&sealed);
}

static void test_keys(void **state)
{
	struct key secret = formatkit_key("secret"), psk = formatkit_key("psk");
	struct sid s1 = formatkit_sid("1"), s2 = formatkit_sid("2");
	struct object_keys a, b;

	(void)state;
	object_keys(&a, &secret, &psk, &s1);
	assert_memory_not_equal(&a.content, &a.nonce, sizeof(a.nonce));
	object_keys(&b, &secret, &psk, &s2);
	assert_memory_not_equal(&a.content, &b.content, sizeof(a.nonce));
	object_keys(&b, &secret, &secret, &s1);
	assert_memory_not_equal(&a.content, &b.content, sizeof(a.nonce));
}

static void test_no_memory(void **state)
{
	const struct fmt_ctx *ctx = formatkit_ctx();
	struct buf file = BUF_INIT;
	struct err e = { 0 };
	struct oid name;
	unsigned long i;
	int rc = -1;

	(void)state;
	formatkit_pack(&file, &name, 20);
	for (i = 1; rc < 0; i++) {
		mem_fail(i, 0);
		rc = open_whole(ctx, &name, file.p, file.len, &e);
		mem_fail(0, 0);
		if (rc < 0)
			check_err(rc, ERR_NOMEM, &e);
	}
	assert_true(i > 3);
	buf_release(&file);
}

/* A change of this is a change of the format: bump FMT_VERSION. */
static const char golden[] =
	"672f1c1cdd2ca365c79338a61713f48ee484494caba9bc8e2c160be2eb91c6fa";

static void test_golden(void **state)
{
	char hex[OID_HEX_BYTES];
	struct buf file = BUF_INIT;
	struct oid name, h;

	(void)state;
	formatkit_pack(&file, &name, 20);
	key_hash(&h, NULL, file.p, file.len, NULL, 0, NULL, 0);
	assert_string_equal(oid_hex(&h, hex), golden);
	buf_release(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_padme),
		cmocka_unit_test(test_pack),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_salt),
		cmocka_unit_test(test_object),
		cmocka_unit_test(test_wrong_id),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_golden),
	};

	formatkit_ctx();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
