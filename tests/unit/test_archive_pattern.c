/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "archive/pattern.h"
#include "base/mem.h"

/* What borg itself answers to random lists is cases/pattern_differential.py;
 * here are the rules an administrator relies on, one by one. */

static struct pattern_set *set_of(const char *const *lines)
{
	struct pattern_set *s = pattern_new();
	struct err e = { 0 };

	assert_non_null(s);
	for (; *lines; lines++) {
		if (strncmp(*lines, "exclude ", 8) == 0)
			assert_int_equal(pattern_add_exclude(s, *lines + 8,
							     &e), 0);
		else if (strncmp(*lines, "path ", 5) == 0)
			assert_int_equal(pattern_add_path(s, *lines + 5, &e),
					 0);
		else
			assert_int_equal(pattern_add_line(s, *lines, &e), 0);
	}
	return s;
}
#define SET(...) set_of((const char *const[]){ __VA_ARGS__, NULL })

static void one(const char *rule, const char *path,
		enum pattern_verdict want)
{
	struct pattern_set *s = SET(rule);
	enum pattern_verdict got = pattern_match(s, path);

	if (got != want)
		fail_msg("'%s' says %d to '%s', expected %d", rule, got, path,
			 want);
	pattern_free(s);
}

static void test_styles(void **state)
{
	static const struct {
		const char *rule, *path;
		bool match;
	} t[] = {
		{ "exclude /srv/*.sock", "/srv/a/b.sock", true },
		{ "exclude /srv/*.sock", "srv/b.sock", true },
		{ "exclude /srv/*.sock", "/srv/b.sock2", false },
		{ "exclude /srv/x/", "/srv/x", false },
		{ "exclude /srv/x/", "/srv/x/y", true },
		{ "exclude /srv/x", "/srv/x", true },
		{ "exclude /srv/x", "/srv/xy", false },
		{ "exclude /srv//./x/../y", "/srv/y/z", true },
		{ "exclude *", "anything", true },
		{ "exclude a?c", "a/c", true },
		{ "exclude sh:a?c", "a/c", false },
		{ "exclude sh:a?c", "a\xC3\xA4" "c", true },
		{ "exclude sh:a?c", "a\xFF" "c", true },
		{ "exclude sh:a??c", "a\xC3\xA4" "c", false },
		{ "exclude [!a-c]x", "dx", true },
		{ "exclude [!a-c]x", "bx", false },
		{ "exclude [a", "[a", true },
		{ "exclude sh:/srv/*/cur", "/srv/u/cur/m", true },
		{ "exclude sh:/srv/*/cur", "/srv/d/u/cur/m", false },
		{ "exclude sh:/srv/**/cur", "/srv/d/u/cur/m", true },
		{ "exclude sh:/srv/**/cur", "/srv/cur", true },
		{ "exclude sh:**/*.pyc", "x/y/z.pyc", true },
		{ "exclude sh:**/*.pyc", "z.pyc", true },
		{ "exclude sh:*****/**/a**/a**/*/", "ba/axz/ab", true },
		{ "exclude sh:x/", "x", false },
		{ "exclude sh:x/", "x/y/z", true },
		{ "exclude sh:{a,b}", "{a,b}", true },
		{ "exclude sh:{a,b}", "a", false },
		{ "exclude re:\\.tmp$", "/a/b.tmp", true },
		{ "exclude re:^a", "/a/b", true },
		{ "exclude re:^/a", "/a/b", false },
		{ "exclude re:\\.tmp\\Z", "b.tmp\n", false },
		{ "exclude re:x.y", "x\xFFy", true },
		{ "exclude re:\xFF", "x\xFFy", true },
		{ "exclude re:\xFE", "x\xFFy", false },
		{ "exclude pp:/srv/a", "srv/a/b", true },
		{ "exclude pp:/srv/a", "srv/ab", false },
		{ "exclude pp:/srv/a*", "srv/ab", false },
		{ "exclude pf:/srv/a", "srv/a", true },
		{ "exclude pf:/srv/a", "srv/a/b", false },
		{ "exclude srv", "./srv", true },
		{ "exclude srv", "../../srv/x", true },
		{ "exclude ", "x", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(*t); i++)
		one(t[i].rule, t[i].path,
		    t[i].match ? PATTERN_EXCLUDE_TREE : PATTERN_NONE);
}

static void test_order(void **state)
{
	struct pattern_set *s = SET("+ srv/keep", "- srv", "! tmp",
				    "exclude pf:srv/keep/not");

	(void)state;
	assert_int_equal(pattern_match(s, "/srv/keep/x"), PATTERN_INCLUDE);
	assert_int_equal(pattern_match(s, "/srv/other"), PATTERN_EXCLUDE);
	assert_int_equal(pattern_match(s, "/tmp/x"), PATTERN_EXCLUDE_TREE);
	/* By its full path, though it stands last. */
	assert_int_equal(pattern_match(s, "/srv/keep/not"),
			 PATTERN_EXCLUDE_TREE);
	assert_int_equal(pattern_match(s, "/home"), PATTERN_NONE);
	assert_true(pattern_wants(s, "/home"));
	assert_false(pattern_wants(s, "/srv/other"));
	pattern_free(s);

	/* Named twice: the last one counts. */
	s = SET("+ pf:a", "- pf:a");
	assert_int_equal(pattern_match(s, "a"), PATTERN_EXCLUDE);
	pattern_free(s);

	/* Operands come after the rules, whenever they are added. */
	s = SET("path srv", "- srv/x");
	assert_false(pattern_wants(s, "srv/x/y"));
	assert_true(pattern_wants(s, "srv/y"));
	assert_false(pattern_wants(s, "home"));
	pattern_free(s);

	s = pattern_new();
	assert_true(pattern_empty(s));
	assert_true(pattern_default(s));
	assert_true(pattern_wants(s, "x"));
	pattern_free(s);
	pattern_free(NULL);
}

static void test_lines(void **state)
{
	struct pattern_set *s = SET("R /srv/vmail", "P fm", "- a*z", "r x y",
				    "p re", "-^b$");

	(void)state;
	assert_int_equal(pattern_roots(s)->n, 2);
	assert_string_equal(pattern_roots(s)->v[0], "/srv/vmail");
	assert_string_equal(pattern_roots(s)->v[1], "x y");
	assert_int_equal(pattern_match(s, "a/z"), PATTERN_EXCLUDE);
	assert_int_equal(pattern_match(s, "b"), PATTERN_EXCLUDE);
	assert_int_equal(pattern_match(s, "bb"), PATTERN_NONE);
	pattern_free(s);
}

static void test_bad(void **state)
{
	static const char *const bad[] = {
		"", "x", "-", "- ", "P zz", "P fmx", "- xx:a", "- re:(",
		"- sh:[c-a]", " - a",
	};
	struct pattern_set *s = pattern_new();
	struct err e = { 0 };
	char *many, *big;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (pattern_add_line(s, bad[i], &e) != ERR_CONFIG)
			fail_msg("'%s' was taken", bad[i]);
		assert_true(e.msg[0]);
	}
	assert_true(pattern_empty(s));
	big = malloc(70000);
	many = malloc(4100);
	assert_non_null(big);
	assert_non_null(many);
	memset(big, 'a', 69999);
	big[69999] = '\0';
	assert_int_equal(pattern_add_exclude(s, big, &e), ERR_CONFIG);
	for (i = 0; i < 2050; i++)
		memcpy(many + 2 * i, "*a", 2);
	many[4099] = '\0';
	assert_int_equal(pattern_add_exclude(s, many, &e), ERR_CONFIG);
	assert_non_null(strstr(e.msg, "stars"));
	free(big);
	free(many);
	pattern_free(s);
}

/* Stars that would take ages if every way were tried. */
static void test_slow(void **state)
{
	struct pattern_set *s = SET("- sh:*a*a*a*a*a*a*a*a*a*a*a*a*a*a*ab",
				    "- sh:**/a**/a**/a**/a**/a**/a**/a**/x",
				    "- fm:*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*ab");
	char path[20000];
	size_t i;

	(void)state;
	for (i = 0; i + 1 < sizeof(path); i++)
		path[i] = i % 40 == 39 ? '/' : 'a';
	path[i] = '\0';
	assert_int_equal(pattern_match(s, path), PATTERN_NONE);
	path[200] = '\0';
	assert_int_equal(pattern_match(s, path), PATTERN_NONE);
	path[199] = 'b';
	assert_int_equal(pattern_match(s, path), PATTERN_EXCLUDE);
	pattern_free(s);
}

static void write_file(const char *path, const void *p, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void test_file(void **state)
{
	static const char text[] =
		"# a comment\n\n  R /srv \nP fm\n\t- a*z \n+ re:^b\n- c";
	char path[] = "/tmp/walk-pattern-XXXXXX";
	struct pattern_set *s = pattern_new();
	struct err e = { 0 };
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	write_file(path, text, strlen(text));
	assert_int_equal(pattern_add_file(s, path, false, &e), 0);
	assert_string_equal(pattern_roots(s)->v[0], "/srv");
	assert_int_equal(pattern_match(s, "a/z"), PATTERN_EXCLUDE);
	assert_int_equal(pattern_match(s, "c/d"), PATTERN_EXCLUDE);
	/* The style is the file's. */
	assert_int_equal(pattern_add_line(s, "- x*y", &e), 0);
	assert_int_equal(pattern_match(s, "x/y"), PATTERN_NONE);

	write_file(path, "*.o\n sh:d/*/e\n", 14);
	assert_int_equal(pattern_add_file(s, path, true, &e), 0);
	assert_int_equal(pattern_match(s, "x/y.o"), PATTERN_EXCLUDE_TREE);
	assert_int_equal(pattern_match(s, "d/1/2/e"), PATTERN_NONE);

	write_file(path, "- a\n\n? b\n", 9);
	assert_int_equal(pattern_add_file(s, path, false, &e), ERR_CONFIG);
	assert_non_null(strstr(e.msg, "line 3"));
	assert_non_null(strstr(e.msg, path));
	write_file(path, "- a\0b\n", 6);
	assert_int_equal(pattern_add_file(s, path, false, &e), ERR_CONFIG);
	write_file(path, "", 0);
	assert_int_equal(pattern_add_file(s, path, false, &e), 0);
	unlink(path);
	assert_int_equal(pattern_add_file(s, path, false, &e), ERR_NOENT);
	pattern_free(s);
}

static void test_unmatched(void **state)
{
	struct pattern_set *s = SET("+ a", "+ pf:full", "- b", "path c",
				    "path sh:d*");
	struct strv out = STRV_INIT;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(pattern_unmatched(s, &out, &e), 0);
	assert_int_equal(out.n, 4);
	strv_release(&out);
	pattern_match(s, "/a/x");
	pattern_match(s, "dx");
	pattern_match(s, "full");
	assert_int_equal(pattern_unmatched(s, &out, &e), 0);
	assert_int_equal(out.n, 1);
	assert_string_equal(out.v[0], "c");
	strv_release(&out);
	pattern_free(s);
}

static void test_descend(void **state)
{
	struct pattern_set *s = SET("path srv/vmail/a", "path sh:home/*/x");

	(void)state;
	assert_true(pattern_may_descend(s, ""));
	assert_true(pattern_may_descend(s, "srv"));
	assert_true(pattern_may_descend(s, "/srv/vmail"));
	assert_true(pattern_may_descend(s, "srv/vmail/a/b"));
	assert_false(pattern_may_descend(s, "srv/vmai"));
	assert_false(pattern_may_descend(s, "srv/vmail/ab"));
	assert_true(pattern_may_descend(s, "home/u"));
	assert_false(pattern_may_descend(s, "etc"));
	pattern_free(s);

	s = SET("+ srv/a/b", "- srv");
	assert_true(pattern_may_descend(s, "srv"));
	assert_true(pattern_may_descend(s, "srv/a"));
	assert_false(pattern_may_descend(s, "srv/b"));
	assert_true(pattern_may_descend(s, "etc"));
	pattern_free(s);

	/* The contents, not the directory itself. */
	s = SET("exclude srv/");
	assert_false(pattern_may_descend(s, "srv"));
	assert_true(pattern_may_descend(s, "sr"));
	pattern_free(s);

	s = SET("- srv", "+ pf:srv/x/y");
	assert_true(pattern_may_descend(s, "srv"));
	assert_true(pattern_may_descend(s, "srv/x"));
	assert_false(pattern_may_descend(s, "srv/x/y"));
	assert_false(pattern_may_descend(s, "srv/w"));
	pattern_free(s);

	s = SET("- re:^a", "exclude *.d");
	assert_true(pattern_may_descend(s, "a"));
	assert_false(pattern_may_descend(s, "b.d"));
	pattern_free(s);
}

static void test_memory(void **state)
{
	static const char *const lines[] = {
		"- sh:**/a[!b-d\xC3\xA4]*/c/", "+ pp:/x/y", "! pf:/a/../b",
		"- re:a.*b", "R root", "- fm:[a-c-\xFF]?*x",
	};
	struct err e = { 0 };
	unsigned long n;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		for (n = 1, rc = -1; rc != 0; n++) {
			struct pattern_set *s = pattern_new();

			assert_non_null(s);
			mem_fail(n, 0);
			rc = pattern_add_line(s, lines[i], &e);
			mem_fail(0, 0);
			assert_true(rc == 0 || rc == ERR_NOMEM);
			pattern_free(s);
			assert_true(n < 100);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_styles),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_unmatched),
		cmocka_unit_test(test_descend),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
