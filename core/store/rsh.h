/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_RSH_H
#define STORE_RSH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strv.h"

/*
 * The command that the user gave for reaching a server (ssh_command, --rsh).
 * If it is ssh with options that libssh knows as well, they are taken over
 * and no program runs; otherwise it is run as it is.
 */
enum rsh_strict { RSH_ASK, RSH_YES, RSH_ACCEPT_NEW };
struct rsh {
	struct strv argv;		/* empty: none was given */
	bool run;			/* as a command of its own */
	uint16_t port;			/* 0: not given, as all below */
	char *user, *config, *known_hosts, *ciphers, *macs, *kex, *jump;
	char *proxy, *bind, *host_keys, *host_name;
	struct strv identities;
	unsigned connect_secs;
	enum rsh_strict strict;
	bool compress, identities_only;
};

/* 'argv' ends with NULL; NULL: none.  Release in any case. */
int rsh_parse(struct rsh *r, char *const *argv, struct err *e);
void rsh_release(struct rsh *r);

#endif
