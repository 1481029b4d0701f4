/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_SID_H
#define BASE_SID_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A 128-bit random identifier: of a writing session (and so of the archive it
 * commits), of a client, of a repository.
 */
struct sid {
	uint8_t b[16];
};
#define SID_HEX_BYTES 33	/* with the NUL */

bool sid_eq(const struct sid *a, const struct sid *b);
bool sid_is_zero(const struct sid *a);
char *sid_hex(const struct sid *a, char out[SID_HEX_BYTES]);
bool sid_parse(struct sid *a, const char *hex);

#endif
