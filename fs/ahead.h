/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FS_AHEAD_H
#define FS_AHEAD_H

#include "core/core.h"

/*
 * Read-ahead: who reads the files of a directory in its order, or a file from
 * front to back, finds what comes next in the cache.  Threads of its own load
 * it, at most so many bytes before it is asked for; who reads here and there
 * makes them load nothing.  Of a directory's files most are pushed to the
 * kernel as well, which then need not ask.
 *
 * Every function is safe from any thread and does not wait for the store.
 */
struct ahead;

/* A file that will be read soon is whole in memory: 'o' is its content, valid
 * during the call.  Called by the threads of read-ahead, without a lock. */
struct ahead_file {
	uint64_t owner;		/* the directory, as ahead_file() had it */
	uint64_t place;		/* of the file in it */
	uint64_t group;		/* of its hard links, or 0 */
};
typedef void ahead_push_fn(void *ctx, const struct ahead_file *f,
			   const struct obj *o);

struct ahead_opts {
	struct reader *rd;
	size_t cache_bytes;	/* too small to hold anything: does nothing */
	unsigned threads;
	ahead_push_fn *push;
	void *ctx;		/* of push */
};
/* NULL: no memory. */
struct ahead *ahead_new(const struct ahead_opts *o);
/* End the threads: nothing more is loaded.  NULL ok, again too. */
void ahead_stop(struct ahead *a);
void ahead_free(struct ahead *a);		/* NULL ok */

/* The file at 'ordinal' of a directory's layer begins to be read.  'owner'
 * names the directory for ever (an inode's id). */
void ahead_file(struct ahead *a, uint64_t owner, unsigned layer,
		const struct dir_ref *ref, uint64_t ordinal);
/* A file in pieces was read from 'off' to 'end'; 'owner' names it. */
void ahead_bytes(struct ahead *a, uint64_t owner, const struct content *c,
		 uint64_t size, uint64_t off, uint64_t end);

#endif
