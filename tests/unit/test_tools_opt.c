/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/opt.h"

#include <string.h>

#include "tests/lib/check.h"

struct args {
	bool list, cache_sync_off;
	const char *name;
	struct strv paths;
	unsigned last, mode;
	int level;
};
#define AT(member) offsetof(struct args, member)

static int set_level(void *dst, const struct opt_row *row, const char *value,
		     struct err *e)
{
	(void)row;
	(void)e;
	*(int *)dst = !value ? 100 : value[0] == '-' ? -(value[1] - '0') :
		value[0] - '0';
	return 0;
}

static const struct opt_row rows[] = {
	{ OPT_BOOL, 'l', "list|files", AT(list), NULL, "h", 0, NULL },
	{ OPT_BOOL, 0, "no-cache-sync", AT(cache_sync_off), NULL, "h", 0,
	  NULL },
	{ OPT_STR, 'C', "compression", AT(name), "SPEC", "h", 0, NULL },
	{ OPT_LIST, 0, "path|restore-path", AT(paths), "PATH", "h", 0, NULL },
	{ OPT_COUNT, 0, "last", AT(last), "N", "h", OPT_REPEAT, NULL },
	{ OPT_FN, 0, "umask", AT(mode), "M", "h", 0, opt_set_octal },
	{ OPT_FN, 'v', "verbose", AT(level), "N", "h", OPT_REPEAT | OPT_LEVEL,
	  set_level },
	{ 0 }
};
static const struct opt_group groups[] = { { rows, 0, "g" }, { 0 } };

#define MAX_WORDS 8
struct result {
	struct args args;
	const char *word[MAX_WORDS];
	size_t n;
	struct err e;
};

/* Words as after the program's name, up to a NULL. */
static int parse(struct result *r, const char *const *words)
{
	struct opt_set set = { .group = groups, .base = &r->args };
	struct opt_parser p;
	char *argv[MAX_WORDS + 2];
	int argc = 1, rc;

	memset(r, 0, sizeof(*r));
	argv[0] = NULL;
	for (; words[argc - 1]; argc++) {
		assert_true(argc <= MAX_WORDS);
		memcpy(&argv[argc], &words[argc - 1], sizeof(char *));
	}
	opt_init(&p, argc, argv);
	opt_push(&p, &set);
	while ((rc = opt_next(&p, &r->word[r->n], &r->e)) > 0)
		r->n++;
	return rc;
}
#define PARSE(r, ...) parse((r), (const char *const[]){ __VA_ARGS__, NULL })

static void release(struct result *r)
{
	opt_release(groups, &r->args);
}

static void test_values(void **state)
{
	struct result r;

	(void)state;
	check_ok(PARSE(&r, "--list", "a", "-C", "zstd,3", "b", "--last=7"),
		 &r.e);
	assert_true(r.args.list);
	assert_string_equal(r.args.name, "zstd,3");
	assert_int_equal(r.args.last, 7);
	assert_int_equal(r.n, 2);
	assert_string_equal(r.word[0], "a");
	assert_string_equal(r.word[1], "b");
	check_ok(PARSE(&r, "-Czstd", "--files", "-"), &r.e);
	assert_string_equal(r.args.name, "zstd");
	assert_true(r.args.list);
	assert_string_equal(r.word[0], "-");
	check_ok(PARSE(&r, "--compression=", "-l"), &r.e);
	assert_string_equal(r.args.name, "");
	check_ok(PARSE(&r, "-lC", "none"), &r.e);
	assert_true(r.args.list);
	assert_string_equal(r.args.name, "none");
}

static void test_lists(void **state)
{
	struct result r;

	(void)state;
	check_ok(PARSE(&r, "--path", "a", "--restore-path=b"), &r.e);
	assert_int_equal(r.args.paths.n, 2);
	assert_string_equal(r.args.paths.v[1], "b");
	release(&r);
}

static void test_negation(void **state)
{
	struct result r;

	(void)state;
	check_ok(PARSE(&r, "--no-list", "--no-cache-sync"), &r.e);
	assert_false(r.args.list);
	assert_true(r.args.cache_sync_off);
	check_ok(PARSE(&r, "--cache-sync"), &r.e);
	assert_false(r.args.cache_sync_off);
	check_err(PARSE(&r, "--no-compression"), ERR_CONFIG, &r.e);
}

static void test_dashes(void **state)
{
	struct result r;

	(void)state;
	check_ok(PARSE(&r, "a", "--", "--list", "-x"), &r.e);
	assert_false(r.args.list);
	assert_int_equal(r.n, 3);
	assert_string_equal(r.word[2], "-x");
}

static void test_level(void **state)
{
	struct result r;

	(void)state;
	check_ok(PARSE(&r, "-v", "2", "x"), &r.e);
	assert_int_equal(r.args.level, 2);
	assert_int_equal(r.n, 1);
	check_ok(PARSE(&r, "-v", "-2"), &r.e);
	assert_int_equal(r.args.level, -2);
	check_ok(PARSE(&r, "-v", "3"), &r.e);
	assert_int_equal(r.args.level, 100);
	assert_string_equal(r.word[0], "3");
	check_ok(PARSE(&r, "-v", "list"), &r.e);
	assert_int_equal(r.args.level, 100);
	check_ok(PARSE(&r, "-vl"), &r.e);
	assert_int_equal(r.args.level, 100);
	assert_true(r.args.list);
	check_ok(PARSE(&r, "-v", "--verbose=1"), &r.e);
	assert_int_equal(r.args.level, 1);
}

static void test_mistakes(void **state)
{
	struct result r;

	(void)state;
	check_err(PARSE(&r, "--lisst"), ERR_CONFIG, &r.e);
	assert_non_null(strstr(r.e.msg, "did you mean '--list'?"));
	check_err(PARSE(&r, "--comp", "x"), ERR_CONFIG, &r.e);
	check_err(PARSE(&r, "-q"), ERR_CONFIG, &r.e);
	check_err(PARSE(&r, "--list=yes"), ERR_CONFIG, &r.e);
	check_err(PARSE(&r, "--list", "--files"), ERR_CONFIG, &r.e);
	assert_non_null(strstr(r.e.msg, "more than once"));
	check_err(PARSE(&r, "-C", "a", "-C", "b"), ERR_CONFIG, &r.e);
	check_ok(PARSE(&r, "--last", "1", "--last", "2"), &r.e);
	assert_int_equal(r.args.last, 2);
	check_err(PARSE(&r, "--compression"), ERR_CONFIG, &r.e);
	check_err(PARSE(&r, "-C", "--list"), ERR_CONFIG, &r.e);
	check_ok(PARSE(&r, "-C", "- *.o"), &r.e);
	check_err(PARSE(&r, "--last", "x"), ERR_CONFIG, &r.e);
	check_err(PARSE(&r, "--last", "-1"), ERR_CONFIG, &r.e);
	check_err(PARSE(&r, "--last", "99999999999"), ERR_CONFIG, &r.e);
	check_err(PARSE(&r, "--umask", "9"), ERR_CONFIG, &r.e);
	check_ok(PARSE(&r, "--umask", "027"), &r.e);
	assert_int_equal(r.args.mode, 027);
	check_err(PARSE(&r, "--an-option-with-a-name-that-is-longer-than-any"),
		  ERR_CONFIG, &r.e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values), cmocka_unit_test(test_lists),
		cmocka_unit_test(test_negation), cmocka_unit_test(test_dashes),
		cmocka_unit_test(test_level), cmocka_unit_test(test_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
