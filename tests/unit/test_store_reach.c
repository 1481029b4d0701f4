/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server that is reached again, or not: lines that break at once, lines that
 * cannot be had, and who waits for one.
 */
#include "tests/lib/check.h"

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/reach.h"
#include "store/serve_conn.h"

static struct err e;

static char url[] = "host:r";
static struct store none = { .url = url };
static struct reach r;
static enum err_code says[8];		/* of each try */
static unsigned tries;
static int other = -1;			/* the server's end of the last line */

/* A line whose server hangs up when it is asked. */
static int dial(struct reach *reach, struct line **out, struct err *err)
{
	enum err_code code = says[tries++];
	struct wire *w;
	int fd[2];

	assert_true(reach == &r);
	if (code != ERR_OK)
		return err_set(err, code, "try %u", tries);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	w = wire_fd(fd[0]);
	assert_non_null(w);
	if (other >= 0)
		close(other);
	other = fd[1];
	return serve_conn_open(out, w, &reach->opts, err);
}

static int ask(struct line *l)
{
	struct serve_req q = { .code = ERR_OK };
	struct wr w;
	int rc;

	serve_begin(&w, &q.head, SERVE_SYNC);
	wr_u8(&w, 0);
	check_ok(serve_end(&w, 0, &e), &e);
	serve_conn_send(serve_conn_of(l), &q);
	close(other);
	other = -1;
	rc = serve_conn_wait(serve_conn_of(l), &q);
	buf_release(&q.head);
	return rc;
}

/* Asks as often as it is told to. */
static int op(struct line *l, void *arg, struct err *err)
{
	unsigned *asks = arg;

	(void)err;
	if (*asks == 0)
		return 0;
	--*asks;
	assert_int_equal(ask(l), ERR_RETRY);
	assert_true(line_dead(l));
	return ERR_RETRY;
}

static int setup(void **state)
{
	struct store_opts o = { .timeout_secs = 1 };

	(void)state;
	memset(says, 0, sizeof(says));
	tries = 0;
	err_clear(&e);
	reach_init(&r, &none, dial, &o);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	reach_close(&r);
	reach_release(&r);
	if (other >= 0)
		close(other);
	other = -1;
	return 0;
}

/* Who has never been there is not waited for. */
static void test_first(void **state)
{
	unsigned asks = 0;

	(void)state;
	says[0] = says[1] = ERR_IO;
	says[2] = ERR_CONFIG;
	check_err(reach_begin(&r, &e), ERR_IO, &e);
	assert_string_equal(e.msg, "try 1");
	check_err(reach_do(&r, op, &asks, &e), ERR_IO, &e);
	assert_string_equal(e.msg, "try 2");
	check_err(reach_begin(&r, &e), ERR_CONFIG, &e);
	assert_int_equal(reach_no(&r), 0);
	check_ok(reach_begin(&r, &e), &e);
	assert_int_equal(reach_no(&r), 1);
	assert_int_equal(tries, 4);
}

static void test_again(void **state)
{
	struct store_traffic t;
	unsigned asks = 2;

	(void)state;
	says[2] = ERR_IO;
	check_ok(reach_do(&r, op, &asks, &e), &e);
	assert_int_equal(tries, 4);
	assert_int_equal(reach_no(&r), 3);
	reach_traffic(&r, &t);
	/* Those of lines that are gone count. */
	assert_int_equal(t.requests, 2);
	/* What no other line makes better is not tried again. */
	asks = 1;
	says[4] = ERR_AUTH;
	check_err(reach_do(&r, op, &asks, &e), ERR_AUTH, &e);
	assert_int_equal(tries, 5);
}

static void test_gave_up(void **state)
{
	int64_t begin = clock_mono_nsec();
	unsigned asks = 1;
	unsigned i;

	(void)state;
	for (i = 1; i < 8; i++)
		says[i] = ERR_IO;
	check_err(reach_do(&r, op, &asks, &e), ERR_IO, &e);
	assert_non_null(strstr(e.msg, "did not come back within 1 seconds"));
	assert_true(clock_mono_nsec() - begin > 1000000000);
	/* From then on each operation has one try, at once. */
	i = tries;
	asks = 0;
	begin = clock_mono_nsec();
	check_err(reach_do(&r, op, &asks, &e), ERR_IO, &e);
	assert_int_equal(tries, i + 1);
	assert_true(clock_mono_nsec() - begin < 150000000);
	tries = 0;
	check_ok(reach_do(&r, op, &asks, &e), &e);
}

static void *closer(void *arg)
{
	(void)arg;
	usleep(100000);
	reach_close(&r);
	return NULL;
}

static void test_close(void **state)
{
	unsigned asks = 1;
	pthread_t tid;
	unsigned i;

	(void)state;
	for (i = 1; i < 8; i++)
		says[i] = ERR_IO;
	assert_int_equal(pthread_create(&tid, NULL, closer, NULL), 0);
	check_err(reach_do(&r, op, &asks, &e), ERR_CANCEL, &e);
	pthread_join(tid, NULL);
	asks = 0;
	check_err(reach_do(&r, op, &asks, &e), ERR_CANCEL, &e);
}

static void test_cancel(void **state)
{
	struct cancel c = { 1 };
	unsigned asks = 1;

	(void)state;
	r.cancel = &c;
	check_err(reach_do(&r, op, &asks, &e), ERR_CANCEL, &e);
	assert_int_equal(tries, 1);
	r.cancel = NULL;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_first, setup, teardown),
		cmocka_unit_test_setup_teardown(test_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gave_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_close, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
