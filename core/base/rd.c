/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/rd.h"

#include <string.h>

#include "base/err.h"

void rd_init(struct rd *r, const void *p, size_t len)
{
	static const uint8_t nothing;

	BUG_ON(!p && len > 0);
	r->p = p ? p : &nothing;
	r->end = r->p + len;
	r->bad = false;
}

size_t rd_left(const struct rd *r)
{
	return r->bad ? 0 : (size_t)(r->end - r->p);
}

void rd_fail(struct rd *r)
{
	r->bad = true;
}

const uint8_t *rd_bytes(struct rd *r, size_t len)
{
	const uint8_t *p = r->p;

	if (r->bad || len > (size_t)(r->end - r->p)) {
		r->bad = true;
		return NULL;
	}
	r->p += len;
	return p;
}

static uint64_t rd_le(struct rd *r, size_t len)
{
	const uint8_t *p = rd_bytes(r, len);
	uint64_t v = 0;

	while (p && len-- > 0)
		v = v << 8 | p[len];
	return v;
}

uint8_t rd_u8(struct rd *r)
{
	return (uint8_t)rd_le(r, 1);
}

uint16_t rd_le16(struct rd *r)
{
	return (uint16_t)rd_le(r, 2);
}

uint32_t rd_le24(struct rd *r)
{
	return (uint32_t)rd_le(r, 3);
}

uint32_t rd_le32(struct rd *r)
{
	return (uint32_t)rd_le(r, 4);
}

uint64_t rd_le64(struct rd *r)
{
	return rd_le(r, 8);
}

uint64_t rd_varint(struct rd *r)
{
	uint64_t v = 0;
	unsigned shift;
	uint8_t b;

	for (shift = 0; shift < 64; shift += 7) {
		b = rd_u8(r);
		if (shift == 63 && b > 1)
			break;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (b & 0x80)
			continue;
		if (b == 0 && shift > 0)
			break;
		return r->bad ? 0 : v;
	}
	r->bad = true;
	return 0;
}

int64_t rd_zigzag(struct rd *r)
{
	uint64_t v = rd_varint(r);

	return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

uint64_t rd_varint_max(struct rd *r, uint64_t max)
{
	uint64_t v = rd_varint(r);

	if (v > max) {
		r->bad = true;
		return 0;
	}
	return v;
}

void rd_copy(struct rd *r, void *out, size_t len)
{
	const uint8_t *p = rd_bytes(r, len);

	if (len == 0)
		return;
	if (p)
		memcpy(out, p, len);
	else
		memset(out, 0, len);
}

void rd_zero(struct rd *r, size_t len)
{
	const uint8_t *p = rd_bytes(r, len);

	while (p && len-- > 0)
		if (p[len])
			r->bad = true;
}

bool rd_done(const struct rd *r)
{
	return !r->bad && r->p == r->end;
}
