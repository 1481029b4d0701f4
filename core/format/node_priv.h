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

#define NODE_NSEC_MAX 999999999u

/* Regular files have a size, some entries the optional times; the last stands
 * for mtime, which all have. */
enum leaf_column { LEAF_SIZE, LEAF_ATIME, LEAF_CTIME, LEAF_COLUMNS };

/* Bits 1 << enum leaf_column: which columns some, which all entries have. */
struct node_columns {
	unsigned some, all;
};

static inline unsigned node_columns_of(uint32_t mode, unsigned flags)
{
	return (unsigned)S_ISREG(mode) << LEAF_SIZE |
		(flags & ENTRY_ATIME ? 1u << LEAF_ATIME : 0) |
		(flags & ENTRY_CTIME ? 1u << LEAF_CTIME : 0) |
		1u << LEAF_COLUMNS;
}

static inline void node_columns_init(struct node_columns *c)
{
	c->some = 0;
	c->all = ~0u;
}

static inline void node_columns_add(struct node_columns *c, uint32_t mode,
	unsigned flags)
{
	c->some |= node_columns_of(mode, flags);
	c->all &= node_columns_of(mode, flags);
}

/* The entries that have a column; 'at' has room for n. */
static inline void node_rows(struct column_rows *rows, uint16_t *at,
	const struct entry *entry, unsigned n, const struct node_columns *have,
	enum leaf_column c)
{
	unsigned i;

	rows->m = have->all & 1u << c ? n : 0;
	rows->at = NULL;
	if (rows->m || !(have->some & 1u << c))
		return;
	rows->at = at;
	for (i = 0; i < n; i++)
		if (node_columns_of(entry[i].mode, entry[i].flags) & 1u << c)
			at[rows->m++] = (uint16_t)i;
}

static inline struct timespec *node_time(struct entry *en, enum leaf_column c)
{
	return c == LEAF_ATIME ? &en->atime :
		c == LEAF_CTIME ? &en->ctime : &en->mtime;
}

int node_get_leaf(struct node *node, struct rd *r, struct err *e);

#endif
