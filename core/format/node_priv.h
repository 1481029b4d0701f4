/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_NODE_PRIV_H
#define FORMAT_NODE_PRIV_H

#include "format/column.h"
#include "format/dict.h"
#include "format/names.h"
#include "format/node.h"

/*
 * A leaf.  Private to format/; muniment-format(5) tells the same story.
 *
 * u8      level 0
 * varint  n, 1 .. NODE_MAX_ENTRIES
 * ...     names and their number columns (names.h)
 * n       per entry: 0: a new attribute row; k: the k-th, counted from 1
 * ...     the rows, see below; no row is new twice
 * ...     column: mtime seconds, of all entries
 * ...     nanoseconds of mtime: u8 0 and le32 if all are the same, else u8 1
 *         and le32 of each
 * ...     columns: size of regular files; atime seconds, ctime seconds of
 *         those that have them; then nanoseconds of atime, of ctime (a
 *         column without entries has no bytes)
 * ...     per entry in order: links (varint st_nlink, varint group) if its row
 *         says so; content of a regular file or place of a directory
 *         (content.h), varint length and bytes of a symlink's target, or
 *         varint major, varint minor of a device
 * ...     ids of contents and directories, in order
 *
 * Row: varint st_mode, uid, gid, fsflags; u8 enum entry_flags; u8 kind of
 * content (regular file) or of directory, else 0; u8 row_extra; then for
 * XATTRS varint length and bytes of the set, for XATTRS_ID its id.
 */
enum row_extra {
	ROW_XATTRS = 1 << 0,
	ROW_XATTRS_ID = 1 << 1,
	ROW_LINKS = 1 << 2	/* st_nlink is not 1, or there is a group */
};
#define ROW_PUT_BYTES (4 * 5 + 3 + 5)	/* at most, without the set or id */

struct node_row {
	uint32_t mode, uid, gid, fsflags;
	uint16_t flags;
	uint8_t kind, extra;
	const uint8_t *xattrs;
	uint32_t xattrs_len;
	struct oid xattrs_id;
};
/* NULL, or why there can be no such row. */
const char *node_bad_row(const struct node_row *row);
/* The same of what is neither in the row nor the name. */
const char *node_bad_entry(const struct entry *en);

/* Which regular files have a size, which entries the optional times. */
enum leaf_column { LEAF_SIZE, LEAF_ATIME, LEAF_CTIME, LEAF_COLUMNS };
static inline bool node_has(const struct entry *en, enum leaf_column c)
{
	switch (c) {
	case LEAF_SIZE:
		return S_ISREG(en->mode);
	case LEAF_ATIME:
		return en->flags & ENTRY_ATIME;
	case LEAF_CTIME:
		return en->flags & ENTRY_CTIME;
	case LEAF_COLUMNS:
		break;
	}
	return true;
}
/* Its time; LEAF_COLUMNS: mtime. */
static inline const struct timespec *node_time(const struct entry *en,
	enum leaf_column c)
{
	return c == LEAF_ATIME ? &en->atime :
		c == LEAF_CTIME ? &en->ctime : &en->mtime;
}
/* Rows of a column; 'at' has room for n. */
void node_rows(struct column_rows *rows, uint16_t *at,
	       const struct entry *entry, unsigned n, enum leaf_column c);

int node_get_leaf(struct node *node, struct rd *r, struct err *e);

#endif
