/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CODEC_RS_H
#define CODEC_RS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Reed-Solomon over GF(256), polynomial 0x11d, by ISA-L: m rows of parity for
 * k rows of data, all of one length; any m of the k + m may be lost.
 *
 *   parity i = sum over j of data j * inverse((k + i) xor j)
 */
#define RS_ROWS_MAX 255		/* k + m */

struct rs;

/* k and m are at least 1; a bug if there are more than RS_ROWS_MAX.
 * ERR_NOMEM. */
int rs_new(struct rs **out, unsigned k, unsigned m, struct err *e);
void rs_free(struct rs *c);		/* NULL ok */

/* row[0..k) is read, row[k..k + m) is written; each has len bytes, at least
 * 64.  A coder is fixed: any thread may use it. */
void rs_encode(const struct rs *c, size_t len, uint8_t *const *row);

/*
 * Write the rows of data that are not good.  Rows of parity that are not good
 * are not touched.  ERR_CORRUPT: more of the data than there are good rows of
 * parity, nothing was written.  ERR_NOMEM.
 */
int rs_rebuild(const struct rs *c, size_t len, uint8_t *const *row,
	       const bool *good, struct err *e);

#endif
