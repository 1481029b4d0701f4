/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CONFIG_KEYPATH_H
#define CONFIG_KEYPATH_H

#include "tools/config/schema.h"

/* Keys as text: "keep_daily", "healthchecks.ping_url",
 * "repositories[0].path". */

/* The item there; NULL: there is none, or it is no key. */
struct item *keypath_get(const struct item *root, const char *key);
/* Put 'it' (owned, even on failure) there, in place of what is there; what is
 * missing above it is made.  ERR_CONFIG. */
int keypath_set(struct item *root, const char *key, struct item *it,
		struct err *e);
/*
 * The row of a key; *entry: it is one entry of that row's list.  Old sections
 * before it ("retention.keep_daily") are allowed; *skip is how long they are.
 * NULL: no such key.
 */
const struct schema_row *keypath_row(const char *key, bool *entry,
				     size_t *skip);

#endif
