/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/wire_priv.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define WIRE_HELLO_NSEC ((int64_t)30 * 1000000000)
#define WIRE_HELLO_MSEC 100

int wire_dial_new(struct wire_dial **out, const struct sshurl *u,
		  const struct store_opts *o, struct err *e)
{
	struct wire_dial *d = mem_zero(1, sizeof(*d));
	int rc;

	*out = NULL;
	if (!d)
		return err_nomem(e);
	d->u.host = mem_str(u->host);
	d->u.user = u->user ? mem_str(u->user) : NULL;
	d->u.port = u->port;
	if (!d->u.host || (u->user && !d->u.user))
		rc = err_nomem(e);
	else
		rc = rsh_parse(&d->rsh, o ? o->rsh : NULL, e);
	if (rc < 0) {
		wire_dial_free(d);
		return rc;
	}
	if (o)
		d->o = *o;
	d->o.rsh = NULL;
	*out = d;
	return 0;
}

void wire_dial_free(struct wire_dial *d)
{
	if (!d)
		return;
	ssh_key_free(d->key);
	free(d->command);
	rsh_release(&d->rsh);
	sshurl_release(&d->u);
	free(d);
}

int wire_dial_start(struct wire_dial *d, const char *command, struct err *e)
{
	char *copy = command ? mem_str(command) : NULL;

	if (command && !copy)
		return err_nomem(e);
	free(d->command);
	d->command = copy;
	return 0;
}

bool wire_dial_runs(const struct wire_dial *d)
{
	return d->rsh.run;
}

int wire_open(struct wire **out, struct wire_dial *d, struct err *e)
{
	*out = NULL;
	return d->rsh.run ? wire_cmd_open(out, d, e) :
		wire_ssh_open(out, d, e);
}

int wire_turn(struct wire **w, struct wire_dial *d, struct err *e)
{
	int rc;

	if (!(*w)->ops->turn) {
		wire_close(*w);
		return wire_open(w, d, e);
	}
	rc = (*w)->ops->turn(*w, d, e);
	if (rc < 0) {
		wire_close(*w);
		*w = NULL;
	}
	return rc;
}

void wire_close(struct wire *w)
{
	if (w)
		w->ops->close(w);
}

int wire_hello(struct wire *w, struct wire_hello *h, struct err *e)
{
	struct pollfd pfd = { .fd = w->fd };
	int64_t now = clock_mono_nsec();
	ssize_t n;

	if (h->end_nsec == 0)
		h->end_nsec = now + WIRE_HELLO_NSEC;
	if (now > h->end_nsec)
		return err_set(e, ERR_IO, "no %s answers", h->who);
	if (h->sent < h->out_len) {
		n = w->ops->write(w, (const uint8_t *)h->out + h->sent,
			h->out_len - h->sent, e);
		if (n < 0)
			return (int)n;
		h->sent += (size_t)n;
	}
	n = w->ops->read(w, h->in + h->have, h->most - h->have, e);
	if (n < 0)
		return (int)n;
	h->have += (size_t)n;
	if (n == 0) {
		pfd.events = w->ops->events(w, h->sent < h->out_len);
		poll(&pfd, 1, WIRE_HELLO_MSEC);
	}
	return 0;
}
