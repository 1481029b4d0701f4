/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/sftp_conn.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/line_proto.h"

/* What any server takes (the draft's 34000 bytes a packet). */
#define CONN_SMALL 32768u
#define CONN_HANDLES 64u

struct sftp_conn {
	struct line line;
	pthread_mutex_t caps_mtx;	/* order: before the line's */
	bool caps_known;		/* caps_mtx: then caps is fixed */
	struct sftp_caps caps;
	struct sftp_req limits;		/* caps_mtx: asked for on opening */
};

struct line *sftp_conn_line(struct sftp_conn *c)
{
	return &c->line;
}

static int conn_nonsense(struct err *e, const char *what)
{
	return err_set(e, ERR_CONFIG, "the server does not keep to the sftp "
		"protocol: %s", what);
}

void sftp_req_release(struct sftp_req *r)
{
	buf_release(&r->head);
	buf_release(&r->body);
}

struct sftp_conn *sftp_conn_of(struct line *l)
{
	return (struct sftp_conn *)(void *)l;
}

static struct sftp_req *conn_req(struct line_req *r)
{
	return (struct sftp_req *)(void *)r;
}

static void conn_fill(struct line *l)
{
	struct sftp_req *r;
	uint32_t id;
	size_t at;

	while (line_room(l) > 0 && (r = conn_req(line_next(l))) != NULL) {
		id = __builtin_bswap32(r->line.id);
		memcpy(r->head.p + SFTP_ID_AT, &id, sizeof(id));
		if (l->cur_at < r->head.len)
			line_copy(l, r->head.p + l->cur_at,
				r->head.len - l->cur_at);
		if (l->cur_at >= r->head.len && r->load_len > 0) {
			at = l->cur_at - r->head.len;
			line_copy(l, (const uint8_t *)r->load + at,
				r->load_len - at);
		}
		if (l->cur_at == r->head.len + r->load_len)
			l->cur = NULL;
	}
}

/* One reply; p is behind its id. */
static int conn_judge(struct sftp_req *r, uint8_t type, const uint8_t *p,
		      size_t len, struct err *e)
{
	const uint8_t *data;

	if (type == SFTP_STATUS) {
		if (!sftp_get_status(p, len, &r->code))
			return conn_nonsense(e, "a status is cut short");
		r->good = r->want == SFTP_STATUS && r->code == SFTP_OK;
		if (r->want != SFTP_STATUS && r->code == SFTP_OK)
			return conn_nonsense(e, "success without a result");
		return 0;
	}
	if (type != (uint8_t)r->want)
		return conn_nonsense(e, "an answer of the wrong type");
	r->good = true;
	if (type != SFTP_DATA)
		return buf_append(&r->body, p, len, e);
	if (!sftp_get_data(p, len, &data, &r->got) || r->got > r->dst_len)
		return conn_nonsense(e, "data of the wrong length");
	if (r->got > 0)
		memcpy(r->dst, data, r->got);
	return 0;
}

/* The packet that begins at p: its bytes with those of its length; 0: it is
 * not whole yet. */
static ssize_t conn_packet(const uint8_t *p, size_t len, struct err *e)
{
	uint32_t n;

	if (len < 4)
		return 0;
	memcpy(&n, p, sizeof(n));
	n = __builtin_bswap32(n);
	if (n < 5 || n > SFTP_PACKET_MAX)
		return conn_nonsense(e, "a packet of a length that cannot be "
			"(does the login shell there print something?)");
	return len - 4 >= n ? 4 + (ssize_t)n : 0;
}

static ssize_t conn_take(struct line *l, const uint8_t *p, size_t len,
			 struct err *e)
{
	ssize_t n = conn_packet(p, len, e);
	struct sftp_req *r;
	uint32_t id;
	int rc;

	if (n <= 0)
		return n;
	memcpy(&id, p + 5, sizeof(id));
	r = conn_req(line_find(l, __builtin_bswap32(id)));
	if (!r)
		return conn_nonsense(e, "an answer to no question");
	rc = conn_judge(r, p[4], p + SFTP_HEAD_BYTES,
		(size_t)n - SFTP_HEAD_BYTES, e);
	if (rc < 0)
		return rc;
	line_done(l, &r->line, LINE_ID_FREE);
	return n;
}

static struct line_req *conn_ping(void)
{
	struct sftp_req *r = mem_zero(1, sizeof(*r));

	if (!r)
		return NULL;
	r->want = SFTP_NAME;
	if (sftp_put_path(&r->head, SFTP_REALPATH, ".", NULL) == 0)
		return &r->line;
	sftp_req_release(r);
	free(r);
	return NULL;
}

static void conn_release(struct line_req *r)
{
	sftp_req_release(conn_req(r));
}

static void conn_end(struct line *l)
{
	struct sftp_conn *c = sftp_conn_of(l);

	pthread_mutex_destroy(&c->caps_mtx);
	sftp_req_release(&c->limits);
}

static const struct line_ops conn_ops = {
	.bytes = sizeof(struct sftp_conn),
	.out_bytes = 256 << 10,
	.in_bytes = 8 << 20,
	.slots = 1024,
	.fill = conn_fill,
	.take = conn_take,
	.ping = conn_ping,
	.release = conn_release,
	.end = conn_end,
};

static void conn_extension(struct sftp_conn *c, const struct sftp_name *x)
{
	static const char *const known[] = { "hardlink@openssh.com",
		"fsync@openssh.com", "statvfs@openssh.com",
		"limits@openssh.com" };
	unsigned i;

	for (i = 0; i < 4; i++)
		if (x->len == strlen(known[i]) &&
		    memcmp(x->name, known[i], x->len) == 0)
			break;
	c->caps.hardlink |= i == 0;
	c->caps.fsync |= i == 1;
	c->caps.statvfs |= i == 2;
	if (i == 3)
		c->limits.want = SFTP_EXTENDED_REPLY;	/* to be asked for */
}

static int conn_version(struct sftp_conn *c, const uint8_t *p, size_t len,
			struct err *e)
{
	struct sftp_name x;
	struct rd r;
	uint32_t v;

	if (p[0] != SFTP_VERSION || !sftp_get_version(&r, p + 1, len - 1, &v))
		return conn_nonsense(e, "it begins with something else");
	if (v < 3)
		return err_set(e, ERR_CONFIG, "the server speaks version %u "
			"of sftp, and 3 is needed", v);
	while (sftp_get_extension(&r, &x))
		conn_extension(c, &x);
	return 0;
}

/* VERSION, and what may stand behind it, before the thread runs. */
static int conn_hello(struct sftp_conn *c, struct err *e)
{
	struct line *l = &c->line;
	struct wire_hello h = { .who = "sftp server", .in = l->in,
		.most = 4 + SFTP_PACKET_MAX };
	struct buf b = BUF_INIT;
	ssize_t n = sftp_put_init(&b, e);

	h.out = b.p;
	h.out_len = b.len;
	while (n == 0) {
		n = wire_hello(l->w, &h, e);
		if (n == 0)
			n = conn_packet(l->in, h.have, e);
	}
	buf_release(&b);
	if (n < 0)
		return (int)n;
	l->in_at = (size_t)n;
	l->in_len = h.have;
	return conn_version(c, l->in + 4, (size_t)n - 4, e);
}

/* Its answer comes with that to the first request of use. */
static int conn_ask_limits(struct sftp_conn *c, struct err *e)
{
	int rc = sftp_put_ext(&c->limits.head, "limits@openssh.com", e);

	if (rc == 0)
		sftp_conn_send(c, &c->limits);
	return rc;
}

int sftp_conn_open(struct line **out, struct wire *w,
		   const struct line_opts *o, struct err *e)
{
	struct line *l = line_new(&conn_ops, w, o);
	struct sftp_conn *c = sftp_conn_of(l);
	int rc;

	*out = NULL;
	if (!l)
		return err_nomem(e);
	pthread_mutex_init(&c->caps_mtx, NULL);
	c->caps.read_max = c->caps.write_max = CONN_SMALL;
	c->caps.handles = CONN_HANDLES;
	rc = conn_hello(c, e);
	if (rc == 0)
		rc = line_start(l, e);
	if (rc == 0 && c->limits.want == SFTP_EXTENDED_REPLY)
		rc = conn_ask_limits(c, e);
	if (rc < 0)
		line_unref(l);
	else
		*out = l;
	return rc;
}

static uint32_t conn_limit(uint64_t said, uint32_t least, uint32_t most)
{
	if (said == 0)			/* none, says OpenSSH's page */
		return most;
	return said < least ? least : said > most ? most : (uint32_t)said;
}

/* A server without it refuses, and the small sizes stay. */
static void conn_limits(struct sftp_conn *c)
{
	struct sftp_req *r = &c->limits;
	uint32_t most = SFTP_PACKET_MAX - 2048;
	struct sftp_limits l;

	if (r->line.state == LINE_IDLE || sftp_conn_wait(c, r) < 0 ||
	    !r->good || !sftp_get_limits(r->body.p, r->body.len, &l))
		return;
	c->caps.read_max = conn_limit(l.read, 1024, most);
	c->caps.write_max = conn_limit(l.write, 1024, most);
	c->caps.handles = conn_limit(l.handles, 8, 512);
}

const struct sftp_caps *sftp_conn_caps(struct sftp_conn *c)
{
	pthread_mutex_lock(&c->caps_mtx);
	if (!c->caps_known)
		conn_limits(c);
	c->caps_known = true;
	pthread_mutex_unlock(&c->caps_mtx);
	return &c->caps;
}

void sftp_conn_send(struct sftp_conn *c, struct sftp_req *r)
{
	line_send(&c->line, &r->line);
}

int sftp_conn_wait(struct sftp_conn *c, struct sftp_req *r)
{
	return line_wait(&c->line, &r->line);
}

int sftp_conn_call(struct sftp_conn *c, struct sftp_req *r)
{
	sftp_conn_send(c, r);
	return sftp_conn_wait(c, r);
}

void sftp_conn_loose(struct sftp_conn *c, struct sftp_req *r)
{
	struct sftp_req *own = mem_zero(1, sizeof(*own));

	if (own) {
		buf_swap(&own->head, &r->head);
		own->want = r->want;
		line_loose(&c->line, &own->line);
	}
	sftp_req_release(r);
}
