/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/remote.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/ops.h"
#include "store/serve.h"
#include "store/serve_msg.h"
#include "store/wire.h"

/*
 * A wire on which INIT was sent and the answer read, for one who begins with
 * that: the first write is not sent, and the answer is read again.
 */
struct replay {
	struct wire wire;
	struct wire *inner;
	struct buf heard;
	size_t at, skip;
};

static ssize_t replay_read(struct wire *w, void *p, size_t len, struct err *e)
{
	struct replay *r = (struct replay *)(void *)w;
	size_t n = r->heard.len - r->at;

	if (n == 0)
		return r->inner->ops->read(r->inner, p, len, e);
	n = n < len ? n : len;
	memcpy(p, r->heard.p + r->at, n);
	r->at += n;
	return (ssize_t)n;
}

static ssize_t replay_write(struct wire *w, const void *p, size_t len,
			    struct err *e)
{
	struct replay *r = (struct replay *)(void *)w;
	size_t n = r->skip < len ? r->skip : len;

	if (n == 0)
		return r->inner->ops->write(r->inner, p, len, e);
	r->skip -= n;
	return (ssize_t)n;
}

static short replay_events(struct wire *w, bool more)
{
	struct replay *r = (struct replay *)(void *)w;

	return r->inner->ops->events(r->inner, more);
}

static void replay_close(struct wire *w)
{
	struct replay *r = (struct replay *)(void *)w;

	wire_close(r->inner);
	buf_release(&r->heard);
	free(r);
}

static const struct wire_ops replay_ops = {
	.read = replay_read,
	.write = replay_write,
	.events = replay_events,
	.close = replay_close,
};

/* Owns w, also on failure; takes what is in heard. */
static int replay_new(struct wire **out, struct wire *w, struct buf *heard,
		      struct err *e)
{
	struct replay *r = mem_zero(1, sizeof(*r));

	if (!r) {
		wire_close(w);
		return err_nomem(e);
	}
	r->wire.ops = &replay_ops;
	r->wire.fd = w->fd;
	r->inner = w;
	r->skip = SERVE_INIT_BYTES;
	buf_swap(&r->heard, heard);
	*out = &r->wire;
	return 0;
}

/* Ask for sftp, and read its first packet, or what is instead of it, up to the
 * length of serve's.  *serve: the other one answers. */
static int hear(struct wire *w, struct buf *in, bool *serve, struct err *e)
{
	struct wire_hello h = { .who = "sftp server", .out = SERVE_INIT,
		.out_len = SERVE_INIT_BYTES, .most = serve_version_bytes };
	int rc = buf_reserve(in, serve_version_bytes, e);

	*serve = true;
	h.in = in->p;
	while (rc == 0 && *serve && h.have < h.most) {
		rc = wire_hello(w, &h, e);
		*serve = memcmp(in->p, serve_version, h.have) == 0;
	}
	in->len = h.have;
	return rc;
}

struct remote {
	const char *url;
	unsigned flags;
	const struct store_opts *o;
	struct wire_dial *dial;		/* until somebody takes it */
	struct wire *w;			/* the same */
};

static int remote_serve(struct store **out, struct remote *r,
			enum serve_door door, bool *answered, struct err *e)
{
	struct serve_start st = { .o = r->o, .dial = r->dial, .first = r->w,
		.door = door };
	int rc;

	r->dial = NULL;
	r->w = NULL;
	rc = serve_attach(out, r->url, r->flags, &st, e);
	*answered = st.answered;
	if (!st.answered) {
		r->dial = st.dial;
		r->w = st.first;
	}
	return rc;
}

/* An open wire, on which sftp was asked for. */
static int remote_sftp(struct store **out, struct remote *r, struct err *e)
{
	struct sftp_start st = { .o = r->o };
	struct buf heard = BUF_INIT;
	bool serve = false;
	int rc = hear(r->w, &heard, &serve, e);

	if (rc == 0 && serve) {
		buf_release(&heard);
		return remote_serve(out, r, SERVE_FORCED, &serve, e);
	}
	if (rc == 0) {
		st.dial = r->dial;
		rc = replay_new(&st.first, r->w, &heard, e);
		r->w = NULL;
		if (rc == 0) {
			r->dial = NULL;
			rc = sftp_attach(out, r->url, r->flags, &st, e);
		}
	}
	buf_release(&heard);
	return rc;
}

/* The program that the user has named. */
static int remote_named(struct store **out, struct remote *r, struct err *e)
{
	char *command = mem_printf("%s serve", r->o->remote_path);
	struct err why = { ERR_OK, "" };
	bool answered = false;
	int rc;

	rc = command ? wire_dial_start(r->dial, command, e) : err_nomem(e);
	free(command);
	if (rc < 0)
		return rc;
	rc = wire_open(&r->w, r->dial, &why);
	/* ERR_CONFIG: there are servers that run nothing. */
	if (rc < 0 && rc != ERR_CONFIG)
		return err_set(e, why.code, "%s", why.msg);
	if (rc == 0)
		rc = remote_serve(out, r, SERVE_COMMAND, &answered, &why);
	if (answered || rc == 0)
		return rc < 0 ? err_set(e, why.code, "%s", why.msg) : 0;
	log_warn("ssh", "%s: '%s serve' does not answer there (%s); sftp is "
		"used", r->url, r->o->remote_path, why.msg);
	if ((rc = wire_dial_start(r->dial, NULL, e)) < 0)
		return rc;
	rc = r->w ? wire_turn(&r->w, r->dial, e) :
		wire_open(&r->w, r->dial, e);
	return rc < 0 ? rc : remote_sftp(out, r, e);
}

int remote_attach(struct store **out, const char *url, unsigned flags,
		  const struct store_opts *o, struct err *e)
{
	struct remote r = { .url = url, .flags = flags, .o = o };
	struct sshurl u;
	int rc;

	*out = NULL;
	if ((rc = sshurl_parse(&u, url, e)) < 0)
		return rc;
	rc = wire_dial_new(&r.dial, &u, o, e);
	sshurl_release(&u);
	if (rc == 0 && o && o->remote_path)
		rc = remote_named(out, &r, e);
	else if (rc == 0 && (rc = wire_open(&r.w, r.dial, e)) == 0)
		rc = remote_sftp(out, &r, e);
	wire_close(r.w);
	wire_dial_free(r.dial);
	return rc;
}
