/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_RD_H
#define BASE_RD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A reading cursor over bytes that somebody else made.  It fails sticky:
 * after the first short read every read gives 0 or NULL, and one rd_done()
 * at the end is the verdict.  All integers are little-endian; varints are
 * LEB128 and must be canonical (no needless last byte).
 */
struct rd {
	const uint8_t *p, *end;
	bool bad;
};

/* 'p' may be NULL if len is 0. */
void rd_init(struct rd *r, const void *p, size_t len);
uint8_t rd_u8(struct rd *r);
uint16_t rd_le16(struct rd *r);
uint32_t rd_le24(struct rd *r);
uint32_t rd_le32(struct rd *r);
uint64_t rd_le64(struct rd *r);
uint64_t rd_varint(struct rd *r);
int64_t rd_zigzag(struct rd *r);
/* A varint that must be <= max. */
uint64_t rd_varint_max(struct rd *r, uint64_t max);
/* 'len' bytes, pointing into the input; NULL if they are not there.  No bytes
 * are always there unless the cursor has failed. */
const uint8_t *rd_bytes(struct rd *r, size_t len);
/* Copies into 'out', zeroes if they are not there. */
void rd_copy(struct rd *r, void *out, size_t len);
/* 'len' bytes that must be zero. */
void rd_zero(struct rd *r, size_t len);
size_t rd_left(const struct rd *r);
void rd_fail(struct rd *r);
/* All was read, and nothing was missing. */
bool rd_done(const struct rd *r);

#endif
