/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/path.h"

static void test_norm(void **state)
{
	static const char *const t[][2] = {
		{ "", "." }, { ".", "." }, { "./", "." }, { "/", "/" },
		{ "//", "//" }, { "///", "/" }, { "//a", "//a" },
		{ "///a//b/", "/a/b" }, { "a/./b", "a/b" }, { "a/..", "." },
		{ "a/../..", ".." }, { "../a/..", ".." }, { "/..", "/" },
		{ "/../a", "/a" }, { "/a/b/../../c", "/c" },
		{ "a/b/..", "a" }, { "..a/.b/...", "..a/.b/..." },
		{ "../../x", "../../x" }, { "a/../../x", "../x" },
		{ "/a/..", "/" }, { "//a/..", "//" },
	};
	size_t i;
	char *got;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		got = path_norm(t[i][0]);
		assert_non_null(got);
		assert_string_equal(got, t[i][1]);
		free(got);
	}
	mem_fail(1, 0);
	assert_null(path_norm("x"));
	mem_fail(0, 0);
}

static void test_strip(void **state)
{
	(void)state;
	assert_string_equal(path_strip("/a/"), "a/");
	assert_string_equal(path_strip(".././/../a"), "a");
	assert_string_equal(path_strip(".a"), ".a");
	assert_string_equal(path_strip("..a"), "..a");
	assert_string_equal(path_strip("."), ".");
	assert_string_equal(path_strip("/"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_norm),
		cmocka_unit_test(test_strip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
