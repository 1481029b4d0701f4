/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/format.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "tests/lib/check.h"

static char name[] = "mail-1", comment[] = "", host[] = "mx", user[] = "root";
static char series[] = "mx", anna[] = "anna";
static struct record_name users[] = { { 1000, anna } };
static struct record rec = {
	.name = name, .comment = comment, .host = host, .user = user,
	.series = series, .start_nsec = 1795442400LL * 1000000000,
	.end_nsec = 1795442401LL * 1000000000, .users = users, .n_users = 1
};
static const struct oid id = { { 0xab } };

static void check_line(const struct format_item *it, enum format_kind kind,
		       const char *text, const char *want)
{
	struct buf b = BUF_INIT;
	struct format *f;
	struct err e;

	check_ok(format_new(&f, text, kind, &e), &e);
	check_ok(format_put(f, it, &b, &e), &e);
	check_ok(buf_cstr(&b, &e), &e);
	assert_string_equal((char *)b.p, want);
	format_free(f);
	buf_release(&b);
}

static void test_archive(void **state)
{
	struct format_item it = { .rec = &rec, .id = &id };

	(void)state;
	check_line(&it, FORMAT_ARCHIVE, "{archive:<10} {time} [{id:.4}]{NL}",
		   "mail-1     Mon, 2026-11-23 14:00:00 [ab00]\n");
	check_line(&it, FORMAT_ARCHIVE, "{{{name}}}{TAB}{start:%d.%m.}",
		   "{mail-1}\t23.11.");
	check_line(&it, FORMAT_ARCHIVE, "{hostname} {username} {comment}|",
		   "mx root |");
}

static void test_file(void **state)
{
	static const uint8_t target[] = { '.', '.', '/', 'x' };
	struct entry en = {
		.mode = S_IFREG | 0640, .uid = 1000, .gid = 8, .size = 4711,
		.mtime = { 1795442400, 5000 }
	};
	struct format_item it = { .rec = &rec, .id = &id, .en = &en,
				  .path = "a/\xff" };
	static const char usual[] =
		"{mode} {user:6} {group:6} {size:8} {mtime} {path}{extra}";

	(void)state;
	check_line(&it, FORMAT_FILE, usual, "-rw-r----- anna   8          4711"
		   " Mon, 2026-11-23 14:00:00 a/?");
	check_line(&it, FORMAT_FILE, "{bpath} {isomtime}", "a/\xff "
		   "2026-11-23T14:00:00.000005");
	it.hard_link = "b";
	check_line(&it, FORMAT_FILE, "{mode}{extra} {size}",
		   "hrw-r----- link to b 0");
	it.hard_link = NULL;
	en.mode = S_IFLNK | 0777;
	en.target = target;
	en.target_len = sizeof(target);
	check_line(&it, FORMAT_FILE, "{type}{extra}|{source:>6}",
		   "l -> ../x|  ../x");
	check_line(&it, FORMAT_FILE, "{archivename}{SPACE}{num_chunks}",
		   "mail-1 0");
}

static void test_nul(void **state)
{
	struct format_item it = { .rec = &rec, .id = &id };
	struct buf b = BUF_INIT;
	struct format *f;
	struct err e;

	(void)state;
	check_ok(format_new(&f, "{name}{NUL}", FORMAT_ARCHIVE, &e), &e);
	check_ok(format_put(f, &it, &b, &e), &e);
	assert_int_equal(b.len, 7);
	assert_memory_equal(b.p, "mail-1", 7);
	format_free(f);
	buf_release(&b);
}

static void test_mistakes(void **state)
{
	struct format_item it = { .rec = &rec, .id = &id };
	struct buf b = BUF_INIT;
	struct format *f;
	struct err e;

	(void)state;
	check_err(format_new(&f, "{foo}", FORMAT_ARCHIVE, &e), ERR_CONFIG,
		  &e);
	assert_non_null(strstr(e.msg, "'{foo}'"));
	check_err(format_new(&f, "{hostnme}", FORMAT_ARCHIVE, &e), ERR_CONFIG,
		  &e);
	assert_non_null(strstr(e.msg, "'{hostname}'?"));
	check_err(format_new(&f, "{path}", FORMAT_ARCHIVE, &e), ERR_CONFIG,
		  &e);
	check_err(format_new(&f, "{name", FORMAT_ARCHIVE, &e), ERR_CONFIG,
		  &e);
	check_ok(format_new(&f, "{name:q}", FORMAT_ARCHIVE, &e), &e);
	check_err(format_put(f, &it, &b, &e), ERR_CONFIG, &e);
	format_free(f);
	buf_release(&b);
}

static void test_json(void **state)
{
	struct format_item it = { .rec = &rec, .id = &id };
	struct format *f;
	struct err e;
	json_t *v;

	(void)state;
	check_ok(format_new(&f, "{hostname}", FORMAT_ARCHIVE, &e), &e);
	check_ok(format_json(f, &it, &v, &e), &e);
	/* Those that borg has always, and the one that was asked for. */
	assert_int_equal(json_object_size(v), 7);
	assert_string_equal(json_string_value(json_object_get(v, "barchive")),
			    "mail-1");
	assert_string_equal(json_string_value(json_object_get(v, "start")),
			    "2026-11-23T14:00:00.000000");
	assert_string_equal(json_string_value(json_object_get(v, "hostname")),
			    "mx");
	json_decref(v);
	format_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_archive), cmocka_unit_test(test_file),
		cmocka_unit_test(test_nul), cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_json),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
