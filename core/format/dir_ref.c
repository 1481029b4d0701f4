/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/content.h"

#include <string.h>

#include "format/node.h"

const char *dir_ref_bad(const struct dir_ref *d)
{
	switch (d->kind) {
	case DIR_EMPTY:
		if (d->entries || d->files || d->bytes)
			return "counts of an empty directory";
		return NULL;
	case DIR_INLINE:
		if (d->data_len == 0 || d->data_len > NODE_INLINE_MAX)
			return "inline directory";
		break;
	case DIR_ROOT:
		if (d->level > NODE_MAX_LEVEL)
			return "height of a directory";
		break;
	default:
		return "kind of directory";
	}
	return d->entries ? NULL : "counts of a directory";
}

void dir_ref_put_body(struct wr *w, const struct dir_ref *d)
{
	if (d->kind == DIR_EMPTY)
		return;
	if (d->kind == DIR_INLINE) {
		wr_varint(w, d->data_len);
		wr_bytes(w, d->data, d->data_len);
	} else {
		wr_u8(w, d->level);
	}
	wr_varint(w, d->entries);
	wr_varint(w, d->files);
	wr_varint(w, d->bytes);
}

void dir_ref_get_body(struct rd *r, struct dir_ref *d)
{
	if (d->kind == DIR_EMPTY)
		return;
	if (d->kind == DIR_INLINE) {
		d->data_len = (uint32_t)rd_varint_max(r, NODE_INLINE_MAX);
		d->data = rd_bytes(r, d->data_len);
	} else {
		d->level = rd_u8(r);
	}
	d->entries = rd_varint(r);
	d->files = rd_varint(r);
	d->bytes = rd_varint(r);
}

void dir_ref_put(struct wr *w, const struct dir_ref *d)
{
	wr_u8(w, (uint8_t)d->kind);
	dir_ref_put_body(w, d);
	if (d->kind == DIR_ROOT)
		wr_bytes(w, d->id.b, sizeof(d->id.b));
}

void dir_ref_get(struct rd *r, struct dir_ref *d)
{
	unsigned kind;

	memset(d, 0, sizeof(*d));
	kind = rd_u8(r);
	if (kind > DIR_ROOT) {
		rd_fail(r);
		return;
	}
	d->kind = (enum dir_kind)kind;
	dir_ref_get_body(r, d);
	if (d->kind == DIR_ROOT)
		rd_copy(r, d->id.b, sizeof(d->id.b));
	if (dir_ref_bad(d))
		rd_fail(r);
}
