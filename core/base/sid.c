/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/sid.h"

#include <string.h>

#include "base/hex.h"

bool sid_eq(const struct sid *a, const struct sid *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool sid_is_zero(const struct sid *a)
{
	static const struct sid zero;

	return sid_eq(a, &zero);
}

char *sid_hex(const struct sid *a, char out[SID_HEX_BYTES])
{
	return hex_put(out, a->b, sizeof(a->b));
}

bool sid_parse(struct sid *a, const char *hex)
{
	return hex_get(a->b, sizeof(a->b), hex);
}
