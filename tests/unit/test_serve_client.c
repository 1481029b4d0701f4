/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's side of "muniment serve": messages, and a server that does not
 * keep to the protocol.
 */
#include "tests/lib/check.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "store/serve.h"
#include "store/serve_conn.h"
#include "store/serve_msg.h"
#include "store/sshurl.h"

static struct err e;

static void test_messages(void **state)
{
	static struct serve_hello h = { .oldest = 1, .newest = 3,
		.flags = SERVE_CREATE, .path = "a/b", .program = "x" };
	static struct serve_hello got;
	struct serve_frame f = { .len = 5, .type = 67, .flags = 1,
		.item = 258, .id = 77 }, g;
	uint8_t head[SERVE_FRAME_BYTES];
	struct buf b = BUF_INIT;
	struct serve_put put = { .n = { STORE_KEYS, "k" }, .size = 9 }, p;
	size_t i;

	(void)state;
	serve_put_frame(head, &f);
	assert_true(serve_get_frame(&g, head));
	assert_int_equal(g.id, 77);
	assert_int_equal(g.item, 258);
	head[12] = 1;
	assert_false(serve_get_frame(&g, head));
	f.len = SERVE_BODY_MAX + 1;
	serve_put_frame(head, &f);
	assert_false(serve_get_frame(&g, head));

	check_ok(serve_put_hello(&b, &h, &e), &e);
	for (i = SERVE_FRAME_BYTES; i < b.len; i++)
		assert_false(serve_get_hello(&got, b.p + SERVE_FRAME_BYTES,
			i - SERVE_FRAME_BYTES));
	assert_true(serve_get_hello(&got, b.p + SERVE_FRAME_BYTES,
		b.len - SERVE_FRAME_BYTES));
	assert_string_equal(got.path, "a/b");
	b.p[SERVE_FRAME_BYTES + 27] = '\n';
	assert_false(serve_get_hello(&got, b.p + SERVE_FRAME_BYTES,
		b.len - SERVE_FRAME_BYTES));
	buf_clear(&b);
	check_ok(serve_put_put(&b, &put, &e), &e);
	assert_true(serve_get_put(&p, b.p + SERVE_FRAME_BYTES,
		b.len - SERVE_FRAME_BYTES));
	b.p[SERVE_FRAME_BYTES + 2] = '/';
	assert_false(serve_get_put(&p, b.p + SERVE_FRAME_BYTES,
		b.len - SERVE_FRAME_BYTES));
	assert_true(serve_is_version(serve_version + 4,
		serve_version_bytes - 4));
	assert_int_equal(serve_version_bytes, 32);
	buf_release(&b);
}

/* A server that answers one request with these frames. */
struct liar {
	int fd;
	pthread_t tid;
	struct buf says;
};

static void liar_says(struct liar *l, uint8_t type, uint8_t flags,
		      uint16_t item, const void *body, uint32_t len)
{
	struct serve_frame f = { .len = len, .type = type, .flags = flags,
		.item = item };
	uint8_t head[SERVE_FRAME_BYTES];

	serve_put_frame(head, &f);
	check_ok(buf_append(&l->says, head, sizeof(head), &e), &e);
	check_ok(buf_append(&l->says, body, len, &e), &e);
}

static void liar_ends(struct liar *l)
{
	liar_says(l, SERVE_STATUS, 0, 0, "\0\0\0\0", 4);
}

static bool hear(int fd, void *p, size_t len)
{
	return len == 0 || recv(fd, p, len, MSG_WAITALL) == (ssize_t)len;
}

static void *lie(void *arg)
{
	struct liar *l = arg;
	uint8_t head[SERVE_FRAME_BYTES], body[8192];
	struct serve_welcome wl = { .version = 1, .rights = SERVE_MAY_ALL };
	struct serve_frame f;
	struct buf b = BUF_INIT;
	int i;

	for (i = 0; i < 2; i++) {
		if (!hear(l->fd, head, sizeof(head)) ||
		    !serve_get_frame(&f, head) || f.len > sizeof(body) ||
		    !hear(l->fd, body, f.len))
			break;
		if (i == 0)
			serve_put_welcome(&b, &wl, NULL);
		else
			buf_append(&b, l->says.p, l->says.len, NULL);
		send(l->fd, b.p, b.len, MSG_NOSIGNAL);
		buf_clear(&b);
	}
	/* Until the client hangs up. */
	while (recv(l->fd, body, sizeof(body), 0) > 0)
		;
	buf_release(&b);
	close(l->fd);
	return NULL;
}

static struct store *liar_open(struct liar *l)
{
	struct store_opts o = { .timeout_secs = 5 };
	struct serve_start st = { .o = &o };
	struct sshurl u;
	struct store *s;
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	l->fd = fd[1];
	assert_int_equal(pthread_create(&l->tid, NULL, lie, l), 0);
	check_ok(sshurl_parse(&u, "host:r", &e), &e);
	check_ok(wire_dial_new(&st.dial, &u, &o, &e), &e);
	sshurl_release(&u);
	st.first = wire_fd(fd[0]);
	check_ok(serve_attach(&s, "host:r", 0, &st, &e), &e);
	assert_true(st.answered);
	return s;
}

enum liar_asked { GET, GET_ALL, STAT, LIST, PUT, SPACE };

static int none(const char *name, uint64_t size, void *ctx)
{
	(void)name;
	(void)size;
	(void)ctx;
	return 0;
}

static int liar_ask(struct store *s, enum liar_asked what)
{
	static char large[600000];
	struct iovec iov = { large, sizeof(large) };
	struct buf b = BUF_INIT;
	uint64_t x, y;
	int rc = 0;

	switch (what) {
	case GET:
		rc = store_get(s, STORE_KEYS, "k", 0, 4, &b, &e);
		break;
	case GET_ALL:
		rc = store_get_all(s, STORE_KEYS, "k", 4, &b, &e);
		break;
	case STAT:
		rc = store_stat(s, STORE_KEYS, "k", &x, &e);
		break;
	case LIST:
		rc = store_list(s, STORE_KEYS, none, NULL, &e);
		break;
	case PUT:
		rc = store_put(s, STORE_KEYS, "k", &iov, 1, 0, &e);
		break;
	case SPACE:
		rc = store_space(s, &x, &y, &e);
		break;
	}
	assert_int_equal(b.len, 0);
	buf_release(&b);
	return rc;
}

#define liar_fails(l, what) liar_fails_at(l, what, __LINE__)
static void liar_fails_at(struct liar *l, enum liar_asked what, int line)
{
	struct store *s = liar_open(l);
	int rc = liar_ask(s, what);

	if (rc != ERR_CONFIG || !strstr(e.msg, "protocol"))
		fail_msg("line %d: %d, %s", line, rc, e.msg);
	err_clear(&e);
	store_close(s);
	pthread_join(l->tid, NULL);
	buf_release(&l->says);
	memset(l, 0, sizeof(*l));
}

/* Every answer that no server of ours gives ends the connection, for good and
 * at once. */
static void test_liar(void **state)
{
	static const char entry[] = "\4a/bc\1\0\0\0\0\0\0\0";
	static const char zero[64];
	struct liar l = { .fd = -1 };

	(void)state;
	liar_says(&l, SERVE_BYTES, SERVE_LAST, 0, "12345", 5);
	liar_fails(&l, GET);
	liar_says(&l, SERVE_BYTES, SERVE_LAST, 0, "123", 3);
	liar_ends(&l);
	liar_fails(&l, GET);
	liar_ends(&l);
	liar_fails(&l, GET);
	liar_says(&l, SERVE_BYTES, SERVE_LAST, 1, "1234", 4);
	liar_fails(&l, GET);
	liar_says(&l, SERVE_BYTES, SERVE_LAST, 0, "12", 2);
	liar_says(&l, SERVE_BYTES, SERVE_LAST, 0, "34", 2);
	liar_fails(&l, GET);
	liar_says(&l, SERVE_BYTES, 0, 0, "1234", 4);
	liar_says(&l, SERVE_BYTES, 0, 0, "5", 1);
	liar_fails(&l, GET_ALL);
	liar_says(&l, SERVE_FAIL, 0, 0, "\0\0\0\0", 4);
	liar_fails(&l, GET_ALL);
	liar_says(&l, SERVE_NAMES, 0, 0, "", 0);
	liar_fails(&l, GET_ALL);
	liar_says(&l, SERVE_SIZES, 0, 0, zero, 8);
	liar_fails(&l, STAT);
	liar_says(&l, SERVE_SIZES, 0, 0, zero, 18);
	liar_fails(&l, STAT);
	liar_ends(&l);
	liar_fails(&l, STAT);
	liar_says(&l, SERVE_NAMES, 0, 0, entry, 13);
	liar_fails(&l, LIST);
	liar_says(&l, SERVE_NAMES, 0, 0, "\1a", 2);
	liar_fails(&l, LIST);
	liar_says(&l, SERVE_ROOM, 0, 0, "\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 16);
	liar_fails(&l, SPACE);
	liar_says(&l, SERVE_HAVE, 0, 0, zero, 8);
	liar_fails(&l, PUT);
	liar_says(&l, SERVE_STATUS, 0, 0, "\0\0\5\0abc", 7);
	liar_fails(&l, LIST);
	liar_says(&l, 200, 0, 0, "", 0);
	liar_fails(&l, LIST);
	/* An answer to no question, a frame that cannot be. */
	liar_ends(&l);
	l.says.p[8] = 9;
	liar_fails(&l, LIST);
	liar_ends(&l);
	l.says.p[3] = 1;
	liar_fails(&l, LIST);
	liar_ends(&l);
	l.says.p[15] = 1;
	liar_fails(&l, LIST);
}

/* What a server refuses early is not sent to its end, and said as it is. */
static void test_refused(void **state)
{
	struct liar l = { .fd = -1 };
	struct store *s;

	(void)state;
	liar_says(&l, SERVE_STATUS, 0, 0, "\6\0\4\0no\33!", 8);
	s = liar_open(&l);
	check_err(liar_ask(s, PUT), ERR_DENIED, &e);
	assert_non_null(strstr(e.msg, "no?!"));
	err_clear(&e);
	store_close(s);
	pthread_join(l.tid, NULL);
	buf_release(&l.says);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_liar),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
