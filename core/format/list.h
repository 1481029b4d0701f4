/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_LIST_H
#define FORMAT_LIST_H

#include "base/buf.h"
#include "format/entry.h"

/*
 * A node of a piece list, for files of more than ENTRY_PIECES_MAX pieces.
 * Level 0 has pieces, higher levels have children with the bytes of the file
 * below each.  Borders come from the last id of the node (about 128 items, at
 * least 32, at most 512), so that a file that grew shares all but its end.
 *
 * u8 level, varint count, then pieces, or { id 32, varint bytes }.
 */
#define LIST_MIN_ITEMS 32
#define LIST_MAX_ITEMS 512
#define LIST_MEAN_ITEMS 96	/* past the minimum */
#define LIST_MAX_LEVEL 8

struct list_child {
	struct oid id;
	uint64_t bytes;
};
struct list {
	uint8_t level;
	uint32_t n;
	struct piece *piece;		/* level 0 */
	struct list_child *child;	/* level > 0 */
};
int list_put_pieces(struct buf *out, const struct piece *p, uint32_t n,
		    struct err *e);
int list_put_children(struct buf *out, uint8_t level,
		      const struct list_child *c, uint32_t n, struct err *e);
int list_get(struct list *l, const void *p, size_t len, struct err *e);
void list_release(struct list *l);
/* Is the item with this id (a hole: its length, le64, in an otherwise zero id)
 * the last of its node, when it is the n-th?  If the id's first eight bytes,
 * a little-endian number, are a multiple of LIST_MEAN_ITEMS. */
bool list_boundary(const struct oid *id, uint32_t n);

#endif
