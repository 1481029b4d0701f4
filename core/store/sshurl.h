/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SSHURL_H
#define STORE_SSHURL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Where a repository over ssh is, in borg's forms:
 *
 *	ssh://[USER@]HOST[:PORT]/./REL	below the folder of the log-in
 *	ssh://.../~/REL			the same
 *	ssh://.../ABS			from the root
 *	[USER@]HOST:PATH		REL, ~/REL or /ABS
 *
 * sftp:// means ssh://.  HOST may be an IPv6 address in brackets.
 */
struct sshurl {
	char *user;		/* NULL: not given */
	char *host;		/* without brackets; never begins with '-' */
	uint16_t port;		/* 0: not given */
	char *path;		/* "." or REL or /ABS, no slash at its end */
};

/* Is it meant to be one?  HOST:PATH is a local path if a slash comes before
 * the colon. */
bool sshurl_is(const char *url);
/* ERR_CONFIG, in words.  Release after success. */
int sshurl_parse(struct sshurl *u, const char *url, struct err *e);
void sshurl_release(struct sshurl *u);

#endif
