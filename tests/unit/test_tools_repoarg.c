/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/repoarg.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/check.h"

static void check_split(const char *text, const char *repo,
			const char *archive)
{
	size_t len;
	const char *got = repoarg_split(text, &len);

	assert_int_equal(len, strlen(repo));
	assert_memory_equal(text, repo, len);
	if (archive)
		assert_string_equal(got, archive);
	else
		assert_null(got);
}

static void test_split(void **state)
{
	(void)state;
	check_split("/b/r::a", "/b/r", "a");
	check_split("/b/r", "/b/r", NULL);
	check_split("::a", "", "a");
	check_split("::", "", "");
	check_split("ssh://u@[::1]:22/b::a", "ssh://u@[::1]:22/b", "a");
	check_split("ssh://u@[::1]/b", "ssh://u@[::1]/b", NULL);
	check_split("u@h:b/r::{now:%H:%M}", "u@h:b/r", "{now:%H:%M}");
	check_split("/b:c/r::a::b", "/b:c/r", "a::b");
}

static const struct cmd some_cmd = { .name = "some", .synopsis = "" };

struct in {
	const char *env, *given, *option;
	enum repoarg_want want;
	size_t keep;
	const char *words[4];
};

/* Returns the code; url, archive and the number of words left are compared if
 * it is 0. */
static void check_take(const struct in *in, int code, const char *url,
		       const char *archive, size_t left)
{
	struct app a = { .o = { .repository = in->given } };
	struct call c = { .cmd = &some_cmd };
	struct repoarg ra;
	struct err e;
	size_t i;
	int rc;

	unsetenv("BORG_REPO");
	unsetenv("MUNIMENT_REPO");
	if (in->env)
		setenv("MUNIMENT_REPO", in->env, 1);
	for (i = 0; in->words[i]; i++)
		check_ok(strv_add(&c.words, in->words[i], &e), &e);
	rc = repoarg_take(&ra, &a, &c, in->option, in->want, in->keep, &e);
	check_rc(rc, (enum err_code)code, &e, in->words[0], (int)in->want);
	if (rc == 0) {
		assert_string_equal(ra.url, url);
		if (archive)
			assert_string_equal(ra.archive, archive);
		else
			assert_null(ra.archive);
		assert_int_equal(call_words_left(&c), left);
	}
	repoarg_release(&ra);
	strv_release(&c.words);
}
#define TAKE(...) check_take(&(struct in)__VA_ARGS__
#define WORDS(...) .words = { __VA_ARGS__, NULL }

static void test_operands(void **state)
{
	(void)state;
	TAKE({ .want = REPOARG_REPO, WORDS("/r") }), 0, "/r", NULL, 0);
	TAKE({ .want = REPOARG_REPO, WORDS("/r::a") }), ERR_CONFIG, 0, 0, 0);
	TAKE({ .want = REPOARG_EITHER, WORDS("/r::a", "p") }), 0, "/r", "a",
	     1);
	TAKE({ .want = REPOARG_EITHER, WORDS("/r", "p") }), 0, "/r", NULL, 1);
	TAKE({ .want = REPOARG_ARCHIVE, WORDS("/r") }), ERR_CONFIG, 0, 0, 0);
	TAKE({ .want = REPOARG_ARCHIVE, .option = "latest", WORDS("/r") }), 0,
	     "/r", "latest", 0);
	TAKE({ .want = REPOARG_ARCHIVE, .option = "b", WORDS("/r::a") }),
	     ERR_CONFIG, 0, 0, 0);
	TAKE({ .want = REPOARG_EITHER, .words = { NULL } }), ERR_CONFIG, 0, 0,
	     0);
	TAKE({ .want = REPOARG_EITHER, WORDS("::a") }), ERR_CONFIG, 0, 0, 0);
	TAKE({ .want = REPOARG_EITHER, WORDS("/r::{nope}") }), ERR_CONFIG, 0,
	     0, 0);
	TAKE({ .want = REPOARG_EITHER, WORDS("ssh://h/./r") }), 0,
	     "ssh://h/./r", NULL, 0);
	TAKE({ .want = REPOARG_EITHER, WORDS("u@h:r") }), 0, "u@h:r", NULL,
	     0);
}

static void test_environment(void **state)
{
	(void)state;
	TAKE({ .env = "/e", .want = REPOARG_EITHER, .words = { NULL } }), 0,
	     "/e", NULL, 0);
	TAKE({ .env = "/e", .want = REPOARG_EITHER, WORDS("::a", "p") }), 0,
	     "/e", "a", 1);
	TAKE({ .env = "/e", .want = REPOARG_EITHER, WORDS("::") }), 0, "/e",
	     NULL, 0);
	TAKE({ .env = "/e", .want = REPOARG_EITHER, WORDS("/r") }), 0, "/r",
	     NULL, 0);
	/* The mount point is not the repository. */
	TAKE({ .env = "/e", .want = REPOARG_EITHER, .keep = 1,
	       WORDS("/mnt") }), 0, "/e", NULL, 1);
	TAKE({ .env = "/e", .want = REPOARG_ARCHIVE, .option = "a",
	       WORDS("p") }), 0, "/e", "a", 1);
	TAKE({ .env = "/e", .want = REPOARG_CREATE, WORDS("/srv") }), 0, "/e",
	     NULL, 1);
	TAKE({ .want = REPOARG_CREATE, WORDS("/srv") }), ERR_CONFIG, 0, 0, 0);
	TAKE({ .env = "/e::x", .want = REPOARG_EITHER, .words = { NULL } }),
	     0, "/e", "x", 0);
}

static void test_option(void **state)
{
	(void)state;
	TAKE({ .env = "/e", .given = "/g", .want = REPOARG_CREATE,
	       WORDS("/srv") }), 0, "/g", NULL, 1);
	TAKE({ .given = "/g", .want = REPOARG_CREATE,
	       WORDS("::a", "/srv") }), 0, "/g", "a", 1);
	TAKE({ .given = "/g", .want = REPOARG_CREATE,
	       WORDS("/r::a", "/srv") }), ERR_CONFIG, 0, 0, 0);
	TAKE({ .given = "/g", .want = REPOARG_EITHER, .option = "a",
	       WORDS("p", "q") }), 0, "/g", "a", 2);
	TAKE({ .given = "/g::a", .want = REPOARG_ARCHIVE,
	       .words = { NULL } }), 0, "/g", "a", 0);
	TAKE({ .given = "", .want = REPOARG_EITHER, .words = { NULL } }),
	     ERR_CONFIG, 0, 0, 0);
}

static void test_relative(void **state)
{
	(void)state;
	assert_int_equal(chdir("/"), 0);
	TAKE({ .want = REPOARG_EITHER, WORDS("x/y") }), 0, "/x/y", NULL, 0);
	TAKE({ .want = REPOARG_EITHER, WORDS("./a:b::c") }), 0, "/./a:b", "c",
	     0);
	assert_int_equal(chdir("/tmp"), 0);
	TAKE({ .want = REPOARG_EITHER, WORDS("x") }), 0, "/tmp/x", NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split), cmocka_unit_test(test_operands),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_option), cmocka_unit_test(test_relative),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
