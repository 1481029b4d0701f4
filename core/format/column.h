/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_COLUMN_H
#define FORMAT_COLUMN_H

#include <stdint.h>

#include "base/rd.h"

/*
 * Numbers of the entries of one node, a column each, mostly small once a
 * neighbour is subtracted.  Private to format/.
 *
 * A column is a mode byte and its values; all arithmetic is modulo 2^64:
 *   0      all values are the same: one varint
 *   1      varints
 *   2      zigzag varints of value - value before it (the first: - 0)
 *   3 + k  zigzag varints of value - value of this entry in column k, where
 *          k counts the node's columns from 0 in the order they are stored
 *          and an entry that has no value there counts as 0
 * A column without values has no bytes at all, not even a mode.
 *
 * The mode follows from the values, so that a node has one form: 0 if they
 * are all the same, else that which needs the fewest bytes for the first
 * COLUMN_SAMPLE values, the lowest if several do.
 */
#define COLUMN_ROWS 256
#define COLUMN_MAX 12
#define COLUMN_SAMPLE 8
#define COLUMN_VALUE_BYTES 10	/* of one value, at most */

struct column_tab {
	unsigned n;		/* columns done; v[n] is at work */
	uint64_t v[COLUMN_MAX][COLUMN_ROWS];
};

/* Which entries have a value: at[0..m) in order; NULL: the first m. */
struct column_rows {
	const uint16_t *at;
	unsigned m;
};

static inline unsigned column_row(const struct column_rows *w, unsigned i)
{
	return w->at ? w->at[i] : i;
}

/* Encode column v[n], whose absent values are 0, at p, which has room for
 * 1 + m * COLUMN_VALUE_BYTES; returns the end.  n becomes n + 1. */
uint8_t *column_put(uint8_t *p, struct column_tab *t,
		    const struct column_rows *w);
/* Decode into v[n] of a node of 'rows' entries; n becomes n + 1. */
void column_get(struct rd *r, struct column_tab *t,
		const struct column_rows *w, unsigned rows);

static inline uint8_t *column_put_varint(uint8_t *p, uint64_t v)
{
	while (v > 0x7f) {
		*p++ = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	*p++ = (uint8_t)v;
	return p;
}

/* rd_varint for loops: most values have one to three bytes. */
static inline uint64_t column_get_varint(struct rd *r)
{
	const uint8_t *p = r->p;

	if (r->end - p >= 3 && !r->bad) {
		if (p[0] < 0x80) {
			r->p += 1;
			return p[0];
		}
		if (p[1] < 0x80 && p[1] > 0) {
			r->p += 2;
			return (p[0] & 0x7fu) | (uint32_t)p[1] << 7;
		}
		if (p[1] >= 0x80 && p[2] < 0x80 && p[2] > 0) {
			r->p += 3;
			return (p[0] & 0x7fu) | (p[1] & 0x7fu) << 7 |
				(uint32_t)p[2] << 14;
		}
	}
	return rd_varint(r);
}

#endif
