/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/record.h"
#include "tests/lib/check.h"
#include "tests/lib/formatkit.h"

static char text_name[] = "mail-2026-11-23", text_series[] = "mail";
static char text_host[] = "mx1", text_user[] = "root";
static char text_comment[] = "before the move", text_program[] = "muniment 1";
static char text_root[] = "root", text_vmail[] = "vmail";

static void add(struct strv *v, const char *s)
{
	assert_int_equal(strv_add(v, s, NULL), 0);
}

/* Only the lists and the owners are allocated. */
static void make_record(struct record *r)
{
	memset(r, 0, sizeof(*r));
	r->session = formatkit_sid("session");
	r->key = formatkit_session("session");
	r->client = formatkit_sid("client");
	r->seq = UINT64_C(1) << 40;
	r->prev = formatkit_oid("previous", 0);
	r->generation = 9;
	r->flags = RECORD_PARTIAL;
	r->n_seen = 2;
	r->seen = mem_zero(2, sizeof(*r->seen));
	assert_non_null(r->seen);
	r->seen[0].client = formatkit_sid("other");
	r->seen[0].seq = 3;
	r->seen[1].hash = formatkit_oid("hash", 0);
	r->name = text_name;
	r->series = text_series;
	r->host = text_host;
	r->user = text_user;
	r->comment = text_comment;
	r->program = text_program;
	add(&r->command, "muniment");
	add(&r->command, "create");
	add(&r->command, "");
	add(&r->paths, "/var/vmail");
	r->start_nsec = 1795380469123456789;
	r->end_nsec = -1;
	r->utc_offset_secs = -12600;
	r->root = (struct dir_ref){ .kind = DIR_ROOT, .level = 1,
		.id = formatkit_oid("root", 0), .entries = 3, .files = 1000,
		.bytes = 123456789 };
	r->stats = (struct record_stats){ 1, 2, 3, 4, 5, 6, 7, 8, 9,
					  UINT64_MAX };
	add(&r->warnings, "'/var/vmail/x': permission denied");
	r->n_users = 2;
	r->users = mem_zero(2, sizeof(*r->users));
	assert_non_null(r->users);
	r->users[0].name = text_root;
	r->users[1].id = 5000;
	r->users[1].name = text_vmail;
}

static void free_made(struct record *r)
{
	free(r->seen);
	free(r->users);
	strv_release(&r->command);
	strv_release(&r->paths);
	strv_release(&r->warnings);
}

static void check_list(const struct strv *a, const struct strv *b)
{
	size_t i;

	assert_int_equal(a->n, b->n);
	for (i = 0; i < a->n; i++)
		assert_string_equal(a->v[i], b->v[i]);
}

static void test_round_trip(void **state)
{
	const struct fmt_ctx *ctx = formatkit_ctx();
	const struct object_keys k = formatkit_object_keys("session");
	struct buf file = BUF_INIT;
	struct err e = { 0 };
	struct record r, back;
	struct oid id, id2;

	(void)state;
	make_record(&r);
	check_ok(record_seal(ctx, &r, &k, &file, &id, &e), &e);
	assert_int_equal(file.len, RECORD_PAD_BYTES);
	assert_false(record_is_fence(file.p, file.len));
	check_ok(record_open_head(&back, ctx, &r.session, file.p, file.len,
				  &id2, &e), &e);
	assert_memory_equal(&id, &id2, sizeof(id));
	assert_memory_equal(&back.session, &r.session, 16);
	assert_memory_equal(&back.writer, &ctx->signer->pub, 32);
	assert_memory_equal(back.key.sealed, r.key.sealed, PACK_SEALED_BYTES);
	assert_memory_equal(&back.client, &r.client, 16);
	assert_int_equal(back.seq, r.seq);
	assert_memory_equal(&back.prev, &r.prev, 32);
	assert_int_equal(back.generation, 9);
	assert_int_equal(back.flags, RECORD_PARTIAL);
	assert_int_equal(back.n_seen, 2);
	assert_memory_equal(&back.seen[0].client, &r.seen[0].client, 16);
	assert_int_equal(back.seen[0].seq, 3);
	assert_memory_equal(&back.seen[1].hash, &r.seen[1].hash, 32);
	assert_null(back.name);
	check_ok(record_open_body(&back, ctx, &k, file.p, file.len, &e), &e);
	assert_string_equal(back.name, r.name);
	assert_string_equal(back.series, r.series);
	assert_string_equal(back.host, r.host);
	assert_string_equal(back.user, r.user);
	assert_string_equal(back.comment, r.comment);
	assert_string_equal(back.program, r.program);
	check_list(&back.command, &r.command);
	check_list(&back.paths, &r.paths);
	check_list(&back.warnings, &r.warnings);
	assert_int_equal(back.start_nsec, r.start_nsec);
	assert_int_equal(back.end_nsec, r.end_nsec);
	assert_int_equal(back.utc_offset_secs, r.utc_offset_secs);
	assert_int_equal(back.root.kind, DIR_ROOT);
	assert_memory_equal(&back.root.id, &r.root.id, 32);
	assert_int_equal(back.root.bytes, r.root.bytes);
	assert_memory_equal(&back.stats, &r.stats, sizeof(r.stats));
	assert_int_equal(back.n_users, 2);
	assert_int_equal(back.users[1].id, 5000);
	assert_string_equal(back.users[1].name, "vmail");
	assert_int_equal(back.n_groups, 0);
	record_release(&back);
	free_made(&r);
	buf_release(&file);
}

static int open_both(const struct fmt_ctx *ctx, const struct sid *session,
		     const struct buf *file, struct err *e)
{
	const struct object_keys k = formatkit_object_keys("session");
	struct record r;
	struct oid id;
	int rc = record_open_head(&r, ctx, session, file->p, file->len, &id,
				  e);

	if (rc == 0)
		rc = record_open_body(&r, ctx, &k, file->p, file->len, e);
	record_release(&r);
	return rc;
}

static void test_damage(void **state)
{
	const struct object_keys k = formatkit_object_keys("session");
	struct sid other = formatkit_sid("other");
	struct fmt_ctx foreign = *formatkit_ctx();
	struct buf file = BUF_INIT;
	struct err e = { 0 };
	struct record r;
	struct oid id;
	size_t i;

	(void)state;
	make_record(&r);
	check_ok(record_seal(formatkit_ctx(), &r, &k, &file, &id, &e), &e);
	for (i = 0; i < file.len; i++) {
		file.p[i] ^= 0x10;
		assert_true(open_both(formatkit_ctx(), &r.session, &file,
				      &e) < 0);
		file.p[i] ^= 0x10;
	}
	check_err(open_both(formatkit_ctx(), &other, &file, &e), ERR_CORRUPT,
		  &e);
	assert_non_null(strstr(e.msg, "wrong name"));
	foreign.repo = other;
	check_err(open_both(&foreign, &r.session, &file, &e), ERR_CORRUPT,
		  &e);
	for (i = 0; i < file.len; i += 13) {
		struct buf cut = { file.p, i, i, 0 };

		check_err(open_both(formatkit_ctx(), &r.session, &cut, &e),
			  ERR_CORRUPT, &e);
	}
	free_made(&r);
	buf_release(&file);
}

/* The clear part does not tell how long the texts are, and the same session
 * with another text meets another key and nonce. */
static void test_twice(void **state)
{
	const struct object_keys k = formatkit_object_keys("session");
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct record r;
	struct oid id;

	(void)state;
	make_record(&r);
	assert_int_equal(record_seal(formatkit_ctx(), &r, &k, &a, &id, NULL),
			 0);
	r.comment = NULL;
	assert_int_equal(record_seal(formatkit_ctx(), &r, &k, &b, &id, NULL),
			 0);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.p + 232, b.p + 232, 8);
	assert_memory_not_equal(a.p + 200, b.p + 200, 32);
	free_made(&r);
	buf_release(&a);
	buf_release(&b);
}

static void refuse_name(struct record *r, const char *name)
{
	const struct object_keys k = formatkit_object_keys("session");
	struct buf file = BUF_INIT;
	struct err e = { 0 };
	struct oid id;

	r->name = mem_str(name);
	assert_non_null(r->name);
	check_err(record_seal(formatkit_ctx(), r, &k, &file, &id, &e),
		  ERR_CONFIG, &e);
	assert_int_equal(file.len, 0);
	free(r->name);
	buf_release(&file);
}

static void test_limits(void **state)
{
	const struct object_keys k = formatkit_object_keys("session");
	char longest[RECORD_NAME_MAX + 2];
	struct buf file = BUF_INIT;
	struct err e = { 0 };
	char *comment;
	struct record r;
	struct oid id;
	unsigned i;

	(void)state;
	make_record(&r);
	memset(longest, 'x', sizeof(longest));
	longest[RECORD_NAME_MAX + 1] = '\0';
	refuse_name(&r, "");
	refuse_name(&r, "a/b");
	refuse_name(&r, "..");
	refuse_name(&r, longest);
	longest[RECORD_NAME_MAX] = '\0';
	r.name = longest;
	check_ok(record_seal(formatkit_ctx(), &r, &k, &file, &id, &e), &e);
	check_ok(open_both(formatkit_ctx(), &r.session, &file, &e), &e);
	comment = mem_zero(1, (64 << 10) + 2);
	assert_non_null(comment);
	memset(comment, 'c', 64 << 10);
	r.comment = comment;
	check_ok(record_seal(formatkit_ctx(), &r, &k, &file, &id, &e), &e);
	check_ok(open_both(formatkit_ctx(), &r.session, &file, &e), &e);
	comment[64 << 10] = 'c';
	check_err(record_seal(formatkit_ctx(), &r, &k, &file, &id, &e),
		  ERR_CONFIG, &e);
	r.comment = NULL;
	comment[64 << 10] = '\0';
	for (i = 0; i < 16; i++)
		add(&r.paths, comment);
	check_err(record_seal(formatkit_ctx(), &r, &k, &file, &id, &e),
		  ERR_CONFIG, &e);
	strv_release(&r.paths);
	for (i = 0; i < 100; i++)
		add(&r.warnings, "w");
	check_err(record_seal(formatkit_ctx(), &r, &k, &file, &id, &e),
		  ERR_CONFIG, &e);
	free(comment);
	free_made(&r);
	buf_release(&file);
}

static void test_fence(void **state)
{
	struct sid session = formatkit_sid("session");
	struct sid other = formatkit_sid("other");
	struct buf file = BUF_INIT;
	struct err e = { 0 };
	size_t i;

	(void)state;
	check_ok(record_put_fence(formatkit_ctx(), &session, &file, &e), &e);
	assert_int_equal(file.len, 96);
	assert_true(record_is_fence(file.p, file.len));
	check_err(open_both(formatkit_ctx(), &session, &file, &e), ERR_EXIST,
		  &e);
	check_err(open_both(formatkit_ctx(), &other, &file, &e), ERR_CORRUPT,
		  &e);
	for (i = 0; i < file.len; i++) {
		file.p[i] ^= 1;
		assert_true(open_both(formatkit_ctx(), &session, &file,
				      &e) != ERR_EXIST);
		file.p[i] ^= 1;
	}
	file.len--;
	assert_false(record_is_fence(file.p, file.len));
	check_err(open_both(formatkit_ctx(), &session, &file, &e),
		  ERR_CORRUPT, &e);
	buf_release(&file);
}

static void test_no_memory(void **state)
{
	const struct object_keys k = formatkit_object_keys("session");
	struct buf file = BUF_INIT;
	struct err e = { 0 };
	struct record r;
	struct oid id;
	unsigned long i;
	int rc = -1;

	(void)state;
	make_record(&r);
	for (i = 1; rc < 0; i++) {
		buf_release(&file);
		mem_fail(i, 0);
		rc = record_seal(formatkit_ctx(), &r, &k, &file, &id, &e);
		mem_fail(0, 0);
		if (rc < 0)
			check_err(rc, ERR_NOMEM, &e);
	}
	for (i = 1, rc = -1; rc < 0; i++) {
		mem_fail(i, 0);
		rc = open_both(formatkit_ctx(), &r.session, &file, &e);
		mem_fail(0, 0);
		if (rc < 0)
			check_err(rc, ERR_NOMEM, &e);
	}
	assert_true(i > 15);
	free_made(&r);
	buf_release(&file);
}

/* A change of this is a change of the format: bump FMT_VERSION. */
static const char golden[] =
	"356c2000be5e81cdf4ab275f13e5bf02a88d7fda8e375e20c522fd31bcaa5528";

static void test_golden(void **state)
{
	const struct object_keys k = formatkit_object_keys("session");
	char hex[OID_HEX_BYTES];
	struct buf file = BUF_INIT;
	struct record r;
	struct oid id;

	(void)state;
	make_record(&r);
	assert_int_equal(record_seal(formatkit_ctx(), &r, &k, &file, &id,
				     NULL), 0);
	assert_string_equal(oid_hex(&id, hex), golden);
	free_made(&r);
	buf_release(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_fence),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_golden),
	};

	formatkit_ctx();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
