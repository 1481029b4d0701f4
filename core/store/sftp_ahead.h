/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SFTP_AHEAD_H
#define STORE_SFTP_AHEAD_H

#include "store/store.h"

/*
 * Bytes of packs that were read before they are wanted.  Objects lie in packs
 * in the order they are read back, so a read that begins near where the last
 * one of that pack ended is answered with more than it asks for, each time
 * twice as much.  Packs never change; all is bounded.  Safe from any thread.
 */
struct sftp_ahead;
struct sftp_ahead *sftp_ahead_new(void);	/* NULL: no memory */
void sftp_ahead_free(struct sftp_ahead *a);	/* NULL ok */

/* Append these bytes to out, which has room for them, if all are there. */
bool sftp_ahead_find(struct sftp_ahead *a, enum store_kind k,
		     const char *name, uint64_t off, size_t len,
		     struct buf *out);
/* How many bytes to read at 'off' for one who wants 'len' of them. */
size_t sftp_ahead_want(struct sftp_ahead *a, enum store_kind k,
		       const char *name, uint64_t off, size_t len);
/* They were read; the bytes become a's. */
void sftp_ahead_add(struct sftp_ahead *a, enum store_kind k,
		    const char *name, uint64_t off, struct buf *b);
void sftp_ahead_drop(struct sftp_ahead *a, enum store_kind k,
		     const char *name);

#endif
