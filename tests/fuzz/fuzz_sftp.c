/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First byte: 0..7: the rest is the body of a reply, of each kind; 8: a URL; 9:
 * all that a server ever sends, after its VERSION or with it, to a connection
 * that asks for one of everything.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/sftp_conn.h"
#include "store/sshurl.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static void parse_names(const uint8_t *p, size_t len)
{
	struct sftp_name name;
	struct rd r;
	uint32_t n;

	if (!sftp_get_names(&r, p, len, &n))
		return;
	for (; n > 0 && sftp_get_name(&r, &name); n--)
		BUG_ON(name.len > len);
}

static void parse_url(const uint8_t *p, size_t len)
{
	char *text = mem_printf("%.*s", (int)len, (const char *)p);
	struct sshurl u;

	BUG_ON(!text);
	if (sshurl_is(text) && sshurl_parse(&u, text, NULL) == 0) {
		BUG_ON(*u.host == '-' || *u.host == '\0');
		BUG_ON(u.user && (*u.user == '-' || *u.user == '\0'));
		BUG_ON(*u.path == '\0');
		sshurl_release(&u);
	}
	free(text);
}

static void parse(unsigned kind, const uint8_t *p, size_t len)
{
	struct sftp_handle h;
	struct sftp_attrs at;
	struct sftp_limits l;
	struct sftp_space s;
	struct sftp_name x;
	const uint8_t *data;
	struct rd r;
	uint32_t code;
	size_t n;

	if (kind == 0)
		sftp_get_status(p, len, &code);
	else if (kind == 1 && sftp_get_handle(p, len, &h))
		BUG_ON(h.len > SFTP_HANDLE_MAX);
	else if (kind == 2 && sftp_get_data(p, len, &data, &n))
		BUG_ON(n > len);
	else if (kind == 3)
		sftp_get_attrs(p, len, &at);
	else if (kind == 4)
		sftp_get_limits(p, len, &l);
	else if (kind == 5 && sftp_get_space(p, len, &s))
		BUG_ON(s.free_bytes > s.total_bytes);
	else if (kind == 6)
		parse_names(p, len);
	else if (kind == 7 && sftp_get_version(&r, p, len, &code))
		while (sftp_get_extension(&r, &x))
			;
}

/* Everything is asked before anything is read; the server then hangs up. */
static void ask(struct sftp_conn *c)
{
	static const enum sftp_type want[] = { SFTP_STATUS, SFTP_HANDLE,
		SFTP_DATA, SFTP_NAME, SFTP_ATTRS, SFTP_EXTENDED_REPLY };
	struct sftp_req req[6];
	uint8_t dst[64];
	unsigned i;

	memset(req, 0, sizeof(req));
	for (i = 0; i < 6; i++) {
		req[i].want = want[i];
		BUG_ON(sftp_put_path(&req[i].head, SFTP_LSTAT, "x", NULL) < 0);
		req[i].dst = dst;
		req[i].dst_len = sizeof(dst);
		sftp_conn_send(c, &req[i]);
	}
	for (i = 0; i < 6; i++) {
		sftp_conn_wait(c, &req[i]);
		BUG_ON(req[i].got > sizeof(dst));
		sftp_req_release(&req[i]);
	}
}

static void talk(const uint8_t *p, size_t len)
{
	struct line_opts o = { .timeout_secs = 5 };
	struct wire *w;
	struct line *l;
	int fd[2];

	BUG_ON(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) < 0);
	BUG_ON(write(fd[1], p, len) != (ssize_t)len);
	shutdown(fd[1], SHUT_WR);
	w = wire_fd(fd[0]);
	BUG_ON(!w);
	if (sftp_conn_open(&l, w, &o, NULL) == 0) {
		ask(sftp_conn_of(l));
		line_unref(l);
	}
	close(fd[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	if (len == 0 || len > 1u << 16)
		return 0;
	if (p[0] < 8)
		parse(p[0], p + 1, len - 1);
	else if (p[0] == 8)
		parse_url(p + 1, len - 1);
	else if (p[0] == 9)
		talk(p + 1, len - 1);
	return 0;
}
