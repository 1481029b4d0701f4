/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_FDCACHE_H
#define STORE_FDCACHE_H

#include <stdint.h>

#include "store/store.h"

/*
 * Files of data/ and meta/ that are kept open for reading: they never change,
 * and of one of them many small pieces are wanted.  Bounded in number and, so
 * that a deleted one gives its space back, in age.  Safe from any thread.
 */
struct fdcache;
enum { FDCACHE_SLOTS = 64, FDCACHE_NONE = FDCACHE_SLOTS };

struct fdcache_file {
	int fd;
	uint64_t size;
	unsigned slot;		/* the cache's; NONE: done() closes fd */
};

struct fdcache *fdcache_new(void);		/* NULL: no memory */
void fdcache_free(struct fdcache *c);		/* NULL ok; bug if one is out */

/* Borrow the file, if it is open.  Give it back with fdcache_done(). */
bool fdcache_find(struct fdcache *c, enum store_kind k, const char *name,
		  struct fdcache_file *f);
/* One that was just opened; the cache owns f->fd now, and it is borrowed. */
void fdcache_add(struct fdcache *c, enum store_kind k, const char *name,
		 struct fdcache_file *f);
void fdcache_done(struct fdcache *c, const struct fdcache_file *f);

void fdcache_drop(struct fdcache *c, enum store_kind k, const char *name);
/* Close all that nobody has borrowed; how many there were. */
unsigned fdcache_clear(struct fdcache *c);
/* The same for those that are too old.  Looked up they are never found, but
 * an idle cache must not keep a deleted file's space. */
void fdcache_expire(struct fdcache *c);

/* Tests: how long a file stays open. */
void fdcache_set_age(struct fdcache *c, int64_t nsec);

#endif
