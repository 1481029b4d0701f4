/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAINT_PIECES_H
#define MAINT_PIECES_H

#include "base/buf.h"
#include "format/entry.h"
#include "repo/reader.h"

/*
 * The pieces of a file in order.  Where a node of its list cannot be read,
 * the bytes below it are given as one lost piece, a hole; an inlined content
 * has none.  A nonzero return of fn ends it.
 */
typedef int pieces_fn(const struct piece *p, uint64_t off, bool lost,
		      void *ctx);
int pieces_each(struct reader *rd, const struct content *c, uint64_t size,
		pieces_fn *fn, void *ctx, struct err *e);

/* Ranges of bytes, those that touch as one. */
#define RANGES_SHOWN 8
struct range {
	uint64_t off, len;
};
struct ranges {
	struct range r[RANGES_SHOWN];
	uint64_t n;		/* all of them; only the first are in r */
	uint64_t bytes, end;
};
void pieces_lost_add(struct ranges *r, uint64_t off, uint64_t len);
/* "bytes 0-1023 and 4096-8191 of 10000 are lost" */
void pieces_lost_text(const struct ranges *r, uint64_t size, char *out,
		 size_t out_size);

#endif
