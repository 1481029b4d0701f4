/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_PACK_AHEAD_H
#define STORE_PACK_AHEAD_H

#include "store/store.h"

/*
 * Bytes of packs that are read before they are wanted.  Objects lie in packs
 * in the order they are read back, so a read that begins near where the last
 * one of that pack ended is answered with more than it asks for, each time
 * four times as much; and while such a window is used up, threads read the
 * next one, or two.  Who wants bytes that are on their way waits for them.
 * Packs never change; all is bounded.  Safe from any thread.
 */
struct pack_ahead;
struct ahead_window;

/* Append what is there of these bytes to out: fewer at the end of the pack. */
typedef int pack_ahead_read_fn(void *ctx, enum store_kind k, const char *name,
			       uint64_t off, size_t len, struct buf *out);
/* The threads read by fn.  NULL: no memory. */
struct pack_ahead *pack_ahead_new(pack_ahead_read_fn *fn, void *ctx);
void pack_ahead_free(struct pack_ahead *a);	/* NULL ok; waits for fn */

struct pack_ahead_plan {
	struct ahead_window *w;		/* NULL: nothing is kept */
	size_t len;			/* to be read at 'off' */
};
/* true: the bytes were appended to out, which has room for them.  false: the
 * caller reads as planned (which is 'len' at least), then calls end. */
bool pack_ahead_begin(struct pack_ahead *a, enum store_kind k,
		      const char *name, uint64_t off, size_t len,
		      struct buf *out, struct pack_ahead_plan *plan);
/* The bytes read become a's; NULL or none: it failed. */
void pack_ahead_end(struct pack_ahead *a, struct pack_ahead_plan *plan,
		    struct buf *b);
void pack_ahead_drop(struct pack_ahead *a, enum store_kind k,
		     const char *name);

#endif
