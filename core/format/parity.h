/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_PARITY_H
#define FORMAT_PARITY_H

#include <stdbool.h>
#include <sys/uio.h>

#include "base/buf.h"
#include "base/oid.h"
#include "format/fmt.h"

/*
 * Parity of a stored file: what rot took from the file is computed again.
 *
 *   0 128  header
 * 128 4*T  sums: the first 4 bytes of XXH3 of each block, of the file's N and
 *          of the P here, T = N + P
 *  ..  ..  P blocks
 *  .. 4*T  the sums again
 *  .. 128  the header again
 *
 * Header: prefix (FMT_PARITY) 32, name of the file 32, le64 its size, le32 B,
 * le32 stripes S, le16 m, 30 zero, XXH3 of bytes 0..111 16.
 *
 * The file's N blocks of B bytes (zeroes fill the last one) are dealt out in
 * turn: block j is row j / S of stripe j % S.  Block i * S + s of the P = m S
 * here is row i of the parity of stripe s (rs.h, k = N / S rounded up; rows
 * that the file is too short for are zero).  A block is good if its sum stands
 * in either table.
 *
 * Nothing in it is authenticated, so nothing that it gives may be used before
 * the file's own name, checksum and tags were verified.  No key is needed.
 */
#define PARITY_HEADER_BYTES 128
#define PARITY_SUM_BYTES 4
#define PARITY_BLOCK_MIN 512u
#define PARITY_BLOCK_MAX 65536u

/* How much can be asked for: thousandths of the file. */
#define PARITY_MILLE_MAX 250u

struct parity_shape {
	uint64_t bytes;			/* of the file, up to FMT_PACK_MAX */
	uint32_t block, stripes, m;
	uint32_t n, k, p;		/* follow from the others */
};
/*
 * The shape that is chosen for a file: any run of damaged bytes is repaired
 * that is not longer than 'mille' thousandths of the file, or than 4096 bytes
 * if that is more, wherever it begins.  mille: 1 to PARITY_MILLE_MAX.
 */
void parity_shape_make(struct parity_shape *s, uint64_t bytes,
		       unsigned mille);
uint64_t parity_shape_bytes(const struct parity_shape *s);

/* Parity of the bytes of iov[0..n), of the shape for them, into 'out' (cleared
 * first).  ERR_NOMEM. */
int parity_make(const struct oid *name, const struct iovec *iov, int n,
		unsigned mille, struct buf *out, struct err *e);

/* One that was read, perhaps damaged; the bytes stay the caller's. */
struct parity {
	struct parity_shape shape;
	const uint8_t *p;
	size_t len;
};
/* From either header.  ERR_CORRUPT: there is none, or it is of another
 * file. */
int parity_open(struct parity *y, const struct oid *name, const uint8_t *p,
		size_t len, struct err *e);
/* Is all of it as it was made?  ERR_CORRUPT, in words, if not. */
int parity_scrub(const struct parity *y, struct err *e);
/*
 * Mend a file in place, shape.bytes of it (what is missing is anything).
 * *damaged: so many of its blocks were not good.  ERR_CORRUPT: more than can be
 * computed.  0 does not mean that it is right: see above.
 */
int parity_mend(const struct parity *y, uint8_t *file, uint32_t *damaged,
		struct err *e);

#endif
