/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/wire_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

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
