/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_CATALOG_PRIV_H
#define REPO_CATALOG_PRIV_H

#include "repo/catalog.h"

/*
 * Opened records, kept in CACHE/REPO-ID/records so that 1,000 archives are
 * listed without 1,000 public-key operations.  Disposable; authenticated
 * with a key of the repository.
 */
struct catalog_cache;
/* NULL, and all of these take it, where there is no cache.  all: also those
 * that are deleted. */
struct catalog_cache *catalog_cache_open(struct repo *r, bool all);
bool catalog_cache_get(struct catalog_cache *k, const struct sid *session,
		       struct catalog_item *it);
void catalog_cache_put(struct catalog_cache *k, const struct catalog_item *it);
void catalog_cache_close(struct catalog_cache *k);	/* keeps what is new */

#endif
