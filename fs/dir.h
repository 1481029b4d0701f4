/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FS_DIR_H
#define FS_DIR_H

#include "core/core.h"

/*
 * A directory of the mount: nearly always one directory of the archive.  Only
 * below a stripped root (strip_components) may it be made of several, the
 * layers, when folders of the same name came together.  Where a name is in
 * more than one layer, directories are merged, and of others the first one
 * is shown.
 *
 * A struct dir is immutable and owns all that it points to.
 */
#define DIR_LAYERS_MAX 127	/* a place is positive as a signed number */

struct dir_layer {
	struct dir_ref ref;
	unsigned root;		/* layer of the archive's root it is below */
};
struct dir {
	const uint8_t *name;	/* its own, not terminated; empty for a root */
	uint16_t name_len;
	unsigned n;		/* layers; 0: empty */
	struct dir_layer layer[];
};

/* Copies everything; free(3) releases it.  NULL: no memory. */
struct dir *dir_new(const struct dir_layer *layer, unsigned n,
		    const uint8_t *name, uint16_t name_len);

/*
 * Where an entry is in its directory: layer << 56 | ordinal.  As order of a
 * listing and as identity of an entry it never changes.
 */
#define DIR_ORDINAL_MAX ((UINT64_C(1) << 56) - 1)
uint64_t dir_place(unsigned layer, uint64_t ordinal);
unsigned dir_place_layer(uint64_t place);
uint64_t dir_place_ordinal(uint64_t place);

/* How a directory is read: what wants() does not want is as if it were not
 * there.  NULL: all is wanted.  It returns 1, 0 or an error. */
typedef int dir_wants_fn(uint64_t place, const struct entry *en, void *ctx,
			 struct err *e);
struct dir_reader {
	struct reader *rd;
	dir_wants_fn *wants;
	void *ctx;
};

/* One name.  'en' is valid until dir_hit_release, which the caller owes also
 * after failure.  ERR_NOENT. */
struct dir_hit {
	const struct entry *en;
	uint64_t place;
	struct tree_iter it;
};
int dir_lookup(const struct dir *d, const struct dir_reader *r,
	       const void *name, size_t len, struct dir_hit *hit,
	       struct err *e);
void dir_hit_release(struct dir_hit *hit);		/* zeroed ok */

/* Is the entry at 'place' hidden by one of the same name in an earlier layer?
 * 1, 0 or an error. */
int dir_hidden(const struct dir *d, const struct dir_reader *r,
	       uint64_t place, const struct entry *en, struct err *e);

/* The directory that 'en', an entry of d at 'place', stands for; the caller
 * frees it. */
int dir_child(struct dir **out, const struct dir *d,
	      const struct dir_reader *r, uint64_t place,
	      const struct entry *en, struct err *e);

#endif
