/* SPDX-License-Identifier: BSD-2-Clause */
#include "maint/pieces.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/list.h"

struct pieces {
	struct reader *rd;
	pieces_fn *fn;
	void *ctx;
	struct err *e;
	uint64_t off;
};

static int pieces_one(struct pieces *k, const struct piece *p, bool lost)
{
	uint64_t off = k->off;

	k->off += p->len;
	return k->fn(p, off, lost, k->ctx);
}

static int pieces_lost(struct pieces *k, uint64_t len)
{
	struct piece hole = { .transform = PIECE_HOLE, .len = len };

	return len ? pieces_one(k, &hole, true) : 0;
}

/* A node of a list with so many bytes below it; levels bound the recursion. */
static int pieces_list(struct pieces *k, const struct oid *id, uint8_t level,
		       uint64_t bytes)
{
	struct err why = { ERR_OK, "" };
	struct list l = { .level = 0 };
	struct obj *o = NULL;
	uint32_t i;
	int rc;

	rc = reader_get(k->rd, OBJ_LIST, id, &o, &why);
	if (rc == 0)
		rc = list_get(&l, o->p, o->len, &why);
	if (rc == 0 && l.level != level) {
		list_release(&l);
		rc = ERR_CORRUPT;
	}
	if (rc == ERR_CORRUPT || rc == ERR_NOENT) {
		reader_release(k->rd, o);
		return pieces_lost(k, bytes);
	}
	if (rc < 0) {
		reader_release(k->rd, o);
		if (k->e)
			*k->e = why;
		return rc;
	}
	for (i = 0; rc == 0 && i < l.n; i++)
		rc = level == 0 ? pieces_one(k, &l.piece[i], false) :
			pieces_list(k, &l.child[i].id, (uint8_t)(level - 1),
				l.child[i].bytes);
	list_release(&l);
	reader_release(k->rd, o);
	return rc;
}

int pieces_each(struct reader *rd, const struct content *c, uint64_t size,
		pieces_fn *fn, void *ctx, struct err *e)
{
	struct pieces k = { rd, fn, ctx, e, 0 };
	struct piece one = { .transform = PIECE_RAW, .len = size, .id = c->id };
	uint8_t i;
	int rc = 0;

	switch (c->kind) {
	case CONTENT_NONE:
	case CONTENT_INLINE:
		break;
	case CONTENT_ONE:
		return pieces_one(&k, &one, false);
	case CONTENT_PIECES:
		for (i = 0; rc == 0 && i < c->n_pieces; i++)
			rc = pieces_one(&k, &c->piece[i], false);
		break;
	case CONTENT_LIST:
		return pieces_list(&k, &c->id, c->level, size);
	}
	return rc;
}

void pieces_lost_add(struct ranges *r, uint64_t off, uint64_t len)
{
	bool touches = r->n && off == r->end;

	if (!touches)
		r->n++;
	if (r->n <= RANGES_SHOWN) {
		struct range *at = &r->r[r->n - 1];

		if (!touches)
			*at = (struct range) { off, 0 };
		at->len += len;
	}
	r->bytes += len;
	r->end = off + len;
}

void pieces_lost_text(const struct ranges *r, uint64_t size, char *out,
		 size_t out_size)
{
	uint64_t shown = r->n < RANGES_SHOWN ? r->n : RANGES_SHOWN, i;
	size_t len;

	if (r->bytes == size) {
		snprintf(out, out_size, "all of its %" PRIu64 " bytes are "
			"lost", size);
		return;
	}
	len = (size_t)snprintf(out, out_size, "bytes ");
	for (i = 0; i < shown && len < out_size; i++)
		len += (size_t)snprintf(out + len, out_size - len,
			"%s%" PRIu64 "-%" PRIu64, i == 0 ? "" :
			i + 1 == r->n ? " and " : ", ", r->r[i].off,
			r->r[i].off + r->r[i].len - 1);
	if (r->n > shown && len < out_size)
		len += (size_t)snprintf(out + len, out_size - len,
			" and %" PRIu64 " more ranges", r->n - shown);
	if (len < out_size)
		snprintf(out + len, out_size - len, " of %" PRIu64 " are lost",
			size);
}
