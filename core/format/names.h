/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_NAMES_H
#define FORMAT_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rd.h"
#include "format/column.h"

/*
 * The sorted names of one node.  Private to format/.
 *
 * A name is a shape and numbers.  The numbers are its first NAMES_FIELDS runs
 * of 2 .. 18 digits (a run is as long as it can be) that do not touch a
 * letter a-f or A-F, so that hexadecimal stays text; the shape is the name
 * with each of those replaced by
 *   00         a number without leading zero
 *   2F width   a number with leading zeroes, of so many digits
 * (no name has these bytes).  1795380469.M531106P20076.3a2f,S=316,W=326:2,S
 * is five numbers and the shape 0.M0P0.3a2f,S=0,W=0:2,S.
 *
 * varint  bytes of all names together
 * n       per name: 0: a new shape; k: the k-th, counted from 1
 * s       per new shape: bytes shared with the shape before it, as many as
 *         possible
 * s       per new shape: bytes that follow
 * ...     those bytes
 * ...     number columns (column.h): the first number of the names that have
 *         one, the second, ...
 * No shape is new twice.
 */
#define NAMES_FIELDS 8

struct names_name {
	const uint8_t *p;
	uint16_t len;
};

/* Room for an encoded block without the bytes of the names themselves. */
#define NAMES_PUT_BYTES(n) \
	(16 + (size_t)(n) * (3 + NAMES_FIELDS * COLUMN_VALUE_BYTES))

/* Encode n names at *p, which has room for NAMES_PUT_BYTES(n) and all names
 * and is moved to the end.  The number columns stay in t, which must be empty.
 * ERR_CORRUPT: a name that no entry may have (node_name_ok), or the wrong
 * order.  ERR_NOMEM. */
int names_put(uint8_t **p, struct column_tab *t,
	      const struct names_name *name, unsigned n, struct err *e);

/* Decode n names into *block, which the caller frees, and name[0..n).  Bad
 * names, wrong order, another form than names_put's: r->bad.  ERR_NOMEM. */
int names_get(struct rd *r, struct column_tab *t, struct names_name *name,
	      unsigned n, uint8_t **block, struct err *e);

#endif
