/* SPDX-License-Identifier: BSD-2-Clause */
/* What waits for a barrier: all that changed before it, once, by name. */
#include "tests/lib/check.h"

#include <string.h>

#include "store/barrier.h"

static struct err e;

struct seen {
	struct barrier *b;
	struct barrier_todo todo;
	struct strv names;
	unsigned calls;
	int rc;
};

static int see(const struct barrier_todo *todo, void *ctx, struct err *err)
{
	struct seen *s = ctx;

	s->calls++;
	s->todo = *todo;
	strv_release(&s->names);
	check_ok(barrier_names(s->b, &s->names, err), err);
	/* What comes meanwhile is the next one's. */
	if (s->calls == 1) {
		check_ok(barrier_touch(s->b, 3, 9, "late", err), err);
		assert_true(barrier_wants(s->b, "a"));
		assert_false(barrier_wants(s->b, "late"));
		barrier_forget(s->b, "a");
		assert_false(barrier_wants(s->b, "a"));
	}
	return s->rc < 0 ? err_set(err, s->rc, "as asked") : 0;
}

static bool is_dirty(const struct seen *s, unsigned folder)
{
	return s->todo.dirty[folder / 64] >> folder % 64 & 1;
}

static void test_names(void **state)
{
	struct barrier b;
	struct seen s = { .b = &b };

	(void)state;
	barrier_init(&b);
	check_ok(barrier_run(&b, see, &s, &e), &e);
	assert_int_equal(s.calls, 0);

	check_ok(barrier_touch(&b, LAYOUT_FOLDERS - 1, 5, NULL, NULL), &e);
	check_ok(barrier_touch(&b, 1, 6, "a", &e), &e);
	check_ok(barrier_touch(&b, 1, 7, "b", &e), &e);
	check_ok(barrier_touch(&b, 2, 7, "c", &e), &e);
	barrier_forget(&b, "b");
	check_ok(barrier_run(&b, see, &s, &e), &e);
	assert_int_equal(s.calls, 1);
	assert_int_equal(s.todo.no, 5);
	assert_int_equal(s.names.n, 2);
	assert_string_equal(s.names.v[0], "a");
	assert_string_equal(s.names.v[1], "c");
	assert_true(is_dirty(&s, LAYOUT_FOLDERS - 1));
	assert_true(is_dirty(&s, 1) && is_dirty(&s, 2));
	assert_false(is_dirty(&s, 0) || is_dirty(&s, 3));

	check_ok(barrier_run(&b, see, &s, &e), &e);
	assert_int_equal(s.calls, 2);
	assert_int_equal(s.todo.no, 9);
	assert_int_equal(s.names.n, 1);
	assert_string_equal(s.names.v[0], "late");
	assert_true(is_dirty(&s, 3));
	assert_false(is_dirty(&s, 1));
	check_ok(barrier_run(&b, see, &s, &e), &e);
	assert_int_equal(s.calls, 2);
	strv_release(&s.names);
	barrier_release(&b);
}

/* After a failure nothing that was written is believed to be durable. */
static void test_lost(void **state)
{
	struct barrier b;
	struct seen s = { .b = &b, .calls = 1, .rc = ERR_IO };

	(void)state;
	barrier_init(&b);
	check_ok(barrier_touch(&b, 1, 1, "a", &e), &e);
	check_err(barrier_run(&b, see, &s, &e), ERR_IO, &e);
	assert_int_equal(s.calls, 2);
	s.rc = 0;
	check_err(barrier_run(&b, see, &s, &e), ERR_IO, &e);
	assert_non_null(strstr(e.msg, "cannot be trusted"));
	assert_int_equal(s.calls, 2);
	strv_release(&s.names);
	barrier_release(&b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
