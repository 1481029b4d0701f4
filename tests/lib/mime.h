/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_MIME_H
#define TESTS_MIME_H

#include <stdint.h>

#include "base/buf.h"
#include "tests/lib/letter.h"
#include "tests/lib/words.h"

/* What a message needs beside its letter. */
struct mime_env {
	const struct words *words;
	const char *rcpt;		/* address of the reader */
	int64_t when_secs;		/* for Date: and Received: */
};

/*
 * The message as Dovecot keeps it, lines ending in LF, into 'out', which is
 * cleared first.  A pure function of its arguments.  Two copies of one letter
 * differ in the header lines only, or, if tracked, in the links too.
 */
int mime_build(const struct letter *l, const struct mime_env *m,
	       struct buf *out, struct err *e);

/*
 * The same at rest under mail-crypt: a header that looks valid and bytes that
 * neither compress nor repeat, 290 more than 0.6 of 'plain_bytes'.
 */
int mime_build_crypt(const struct letter *l, uint64_t seed,
		     uint64_t plain_bytes, struct buf *out, struct err *e);
uint64_t mime_crypt_bytes(uint64_t plain_bytes);

#endif
