/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/wr.h"

#include <string.h>

void wr_init(struct wr *w, struct buf *b)
{
	w->b = b;
	w->rc = 0;
}

void wr_bytes(struct wr *w, const void *p, size_t len)
{
	if (w->rc == 0)
		w->rc = buf_append(w->b, p, len, NULL);
}

static void wr_le(struct wr *w, uint64_t v, size_t len)
{
	uint8_t b[8];
	size_t i;

	for (i = 0; i < len; i++)
		b[i] = (uint8_t)(v >> 8 * i);
	wr_bytes(w, b, len);
}

void wr_u8(struct wr *w, uint8_t v)
{
	wr_le(w, v, 1);
}

void wr_le16(struct wr *w, uint16_t v)
{
	wr_le(w, v, 2);
}

void wr_le24(struct wr *w, uint32_t v)
{
	BUG_ON(v >> 24);
	wr_le(w, v, 3);
}

void wr_le32(struct wr *w, uint32_t v)
{
	wr_le(w, v, 4);
}

void wr_le64(struct wr *w, uint64_t v)
{
	wr_le(w, v, 8);
}

void wr_varint(struct wr *w, uint64_t v)
{
	uint8_t b[10];
	size_t n = 0;

	do {
		b[n++] = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
		v >>= 7;
	} while (v);
	wr_bytes(w, b, n);
}

void wr_zigzag(struct wr *w, int64_t v)
{
	wr_varint(w, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

void wr_zero(struct wr *w, size_t len)
{
	if (w->rc == 0 && (w->rc = buf_reserve(w->b, len, NULL)) == 0) {
		if (len)
			memset(w->b->p + w->b->len, 0, len);
		w->b->len += len;
	}
}

int wr_done(const struct wr *w, struct err *e)
{
	if (w->rc == ERR_NOMEM)
		return err_nomem(e);
	if (w->rc < 0)
		return err_set(e, w->rc, "encoded form is too large");
	return 0;
}
