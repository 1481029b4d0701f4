/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/oid.h"

#include <string.h>

#include "base/hex.h"

bool oid_eq(const struct oid *a, const struct oid *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

int oid_cmp(const struct oid *a, const struct oid *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}

bool oid_is_zero(const struct oid *a)
{
	static const struct oid zero;

	return oid_eq(a, &zero);
}

char *oid_hex(const struct oid *a, char out[OID_HEX_BYTES])
{
	return hex_put(out, a->b, sizeof(a->b));
}

bool oid_parse(struct oid *a, const char *hex)
{
	return hex_get(a->b, sizeof(a->b), hex);
}

uint64_t oid_hash(const struct oid *a)
{
	uint64_t v;

	memcpy(&v, a->b, sizeof(v));
	return v;
}
