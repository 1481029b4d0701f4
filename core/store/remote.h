/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_REMOTE_H
#define STORE_REMOTE_H

#include "store/store.h"

/*
 * A repository over ssh: which server is behind it?  With o->remote_path that
 * program is asked to serve, and if it does not answer, sftp is used in the
 * same connection.  Without it sftp is asked for; a forced command may answer
 * that it is "muniment serve", which costs nothing.
 */
int remote_attach(struct store **out, const char *url, unsigned flags,
		  const struct store_opts *o, struct err *e);

#endif
