/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_WR_H
#define BASE_WR_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * The writing twin of rd: appends to a buffer and fails sticky (no memory, or
 * past the buffer's limit); wr_done() at the end is the verdict.
 */
struct wr {
	struct buf *b;
	int rc;			/* first failure */
};

void wr_init(struct wr *w, struct buf *b);	/* appends; does not clear */
void wr_u8(struct wr *w, uint8_t v);
void wr_le16(struct wr *w, uint16_t v);
void wr_le24(struct wr *w, uint32_t v);		/* bug if v >= 2^24 */
void wr_le32(struct wr *w, uint32_t v);
void wr_le64(struct wr *w, uint64_t v);
void wr_varint(struct wr *w, uint64_t v);
void wr_zigzag(struct wr *w, int64_t v);
void wr_bytes(struct wr *w, const void *p, size_t len);
void wr_zero(struct wr *w, size_t len);
int wr_done(const struct wr *w, struct err *e);

#endif
