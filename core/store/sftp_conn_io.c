/* SPDX-License-Identifier: BSD-2-Clause */
/* The thread of a connection: bytes out, bytes in. */
#include "store/sftp_conn_priv.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define CONN_SEC ((int64_t)1000000000)
#define CONN_HELLO_SECS 30
#define CONN_POLL_MSEC 1000
#define CONN_RATE_MSEC 20
/* An idle connection is kept alive where others cut it. */
#define CONN_IDLE_SECS 60

/* Under mtx, all three.  The waiting thread may free it at once. */
static void conn_done(struct sftp_req *r, int state)
{
	if (r->loose) {
		sftp_req_release(r);
		free(r);
		return;
	}
	r->state = state;
}

static void conn_fail_all(struct sftp_conn *c)
{
	struct sftp_req *r;
	unsigned i;

	while ((r = c->head) != NULL) {
		c->head = r->next;
		conn_done(r, SFTP_REQ_LOST);
	}
	c->tail = &c->head;
	for (i = 0; i < CONN_SLOTS; i++)
		if (c->slot[i]) {
			conn_done(c->slot[i], SFTP_REQ_LOST);
			c->slot[i] = NULL;
		}
	c->cur = NULL;
}

static void conn_die(struct sftp_conn *c, const struct err *why, bool final)
{
	wire_close(c->w);
	c->w = NULL;
	pthread_mutex_lock(&c->mtx);
	c->dead = true;
	c->final = final;
	c->why = *why;
	conn_fail_all(c);
	pthread_cond_broadcast(&c->done_cv);
	pthread_mutex_unlock(&c->mtx);
}

static int conn_nonsense(struct err *e, const char *what)
{
	return err_set(e, ERR_CONFIG, "the server does not keep to the sftp "
		"protocol: %s", what);
}

/* The next request gets its number; false: none, or no number is free. */
static bool conn_next(struct sftp_conn *c)
{
	struct sftp_req *r;
	uint32_t id;

	pthread_mutex_lock(&c->mtx);
	r = c->n_free > 0 ? c->head : NULL;
	if (r) {
		c->head = r->next;
		if (!c->head)
			c->tail = &c->head;
		c->n_queued--;
		c->cur_id = c->free_id[--c->n_free];
		c->slot[c->cur_id] = r;
	}
	pthread_mutex_unlock(&c->mtx);
	c->cur = r;
	c->cur_at = 0;
	if (!r)
		return false;
	id = __builtin_bswap32(c->cur_id);
	memcpy(r->head.p + SFTP_ID_AT, &id, sizeof(id));
	return true;
}

static void conn_copy(struct sftp_conn *c, const uint8_t *p, size_t len,
		      size_t from)
{
	size_t n = len - from, room = CONN_OUT_BYTES - c->out_len;

	if (n > room)
		n = room;
	if (n > 0)
		memcpy(c->out + c->out_len, p + from, n);
	c->out_len += n;
	c->cur_at += n;
}

static void conn_fill(struct sftp_conn *c)
{
	struct sftp_req *r;

	if (c->out_at > 0) {
		memmove(c->out, c->out + c->out_at, c->out_len - c->out_at);
		c->out_len -= c->out_at;
		c->out_at = 0;
	}
	while (c->out_len < CONN_OUT_BYTES && (c->cur || conn_next(c))) {
		r = c->cur;
		if (c->cur_at < r->head.len)
			conn_copy(c, r->head.p, r->head.len, c->cur_at);
		if (c->cur_at >= r->head.len && r->load_len > 0)
			conn_copy(c, r->load, r->load_len,
				c->cur_at - r->head.len);
		/* From here on its reply may come, and it may go. */
		if (c->cur_at == r->head.len + r->load_len)
			c->cur = NULL;
	}
}

/* > 0: something moved. */
static int conn_write(struct sftp_conn *c, struct err *e)
{
	int64_t now = clock_mono_nsec();
	ssize_t n;
	size_t len;

	if (c->out_at == c->out_len || c->out_at >= CONN_OUT_BYTES / 2)
		conn_fill(c);
	len = rate_allow(&c->rate, c->out_len - c->out_at, now);
	if (len == 0)
		return 0;
	n = c->w->ops->write(c->w, c->out + c->out_at, len, e);
	if (n < 0)
		return (int)n;
	rate_take(&c->rate, (size_t)n);
	c->out_at += (size_t)n;
	if (n > 0)
		c->moved_nsec = now;
	pthread_mutex_lock(&c->mtx);
	c->traffic.up += (uint64_t)n;
	pthread_mutex_unlock(&c->mtx);
	return n > 0;
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

static int conn_reply(struct sftp_conn *c, const uint8_t *p, size_t len,
		      struct err *e)
{
	struct sftp_req *r;
	uint32_t id;
	int rc;

	memcpy(&id, p + 1, sizeof(id));
	id = __builtin_bswap32(id);
	/* Slots are changed by this thread only. */
	r = id < CONN_SLOTS ? c->slot[id] : NULL;
	if (!r || r == c->cur)
		return conn_nonsense(e, "an answer to no question");
	rc = conn_judge(r, p[0], p + 5, len - 5, e);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&c->mtx);
	c->slot[id] = NULL;
	c->free_id[c->n_free++] = (uint16_t)id;
	conn_done(r, SFTP_REQ_DONE);
	pthread_cond_broadcast(&c->done_cv);
	pthread_mutex_unlock(&c->mtx);
	return 0;
}

/* The length of the packet that begins at in_at; 0: more bytes are needed. */
static int conn_packet(struct sftp_conn *c, size_t least, size_t *len,
		       struct err *e)
{
	uint32_t n;

	*len = 0;
	if (c->in_len - c->in_at < 4)
		return 0;
	memcpy(&n, c->in + c->in_at, sizeof(n));
	n = __builtin_bswap32(n);
	if (n < least || n > SFTP_PACKET_MAX)
		return conn_nonsense(e, "a packet of a length that cannot be "
			"(does the login shell there print something?)");
	if (c->in_len - c->in_at >= 4 + (size_t)n)
		*len = n;
	return 0;
}

/* > 0: something moved. */
static int conn_read(struct sftp_conn *c, struct err *e)
{
	ssize_t n = c->w->ops->read(c->w, c->in + c->in_len,
		CONN_IN_BYTES - c->in_len, e);
	size_t len;
	int rc;

	if (n <= 0)
		return (int)n;
	c->in_len += (size_t)n;
	c->moved_nsec = clock_mono_nsec();
	pthread_mutex_lock(&c->mtx);
	c->traffic.down += (uint64_t)n;
	pthread_mutex_unlock(&c->mtx);
	while ((rc = conn_packet(c, 5, &len, e)) == 0 && len > 0) {
		if ((rc = conn_reply(c, c->in + c->in_at + 4, len, e)) < 0)
			return rc;
		c->in_at += 4 + len;
	}
	if (rc < 0)
		return rc;
	if (c->in_at == c->in_len) {
		c->in_at = c->in_len = 0;
	} else if (c->in_len > CONN_IN_BYTES / 2) {
		memmove(c->in, c->in + c->in_at, c->in_len - c->in_at);
		c->in_len -= c->in_at;
		c->in_at = 0;
	}
	return 1;
}

static bool conn_more(struct sftp_conn *c)
{
	bool more;

	pthread_mutex_lock(&c->mtx);
	more = c->head != NULL && c->n_free > 0;
	pthread_mutex_unlock(&c->mtx);
	return more || c->out_at < c->out_len || c->cur;
}

static bool conn_stopped(struct sftp_conn *c)
{
	bool stop;

	pthread_mutex_lock(&c->mtx);
	stop = c->stop;
	pthread_mutex_unlock(&c->mtx);
	return stop;
}

/* A question whose answer does not matter. */
static void conn_tickle(struct sftp_conn *c)
{
	struct sftp_req r = { .want = SFTP_NAME };

	if (sftp_put_path(&r.head, SFTP_REALPATH, ".", NULL) == 0)
		sftp_conn_loose(c, &r);
	else
		sftp_req_release(&r);
}

/* Has it been silent for too long? */
static int conn_check(struct sftp_conn *c, struct err *e)
{
	int64_t idle = clock_mono_nsec() - c->moved_nsec;
	bool waits;

	pthread_mutex_lock(&c->mtx);
	waits = c->n_free < CONN_SLOTS || c->head;
	pthread_mutex_unlock(&c->mtx);
	if (waits && idle > c->o.timeout_secs * CONN_SEC)
		return err_set(e, ERR_IO, "the server has not answered for "
			"%u seconds", c->o.timeout_secs);
	if (!waits && idle > CONN_IDLE_SECS * CONN_SEC) {
		conn_tickle(c);
		c->moved_nsec = clock_mono_nsec();
	}
	return 0;
}

static void conn_sleep(struct sftp_conn *c)
{
	bool limited = c->rate.per_sec && conn_more(c);
	struct pollfd pfd[2] = {
		{ .fd = c->w->fd,
		  .events = c->w->ops->events(c->w, !limited &&
			conn_more(c)) },
		{ .fd = c->wake, .events = POLLIN },
	};
	eventfd_t value;

	poll(pfd, 2, limited ? CONN_RATE_MSEC : CONN_POLL_MSEC);
	if (pfd[1].revents)
		eventfd_read(c->wake, &value);
}

void *sftp_conn_main(void *arg)
{
	struct sftp_conn *c = arg;
	struct err e;
	int in = 0, out = 0;

	err_clear(&e);
	while (!conn_stopped(c)) {
		if ((out = conn_write(c, &e)) < 0 ||
		    (in = conn_read(c, &e)) < 0)
			break;
		if (in > 0 || out > 0)
			continue;
		if ((in = conn_check(c, &e)) < 0)
			break;
		conn_sleep(c);
	}
	if (e.code == ERR_OK)
		err_set(&e, ERR_IO, "the connection was closed");
	conn_die(c, &e, e.code != ERR_IO);
	return NULL;
}

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
		c->caps.handles = 0;	/* to be asked for */
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

static int conn_hello_step(struct sftp_conn *c, struct err *e)
{
	struct pollfd pfd = { .fd = c->w->fd };
	size_t len;
	ssize_t n;
	int rc;

	if (c->out_at < c->out_len) {
		n = c->w->ops->write(c->w, c->out + c->out_at,
			c->out_len - c->out_at, e);
		if (n < 0)
			return (int)n;
		c->out_at += (size_t)n;
	}
	n = c->w->ops->read(c->w, c->in + c->in_len,
		SFTP_PACKET_MAX - c->in_len, e);
	if (n < 0)
		return (int)n;
	c->in_len += (size_t)n;
	if ((rc = conn_packet(c, 5, &len, e)) < 0)
		return rc;
	if (len > 0) {
		rc = conn_version(c, c->in + 4, len, e);
		c->in_at = 4 + len;
		return rc < 0 ? rc : 1;
	}
	if (n == 0) {
		pfd.events = c->w->ops->events(c->w, c->out_at < c->out_len);
		poll(&pfd, 1, 100);
	}
	return 0;
}

int sftp_conn_hello(struct sftp_conn *c, struct err *e)
{
	struct buf b = BUF_INIT;
	int64_t end = clock_mono_nsec() + CONN_HELLO_SECS * CONN_SEC;
	int rc;

	if ((rc = sftp_put_init(&b, e)) < 0) {
		buf_release(&b);
		return rc;
	}
	memcpy(c->out, b.p, b.len);
	c->out_len = b.len;
	buf_release(&b);
	while ((rc = conn_hello_step(c, e)) == 0)
		if (clock_mono_nsec() > end)
			return err_set(e, ERR_IO, "no sftp server answers");
	c->out_at = c->out_len = 0;
	if (c->in_at == c->in_len)
		c->in_at = c->in_len = 0;
	return rc < 0 ? rc : 0;
}
