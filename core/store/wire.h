/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_WIRE_H
#define STORE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "store/sshurl.h"
#include "store/store.h"

/*
 * Bytes to and from a server behind ssh.  One thread at a time; nothing blocks
 * but the opening.
 */
struct wire;
struct wire_dial;
struct wire_ops {
	/* How many bytes; 0: none now.  ERR_IO: the other side is gone. */
	ssize_t (*read)(struct wire *w, void *p, size_t len, struct err *e);
	ssize_t (*write)(struct wire *w, const void *p, size_t len,
			 struct err *e);
	/* What poll(2) has to wait for on 'fd' before the next call is worth
	 * it; 'more': there are bytes to write. */
	short (*events)(struct wire *w, bool more);
	/* NULL: there is no other channel in the same connection. */
	int (*turn)(struct wire *w, const struct wire_dial *d, struct err *e);
	void (*close)(struct wire *w);
};
struct wire {
	const struct wire_ops *ops;
	int fd;
};

/*
 * What is kept between one connection and the next: the loaded key, and that
 * the user was asked.
 */
/* Judges o->rsh; both arguments are copied. */
int wire_dial_new(struct wire_dial **out, const struct sshurl *u,
		  const struct store_opts *o, struct err *e);
void wire_dial_free(struct wire_dial *d);	/* NULL ok */
/* What is started from now on, for the login shell there (copied); NULL: the
 * sftp server. */
int wire_dial_start(struct wire_dial *d, const char *command, struct err *e);
/* Is a command run for each connection?  It may ask its user things. */
bool wire_dial_runs(const struct wire_dial *d);
/*
 * Connect, log in, start the server.  ERR_IO: not now (nobody answers,
 * the line is down), another try may succeed; all others are final.
 */
int wire_open(struct wire **out, struct wire_dial *d, struct err *e);
/* Start what the dial says now, instead of what was started before, in the
 * same connection if that can be.  *w is NULL after a failure. */
int wire_turn(struct wire **w, struct wire_dial *d, struct err *e);
void wire_close(struct wire *w);		/* NULL ok */

/* The first words with whoever is there. */
struct wire_hello {
	const char *who;		/* is to answer, for messages */
	const void *out;		/* what is said */
	size_t out_len, sent;
	uint8_t *in;			/* what is heard: 'have' of 'most' */
	size_t most, have;
	int64_t end_nsec;		/* 0 at first */
};
/* One step: whatever can be sent and read now, of which 'have' is not 'most'
 * yet; else it waits a little.  ERR_IO: it hung up, or 30 seconds have gone
 * since the first step. */
int wire_hello(struct wire *w, struct wire_hello *h, struct err *e);
/* A server given by two ends of a socket (owned): tests, fuzzing. */
struct wire *wire_fd(int fd);

#endif
