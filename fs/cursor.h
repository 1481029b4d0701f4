/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FS_CURSOR_H
#define FS_CURSOR_H

#include "fs/dir.h"

/*
 * Entries by their place.  The kernel keeps no directory handle with us, so
 * reading on is by ordinal; and a file's entry is not kept in memory but read
 * again.  Both mostly go forward, in the order of the directory: so iterators
 * stay for a while where they stopped, and who comes next takes one of them.
 *
 * A cursor belongs to one thread between open and close.
 */
struct cursor;
struct cursor_tab;

struct cursor_tab *cursor_tab_new(struct reader *rd);	/* NULL: no memory */
void cursor_tab_free(struct cursor_tab *t);		/* NULL ok */

/* 'owner' names the directory for ever (an inode's id).  The entry at 'ordinal'
 * of the layer is the first that can be asked for. */
int cursor_open(struct cursor **out, struct cursor_tab *t, uint64_t owner,
		const struct dir *d, unsigned layer, uint64_t ordinal,
		struct err *e);
/* The entry at 'ordinal', not smaller than last time: 1 and the entry, valid
 * until the next call; 0: the directory ends before it; < 0. */
int cursor_get(struct cursor *c, uint64_t ordinal, const struct entry **out,
	       struct err *e);
void cursor_close(struct cursor_tab *t, struct cursor *c);	/* NULL ok */

#endif
