/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_PARITY_STORE_H
#define REPO_PARITY_STORE_H

#include <sys/uio.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/oid.h"
#include "store/store.h"

/*
 * Parity of packs and records (format/parity.h), in parity/: NAME.N belongs to
 * the file NAME of data/, meta/ or archives/; N counts from 0, and a higher
 * one is there only because a lower one was damaged or too small.  A parity
 * file is put after its file and goes after it; a file without one is as good
 * as any other.  Key slots have none: it would outlive a key that is removed.
 */
struct repo;

#define PARITY_STORE_TRIES 8		/* N is less */
#define PARITY_STORE_NAME_BYTES (OID_HEX_BYTES + 2)

/* How much new files get, in thousandths; 0: none. */
int parity_store_level(struct repo *r, unsigned *mille, struct err *e);
/* From now on, for sessions that begin later.  Needs KEY_APPEND. */
int parity_store_choose(struct repo *r, unsigned mille, struct err *e);

/* "3%", "2.5%", "3", "0" and "none" as thousandths.  ERR_CONFIG. */
int parity_store_parse(unsigned *mille, const char *text, struct err *e);

/* Put parity of a file that was put under 'name' (the hexadecimal digits) with
 * the bytes of iov[0..n).  0 if it is there already.  The errors of
 * store_put; ERR_EXIST: every N is taken. */
int parity_store_put(struct repo *r, const char *name, unsigned mille,
		     const struct iovec *iov, int n, struct err *e);
/* Delete every parity file of it; that there is none is no error. */
int parity_store_del(struct repo *r, const char *name, struct err *e);
/* Whose is this name in parity/?  false: no parity file. */
bool parity_store_owner(const char *text, char name[OID_HEX_BYTES],
			unsigned *number);

/*
 * The right bytes of a file that is damaged, also where the store cannot read
 * some of it, into 'out'; those of a pack are verified (pack_scrub), those of
 * a record are the caller's to verify.  *damaged (may be NULL): so many blocks
 * of it were not good.
 * ERR_NOENT: it is not there, or has no parity.  ERR_CORRUPT: the parity is
 * not enough, or damaged.  ERR_IO: the store as a whole fails.
 * Safe from any thread.
 */
int parity_store_mend(struct store *s, enum store_kind kind, const char *name,
		      struct buf *out, uint32_t *damaged, struct err *e);
/* Is a parity file as it was made?  ERR_CORRUPT, in words, if not. */
int parity_store_scrub(struct repo *r, const char *text, struct err *e);

#endif
