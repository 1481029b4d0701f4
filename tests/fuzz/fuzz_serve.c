/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First byte: 0..7: the rest is the body of a message, of each kind; 8: all
 * that a server ever sends to a client that asks for one of everything; 9: all
 * that a client ever sends to a server after its HELLO, whose repository is
 * in memory.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/serve_conn.h"
#include "store/served.h"
#include "tests/lib/tmpdir.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static void parse_list(unsigned kind, const uint8_t *p, size_t len)
{
	char name[STORE_NAME_MAX + 1];
	struct serve_want want;
	uint64_t size;
	struct rd r;

	rd_init(&r, p, len);
	if (kind == 5)
		while (serve_get_want(&want, &r))
			BUG_ON(!store_name_ok(want.n.kind, want.n.name));
	else
		while (serve_get_entry(STORE_DATA, name, &size, &r))
			BUG_ON(strlen(name) != 64);
}

static void parse(unsigned kind, const uint8_t *p, size_t len)
{
	static struct serve_hello hello;
	static struct serve_welcome welcome;
	static struct serve_found found;
	char text[SERVE_TEXT_MAX + 1];
	struct serve_frame f;
	struct serve_put put;
	enum err_code code;

	if (kind == 0 && serve_get_hello(&hello, p, len))
		BUG_ON(hello.oldest > hello.newest);
	else if (kind == 1)
		serve_get_welcome(&welcome, p, len);
	else if (kind == 2)
		serve_get_code(&code, text, p, len);
	else if (kind == 3 && serve_get_put(&put, p, len))
		BUG_ON(!store_name_ok(put.n.kind, put.n.name));
	else if (kind == 4)
		serve_get_found(&found, p, len);
	else if (kind == 5 || kind == 6)
		parse_list(kind, p, len);
	else if (kind == 7 && len >= SERVE_FRAME_BYTES &&
		 serve_get_frame(&f, p))
		BUG_ON(f.len > SERVE_BODY_MAX);
}

static int answer(struct serve_req *r, const struct serve_frame *f,
		  const uint8_t *p, struct err *e)
{
	(void)r;
	(void)p;
	return f->len == 13 ? serve_conn_nonsense(e, "unlucky") : 0;
}

/* A socket with these bytes in it, and nothing behind them. */
static int said(const uint8_t *p, size_t len, int *other)
{
	int fd[2], large = 1 << 20;

	BUG_ON(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) < 0);
	setsockopt(fd[1], SOL_SOCKET, SO_SNDBUF, &large, sizeof(large));
	BUG_ON(write(fd[1], p, len) != (ssize_t)len);
	shutdown(fd[1], SHUT_WR);
	*other = fd[1];
	return fd[0];
}

static void client(const uint8_t *p, size_t len)
{
	struct line_opts o = { .timeout_secs = 5 };
	struct iovec iov = { (void *)(uintptr_t)"some bytes", 10 };
	struct serve_req req[4];
	struct serve_put put = { .size = 10, .n = { STORE_KEYS, "k" } };
	struct serve_conn *c;
	struct line *l;
	struct wr w;
	unsigned i;
	int other;

	memset(req, 0, sizeof(req));
	if (serve_conn_open(&l, wire_fd(said(p, len, &other)), &o, NULL) < 0)
		return;
	c = serve_conn_of(l);
	for (i = 0; i < 4; i++) {
		if (i < 2) {
			req[i].iov = &iov;
			req[i].iov_n = 1;
			req[i].load = 10;
			req[i].ask = i == 1;
			BUG_ON(serve_put_put(&req[i].head, &put, NULL) < 0);
		} else {
			serve_begin(&w, &req[i].head, SERVE_LIST);
			wr_u8(&w, STORE_KEYS);
			BUG_ON(serve_end(&w, 0, NULL) < 0);
			req[i].answer = i == 2 ? answer : NULL;
		}
		serve_conn_send(c, &req[i]);
	}
	for (i = 0; i < 4; i++) {
		serve_conn_wait(c, &req[i]);
		buf_release(&req[i].head);
	}
	line_unref(l);
	close(other);
}

static int believe(enum store_kind k, const char *name, const uint8_t *p,
		   size_t len, struct err *e)
{
	(void)k;
	(void)name;
	(void)p;
	(void)e;
	return len > 0;
}

static char dir[256];

static void leave(void)
{
	tmpdir_remove(dir);
}

/* A repository that is made once; the process is not to be confined. */
static const char *repository(void)
{
	struct store *s;
	char x[] = "x";
	struct iovec iov = { x, 1 };

	if (dir[0] != '\0')
		return dir;
	setenv("TMPDIR", "/dev/shm", 0);
	tmpdir_make(dir, sizeof(dir));
	atexit(leave);
	BUG_ON(store_open_local(&s, dir, STORE_CREATE, NULL) < 0);
	BUG_ON(store_put(s, STORE_ROOT, "REPOSITORY", &iov, 1, 0, NULL) < 0);
	store_close(s);
	return dir;
}

/* HELLO is made here: it has the path. */
static void server(const uint8_t *p, size_t len)
{
	static struct serve_hello h = { .oldest = 1, .newest = 1 };
	struct strv none = STRV_INIT;
	struct served_opts o = { .paths = &none, .repositories = &none,
		.client = "", .verify = believe, .append_only = len % 2,
		.trash_days = 1, .quota_bytes = 1 << 20, .free = true };
	struct buf b = BUF_INIT;
	int other;

	snprintf(h.path, sizeof(h.path), "%s", repository());
	BUG_ON(serve_put_hello(&b, &h, NULL) < 0);
	BUG_ON(buf_append(&b, p, len, NULL) < 0);
	o.in = said(b.p, b.len, &other);
	o.out = open("/dev/null", O_WRONLY);
	served_run(&o, NULL);
	close(o.in);
	close(o.out);
	close(other);
	buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	if (len == 0 || len > 1u << 16)
		return 0;
	if (p[0] < 8)
		parse(p[0], p + 1, len - 1);
	else if (p[0] == 8)
		client(p + 1, len - 1);
	else if (p[0] == 9)
		server(p + 1, len - 1);
	return 0;
}
