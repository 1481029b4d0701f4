/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_GONE_H
#define REPO_GONE_H

#include "base/err.h"
#include "base/map.h"

/*
 * Archive records that were deleted in the open: by a tombstone, or by a
 * generation that names those whose tombstones went after them.  A record that
 * is missing and not among them was taken away.
 */
struct repo;

/* Adds the ids of the records (their first 16 bytes) to 'records'.  What
 * cannot be read proves nothing, and is passed over. */
int gone_load(struct map *records, struct repo *r, struct err *e);

#endif
