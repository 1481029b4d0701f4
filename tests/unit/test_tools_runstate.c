/* SPDX-License-Identifier: BSD-2-Clause */
/* What runs leave behind for status: outcome, success, metrics; the summary. */
#include "tools/runstate.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/check.h"
#include "tools/cmd_status.h"
#include "tools/health.h"
#include "tools/status.h"
#include "tools/summary.h"
#include "tools/talk.h"

#define URL "/srv/r\"1"

static char dir[64];

static int begin(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test-runstate-XXXXXX");
	assert_non_null(mkdtemp(dir));
	setenv("MUNIMENT_STATE_DIR", dir, 1);
	setenv("MUNIMENT_CONFIG_DIR", dir, 1);
	setenv("MUNIMENT_CACHE_DIR", dir, 1);
	return 0;
}

static int end(void **state)
{
	char cmd[128];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	return system(cmd);
}

static void note(int status, const char *error)
{
	struct strv actions = STRV_INIT;
	struct runstate_run run = {
		.url = URL, .label = "one", .config = "/etc/c.yaml",
		.started_nsec = clock_wall_nsec(), .status = status,
		.error = error, .actions = &actions
	};

	strv_add(&actions, "create", NULL);
	strv_add(&actions, "prune", NULL);
	runstate_note_run(&run);
	strv_release(&actions);
}

/* A failure is kept until the next run, and the last success with it. */
static void test_runs(void **state)
{
	struct runstate s;
	struct err e;
	int64_t good;

	(void)state;
	check_ok(runstate_load(&s, URL, &e), &e);
	assert_int_equal(s.finished_nsec, 0);
	runstate_release(&s);
	note(STATUS_WARNING, NULL);
	check_ok(runstate_load(&s, URL, &e), &e);
	assert_string_equal(s.label, "one");
	assert_string_equal(s.config, "/etc/c.yaml");
	assert_int_equal(s.actions.n, 2);
	assert_string_equal(s.actions.v[1], "prune");
	assert_int_equal(s.status, STATUS_WARNING);
	assert_null(s.error);
	good = s.success_nsec;
	assert_true(good && good == s.finished_nsec);
	runstate_release(&s);
	note(STATUS_FULL, "no space \xff left");
	check_ok(runstate_load(&s, URL, &e), &e);
	assert_int_equal(s.status, STATUS_FULL);
	assert_string_equal(s.error, "no space ? left");
	assert_true(s.success_nsec == good && s.finished_nsec > good);
	assert_int_equal(s.actions.n, 2);
	runstate_release(&s);
	/* Another URL is another file. */
	check_ok(runstate_load(&s, URL "x", &e), &e);
	assert_int_equal(s.finished_nsec, 0);
	runstate_release(&s);
}

/* Status tells of the run, without the repository. */
static void test_judged(void **state)
{
	struct health_opts o = { .url = URL, .local = true,
				 .max_age_nsec = INT64_MAX };
	struct app a = { .cancel = NULL };
	struct health h;
	struct err e;

	(void)state;
	note(STATUS_FULL, "no space left");
	check_ok(health_look(&h, &a, &o, &e), &e);
	assert_int_equal(h.level, HEALTH_CRITICAL);
	assert_int_equal(h.problem.n, 2);
	assert_non_null(strstr(h.problem.v[1], "the last run failed (exit "
			       "status 15): no space left"));
	health_release(&h);
	note(STATUS_OK, NULL);
	check_ok(health_look(&h, &a, &o, &e), &e);
	assert_int_equal(h.problem.n, 1);
	health_release(&h);
}

/* One file for both configurations that name it; others can read it. */
static void test_metrics(void **state)
{
	char path[128];
	struct config_repository one = { .path = (char[]){ URL } };
	struct config_repository two = { .path = (char[]){ "/srv/r2" },
					 .label = (char[]){ "two" } };
	struct config c1 = { .prometheus_file = path,
			     .repositories = { &one, 1 } };
	struct config c2 = { .prometheus_file = path,
			     .repositories = { &two, 1 } };
	struct config none = { .repositories = { &one, 1 } };
	struct config *all[] = { &none, &c1, &c2 };
	struct app a = { .cancel = NULL };
	struct buf b = { .max = 1 << 20 };
	struct stat st;
	struct err e;

	(void)state;
	snprintf(path, sizeof(path), "%s/m.prom", dir);
	umask(077);
	note(STATUS_OK, NULL);
	check_ok(cmd_status_files(&a, all, 3, &e), &e);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	check_ok(io_read_file(AT_FDCWD, path, &b, &e), &e);
	check_ok(buf_cstr(&b, &e), &e);
	assert_non_null(strstr((char *)b.p, "muniment_last_run_exit_status"
			       "{repository=\"one\"} 0\n"));
	assert_non_null(strstr((char *)b.p, "muniment_status{repository="
			       "\"two\"} 2\n"));
	/* Nobody asked the repository. */
	assert_null(strstr((char *)b.p, "muniment_repository_up{"));
	buf_release(&b);
	snprintf(path, sizeof(path), "%s/no/such/m.prom", dir);
	assert_true(cmd_status_files(&a, all, 3, &e) < 0);
	assert_non_null(strstr(e.msg, "/no/such/m.prom"));
}

/* What is said into a log file at the level of information. */
static void summary_says(const struct summary *s, const struct app *a,
			 struct buf *b)
{
	struct talk_opts to = TALK_OPTS_INIT, quiet = TALK_OPTS_INIT;
	char path[128];
	struct err e;

	snprintf(path, sizeof(path), "%s/log", dir);
	unlink(path);
	to.level = quiet.level = TALK_OFF;
	to.file = path;
	to.file_format = "{levelname} {message}";
	check_ok(talk_setup(&to, &e), &e);
	summary_print(s, a);
	check_ok(talk_setup(&quiet, &e), &e);
	buf_clear(b);
	b->max = 1 << 20;
	check_ok(io_read_file(AT_FDCWD, path, b, &e), &e);
	check_ok(buf_cstr(b, &e), &e);
}

static void test_summary(void **state)
{
	struct create_result res = {
		.rec = { .name = (char[]){ "a1" },
			 .stats = { .files = 9, .added = 2, .changed = 1 } },
		.new_mails = 1, .gone_known = true, .gone = 4
	};
	struct summary *s = summary_new();
	struct app a = { .summary = s };
	struct buf b = BUF_INIT;
	const char *failed;

	(void)state;
	summary_created(NULL, &res);
	summary_created(s, &res);	/* no row is open: nothing */
	summary_begin(s, "c.yaml", "one");
	summary_created(s, &res);
	summary_pruned(s, 3);
	summary_checked(s);
	summary_end(s, NULL);
	summary_says(s, &a, &b);
	assert_non_null(strstr((char *)b.p, "INFO summary:\nINFO c.yaml: one: "
		"created 'a1': 2 new (1 of them mails), 1 changed, 4 gone of "
		"9 files, 0 B, 0 B stored; state babab-babab-babab-babab-"
		"babab-babab-babab-babab; pruned 3 archives; checked; "));
	/* A failure: errors, last; a second try replaces the first. */
	summary_begin(s, "c.yaml", "two");
	summary_end(s, "no route");
	summary_begin(s, "c.yaml", "three");
	summary_end(s, "first try");
	summary_begin(s, "c.yaml", "three");
	summary_end(s, NULL);
	summary_says(s, &a, &b);
	assert_null(strstr((char *)b.p, "first try"));
	assert_non_null(strstr((char *)b.p, "ERROR summary:\nINFO c.yaml: "
			       "one"));
	failed = strstr((char *)b.p, "ERROR c.yaml: two: FAILED: no route\n");
	assert_non_null(failed);
	assert_null(strstr(failed + 14, "c.yaml"));
	buf_release(&b);
	summary_free(s);
	summary_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_runs, begin, end),
		cmocka_unit_test_setup_teardown(test_judged, begin, end),
		cmocka_unit_test_setup_teardown(test_metrics, begin, end),
		cmocka_unit_test_setup_teardown(test_summary, begin, end)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
