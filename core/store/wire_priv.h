/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_WIRE_PRIV_H
#define STORE_WIRE_PRIV_H

#include <libssh/libssh.h>

#include "base/strv.h"
#include "store/rsh.h"
#include "store/wire.h"

#define WIRE_CONNECT_SECS 30

struct wire_dial {
	struct sshurl u;		/* path unused */
	struct store_opts o;		/* but for rsh, which is below */
	struct rsh rsh;
	char *command;			/* NULL: the subsystem sftp */
	ssh_key key;			/* the one that was accepted */
	bool warned;			/* of what a key file's mode is */
};

/* wire_ssh.c: over libssh */
int wire_ssh_open(struct wire **out, struct wire_dial *d, struct err *e);
/* wire_ssh_host.c: is it the server that it was? */
int wire_ssh_host(ssh_session s, struct wire_dial *d, struct err *e);
/* wire_ssh_auth.c: log in */
int wire_ssh_auth(ssh_session s, struct wire_dial *d, struct err *e);
/* wire_cmd.c: over a command */
int wire_cmd_open(struct wire **out, struct wire_dial *d, struct err *e);

#endif
