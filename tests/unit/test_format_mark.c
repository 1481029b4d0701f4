/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/mark.h"
#include "tests/lib/check.h"
#include "tests/lib/formatkit.h"

static char host[] = "mx1", user[] = "root", reason[] = "prune: keep-daily 7";
static char boot_id[] = "550e8400-e29b-41d4-a716-446655440000";

static void test_tombstone(void **state)
{
	const struct mark_tombstone t = { .archive = formatkit_sid("archive"),
		.record = formatkit_oid("record", 0), .time_nsec = -7,
		.host = host, .user = user, .reason = reason };
	struct sid other = formatkit_sid("other");
	struct mark_tombstone back;
	struct buf b = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	check_ok(mark_put_tombstone(formatkit_ctx(), &t, &b, &e), &e);
	check_ok(mark_get_tombstone(&back, formatkit_ctx(), &t.archive, b.p,
				    b.len, &e), &e);
	assert_memory_equal(&back.archive, &t.archive, 16);
	assert_memory_equal(&back.record, &t.record, 32);
	assert_int_equal(back.time_nsec, -7);
	assert_string_equal(back.host, host);
	assert_string_equal(back.user, user);
	assert_string_equal(back.reason, reason);
	mark_tombstone_release(&back);
	check_err(mark_get_tombstone(&back, formatkit_ctx(), &other, b.p,
				     b.len, &e), ERR_CORRUPT, &e);
	buf_release(&b);
}

static struct mark_session make_session(void)
{
	return (struct mark_session){ .session = formatkit_sid("session"),
		.client = formatkit_sid("client"), .start_nsec = INT64_MIN,
		.pid = 4711, .host = host, .boot_id = boot_id,
		.pid_start = 123456789012, .pid_ns = UINT64_MAX - 1 };
}

static void test_session(void **state)
{
	const struct mark_session s = make_session();
	struct mark_session back;
	struct buf b = BUF_INIT, again = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	check_ok(mark_put_session(formatkit_ctx(), &s, &b, &e), &e);
	check_ok(mark_get_session(&back, formatkit_ctx(), &s.session, b.p,
				  b.len, &e), &e);
	assert_memory_equal(&back.session, &s.session, 16);
	assert_memory_equal(&back.client, &s.client, 16);
	assert_int_equal(back.start_nsec, INT64_MIN);
	assert_int_equal(back.pid, 4711);
	assert_int_equal(back.pid_start, 123456789012);
	assert_true(back.pid_ns == UINT64_MAX - 1);
	assert_string_equal(back.host, host);
	assert_string_equal(back.boot_id, boot_id);
	mark_session_release(&back);
	/* A heartbeat is sealed again under the same name. */
	check_ok(mark_put_session(formatkit_ctx(), &s, &again, &e), &e);
	assert_int_equal(b.len, again.len);
	assert_memory_not_equal(b.p + 80, again.p + 80, 16);
	assert_memory_not_equal(b.p + 164, again.p + 164, 16);
	buf_release(&b);
	buf_release(&again);
}

static void test_generation(void **state)
{
	struct segment_name base[3];
	struct oid condemned[5];
	struct mark_gone gone[2];
	const struct mark_generation g = { .number = 0xabcdef01, .base = base,
		.n_base = 3, .condemned = condemned, .n_condemned = 5,
		.gone = gone, .n_gone = 2 };
	struct mark_generation back, none = { .number = 1 };
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	unsigned i;

	(void)state;
	for (i = 0; i < 3; i++) {
		base[i].kind = i ? SEGMENT_BASE : SEGMENT_SESSION;
		base[i].generation = i;
		base[i].tier = (uint8_t)(255 - i);
		base[i].hash = formatkit_oid("base", i);
	}
	for (i = 0; i < 5; i++)
		condemned[i] = formatkit_oid("condemned", i);
	for (i = 0; i < 2; i++) {
		gone[i].archive = formatkit_sid(i ? "gone" : "away");
		gone[i].record = formatkit_oid("gone", i);
	}
	check_ok(mark_put_generation(formatkit_ctx(), &g, &b, &e), &e);
	check_ok(mark_get_generation(&back, formatkit_ctx(), g.number, b.p,
				     b.len, &e), &e);
	assert_int_equal(back.number, g.number);
	assert_int_equal(back.n_base, 3);
	for (i = 0; i < 3; i++) {
		assert_int_equal(back.base[i].kind, base[i].kind);
		assert_int_equal(back.base[i].generation, i);
		assert_int_equal(back.base[i].tier, 255 - i);
		assert_memory_equal(&back.base[i].hash, &base[i].hash, 32);
	}
	assert_int_equal(back.n_condemned, 5);
	assert_memory_equal(back.condemned, condemned, sizeof(condemned));
	assert_int_equal(back.n_gone, 2);
	assert_memory_equal(back.gone, gone, sizeof(gone));
	mark_generation_release(&back);
	check_err(mark_get_generation(&back, formatkit_ctx(), g.number + 1,
				      b.p, b.len, &e), ERR_CORRUPT, &e);
	check_ok(mark_put_generation(formatkit_ctx(), &none, &b, &e), &e);
	check_ok(mark_get_generation(&back, formatkit_ctx(), 1, b.p, b.len,
				     &e), &e);
	assert_int_equal(back.n_base, 0);
	assert_int_equal(back.n_condemned, 0);
	assert_int_equal(back.n_gone, 0);
	mark_generation_release(&back);
	buf_release(&b);
}

static void test_pin(void **state)
{
	struct sid archives[2] = { formatkit_sid("a"), formatkit_sid("b") };
	const struct mark_pin p = { .pin = formatkit_sid("pin"),
		.client = formatkit_sid("client"), .start_nsec = 5,
		.pid = 6, .host = host, .boot_id = boot_id, .pid_start = 7,
		.pid_ns = 8, .archives = archives, .n_archives = 2 };
	struct mark_pin back;
	struct buf b = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	check_ok(mark_put_pin(formatkit_ctx(), &p, &b, &e), &e);
	check_ok(mark_get_pin(&back, formatkit_ctx(), &p.pin, b.p, b.len, &e),
		 &e);
	assert_memory_equal(&back.client, &p.client, 16);
	assert_int_equal(back.start_nsec, 5);
	assert_int_equal(back.pid, 6);
	assert_int_equal(back.pid_start, 7);
	assert_int_equal(back.pid_ns, 8);
	assert_string_equal(back.host, host);
	assert_string_equal(back.boot_id, boot_id);
	assert_int_equal(back.n_archives, 2);
	assert_memory_equal(back.archives, archives, sizeof(archives));
	mark_pin_release(&back);
	buf_release(&b);
}

static void test_damage(void **state)
{
	const struct mark_session s = make_session();
	struct fmt_ctx foreign = *formatkit_ctx();
	struct mark_session back;
	struct mark_pin pin;
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	size_t i;

	(void)state;
	check_ok(mark_put_session(formatkit_ctx(), &s, &b, &e), &e);
	for (i = 0; i < b.len; i++) {
		b.p[i] ^= 0x80;
		assert_true(mark_get_session(&back, formatkit_ctx(),
			&s.session, b.p, b.len, &e) < 0);
		b.p[i] ^= 0x80;
		check_err(mark_get_session(&back, formatkit_ctx(), &s.session,
					   b.p, i, &e), ERR_CORRUPT, &e);
	}
	check_err(mark_get_pin(&pin, formatkit_ctx(), &s.session, b.p, b.len,
			       &e), ERR_CORRUPT, &e);
	foreign.repo = formatkit_sid("other");
	check_err(mark_get_session(&back, &foreign, &s.session, b.p, b.len,
				   &e), ERR_CORRUPT, &e);
	assert_non_null(strstr(e.msg, "another repository"));
	buf_release(&b);
}

static void test_limits(void **state)
{
	struct mark_session s = make_session();
	char longest[257];
	struct buf b = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	memset(longest, 'h', sizeof(longest));
	longest[256] = '\0';
	s.host = longest;
	check_err(mark_put_session(formatkit_ctx(), &s, &b, &e), ERR_CONFIG,
		  &e);
	longest[255] = '\0';
	check_ok(mark_put_session(formatkit_ctx(), &s, &b, &e), &e);
	s.boot_id = longest;
	check_err(mark_put_session(formatkit_ctx(), &s, &b, &e), ERR_CONFIG,
		  &e);
	buf_release(&b);
}

static void test_no_memory(void **state)
{
	const struct mark_session s = make_session();
	struct mark_session back;
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	unsigned long i;
	int rc = -1;

	(void)state;
	for (i = 1; rc < 0; i++) {
		buf_release(&b);
		mem_fail(i, 0);
		rc = mark_put_session(formatkit_ctx(), &s, &b, &e);
		mem_fail(0, 0);
		if (rc < 0)
			check_err(rc, ERR_NOMEM, &e);
	}
	for (i = 1, rc = -1; rc < 0; i++) {
		mem_fail(i, 0);
		rc = mark_get_session(&back, formatkit_ctx(), &s.session, b.p,
				      b.len, &e);
		mem_fail(0, 0);
		if (rc < 0)
			check_err(rc, ERR_NOMEM, &e);
	}
	assert_true(i > 3);
	mark_session_release(&back);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tombstone),
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_generation),
		cmocka_unit_test(test_pin),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_no_memory),
	};

	formatkit_ctx();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
