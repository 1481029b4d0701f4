/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server of "muniment serve": rights, quota, trash, scrub, parts of files,
 * and a client that does not keep to the protocol.
 */
#include "tests/lib/check.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/serve.h"
#include "store/serve_msg.h"
#include "store/served.h"
#include "store/sshurl.h"
#include "tests/lib/tmpdir.h"

static struct err e;

static bool hear(int fd, void *p, size_t len)
{
	return len == 0 || recv(fd, p, len, MSG_WAITALL) == (ssize_t)len;
}

/* A server in this process, on one end of a socket. */
struct host {
	struct served_opts o;
	struct strv none;
	pthread_t tid;
	int fd, rc;
	struct err e;
};

static int believe(enum store_kind k, const char *name, const uint8_t *p,
		   size_t len, struct err *err)
{
	(void)k;
	(void)name;
	if (len >= 6 && memcmp(p, "rotten", 6) == 0)
		return err_set(err, ERR_CORRUPT, "it is rotten");
	return 0;
}

static void *host_main(void *arg)
{
	struct host *h = arg;

	h->rc = served_run(&h->o, &h->e);
	close(h->o.in);
	return NULL;
}

static void host_start(struct host *h)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	h->o.in = h->o.out = fd[1];
	h->fd = fd[0];
	h->o.paths = h->o.repositories = &h->none;
	h->o.client = h->o.client ? h->o.client : "";
	h->o.verify = believe;
	h->o.free = true;
	err_clear(&h->e);
	assert_int_equal(pthread_create(&h->tid, NULL, host_main, h), 0);
}

static struct store *host_store(struct host *h, const char *dir)
{
	struct serve_start st = { .o = NULL };
	struct sshurl u;
	struct store *s;
	char url[300];

	host_start(h);
	snprintf(url, sizeof(url), "host:%s", dir);
	check_ok(sshurl_parse(&u, url, &e), &e);
	check_ok(wire_dial_new(&st.dial, &u, NULL, &e), &e);
	sshurl_release(&u);
	st.first = wire_fd(h->fd);
	check_ok(serve_attach(&s, url, 0, &st, &e), &e);
	return s;
}

static void host_stop(struct host *h)
{
	pthread_join(h->tid, NULL);
}

static void make(char dir[256])
{
	struct iovec iov = { (void *)(uintptr_t)"x", 1 };
	struct store *s;

	tmpdir_make(dir, 256);
	check_ok(store_open(&s, dir, STORE_CREATE, &e), &e);
	check_ok(store_put(s, STORE_ROOT, "REPOSITORY", &iov, 1, 0, &e), &e);
	store_close(s);
}

static int put(struct store *s, enum store_kind k, const char *name,
	       size_t len)
{
	char *p = mem_zero(len + 1, 1);
	struct iovec iov = { p, len };
	int rc;

	assert_non_null(p);
	rc = store_put(s, k, name, &iov, 1, 0, &e);
	free(p);
	return rc;
}

#define SID "0123456789abcdef0123456789abcdef"
#define SID2 "1123456789abcdef0123456789abcdef"
#define PACK "00112233445566778899aabbccddeeff" \
	"00112233445566778899aabbccddeeff"
#define PACK2 "10112233445566778899aabbccddeeff" \
	"00112233445566778899aabbccddeeff"

static void denied(int rc)
{
	check_err(rc, ERR_DENIED, &e);
	err_clear(&e);
}

static void test_append(void **state)
{
	struct host a = { .o = { .append_only = true, .client = "a" } };
	struct host b = { .o = { .append_only = true, .client = "b" } };
	struct store *s, *t;
	char dir[256];

	(void)state;
	make(dir);
	s = host_store(&a, dir);
	t = host_store(&b, dir);
	assert_true(store_appends_only(s));
	check_ok(put(s, STORE_DATA, PACK, 5), &e);
	denied(store_del(s, STORE_DATA, PACK, &e));
	check_ok(put(s, STORE_SESSIONS, SID, 5), &e);
	check_ok(put(s, STORE_SESSIONS, SID ".1", 5), &e);
	denied(put(t, STORE_ARCHIVES, SID, 5));
	denied(put(t, STORE_SESSIONS, SID ".2", 5));
	denied(store_del(t, STORE_SESSIONS, SID, &e));
	check_err(put(t, STORE_SESSIONS, SID, 5), ERR_DENIED, &e);
	err_clear(&e);
	check_ok(put(s, STORE_ARCHIVES, SID, 5), &e);
	denied(store_del(s, STORE_ARCHIVES, SID, &e));
	denied(put(s, STORE_TOMBSTONES, SID, 5));
	denied(put(s, STORE_GENERATIONS, "1", 5));
	denied(put(s, STORE_PINS, SID, 5));
	denied(put(s, STORE_KEYS, SID, 5));
	denied(put(s, STORE_RESERVE, SID, 5));
	denied(put(s, STORE_PARITY, PACK, 5));
	denied(put(s, STORE_ARCHIVES, SID2, 5));
	check_ok(store_del(s, STORE_SESSIONS, SID ".1", &e), &e);
	check_ok(store_del(s, STORE_SESSIONS, SID, &e), &e);
	denied(put(s, STORE_SESSIONS, SID, 5));
	check_ok(store_sync(s, &e), &e);
	store_close(s);
	store_close(t);
	host_stop(&a);
	host_stop(&b);
	assert_int_equal(a.rc, 0);
	tmpdir_remove(dir);
}

static void test_quota(void **state)
{
	struct host a = { .o = { .quota_bytes = 3 << 20 } };
	struct host b = { .o = { .quota_bytes = 3 << 20 } };
	struct store *s, *t;
	char dir[256];

	(void)state;
	make(dir);
	s = host_store(&a, dir);
	t = host_store(&b, dir);
	check_ok(put(s, STORE_DATA, PACK, 1 << 20), &e);
	check_ok(put(t, STORE_KEYS, "a", 1 << 20), &e);
	/* Each knows what the other has put. */
	check_err(put(s, STORE_KEYS, "b", 3 << 19), ERR_FULL, &e);
	err_clear(&e);
	check_ok(put(s, STORE_KEYS, "c", 1 << 19), &e);
	check_err(put(t, STORE_KEYS, "d", 1 << 20), ERR_FULL, &e);
	err_clear(&e);
	check_ok(store_del(t, STORE_DATA, PACK, &e), &e);
	/* It counts again, but not each time. */
	sleep(3);
	check_ok(put(t, STORE_KEYS, "e", 1 << 20), &e);
	store_close(s);
	store_close(t);
	host_stop(&a);
	host_stop(&b);
	tmpdir_remove(dir);
}

static int found(const struct store_scrubbed *x, void *ctx)
{
	uint64_t *n = ctx;

	n[0] = x->files;
	if (x->why) {
		assert_string_equal(x->name, PACK2);
		assert_non_null(strstr(x->why, "rotten"));
		n[1]++;
	}
	return 0;
}

static void test_trash_and_scrub(void **state)
{
	struct host a = { .o = { .trash_days = 3 } };
	struct store *s, *local;
	struct iovec iov = { (void *)(uintptr_t)"rotten", 6 };
	struct store_traffic t;
	uint64_t n[2] = { 0, 0 };
	char dir[256], trash[300];

	(void)state;
	make(dir);
	check_ok(store_open(&local, dir, 0, &e), &e);
	check_ok(store_put(local, STORE_DATA, PACK2, &iov, 1, 0, &e), &e);
	assert_int_equal(store_scrub(local, found, n, &e), 1);
	s = host_store(&a, dir);
	check_ok(put(s, STORE_DATA, PACK, 4000), &e);
	check_ok(put(s, STORE_META, PACK, 4000), &e);
	check_ok(store_scrub(s, found, n, &e), &e);
	assert_int_equal(n[0], 3);
	assert_int_equal(n[1], 1);
	assert_true(store_traffic(s, &t));
	assert_true(t.up > 8000 && t.down > 0 && t.requests >= 3);
	check_ok(put(s, STORE_SESSIONS, SID, 5), &e);
	check_ok(store_del(s, STORE_SESSIONS, SID, &e), &e);
	check_ok(store_del(s, STORE_DATA, PACK, &e), &e);
	check_ok(put(s, STORE_DATA, PACK, 4000), &e);
	check_ok(store_del(s, STORE_DATA, PACK, &e), &e);
	check_ok(store_sync(s, &e), &e);
	check_err(store_del(s, STORE_DATA, PACK, &e), ERR_NOENT, &e);
	err_clear(&e);
	store_close(s);
	host_stop(&a);
	store_close(local);
	/* DAY/data/00/PACK and DAY.1/data/00/PACK */
	snprintf(trash, sizeof(trash), "%s/serve/trash", dir);
	assert_int_equal(tmpdir_count(trash), 8);
	tmpdir_remove(dir);
}

static uint64_t asked(struct store *s)
{
	struct store_traffic t;

	assert_true(store_traffic(s, &t));
	return t.requests;
}

static int got(size_t i, int rc, const struct buf *b, const struct err *why,
	       void *ctx)
{
	assert_int_equal(rc, i < 150 ? 0 : ERR_NOENT);
	assert_int_equal(why->code, rc);
	assert_int_equal(b->len, i < 150 ? i : 0);
	++*(unsigned *)ctx;
	return 0;
}

static int listed(enum store_kind k, const char *name, uint64_t size,
		  void *ctx)
{
	(void)name;
	(void)size;
	assert_true(k == STORE_KEYS || k == STORE_DATA);
	++*(unsigned *)ctx;
	return 0;
}

/* What follows one another, and what is wanted at once, costs few requests. */
static void test_few_requests(void **state)
{
	enum { FILES = 150, ASKED = 200, READS = 500, BYTES = 4000 };
	static const enum store_kind kinds[] = { STORE_KEYS, STORE_DATA };
	struct store_look look[ASKED] = { { .rc = 1 } };
	struct host a = { .rc = 0 };
	struct store *s;
	struct buf b = BUF_INIT;
	struct strv names = STRV_INIT;
	char dir[256], name[16];
	uint64_t was;
	unsigned i, n = 0;

	(void)state;
	make(dir);
	s = host_store(&a, dir);
	check_ok(put(s, STORE_DATA, PACK, READS * BYTES), &e);
	was = asked(s);
	for (i = 0; i < READS; i++) {
		buf_clear(&b);
		check_ok(store_get(s, STORE_DATA, PACK, i * BYTES, BYTES, &b,
			&e), &e);
	}
	assert_true(asked(s) - was < 12);
	for (i = 0; i < ASKED; i++) {
		snprintf(name, sizeof(name), "k%u", i);
		check_ok(strv_add(&names, name, &e), &e);
		if (i < FILES)
			check_ok(put(s, STORE_KEYS, name, i), &e);
	}
	for (i = 0; i < ASKED; i++)
		look[i] = (struct store_look) { .kind = STORE_KEYS,
			.name = names.v[i] };
	was = asked(s);
	check_ok(store_stat_many(s, look, ASKED, &e), &e);
	for (i = 0; i < ASKED; i++)
		assert_int_equal(look[i].rc, i < FILES ? 0 : ERR_NOENT);
	assert_int_equal(look[FILES - 1].size, FILES - 1);
	assert_int_equal(asked(s) - was, 1);
	check_ok(store_get_many(s, STORE_KEYS, names.v, ASKED, 1000, got, &n,
		&e), &e);
	assert_int_equal(n, ASKED);
	assert_int_equal(asked(s) - was, 2);
	n = 0;
	check_ok(store_list_many(s, kinds, 2, listed, &n, &e), &e);
	assert_int_equal(n, FILES + 1);
	assert_int_equal(asked(s) - was, 4);
	buf_release(&b);
	strv_release(&names);
	store_close(s);
	host_stop(&a);
	tmpdir_remove(dir);
}

static void unmake_with(const struct served_opts *o, const char *dir,
			enum err_code code)
{
	struct host a = { .o = *o };
	struct store *s = host_store(&a, dir);
	int rc = 0;

	if (code == ERR_OK || o->trash_days) {
		rc = store_del(s, STORE_KEYS, "k", &e);
		assert_true(rc == 0 || rc == ERR_NOENT);
		err_clear(&e);
		check_ok(store_del(s, STORE_ROOT, "REPOSITORY", &e), &e);
	}
	rc = store_unmake(s, &e);
	if (code == ERR_OK)
		check_ok(rc, &e);
	else
		check_err(rc, code, &e);
	err_clear(&e);
	store_close(s);
	host_stop(&a);
}

/* Only of what is empty, not by one who may only add, and what is in the trash
 * stays where it is. */
static void test_unmake(void **state)
{
	static const struct served_opts all = { .quota_bytes = 1 << 20 };
	static const struct served_opts append = { .append_only = true };
	static const struct served_opts trash = { .trash_days = 3 };
	struct host a = { .o = all };
	struct store *s;
	char dir[256], path[300];

	(void)state;
	make(dir);
	s = host_store(&a, dir);
	check_ok(put(s, STORE_KEYS, "k", 5), &e);
	check_ok(put(s, STORE_SESSIONS, SID, 5), &e);
	check_ok(store_del(s, STORE_SESSIONS, SID, &e), &e);
	check_err(store_unmake(s, &e), ERR_EXIST, &e);
	err_clear(&e);
	store_close(s);
	host_stop(&a);
	unmake_with(&append, dir, ERR_DENIED);
	snprintf(path, sizeof(path), "%s/serve/journal", dir);
	assert_int_equal(access(path, F_OK), 0);
	unmake_with(&all, dir, ERR_OK);
	assert_int_equal(access(dir, F_OK), 0);
	assert_int_equal(tmpdir_count(dir), 0);
	tmpdir_remove(dir);

	make(dir);
	a = (struct host) { .o = all };
	s = host_store(&a, dir);
	check_ok(put(s, STORE_KEYS, "k", 5), &e);
	store_close(s);
	host_stop(&a);
	unmake_with(&trash, dir, ERR_EXIST);
	snprintf(path, sizeof(path), "%s/serve/trash", dir);
	assert_true(tmpdir_count(path) >= 4);
	tmpdir_remove(dir);
}

static bool raw(struct host *h, const void *p, size_t len)
{
	return send(h->fd, p, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static void raw_hello(struct host *h, const char *dir)
{
	static struct serve_hello hello = { .oldest = 1, .newest = 1 };
	struct buf b = BUF_INIT;

	host_start(h);
	snprintf(hello.path, sizeof(hello.path), "%s", dir);
	check_ok(serve_put_hello(&b, &hello, &e), &e);
	assert_true(raw(h, b.p, b.len));
	buf_release(&b);
}

static void raw_put(struct host *h, struct serve_put *p, size_t sent)
{
	struct serve_frame f = { .type = SERVE_DATA, .len = 1000 };
	static uint8_t piece[SERVE_FRAME_BYTES + 1000];
	struct buf b = BUF_INIT;

	check_ok(serve_put_put(&b, p, &e), &e);
	assert_true(raw(h, b.p, b.len));
	serve_put_frame(piece, &f);
	for (; sent > 0; sent -= 1000)
		assert_true(raw(h, piece, sizeof(piece)));
	buf_release(&b);
}

/* The line is lost in the middle of a pack: the next client goes on. */
static void test_part(void **state)
{
	struct serve_put p = { .n = { STORE_DATA, PACK }, .size = 500000 };
	uint8_t head[SERVE_FRAME_BYTES], body[SERVE_TEXT_MAX + 64];
	struct host a = { .rc = 0 }, b = { .rc = 0 };
	struct serve_frame f;
	char dir[256];

	(void)state;
	make(dir);
	raw_hello(&a, dir);
	raw_put(&a, &p, 300000);
	shutdown(a.fd, SHUT_WR);
	host_stop(&a);
	assert_int_equal(a.rc, 0);
	close(a.fd);
	raw_hello(&b, dir);
	p.flags = SERVE_PUT_AGAIN | SERVE_PUT_RESUME;
	raw_put(&b, &p, 0);
	assert_true(hear(b.fd, head, sizeof(head)));
	assert_true(serve_get_frame(&f, head));
	assert_true(hear(b.fd, body, f.len));
	assert_true(hear(b.fd, head, sizeof(head)));
	assert_true(serve_get_frame(&f, head));
	assert_int_equal(f.type, SERVE_HAVE);
	assert_true(hear(b.fd, body, f.len));
	assert_int_equal(body[0] | body[1] << 8 | body[2] << 16, 300000);
	close(b.fd);
	host_stop(&b);
	tmpdir_remove(dir);
}

/* A client that does not keep to the protocol is not served any more. */
static void test_hostile_client(void **state)
{
	static const char *const bad[] = {
		/* too long, of no file, no PUT, flags, item, not zero */
		"\0\0\x20\0" "\2\0\0\0" "\0\0\0\0" "\0\0\0\0",
		"\1\0\0\0" "\3\0\0\0" "\0\0\0\0" "\0\0\0\0" "x",
		"\1\0\0\0" "\2\0\0\0" "\0\0\0\0" "\0\0\0\0" "x",
		"\0\0\0\0" "\14\1\0\0" "\0\0\0\0" "\0\0\0\0",
		"\0\0\0\0" "\14\0\1\0" "\0\0\0\0" "\0\0\0\0",
		"\0\0\0\0" "\14\0\0\0" "\0\0\0\0" "\0\0\0\1"
	};
	static const uint8_t len[] = { 16, 17, 17, 16, 16, 16 };
	struct serve_put p = { .n = { STORE_KEYS, "k" }, .size = 10 };
	struct host h;
	char dir[256];
	size_t i;

	(void)state;
	make(dir);
	for (i = 0; i < sizeof(len); i++) {
		memset(&h, 0, sizeof(h));
		raw_hello(&h, dir);
		assert_true(raw(&h, bad[i], len[i]));
		host_stop(&h);
		check_err(h.rc, ERR_CONFIG, &h.e);
		close(h.fd);
	}
	/* The same number twice; more bytes than were told. */
	memset(&h, 0, sizeof(h));
	raw_hello(&h, dir);
	raw_put(&h, &p, 0);
	raw_put(&h, &p, 0);
	host_stop(&h);
	check_err(h.rc, ERR_CONFIG, &h.e);
	close(h.fd);
	memset(&h, 0, sizeof(h));
	raw_hello(&h, dir);
	raw_put(&h, &p, 1000);
	host_stop(&h);
	check_err(h.rc, ERR_CONFIG, &h.e);
	close(h.fd);
	/* Something else than a client. */
	memset(&h, 0, sizeof(h));
	host_start(&h);
	assert_true(raw(&h, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27));
	host_stop(&h);
	check_err(h.rc, ERR_CONFIG, &h.e);
	close(h.fd);
	tmpdir_remove(dir);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_quota),
		cmocka_unit_test(test_trash_and_scrub),
		cmocka_unit_test(test_few_requests),
		cmocka_unit_test(test_unmake),
		cmocka_unit_test(test_part),
		cmocka_unit_test(test_hostile_client),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
