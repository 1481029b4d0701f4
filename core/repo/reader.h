/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_READER_H
#define REPO_READER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/oid.h"
#include "format/fmt.h"

/*
 * Reads objects: index, store, decrypt, decompress, verify; with a cache of
 * plain objects bounded in bytes and single-flight loads (the second thread
 * that wants an object waits for the first).  Safe from any thread.
 */
struct reader;
struct repo;

/* A plain object.  Shared and immutable. */
struct obj {
	const uint8_t *p;
	size_t len;
};

/* cache_bytes 0: nothing is kept.  The repository stays the caller's. */
int reader_open(struct reader **out, struct repo *r, size_t cache_bytes,
		struct err *e);
void reader_close(struct reader *rd);		/* NULL ok */
/* Metadata comes from the repository, and not from what this machine has of it
 * (meta_local.h): for those who look whether it is there.  Call it first. */
void reader_past_local(struct reader *rd);
struct repo *reader_repo(const struct reader *rd);

/* Give back with reader_release.  ERR_CORRUPT: it is damaged or missing, the
 * message names the object, and the pack if there is one. */
int reader_get(struct reader *rd, enum obj_type t, const struct oid *id,
	       struct obj **out, struct err *e);
void reader_release(struct reader *rd, struct obj *o);	/* NULL ok */
/* The same for one that will hardly be asked for again: of what nobody holds
 * it is the first that has to go. */
void reader_release_used(struct reader *rd, struct obj *o);
/*
 * Objects that will soon be asked for: load those that are neither there nor
 * on their way into the cache.  Neighbours in a pack are read together, and
 * whoever asks for one meanwhile does not wait for those before it.  What
 * cannot be loaded is left for reader_get to complain about.
 */
#define READER_AHEAD_MAX 64
void reader_ahead(struct reader *rd, enum obj_type t, const struct oid *id,
		  unsigned n);
/* The object, to be given back, if it is whole in the cache; NULL: it is not,
 * and nothing is loaded or waited for. */
struct obj *reader_peek(struct reader *rd, const struct oid *id);
/* Into a buffer (cleared first), past the cache. */
int reader_fetch(struct reader *rd, enum obj_type t, const struct oid *id,
		 struct buf *out, struct err *e);
/* Is it listed in the index?  Nothing is read. */
bool reader_has(struct reader *rd, const struct oid *id);
/* List the repository's segments again. */
int reader_refresh(struct reader *rd, struct err *e);

struct reader_stats {
	uint64_t hits, misses, cached_bytes;
	uint64_t ahead;				/* by reader_ahead */
	uint64_t read_bytes, plain_bytes;	/* of misses and ahead */
};
void reader_stats(struct reader *rd, struct reader_stats *out);

#endif
