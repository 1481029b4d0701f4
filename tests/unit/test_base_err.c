/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/err.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/cancel.h"
#include "base/log.h"
#include "tests/lib/check.h"

static void test_set(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(err_set(&e, ERR_BUSY, "held by '%s'", "x"), ERR_BUSY);
	assert_int_equal(e.code, ERR_BUSY);
	assert_string_equal(e.msg, "held by 'x'");
	assert_int_equal(err_set(NULL, ERR_FULL, "%d", 1), ERR_FULL);
	assert_int_equal(err_nomem(&e), ERR_NOMEM);
	assert_string_equal(e.msg, "out of memory");
	err_clear(&e);
	err_clear(NULL);
	assert_int_equal(e.code, ERR_OK);
	assert_string_equal(e.msg, "");
}

static void test_set_from_itself(void **state)
{
	struct err e;

	(void)state;
	err_set(&e, ERR_NOENT, "no pack 'p'");
	err_set(&e, ERR_CORRUPT, "the index is wrong: %s", e.msg);
	assert_string_equal(e.msg, "the index is wrong: no pack 'p'");
}

static void test_errno(void **state)
{
	static const struct {
		int errnum;
		enum err_code code;
	} row[] = {
		{ ENOENT, ERR_NOENT }, { ENOTDIR, ERR_NOENT },
		{ EEXIST, ERR_EXIST }, { ENOTEMPTY, ERR_EXIST },
		{ ENOSPC, ERR_FULL }, { EDQUOT, ERR_FULL },
		{ EFBIG, ERR_FULL }, { EACCES, ERR_DENIED },
		{ EPERM, ERR_DENIED }, { EROFS, ERR_DENIED },
		{ ENOMEM, ERR_NOMEM }, { EBUSY, ERR_BUSY },
		{ EIO, ERR_IO }, { EINVAL, ERR_IO }, { 0, ERR_IO },
	};
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_equal(err_errno(&e, row[i].errnum, "f"),
			row[i].code);
		assert_int_equal(e.code, row[i].code);
		assert_int_equal(err_errno(NULL, row[i].errnum, "f"),
			row[i].code);
	}
	err_errno(&e, ENOENT, "cannot open '%s'", "f");
	assert_string_equal(e.msg,
		"cannot open 'f': No such file or directory");
}

static void test_context(void **state)
{
	struct err e;

	(void)state;
	err_set(&e, ERR_CORRUPT, "version 9");
	assert_int_equal(err_ctx(&e, "pack %d", 7), ERR_CORRUPT);
	assert_int_equal(err_ctx(&e, "index"), ERR_CORRUPT);
	assert_string_equal(e.msg, "index: pack 7: version 9");
}

static void *other_thread(void *arg)
{
	(void)arg;
	err_set(NULL, ERR_AUTH, "x");
	return NULL;
}

/* Without a struct err only the words are lost, not the code. */
static void test_context_without(void **state)
{
	pthread_t t;

	(void)state;
	err_set(NULL, ERR_NOENT, "x");
	assert_int_equal(pthread_create(&t, NULL, other_thread, NULL), 0);
	pthread_join(t, NULL);
	assert_int_equal(err_ctx(NULL, "y"), ERR_NOENT);
	err_errno(NULL, ENOSPC, "x");
	assert_int_equal(err_ctx(NULL, "y"), ERR_FULL);
}

static void context_of_nothing(void *arg)
{
	err_ctx(arg, "no failure");
}

static void test_context_of_nothing(void **state)
{
	struct err e = { 0 };

	(void)state;
	check_bug(context_of_nothing, &e);
}

static void assert_cut(const struct err *e, const char *begins)
{
	size_t n = strlen(e->msg);

	assert_int_equal(n, ERR_MSG_BYTES - 1);
	assert_memory_equal(e->msg, begins, strlen(begins));
	assert_string_equal(e->msg + n - 3, "...");
}

static void test_cut(void **state)
{
	char fits[ERR_MSG_BYTES], more[2 * ERR_MSG_BYTES];
	struct err e;

	(void)state;
	memset(fits, 'f', sizeof(fits));
	fits[sizeof(fits) - 1] = '\0';
	memset(more, 'm', sizeof(more));
	more[sizeof(more) - 1] = '\0';
	err_set(&e, ERR_IO, "%s", fits);
	assert_string_equal(e.msg, fits);
	err_set(&e, ERR_IO, "%sf", fits);
	assert_cut(&e, "fff");
	err_set(&e, ERR_IO, "%s", fits);
	err_ctx(&e, "ctx");
	assert_cut(&e, "ctx: fff");
	err_ctx(&e, "%s", more);
	assert_cut(&e, "mmm");
}

/* A long path must not push out the reason. */
static void test_errno_keeps_reason(void **state)
{
	static const char reason[] = "...: No space left on device";
	char more[2 * ERR_MSG_BYTES];
	struct err e;
	size_t len;

	(void)state;
	for (len = ERR_MSG_BYTES - 40; len < sizeof(more); len++) {
		memset(more, 'm', len);
		more[len] = '\0';
		err_errno(&e, ENOSPC, "%s", more);
		assert_true(strlen(e.msg) < ERR_MSG_BYTES);
		if (len + strlen(reason) - 3 < ERR_MSG_BYTES)
			assert_memory_equal(e.msg, more, len);
		else
			assert_string_equal(e.msg + ERR_MSG_BYTES -
				sizeof(reason), reason);
	}
}

static void test_cancel(void **state)
{
	struct cancel c = { 0 };
	struct err e;

	(void)state;
	assert_false(cancel_wanted(NULL));
	check_ok(cancel_check(NULL, &e), &e);
	check_ok(cancel_check(&c, &e), &e);
	cancel_set(&c);
	assert_true(cancel_wanted(&c));
	check_err(cancel_check(&c, &e), ERR_CANCEL, &e);
}

static struct {
	unsigned count;
	enum log_level level;
	char topic[16], line[8192];
} heard;

static void hear(enum log_level level, const char *topic, const char *line,
		 void *ctx)
{
	assert_ptr_equal(ctx, &heard);
	heard.count++;
	heard.level = level;
	strncpy(heard.topic, topic, sizeof(heard.topic) - 1);
	strncpy(heard.line, line, sizeof(heard.line) - 1);
}

static void test_log(void **state)
{
	char more[16384];

	(void)state;
	log_warn("x", "nobody hears %d", 1);
	log_set_sink(hear, &heard, LOG_LEVEL_INFO);
	log_debug("x", "too fine");
	assert_int_equal(heard.count, 0);
	log_info("index", "%d of %d", 1, 2);
	assert_int_equal(heard.count, 1);
	assert_int_equal(heard.level, LOG_LEVEL_INFO);
	assert_string_equal(heard.topic, "index");
	assert_string_equal(heard.line, "1 of 2");
	memset(more, 'm', sizeof(more));
	more[sizeof(more) - 1] = '\0';
	log_warn("walk", "%s", more);
	assert_int_equal(heard.level, LOG_LEVEL_WARN);
	assert_true(strlen(heard.line) >= 4096);
	log_set_sink(hear, &heard, LOG_LEVEL_DEBUG);
	log_debug("x", "fine");
	assert_string_equal(heard.line, "fine");
	log_set_sink(NULL, NULL, LOG_LEVEL_WARN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_set_from_itself),
		cmocka_unit_test(test_errno),
		cmocka_unit_test(test_context),
		cmocka_unit_test(test_context_without),
		cmocka_unit_test(test_context_of_nothing),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_errno_keeps_reason),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
