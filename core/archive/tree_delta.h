/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_TREE_DELTA_H
#define ARCHIVE_TREE_DELTA_H

#include "archive/tree.h"

/*
 * One directory as it was in several archives, one after the other: of each
 * listing, what may differ from the one before.  Nodes that both have are not
 * read, so a thousand listings of a large directory cost what changed in it.
 * One thread.
 */
struct tree_delta;

typedef int tree_delta_fn(const struct entry *en, void *ctx, struct err *e);

struct tree_delta *tree_delta_new(struct reader *rd);	/* NULL: no memory */
void tree_delta_free(struct tree_delta *d);		/* NULL ok */

/*
 * Give fn every entry of 'dir' that the listing before did not have, and some
 * that it had, in order.  What is not there any more is not told.  A nonzero
 * return of fn ends it and is returned.  After a failure the next listing is
 * given whole.
 */
int tree_delta_next(struct tree_delta *d, const struct dir_ref *dir,
		    tree_delta_fn *fn, void *ctx, struct err *e);

#endif
