/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_TREE_H
#define ARCHIVE_TREE_H

#include "base/err.h"
#include "format/entry.h"
#include "format/node.h"
#include "repo/reader.h"

/*
 * Reads directory trees.  An iterator belongs to one thread; several may work
 * on one reader.
 */
struct tree_level;
struct tree_entry;
struct tree_iter {
	struct reader *rd;
	struct tree_level *level;	/* path of nodes, from the root */
	unsigned depth;
	uint64_t pos;			/* ordinal of the next entry */
	struct tree_entry *hold;	/* tree_find: an inlined listing's bytes
					 * are in the entry of its directory */
};

/* At the entry with ordinal 'from' (or the end).  O(log n) node reads. */
int tree_iter_init(struct tree_iter *it, struct reader *rd,
		   const struct dir_ref *dir, uint64_t from, struct err *e);
/* At the first entry whose name is >= name. */
int tree_iter_seek(struct tree_iter *it, struct reader *rd,
		   const struct dir_ref *dir, const void *name, size_t len,
		   struct err *e);
/* 1 and an entry, valid until the next call on 'it'; 0: the end; < 0: part of
 * the listing cannot be read, the next call goes on behind it. */
int tree_iter_next(struct tree_iter *it, const struct entry **out,
		   struct err *e);
void tree_iter_release(struct tree_iter *it);	/* zeroed ok */

/* One name.  The entry is valid until tree_iter_release(it), which the caller
 * owes also after failure.  ERR_NOENT. */
int tree_lookup(struct tree_iter *it, struct reader *rd,
		const struct dir_ref *dir, const void *name, size_t len,
		const struct entry **out, struct err *e);
/* A path ("a/b/c", no leading slash; "" is not a path). */
int tree_find(struct tree_iter *it, struct reader *rd,
	      const struct dir_ref *root, const char *path,
	      const struct entry **out, struct err *e);

/* An entry with memory of its own; name and target are NUL-terminated. */
struct tree_entry {
	struct entry e;
	uint8_t bytes[];
};
/* NULL: no memory. */
struct tree_entry *tree_entry_copy(const struct entry *e);
void tree_entry_free(struct tree_entry *t);

/* The extended attributes of an entry as an encoded set (entry.h); *hold must
 * be given to reader_release afterwards when it is not NULL. */
int tree_xattrs(struct reader *rd, const struct entry *en,
		const uint8_t **set, size_t *len, struct obj **hold,
		struct err *e);

#endif
