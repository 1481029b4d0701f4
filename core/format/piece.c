/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/content.h"

#include <string.h>

#include "format/fmt.h"

#define EOL_CRLF 1u
#define EOL_LAST 2u

bool piece_sane(const struct piece *p)
{
	if (p->len == 0 || p->len > INT64_MAX)
		return false;
	switch (p->transform) {
	case PIECE_RAW:
		return p->len <= OBJ_MAX_BYTES;
	case PIECE_HOLE:
		return true;
	case PIECE_BASE64:
		/* Line ends of another kind than LF need a line end. */
		return p->len <= 2 * (uint64_t)OBJ_MAX_BYTES + 4 &&
			p->line_len % 4 == 0 &&
			(!p->crlf || p->line_len > 0 || p->last_eol);
	}
	return false;
}

void piece_put_body(struct wr *w, const struct piece *p)
{
	wr_u8(w, (uint8_t)p->transform);
	wr_varint(w, p->len);
	if (p->transform == PIECE_BASE64) {
		wr_varint(w, p->line_len / 4);
		wr_u8(w, (uint8_t)((p->crlf ? EOL_CRLF : 0) |
				   (p->last_eol ? EOL_LAST : 0)));
	}
}

void piece_get_body(struct rd *r, struct piece *p)
{
	unsigned transform, eol;

	memset(p, 0, sizeof(*p));
	transform = rd_u8(r);
	if (transform > PIECE_BASE64) {
		rd_fail(r);
		return;
	}
	p->transform = (enum piece_transform)transform;
	p->len = rd_varint(r);
	if (p->transform == PIECE_BASE64) {
		p->line_len = (uint16_t)(4 * rd_varint_max(r, UINT16_MAX / 4));
		eol = rd_u8(r);
		p->crlf = eol & EOL_CRLF;
		p->last_eol = eol & EOL_LAST;
		if (eol & ~(EOL_CRLF | EOL_LAST))
			rd_fail(r);
	}
	if (!piece_sane(p))
		rd_fail(r);
}

void piece_put(struct wr *w, const struct piece *p)
{
	piece_put_body(w, p);
	if (p->transform != PIECE_HOLE)
		wr_bytes(w, p->id.b, sizeof(p->id.b));
}

void piece_get(struct rd *r, struct piece *p)
{
	piece_get_body(r, p);
	if (p->transform != PIECE_HOLE)
		rd_copy(r, p->id.b, sizeof(p->id.b));
}
