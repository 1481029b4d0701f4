/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_META_LOCAL_H
#define REPO_META_LOCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/buf.h"
#include "base/oid.h"

/*
 * Packs of metadata of a far repository, kept on this machine: what it has
 * written, and what it reads much of.  An hourly run that collects, and a
 * mount, then ask the server for what is new only.
 *
 * CACHE/REPO-ID/meta/NAME is the repository's file.  Disposable: never synced
 * and never trusted (objects are sealed, wherever they lie), and what was used
 * longest ago goes first.  Safe from any thread, and beside other processes.
 */
struct meta_local;
struct repo;

#define META_LOCAL_MAX_BYTES ((uint64_t)512 << 20)

/* NULL: the repository is near, this key does not read, or there is no place.
 * All below take that, and do nothing.  'r' outlives it. */
struct meta_local *meta_local_new(struct repo *r);
void meta_local_free(struct meta_local *m);

/*
 * Append 'len' bytes at 'off' of a pack that has 'pack_bytes'.  false: they
 * are not here, and out is as before.  Once a quarter of a pack was asked for,
 * the rest is fetched, too.
 */
bool meta_local_get(struct meta_local *m, const struct oid *pack,
		    uint32_t pack_bytes, uint64_t off, size_t len,
		    struct buf *out);
/* A pack that the repository has. */
void meta_local_put(struct meta_local *m, const struct oid *pack,
		    const struct iovec *iov, int n);
/* It is not what it should be, or the repository's is gone.  Was it here? */
bool meta_local_drop(struct meta_local *m, const struct oid *pack);
/* So much is kept at most from now on, for tests. */
void meta_local_limit(struct meta_local *m, uint64_t bytes);

#endif
