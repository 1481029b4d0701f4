/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SERVED_H
#define STORE_SERVED_H

#include "base/cancel.h"
#include "base/strv.h"
#include "store/store.h"

/*
 * The server: one client, one repository, one process.  It knows no key.  The
 * store is a local one, so what is durable here is what is durable there; what
 * the server adds lies in serve/ inside the repository: the trash, who began
 * which session, parts of files whose line was lost, the journal.
 */

/* Is that what its name says?  Without any key.  1: files of that kind have
 * names that say nothing. */
typedef int served_verify_fn(enum store_kind k, const char *name,
			     const uint8_t *p, size_t len, struct err *e);

struct served_opts {
	int in, out;			/* the client */
	/* Where the repository may be: below one of these, and one of those;
	 * empty: anywhere. */
	const struct strv *paths, *repositories;
	bool append_only;
	uint64_t quota_bytes;		/* 0: none */
	unsigned trash_days;		/* 0: what is deleted is gone */
	const char *client;		/* who that is; "": not told */
	bool must_confine;		/* or do not serve */
	bool free;			/* tests: the process goes on after */
	served_verify_fn *verify;
	struct cancel *cancel;
};

/* May that be a client's name? */
bool served_client_ok(const char *name);
/*
 * Until the client hangs up: 0.  ERR_CONFIG: it does not keep to the
 * protocol; otherwise what the client was told instead of a welcome.  The
 * caller ignores SIGPIPE.  The process is confined afterwards: it can end, and
 * not much else.
 */
int served_run(const struct served_opts *o, struct err *e);

#endif
