/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FS_AHEAD_H
#define FS_AHEAD_H

#include "core/core.h"

/*
 * Read-ahead: who reads the files of a directory in its order, or a file from
 * front to back, finds what comes next in the cache.  Threads of its own load
 * it, at most so many bytes before it is asked for; who reads here and there
 * makes them load nothing.
 *
 * Every function is safe from any thread and does not wait for the store.
 */
struct ahead;

/* With a cache too small to hold anything ahead it does nothing.  NULL: no
 * memory. */
struct ahead *ahead_new(struct reader *rd, size_t cache_bytes,
			unsigned threads);
/* Ends the threads. */
void ahead_free(struct ahead *a);		/* NULL ok */

/* The file at 'ordinal' of a directory's layer begins to be read.  'owner'
 * names the directory for ever (an inode's id). */
void ahead_file(struct ahead *a, uint64_t owner, unsigned layer,
		const struct dir_ref *ref, uint64_t ordinal);
/* A file in pieces was read from 'off' to 'end'; 'owner' names it. */
void ahead_bytes(struct ahead *a, uint64_t owner, const struct content *c,
		 uint64_t size, uint64_t off, uint64_t end);

#endif
