/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SERVE_BATCH_H
#define STORE_SERVE_BATCH_H

#include "base/buf.h"
#include "store/store.h"

/*
 * What is asked for one after another is asked for at once: those who read
 * small files read all that a listing has named, in its order, and at the end
 * of a session every file that it has put is looked at, in that order.  What
 * came along is given out once, and forgotten after some seconds.  Files never
 * change, so nothing of it can be wrong but that a file is gone meanwhile.
 * Safe from any thread; without memory it only forgets.
 */
struct serve_batch;
struct serve_batch *serve_batch_new(void);	/* NULL: no memory */
void serve_batch_free(struct serve_batch *b);	/* NULL ok */

/* A listing begins, and names files; only of kinds of small files. */
void serve_batch_list(struct serve_batch *b, enum store_kind k);
void serve_batch_listed(struct serve_batch *b, enum store_kind k,
			const char *name, uint64_t size);
/* A file was put by this store. */
void serve_batch_put(struct serve_batch *b, enum store_kind k,
		     const char *name);
/* It was deleted. */
void serve_batch_drop(struct serve_batch *b, enum store_kind k,
		      const char *name);

/* The names that are likely to be wanted after this one: up to 'most', of the
 * listing or of what was put. */
enum serve_batch_which { SERVE_BATCH_LISTED, SERVE_BATCH_PUT };
size_t serve_batch_next(struct serve_batch *b, enum serve_batch_which which,
			enum store_kind k, const char *name,
			char (*out)[STORE_NAME_MAX + 1], size_t most);
/* The bytes of a file (b's from now on), its size: to be given out. */
void serve_batch_keep(struct serve_batch *b, enum store_kind k,
		      const char *name, struct buf *bytes);
void serve_batch_keep_size(struct serve_batch *b, enum store_kind k,
			   const char *name, uint64_t size);
/* true: it was there. */
bool serve_batch_take(struct serve_batch *b, enum store_kind k,
		      const char *name, struct buf *bytes);
bool serve_batch_take_size(struct serve_batch *b, enum store_kind k,
			   const char *name, uint64_t *size);

#endif
