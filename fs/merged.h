/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FS_MERGED_H
#define FS_MERGED_H

#include "fs/arch.h"

/*
 * One directory of the tree that all archives make together (-o versions): the
 * names that it had in any of them, and of each where it was new.
 *
 * The layers are the directory as it was, oldest first; listings that are the
 * same as the one before are left out.  A name's versions are what it was when
 * it was no directory, a new one whenever the content was another than that of
 * the version before; each is in the newest layer that has it.  The order of
 * names is that of a keyed hash, a name's place, which never changes.
 *
 * Built by one thread, then immutable.
 */
#define MERGED_PLACE_MAX ((UINT64_C(1) << 61) - 1)

struct merged_layer {
	struct arch *arch;
	struct dir_layer dir;	/* owns what it points to */
};
struct merged_seen {
	uint32_t layer;
	uint32_t type;		/* S_IFMT */
};
struct merged_item {
	uint64_t place;
	const uint8_t *name;
	uint16_t name_len;
	bool regular;			/* one of the versions is a file */
	uint32_t n_versions, n_dirs;
	const struct merged_seen *version;	/* oldest first */
	const struct merged_seen *dir;	/* where the listing was new */
};
struct merged {
	struct merged_layer *layer;
	size_t n_layers, cap_layers;
	struct merged_item *item;	/* sorted by place */
	size_t n;
	uint8_t *names;
	struct merged_seen *seen;
	size_t bytes;		/* of memory, more or less */
};

struct merged *merged_new(void);		/* NULL: no memory */
void merged_free(struct merged *md);		/* NULL ok */
int merged_add(struct merged *md, struct arch *a, const struct dir_layer *dir,
	       struct err *e);

struct merged_opts {
	struct reader *rd;
	const struct key *place;	/* makes places of names */
	/* NULL: every name is wanted.  1, 0 or an error. */
	int (*wants)(const struct merged_layer *l, const struct entry *en,
		     void *ctx, struct err *e);
	/* A layer cannot be read to its end. */
	void (*damaged)(const struct merged_layer *l, const struct err *why,
			void *ctx);
	void *ctx;
};
/* After the layers were added, once. */
int merged_build(struct merged *md, const struct merged_opts *o,
		 struct err *e);

uint64_t merged_place(const struct key *place, const void *name, size_t len);
/* NULL: there is none. */
const struct merged_item *merged_find(const struct merged *md,
				      const struct key *place,
				      const void *name, size_t len);
/* The first whose place is >= from; NULL: none. */
const struct merged_item *merged_next(const struct merged *md, uint64_t from);

/* Is it shown as a directory, of versions or of what was in it? */
bool merged_is_dir(const struct merged_item *it);

/*
 * A version's name as borg makes it: "mail.00001.eml" for "mail.eml"; 'no'
 * counts from 1.  Where that is longer than a name may be, the beginning is
 * cut.
 */
void merged_name(char out[ENTRY_NAME_MAX + 1], const struct merged_item *it,
		 uint32_t no);
/* The version of that name, from 1; 0: none. */
uint32_t merged_version(const struct merged_item *it, const char *name);

#endif
