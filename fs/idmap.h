/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FS_IDMAP_H
#define FS_IDMAP_H

#include "core/core.h"

/*
 * Owners of an archive as numbers of this machine: where a user or group of
 * the same name exists here, its number, else the number in the archive.
 */
struct idmap;
enum idmap_kind { IDMAP_USERS, IDMAP_GROUPS };

/* Copies the table.  NULL: no memory. */
struct idmap *idmap_new(enum idmap_kind kind, const struct record_name *name,
			uint32_t n);
/* Ask the system for the names; once, before idmap_get, by one thread. */
void idmap_resolve(struct idmap *m);
uint32_t idmap_get(const struct idmap *m, uint32_t id);
void idmap_free(struct idmap *m);		/* NULL ok */

#endif
