/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FS_OFILE_H
#define FS_OFILE_H

#include "core/core.h"

/*
 * Open contents of regular files.  The kernel does not tell of open and close,
 * so a file that was not read to its end stays open for a while, for the next
 * READ of it.  Meanwhile it holds no object of the cache.
 *
 * A struct ofile belongs to one thread from take or open to put or close.
 */
struct ofile {
	struct file *f;
	uint64_t owner;		/* id of the inode */
	uint64_t size;
	bool pieces;		/* the content is more than one object */
};
struct ofile_tab;

struct ofile_tab *ofile_tab_new(void);		/* NULL: no memory */
void ofile_tab_free(struct ofile_tab *t);	/* NULL ok */

/* One that was put back for 'owner'; NULL: there is none. */
struct ofile *ofile_take(struct ofile_tab *t, uint64_t owner);
int ofile_open(struct ofile **out, struct reader *rd, uint64_t owner,
	       const struct entry *en, struct err *e);
void ofile_put(struct ofile_tab *t, struct ofile *o);
void ofile_close(struct ofile *o);		/* NULL ok */

/* 512-byte blocks that are no holes.  Only a piece list has to be read for
 * that; if it cannot be, the file counts as without holes. */
uint64_t ofile_blocks(struct reader *rd, const struct entry *en);
/* lseek(2), SEEK_DATA or SEEK_HOLE; *past: there is none (ENXIO). */
int ofile_seek(struct reader *rd, const struct entry *en, uint64_t off,
	       int whence, uint64_t *out, bool *past, struct err *e);

#endif
