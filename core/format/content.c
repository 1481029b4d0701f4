/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/content.h"

#include <string.h>

#include "format/fmt.h"
#include "format/list.h"

static const char *bad_pieces(const struct content *c, uint64_t size)
{
	uint64_t sum = 0;
	unsigned i;

	if (c->n_pieces == 0 || c->n_pieces > ENTRY_PIECES_MAX)
		return "number of pieces";
	for (i = 0; i < c->n_pieces; i++) {
		if (!piece_sane(&c->piece[i]))
			return "piece";
		if (c->piece[i].len > INT64_MAX - sum)
			return "piece lengths";
		sum += c->piece[i].len;
	}
	if (sum != size)
		return "size of its pieces";
	return NULL;
}

const char *content_bad(const struct content *c, uint64_t size)
{
	if (size > INT64_MAX)
		return "size";
	switch (c->kind) {
	case CONTENT_NONE:
		return size == 0 ? NULL : "size of an empty file";
	case CONTENT_INLINE:
		if (c->data_len == 0 || c->data_len > ENTRY_INLINE_MAX)
			return "inline length";
		return c->data_len == size ? NULL : "size of inline content";
	case CONTENT_ONE:
		if (size == 0 || size > OBJ_MAX_BYTES)
			return "size of one object";
		return NULL;
	case CONTENT_PIECES:
		return bad_pieces(c, size);
	case CONTENT_LIST:
		if (c->level > LIST_MAX_LEVEL)
			return "height of a piece list";
		return size > 0 ? NULL : "size of a piece list";
	}
	return "kind of content";
}

void content_put_body(struct wr *w, const struct content *c)
{
	unsigned i;

	switch (c->kind) {
	case CONTENT_NONE:
	case CONTENT_ONE:
		break;
	case CONTENT_INLINE:
		wr_varint(w, c->data_len);
		wr_bytes(w, c->data, c->data_len);
		break;
	case CONTENT_PIECES:
		wr_u8(w, c->n_pieces);
		for (i = 0; i < c->n_pieces; i++)
			piece_put_body(w, &c->piece[i]);
		break;
	case CONTENT_LIST:
		wr_u8(w, c->level);
		break;
	}
}

void content_get_body(struct rd *r, struct content *c)
{
	unsigned i;

	switch (c->kind) {
	case CONTENT_NONE:
	case CONTENT_ONE:
		break;
	case CONTENT_INLINE:
		c->data_len = (uint32_t)rd_varint_max(r, ENTRY_INLINE_MAX);
		c->data = rd_bytes(r, c->data_len);
		break;
	case CONTENT_PIECES:
		c->n_pieces = rd_u8(r);
		if (c->n_pieces > ENTRY_PIECES_MAX) {
			c->n_pieces = 0;
			rd_fail(r);
		}
		for (i = 0; i < c->n_pieces; i++)
			piece_get_body(r, &c->piece[i]);
		break;
	case CONTENT_LIST:
		c->level = rd_u8(r);
		break;
	}
}

void content_put_ids(struct wr *w, const struct content *c)
{
	unsigned i;

	if (c->kind == CONTENT_ONE || c->kind == CONTENT_LIST)
		wr_bytes(w, c->id.b, sizeof(c->id.b));
	if (c->kind != CONTENT_PIECES)
		return;
	for (i = 0; i < c->n_pieces; i++)
		if (c->piece[i].transform != PIECE_HOLE)
			wr_bytes(w, c->piece[i].id.b, sizeof(struct oid));
}

void content_get_ids(struct rd *r, struct content *c)
{
	unsigned i;

	if (c->kind == CONTENT_ONE || c->kind == CONTENT_LIST)
		rd_copy(r, c->id.b, sizeof(c->id.b));
	if (c->kind != CONTENT_PIECES)
		return;
	for (i = 0; i < c->n_pieces; i++)
		if (c->piece[i].transform != PIECE_HOLE)
			rd_copy(r, c->piece[i].id.b, sizeof(struct oid));
}

void content_put(struct wr *w, const struct content *c)
{
	wr_u8(w, (uint8_t)c->kind);
	content_put_body(w, c);
	content_put_ids(w, c);
}

/* The size that the content has, or any that goes with it. */
static uint64_t content_size(const struct content *c)
{
	uint64_t sum = 0;
	unsigned i;

	if (c->kind == CONTENT_INLINE)
		return c->data_len;
	for (i = 0; i < c->n_pieces; i++)
		sum += c->piece[i].len;
	return c->kind == CONTENT_ONE || c->kind == CONTENT_LIST ? 1 : sum;
}

void content_get(struct rd *r, struct content *c)
{
	unsigned kind;

	memset(c, 0, sizeof(*c));
	kind = rd_u8(r);
	if (kind > CONTENT_LIST) {
		rd_fail(r);
		return;
	}
	c->kind = (enum content_kind)kind;
	content_get_body(r, c);
	content_get_ids(r, c);
	if (content_bad(c, content_size(c)))
		rd_fail(r);
}
