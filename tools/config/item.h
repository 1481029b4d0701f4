/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CONFIG_ITEM_H
#define CONFIG_ITEM_H

#include <stdio.h>

#include "core/core.h"

/*
 * What a YAML document says, as a tree in which everything knows where it
 * stands.  An item owns what is below it; aliases are copies.
 */
enum item_kind {
	ITEM_NULL,	/* no value, "~", "null" */
	ITEM_TEXT,	/* any other scalar, as it was written */
	ITEM_LIST,
	ITEM_MAP	/* the items in 'v' have keys */
};
enum item_tag { ITEM_PLAIN, ITEM_INCLUDE, ITEM_RETAIN, ITEM_OMIT };
struct item {
	enum item_kind kind;
	enum item_tag tag;
	bool quoted;		/* ITEM_TEXT */
	bool outside;		/* the text is not what the file has: a
				 * variable of the environment */
	const char *file;	/* not owned; an option: "--keep-daily" */
	unsigned line, column;	/* from 1; 0: it is of an option */
	unsigned key_line, key_column;
	char *key, *text;
	struct item **v;
	size_t n, cap;
};

#define ITEM_DEPTH_MAX 24
#define ITEM_COUNT_MAX 50000		/* aliases counted as often as used */
#define ITEM_KEYS_MAX 1000		/* of one mapping */
#define ITEM_FILE_BYTES (1u << 20)
#define ITEM_INCLUDES_MAX 8		/* of one in another */

/* A scalar's position is taken from 'like' if that is given. */
struct item *item_new(enum item_kind kind, const struct item *like);
/* *text is copied. */
struct item *item_new_text(const char *text, const struct item *like);
struct item *item_copy(const struct item *it);		/* NULL: memory */
void item_free(struct item *it);	/* wipes texts; NULL ok */
/* Owns 'child', even on failure; its key is copied from 'key' if that is not
 * NULL. */
int item_add(struct item *it, struct item *child, const char *key,
	     struct err *e);
/* The child of a map by key; NULL: there is none, or it is no map. */
struct item *item_get(const struct item *it, const char *key);
/* Takes it out of the map; the caller owns it.  NULL: as above. */
struct item *item_detach(struct item *it, const char *key);
/* The child at 'i' becomes 'child' (with the old one's key if it has none),
 * and the old one is freed. */
void item_replace(struct item *it, size_t i, struct item *child);
bool item_equal(const struct item *a, const struct item *b);
size_t item_count(const struct item *it);	/* with all below */

/* ERR_CONFIG with "FILE, line N, column M: " before the words. */
int item_error(const struct item *it, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same where its key stands. */
int item_key_error(const struct item *it, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * One YAML document into *out (NULL: it is empty).  'name' is what items have
 * as their file, and must outlive them.  ERR_CONFIG.
 */
int item_parse(struct item **out, const char *name, const char *text,
	       size_t len, struct err *e);

/* A file with all that it includes and merges; see muniment.yaml(5).  'names'
 * keeps the absolute paths of what was read, and outlives the items. */
struct item_source {
	struct strv *names;
	unsigned depth;
	const char *stack[ITEM_INCLUDES_MAX];
	size_t count;		/* of items so far */
};
int item_load(struct item **out, const char *path, struct item_source *s,
	      struct err *e);

/* A value as YAML, behind its key; what is below it begins at 'column'. */
int item_write(struct buf *out, const struct item *it, unsigned column,
	       struct err *e);
/* A scalar as YAML would need it: quoted if it must be. */
int item_write_text(struct buf *out, const struct item *it, struct err *e);

#endif
