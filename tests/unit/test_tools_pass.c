/* SPDX-License-Identifier: BSD-2-Clause */
/* Where passphrases come from, when nobody is to be asked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/core.h"
#include "tests/lib/check.h"
#include "tools/pass.h"

#define URL "/backup/mail"

static const char *const names[] = {
	"NEW_PASSPHRASE", "PASSPHRASE", "PASSPHRASE_FILE", "PASSCOMMAND",
	"PASSPHRASE_FD"
};

static int clean(void **state)
{
	char var[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(var, sizeof(var), "MUNIMENT_%s", names[i]);
		unsetenv(var);
		snprintf(var, sizeof(var), "BORG_%s", names[i]);
		unsetenv(var);
	}
	pass_forget();
	return 0;
}

static void gives(const char *want)
{
	char *out = NULL;
	struct err e;

	check_ok(pass_unasked(&out, URL, 0, false, NULL, &e), &e);
	assert_string_equal(out, want);
	key_free(out);
}

static void gives_none(enum err_code code, unsigned attempt, const char *says)
{
	char *out = NULL;
	struct err e;

	check_err(pass_unasked(&out, URL, attempt, false, NULL, &e), code, &e);
	assert_null(out);
	assert_non_null(strstr(e.msg, says));
}

/* A pipe with a text in it, its writing end closed; its number is in a
 * variable. */
static int pipe_of(const char *var, const char *text)
{
	char number[16];
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], text, strlen(text)), strlen(text));
	close(fd[1]);
	snprintf(number, sizeof(number), "%d", fd[0]);
	setenv(var, number, 1);
	return fd[0];
}

static void test_unasked(void **state)
{
	char file[] = "pass-XXXXXX";
	int fd = mkstemp(file);

	(void)state;
	/* Not even where there is a terminal. */
	gives_none(ERR_AUTH, 0, "would have to be asked for");
	setenv("MUNIMENT_NEW_PASSPHRASE", "new", 1);
	gives_none(ERR_AUTH, 0, "would have to be asked for");

	setenv("BORG_PASSPHRASE", "theirs", 1);
	gives("theirs");
	setenv("MUNIMENT_PASSCOMMAND", "echo 'from a command'", 1);
	gives("from a command");
	assert_int_equal(write(fd, "from a file\n", 12), 12);
	close(fd);
	setenv("MUNIMENT_PASSPHRASE_FILE", file, 1);
	gives("from a file");
	unlink(file);
	gives_none(ERR_NOENT, 0, file);
	setenv("MUNIMENT_PASSPHRASE", "ours", 1);
	gives("ours");
	gives_none(ERR_AUTH, 1, "wrong for " URL);
	setenv("MUNIMENT_PASSPHRASE", "", 1);
	gives_none(ERR_AUTH, 0, "is empty");
}

/* It can be read once, and is for every repository of a run. */
static void test_fd(void **state)
{
	char *out, number[16];
	struct err e;
	int fd = pipe_of("MUNIMENT_PASSPHRASE_FD", "once\n"), again;

	(void)state;
	check_ok(pass_get(&out, URL, 0, false, NULL, &e), &e);
	assert_string_equal(out, "once");
	key_free(out);
	/* What has its number now is another file. */
	again = dup(STDIN_FILENO);
	assert_int_equal(again, fd);
	gives("once");
	gives("once");
	gives_none(ERR_AUTH, 1, "wrong for " URL);
	close(again);

	/* Another number is another passphrase. */
	again = pipe_of("BORG_PASSPHRASE_FD", "");
	unsetenv("MUNIMENT_PASSPHRASE_FD");
	fd = pipe_of("BORG_PASSPHRASE_FD", "second");
	gives("second");
	close(again);

	/* Forgotten, it would have to be read. */
	pass_forget();
	gives_none(ERR_IO, 0, "BORG_PASSPHRASE_FD");
	snprintf(number, sizeof(number), "%dx", fd);
	setenv("BORG_PASSPHRASE_FD", number, 1);
	gives_none(ERR_CONFIG, 0, "not the number of an open file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_unasked, clean, clean),
		cmocka_unit_test_setup_teardown(test_fd, clean, clean),
	};
	struct err e;

	if (key_setup(&e) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
