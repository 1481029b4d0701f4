/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FS_MERGED_TAB_H
#define FS_MERGED_TAB_H

#include <pthread.h>

#include "fs/merged.h"

/*
 * Merged directories that were built, the last ones used, as many as fit into
 * some memory; one that went is built again.  Any thread.
 */
#define MERGED_TAB_SLOTS 64
#define MERGED_TAB_BYTES ((size_t)16 << 20)

struct merged_slot {
	struct merged *md;
	uint64_t owner;		/* id of the inode */
	uint64_t generation;	/* of the view */
	unsigned users;
	bool dropped;		/* is freed by its last user */
};
struct merged_tab {
	/* One directory is built at a time.  Order: before every other lock;
	 * the repository is read under it. */
	pthread_mutex_t build;
	pthread_mutex_t mtx;	/* a leaf */
	struct merged_slot *slot[MERGED_TAB_SLOTS];	/* mtx; newest first */
	unsigned n;					/* mtx */
	size_t bytes;					/* mtx */
};
void merged_tab_init(struct merged_tab *t);
void merged_tab_release(struct merged_tab *t);

/* NULL: it is not here.  Give back with merged_tab_leave. */
struct merged_slot *merged_tab_find(struct merged_tab *t, uint64_t owner,
				    uint64_t generation);
/* 'md' is given away, also if that fails: NULL, no memory. */
struct merged_slot *merged_tab_put(struct merged_tab *t, uint64_t owner,
				   uint64_t generation, struct merged *md);
void merged_tab_leave(struct merged_tab *t, struct merged_slot *s);

#endif
