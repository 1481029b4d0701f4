/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/file.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/list.h"

/* A node of the piece list on the way down. */
struct file_level {
	struct list list;
	uint64_t off;		/* of the node's first byte in the file */
};

struct file {
	struct reader *rd;
	struct content content;
	uint8_t *data;			/* inline content, own copy */
	uint64_t size;
	struct file_level level[LIST_MAX_LEVEL + 1];
	unsigned depth;			/* nodes that are loaded */
	struct piece piece;		/* the piece at hand */
	uint64_t piece_off;
	bool have;			/* piece is set */
	struct obj *obj;		/* its bytes, or NULL */
	bool used;			/* all of them were handed on */
};

int file_open(struct file **out, struct reader *rd, const struct content *c,
	      uint64_t size, struct err *e)
{
	struct file *f = mem_zero(1, sizeof(*f));

	*out = NULL;
	if (!f)
		return err_nomem(e);
	f->rd = rd;
	f->content = *c;
	f->size = size;
	if (c->kind == CONTENT_INLINE) {
		f->data = mem_dup(c->data, c->data_len);
		if (!f->data) {
			free(f);
			return err_nomem(e);
		}
	}
	*out = f;
	return 0;
}

const struct content *file_content(const struct file *f)
{
	return &f->content;
}

static void file_pop(struct file *f, unsigned depth)
{
	while (f->depth > depth)
		list_release(&f->level[--f->depth].list);
}

void file_rest(struct file *f)
{
	if (f->used)
		reader_release_used(f->rd, f->obj);
	else
		reader_release(f->rd, f->obj);
	f->obj = NULL;
	f->used = false;
}

void file_used(struct file *f, uint64_t end)
{
	if (f->obj && end >= f->piece_off + f->piece.len)
		f->used = true;
}

void file_close(struct file *f)
{
	if (!f)
		return;
	file_pop(f, 0);
	file_rest(f);
	free(f->data);
	free(f);
}

/* Load a list node as the next level down. */
static int file_push(struct file *f, const struct oid *id, unsigned level,
		     uint64_t off, struct err *e)
{
	struct file_level *l = &f->level[f->depth];
	struct obj *o;
	int rc;

	if ((rc = reader_get(f->rd, OBJ_LIST, id, &o, e)) < 0)
		return rc;
	memset(l, 0, sizeof(*l));
	rc = list_get(&l->list, o->p, o->len, e);
	reader_release(f->rd, o);
	if (rc == 0 && l->list.level != level)
		rc = err_set(e, ERR_CORRUPT,
			"a piece list has a node of another level");
	if (rc < 0) {
		list_release(&l->list);
		return rc;
	}
	l->off = off;
	f->depth++;
	return 0;
}

static uint64_t file_span(const struct list *l)
{
	uint64_t n = 0;
	uint32_t i;

	for (i = 0; i < l->n; i++)
		n += l->level ? l->child[i].bytes : l->piece[i].len;
	return n;
}

static int file_short(struct err *e)
{
	return err_set(e, ERR_CORRUPT,
		"the pieces of a file do not add up to its size");
}

/* Find the piece at off in pieces that begin at 'start'. */
static int file_pick(struct file *f, const struct piece *p, uint32_t n,
		     uint64_t start, uint64_t off, struct err *e)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (off - start < p[i].len) {
			f->piece = p[i];
			f->piece_off = start;
			f->have = true;
			return 0;
		}
		start += p[i].len;
	}
	return file_short(e);
}

static int file_seek_list(struct file *f, uint64_t off, struct err *e)
{
	int rc;

	/* Keep the part of the way that still leads there. */
	while (f->depth > 0) {
		struct file_level *l = &f->level[f->depth - 1];

		if (off >= l->off && off - l->off < file_span(&l->list))
			break;
		file_pop(f, f->depth - 1);
	}
	if (f->depth == 0) {
		rc = file_push(f, &f->content.id, f->content.level, 0, e);
		if (rc < 0)
			return rc;
	}
	for (;;) {
		struct file_level *l = &f->level[f->depth - 1];
		uint64_t start = l->off;
		uint32_t i = 0;

		if (l->list.level == 0)
			return file_pick(f, l->list.piece, l->list.n, start,
				off, e);
		while (i < l->list.n && off - start >= l->list.child[i].bytes)
			start += l->list.child[i++].bytes;
		if (i == l->list.n)
			return file_short(e);
		rc = file_push(f, &l->list.child[i].id, l->list.level - 1u,
			start, e);
		if (rc < 0)
			return rc;
	}
}

static int file_seek(struct file *f, uint64_t off, struct err *e)
{
	const struct content *c = &f->content;

	if (f->have && off >= f->piece_off &&
	    off - f->piece_off < f->piece.len)
		return 0;
	file_rest(f);
	f->have = false;
	switch (c->kind) {
	case CONTENT_ONE:
		f->piece = (struct piece) { .transform = PIECE_RAW,
			.len = f->size, .id = c->id };
		f->piece_off = 0;
		f->have = true;
		return 0;
	case CONTENT_PIECES:
		return file_pick(f, c->piece, c->n_pieces, 0, off, e);
	case CONTENT_LIST:
		return file_seek_list(f, off, e);
	case CONTENT_NONE:
	case CONTENT_INLINE:
		break;
	}
	return file_short(e);
}

static int file_load(struct file *f, struct err *e)
{
	int rc;

	if (f->obj)
		return 0;
	if (f->piece.transform != PIECE_RAW)
		return err_set(e, ERR_CONFIG, "the file is stored in a way "
			"that needs a newer muniment");
	rc = reader_get(f->rd, OBJ_DATA, &f->piece.id, &f->obj, e);
	if (rc == 0 && f->obj->len != f->piece.len) {
		reader_release(f->rd, f->obj);
		f->obj = NULL;
		rc = err_set(e, ERR_CORRUPT,
			"a piece of a file has another length");
	}
	return rc;
}

/* file_seek, and the piece does not reach past the end. */
static int file_seek_piece(struct file *f, uint64_t off, struct err *e)
{
	int rc = file_seek(f, off, e);

	if (rc == 0 && f->piece_off + f->piece.len > f->size)
		rc = file_short(e);
	return rc;
}

int file_at(struct file *f, uint64_t off, const uint8_t **p, uint64_t *len,
	    bool *hole, struct err *e)
{
	uint64_t in;
	int rc;

	*p = NULL;
	*len = 0;
	*hole = false;
	if (off >= f->size)
		return 0;
	if (f->content.kind == CONTENT_INLINE) {
		if (f->content.data_len != f->size)
			return file_short(e);
		*p = f->data + off;
		*len = f->size - off;
		return 0;
	}
	if ((rc = file_seek_piece(f, off, e)) < 0)
		return rc;
	in = off - f->piece_off;
	*len = f->piece.len - in;
	if (f->piece.transform == PIECE_HOLE) {
		*hole = true;
		return 0;
	}
	if ((rc = file_load(f, e)) < 0) {
		*len = 0;
		return rc;
	}
	*p = f->obj->p + in;
	return 0;
}

int file_read(struct file *f, uint64_t off, void *out, size_t len,
	      size_t *got, struct err *e)
{
	uint8_t *to = out;
	const uint8_t *p;
	uint64_t n;
	bool hole;
	int rc;

	*got = 0;
	while (len > 0) {
		if ((rc = file_at(f, off, &p, &n, &hole, e)) < 0)
			return rc;
		if (n == 0)
			break;
		if (n > len)
			n = len;
		if (hole)
			memset(to, 0, n);
		else
			memcpy(to, p, n);
		to += n;
		off += n;
		len -= n;
		*got += n;
	}
	return 0;
}

int file_piece(struct file *f, uint64_t off, const struct piece **p,
	       uint64_t *begin, struct err *e)
{
	int rc = file_seek_piece(f, off, e);

	*p = &f->piece;
	*begin = f->piece_off;
	return rc;
}

int file_each(struct reader *rd, const struct content *c, uint64_t size,
	      file_piece_fn *fn, void *ctx, struct err *e)
{
	struct piece whole = { .transform = PIECE_RAW, .len = size };
	struct file *f;
	uint64_t off = 0;
	int rc;

	if (size == 0)
		return 0;
	if (c->kind == CONTENT_INLINE)
		return c->data_len == size ? fn(&whole, 0, ctx) :
			file_short(e);
	if ((rc = file_open(&f, rd, c, size, e)) < 0)
		return rc;
	while (off < size) {
		if ((rc = file_seek_piece(f, off, e)) < 0)
			break;
		off = f->piece_off + f->piece.len;
		if ((rc = fn(&f->piece, f->piece_off, ctx)) != 0)
			break;
	}
	file_close(f);
	return rc;
}
