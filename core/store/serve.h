/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SERVE_H
#define STORE_SERVE_H

#include "store/ops.h"
#include "store/wire.h"

/* How "muniment serve" is reached over ssh. */
enum serve_door {
	SERVE_COMMAND,		/* what the dial starts is it */
	SERVE_FORCED		/* sftp is asked for, and it answers instead */
};
struct serve_start {
	const struct store_opts *o;	/* may be NULL */
	struct wire_dial *dial;		/* owned, also on failure */
	struct wire *first;		/* an open wire, where it was heard
					 * to be a forced command's */
	enum serve_door door;
	bool answered;			/* out: 'muniment serve' is there */
};
/* A store behind it.  Not answered: the error says so, and dial and first are
 * the caller's again. */
int serve_attach(struct store **out, const char *url, unsigned flags,
		 struct serve_start *st, struct err *e);

#endif
