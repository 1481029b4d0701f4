/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts that people write and read: sizes, times, words, placeholders. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/check.h"
#include "tools/clean.h"
#include "tools/human.h"
#include "tools/placeholder.h"
#include "tools/shlex.h"
#include "tools/strip.h"
#include "tools/template.h"
#include "tools/times.h"

static void test_sizes(void **state)
{
	static const struct {
		int64_t bytes;
		unsigned flags;
		const char *text;
	} t[] = {	/* borg's format_file_size says so */
		{ 0, 0, "0 B" }, { 999, 0, "999 B" }, { 1000, 0, "1.00 kB" },
		{ 2248, 0, "2.25 kB" }, { 999994, 0, "999.99 kB" },
		{ 999999, 0, "1.00 MB" }, { 1500000000, 0, "1.50 GB" },
		{ INT64_MAX, 0, "9.22 EB" }, { 1023, HUMAN_IEC, "1023 B" },
		{ 1024, HUMAN_IEC, "1.00 KiB" },
		{ 8, HUMAN_SIGN | HUMAN_SHORT, "+8 B" },
		{ -3, HUMAN_SIGN | HUMAN_SHORT, "-3 B" },
		{ -12345, HUMAN_SHORT, "-12.3 kB" }, { 0, HUMAN_SIGN, "0 B" },
	};
	char out[HUMAN_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_string_equal(human_size(out, t[i].bytes, t[i].flags),
				    t[i].text);
	assert_string_equal(human_duration(out, 0.005), "0.01 seconds");
	assert_string_equal(human_duration(out, 61.5),
			    "1 minutes 1.50 seconds");
	assert_string_equal(human_duration(out, 90061),
			    "1 days 1 hours 1 minutes 1.00 seconds");
	assert_string_equal(human_mode(out, S_IFREG | 0644), "-rw-r--r--");
	assert_string_equal(human_mode(out, S_IFDIR | 01777), "drwxrwxrwt");
	assert_string_equal(human_mode(out, S_IFREG | 04711), "-rws--x--x");
	assert_string_equal(human_mode(out, S_IFREG | 02640), "-rw-r-S---");
}

static void test_bytes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "0", 0 }, { "4096", 4096 }, { "7B", 7 }, { "64M", 64000000 },
		{ "64MB", 64000000 }, { "64MiB", 64 << 20 }, { "3k", 3000 },
		{ "2TiB", UINT64_C(2) << 40 },
		{ "18446744073709551615", UINT64_MAX }
	};
	static const char *const bad[] = {
		"", "M", "-1", " 1", "1 M", "1.5G", "64Mb", "64MiBi", "64X",
		"18446744073709551616", "18446744073709551615K"
	};
	uint64_t bytes;
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		check_ok(human_bytes(&bytes, good[i].text, "-x", &e), &e);
		assert_int_equal(bytes, good[i].bytes);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(human_bytes(&bytes, bad[i], "-x", &e),
				 ERR_CONFIG);
		assert_non_null(strstr(e.msg, "-x"));
	}
}

static void check_time(const char *text, int64_t secs)
{
	struct err e;
	int64_t nsec;

	check_ok(times_parse(&nsec, text, &e), &e);
	assert_int_equal(nsec, secs * 1000000000);
}

static void test_times(void **state)
{
	struct buf b = BUF_INIT;
	char out[TIMES_BYTES];
	struct err e;
	int64_t nsec;

	(void)state;
	check_time("2026-11-23T14:00:00", 1795442400);
	check_time("2026-11-23T14:00:00Z", 1795442400);
	check_time("2026-11-23T14:00:00+00:00", 1795442400);
	check_time("2026-11-23 14:00", 1795442400);
	check_time("2026-11-23", 1795392000);
	check_time("2026-327", 1795392000);
	check_err(times_parse(&nsec, "2026-02-30", &e), ERR_CONFIG, &e);
	check_err(times_parse(&nsec, "yesterday", &e), ERR_CONFIG, &e);
	check_err(times_parse(&nsec, "2026-11-23T14:00:00x", &e), ERR_CONFIG,
		  &e);
	nsec = 1795442400LL * 1000000000 + 123456789;
	assert_string_equal(times_human(out, nsec),
			    "Mon, 2026-11-23 14:00:00");
	assert_string_equal(times_json(out, nsec),
			    "2026-11-23T14:00:00.123456");
	assert_string_equal(times_json(out, -1),
			    "1969-12-31T23:59:59.999999");
	check_ok(times_format(&b, nsec, "%H%f%%f%%%M", TIMES_UTC, &e), &e);
	check_ok(buf_cstr(&b, &e), &e);
	assert_string_equal((char *)b.p, "14123456%f%00");
	buf_release(&b);
}

static void test_words(void **state)
{
	static const char *const bad[] = {
		"", "   ", "a 'b", "a \"b", "a\\"
	};
	struct strv v = STRV_INIT;
	struct buf b = BUF_INIT;
	struct err e;
	size_t i;

	(void)state;
	check_ok(shlex_split(&v, "cat '/a b/c' \"d\\\"\\x\" e\\ f ''g \"\"",
			     &e), &e);
	assert_int_equal(v.n, 6);
	assert_string_equal(v.v[1], "/a b/c");
	assert_string_equal(v.v[2], "d\"\\x");
	assert_string_equal(v.v[3], "e f");
	assert_string_equal(v.v[4], "g");
	assert_string_equal(v.v[5], "");
	strv_release(&v);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		check_err(shlex_split(&v, bad[i], &e), ERR_CONFIG, &e);
		strv_release(&v);
	}
	check_ok(shlex_quote(&b, "it's a $x", &e), &e);
	check_ok(buf_append(&b, " ", 1, &e), &e);
	check_ok(shlex_quote(&b, "", &e), &e);
	check_ok(buf_cstr(&b, &e), &e);
	assert_string_equal((char *)b.p, "'it'\"'\"'s a $x' ''");
	check_ok(shlex_split(&v, (char *)b.p, &e), &e);
	assert_string_equal(v.v[0], "it's a $x");
	assert_string_equal(v.v[1], "");
	strv_release(&v);
	buf_release(&b);
}

static void check_expand(const char *text, const char *want)
{
	char *out;
	struct err e;

	check_ok(placeholder_expand(&out, text, &e), &e);
	assert_string_equal(out, want);
	free(out);
}

static int64_t fixed_time(void)
{
	return 1795442400LL * 1000000000 + 5000;
}

static void test_placeholders(void **state)
{
	static const char *const bad[] = {
		"{hostnam}", "{", "}", "a{now", "{}", "{now:%Y", "{pid:zz}",
		"{a-very-long-placeholder-that-is-not-known}"
	};
	char pid[32], *out;
	struct err e;
	size_t i;

	(void)state;
	clock_set_wall(fixed_time);
	check_expand("", "");
	check_expand("a{{b}}", "a{b}");
	check_expand("{now}", "2026-11-23T14:00:00");
	check_expand("x-{utcnow:%Y-%m-%dT%H:%M:%S.%f}",
		     "x-2026-11-23T14:00:00.000005");
	check_expand("{unixtime}", "1795442400");
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	check_expand("{pid}", pid);
	check_expand("{hostname}", home_host_name());
	check_expand("{borgversion}", MUNIMENT_VERSION);
	check_ok(placeholder_expand(&out, "{uuid4}", &e), &e);
	assert_int_equal(strlen(out), 36);
	assert_int_equal(out[14], '4');
	free(out);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_err(placeholder_expand(&out, bad[i], &e), ERR_CONFIG,
			  &e);
	check_err(placeholder_expand(&out, "{hostnam}", &e), ERR_CONFIG, &e);
	assert_non_null(strstr(e.msg, "did you mean '{hostname}'?"));
	clock_set_wall(NULL);
}

static void check_text(const char *spec, const char *text, const char *want)
{
	struct template_part p = { .key = "k" };
	struct buf b = BUF_INIT;
	struct err e;

	snprintf(p.spec, sizeof(p.spec), "%s", spec);
	check_ok(template_put_text(&b, &p, text, strlen(text), &e), &e);
	check_ok(buf_cstr(&b, &e), &e);
	assert_string_equal((char *)b.p, want);
	buf_release(&b);
}

static void check_number(const char *spec, int64_t v, const char *want)
{
	struct template_part p = { .key = "k" };
	struct buf b = BUF_INIT;
	struct err e;

	snprintf(p.spec, sizeof(p.spec), "%s", spec);
	check_ok(template_put_number(&b, &p, v, &e), &e);
	check_ok(buf_cstr(&b, &e), &e);
	assert_string_equal((char *)b.p, want);
	buf_release(&b);
}

static void test_specs(void **state)
{
	struct template_part p = { .key = "k", .spec = "q" };
	struct buf b = BUF_INIT;
	struct err e;

	(void)state;
	check_text("", "a", "a");
	check_text("<4", "a", "a   ");
	check_text("4", "a", "a   ");
	check_text(">4", "a", "   a");
	check_text("^4", "a", " a  ");
	check_text("*^5s", "a", "**a**");
	check_text("4", "\xc3\xa4", "\xc3\xa4   ");
	check_text("\xc3\xa4>3", "a", "\xc3\xa4\xc3\xa4" "a");
	check_text(".2", "\xc3\xa4" "bc", "\xc3\xa4" "b");
	check_text("2", "abc", "abc");
	check_number("", 7, "7");
	check_number("4", 7, "   7");
	check_number("<4", 7, "7   ");
	check_number("04", -7, "-007");
	check_number(",", 1234567, "1,234,567");
	check_number("x", 255, "ff");
	check_number("+", 5, "+5");
	check_number("", INT64_MIN, "-9223372036854775808");
	check_err(template_put_text(&b, &p, "a", 1, &e), ERR_CONFIG, &e);
	check_err(template_put_number(&b, &p, 1, &e), ERR_CONFIG, &e);
	buf_release(&b);
}

static void test_utf8(void **state)
{
	static const char in[] = "a\xff\xc3\xa4\xc3\xed\xa0\x80\xf0\x9f\x98"
		"\xe0\x80\x80\xc0\x80|\n";
	struct buf b = BUF_INIT;
	struct err e;

	(void)state;
	check_ok(clean_text(&b, in, strlen(in), CLEAN_UTF8, &e), &e);
	check_ok(buf_cstr(&b, &e), &e);
	assert_string_equal((char *)b.p, "a?\xc3\xa4????????????|\n");
	buf_release(&b);
}

static void test_strip(void **state)
{
	struct strv v = STRV_INIT;
	struct err e;
	unsigned n;

	(void)state;
	check_ok(strip_parse(&n, NULL, &v, &e), &e);
	assert_int_equal(n, 0);
	check_ok(strip_parse(&n, "12", &v, &e), &e);
	assert_int_equal(n, 12);
	check_err(strip_parse(&n, "x", &v, &e), ERR_CONFIG, &e);
	check_err(strip_parse(&n, "-1", &v, &e), ERR_CONFIG, &e);
	check_err(strip_parse(&n, "all", &v, &e), ERR_CONFIG, &e);
	check_ok(strv_add(&v, "srv/vmail//anna/", &e), &e);
	check_ok(strv_add(&v, "x", &e), &e);
	check_ok(strip_parse(&n, "all", &v, &e), &e);
	assert_int_equal(n, 2);
	strv_release(&v);
}

static int setup(void **state)
{
	struct err e;

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	return key_setup(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes), cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_placeholders),
		cmocka_unit_test(test_specs), cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_strip),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
