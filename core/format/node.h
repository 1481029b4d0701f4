/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_NODE_H
#define FORMAT_NODE_H

#include "base/buf.h"
#include "format/entry.h"
#include "format/fmt.h"

/*
 * A node of a directory's prolly tree, canonical: the same entries give the
 * same bytes.  muniment-format(5) has the columns; here is what callers need.
 *
 * Leaf (level 0): entries sorted by name bytes, no name twice, 1 .. 256 of
 * them, in columns (names as shapes and numbers, an attribute table of mode,
 * uid, gid, fsflags, flags and extended attributes, times and sizes as deltas,
 * contents, ids).
 * Interior: children in order, each with the first name below it.
 */
#define NODE_MIN_ENTRIES 16
#define NODE_MAX_ENTRIES 256
#define NODE_MEAN_ENTRIES 48	/* past the minimum: 64 a leaf in all */
#define NODE_INLINE_MAX 1024
#define NODE_MAX_LEVEL 8

struct node_child {
	const uint8_t *name;	/* first name below it */
	uint16_t name_len;
	struct oid id;
	uint64_t entries;	/* leaf entries below it */
};

/* A decoded node.  Pointers of entries and children point into the bytes it
 * was decoded from, which the caller keeps, and into its own 'names'. */
struct node {
	uint8_t level;
	uint32_t n;
	struct entry *entry;		/* level 0 */
	struct node_child *child;	/* level > 0 */
	uint8_t *names;
};

/* Append the encoded form to out.  ERR_CORRUPT: an entry that cannot be stored
 * (its name, its place in the order, a size that is not its content's, ...);
 * the message names it. */
int node_put_leaf(struct buf *out, const struct entry *entry, uint32_t n,
		  struct err *e);
int node_put_interior(struct buf *out, uint8_t level,
		      const struct node_child *child, uint32_t n,
		      struct err *e);
/* ERR_CORRUPT for anything but what node_put_* writes (order, names, ranges,
 * canonical form).  An inline directory inside is not looked at before it is
 * decoded itself.  Release with node_release. */
int node_get(struct node *n, const void *p, size_t len, struct err *e);
void node_release(struct node *n);

/* Is the entry called name the last of its node?  'n' counts entries so far
 * with it.  Depends on key, level, name and n only. */
bool node_boundary(const struct key *tree, uint8_t level, const void *name,
		   size_t name_len, uint32_t n);

/* Name order: memcmp, then length. */
int node_name_cmp(const void *a, size_t alen, const void *b, size_t blen);
/* A name an entry may have: 1 .. ENTRY_NAME_MAX bytes, no '/', no NUL, not
 * "." or "..". */
bool node_name_ok(const void *name, size_t len);

#endif
