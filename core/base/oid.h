/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_OID_H
#define BASE_OID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Id of an object, or name of a stored file: a 256-bit hash. */
struct oid {
	uint8_t b[32];
};
#define OID_HEX_BYTES 65	/* with the NUL */

bool oid_eq(const struct oid *a, const struct oid *b);
int oid_cmp(const struct oid *a, const struct oid *b);	/* as memcmp */
bool oid_is_zero(const struct oid *a);
/* Lower-case hex into 'out', which is returned. */
char *oid_hex(const struct oid *a, char out[OID_HEX_BYTES]);
/* Exactly 64 lower-case hex digits; false otherwise. */
bool oid_parse(struct oid *a, const char *hex);
/* The first 8 bytes as an integer: a hash for tables (ids are uniform). */
uint64_t oid_hash(const struct oid *a);

#endif
