/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Hash table from a 16-byte key, uniform by nature (the first half of an
 * object id, a session id), to a number.  Open addressing, linear probing,
 * at most 3/4 full; entries are never removed one by one.  Zeroed storage is
 * an empty map.  Not thread-safe.
 */
struct map_entry {
	uint8_t key[16];
	uint64_t value;
};
struct map {
	struct map_entry *tab;	/* a key of all zero bytes: an empty place */
	size_t count, size;	/* size: 0 or a power of two */
};
#define MAP_INIT { NULL, 0, 0 }

/* The value's place, or NULL.  Valid until the next map_put. */
uint64_t *map_get(const struct map *m, const uint8_t key[16]);
/* Insert (with value 0), or find: *was tells.  *value points to the place.
 * ERR_CORRUPT: the key is all zeros, which no honest id is. */
int map_put(struct map *m, const uint8_t key[16], uint64_t **value, bool *was,
	    struct err *e);
void map_clear(struct map *m);		/* empty, keeps the room */
void map_release(struct map *m);

#endif
