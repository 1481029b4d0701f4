/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_GONE_H
#define REPO_GONE_H

#include "base/err.h"
#include "base/map.h"
#include "base/oid.h"
#include "base/sid.h"

/*
 * Archive records that were deleted in the open: by a tombstone, or by a
 * generation that names those whose tombstones went after them.  A record that
 * is missing and not among them was taken away.
 */
struct repo;

/* 'session': of the archive whose record it was. */
typedef int gone_fn(const struct sid *session, const struct oid *record,
		    void *ctx);
/* All tombstones, and generations younger than 'since'.  *newest, unless NULL:
 * the newest generation there is, or 'since'.  What cannot be read proves
 * nothing, and is passed over. */
int gone_each(struct repo *r, uint32_t since, gone_fn *fn, void *ctx,
	      uint32_t *newest, struct err *e);

/* Adds the ids of the records (their first 16 bytes) to 'records'; also of
 * those that this machine has seen deleted, or has accepted as missing. */
int gone_load(struct map *records, struct repo *r, struct err *e);

#endif
