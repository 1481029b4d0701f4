/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_CREATE_LOOSE_PRIV_H
#define ARCHIVE_CREATE_LOOSE_PRIV_H

#include <assert.h>

#include "archive/create_loose.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/strv.h"

struct create;

#define LOOSE_NONE UINT32_MAX
enum loose_state {
	LOOSE_LINK = 1 << 0,	/* a hard link */
	LOOSE_DIR = 1 << 1,
	LOOSE_GONE = 1 << 2	/* replaced, or its target is not there */
};
/*
 * One entry; there may be millions.  Its path is the folder's path, a NUL, its
 * name; inside 'text' a NUL separates names, so that the order of bytes is
 * that of trees.  Behind the name stands the entry, encoded without content;
 * of a hard link its target's path.
 */
struct loose_row {
	uint64_t dir, name;	/* in text */
	uint64_t content;	/* 1 + place in text; 0: none.  Of a hard link
				 * the length of its target's path */
	uint32_t dir_len;
	uint32_t target;	/* hard link: row */
	uint32_t links;		/* names that are this file */
	uint8_t name_len;
	uint8_t state;		/* enum loose_state */
};
static_assert(sizeof(struct loose_row) == 40, "there are millions of them");
static_assert(ENTRY_NAME_MAX <= UINT8_MAX, "struct loose_row");

struct create_loose {
	struct create *c;
	create_loose_fn *fn;
	void *ctx;
	struct buf text;
	struct loose_row *row;
	uint32_t n, cap;
	uint32_t *order;	/* rows by path, then as they came */
	struct map names[2];	/* owner's number: 1 + place in text */
	struct buf scratch;
};

/* Encode all of an entry but name, links and content; and back. */
int create_loose_put_meta(struct create_loose *l, const struct entry *en,
			  struct err *e);
int create_loose_get_meta(const struct create_loose *l,
			  const struct loose_row *row, struct entry *en,
			  struct err *e);
/* Its path with slashes, for messages; in l->scratch. */
const char *create_loose_path(struct create_loose *l,
			      const struct loose_row *row);
/* The tree of all rows. */
int create_loose_tree(struct create_loose *l);

#endif
