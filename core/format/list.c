/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/list.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/le.h"

bool list_boundary(const struct oid *id, uint32_t n)
{
	if (n >= LIST_MAX_ITEMS)
		return true;
	return n >= LIST_MIN_ITEMS && le_get64(id->b) % LIST_MEAN_ITEMS == 0;
}

static int put_head(struct wr *w, uint8_t level, uint32_t n, struct err *e)
{
	BUG_ON(level > LIST_MAX_LEVEL);
	if (n == 0 || n > LIST_MAX_ITEMS)
		return err_set(e, ERR_CORRUPT, "piece list of %u items", n);
	wr_u8(w, level);
	wr_varint(w, n);
	return 0;
}

int list_put_pieces(struct buf *out, const struct piece *p, uint32_t n,
	struct err *e)
{
	struct wr w;
	uint32_t i;
	int rc;

	wr_init(&w, out);
	if ((rc = put_head(&w, 0, n, e)) < 0)
		return rc;
	for (i = 0; i < n; i++)
		piece_put(&w, &p[i]);
	return wr_done(&w, e);
}

int list_put_children(struct buf *out, uint8_t level,
	const struct list_child *c, uint32_t n, struct err *e)
{
	struct wr w;
	uint32_t i;
	int rc;

	BUG_ON(level == 0);
	wr_init(&w, out);
	if ((rc = put_head(&w, level, n, e)) < 0)
		return rc;
	for (i = 0; i < n; i++) {
		wr_bytes(&w, c[i].id.b, sizeof(c[i].id.b));
		wr_varint(&w, c[i].bytes);
	}
	return wr_done(&w, e);
}

static int get_items(struct list *l, struct rd *r, struct err *e)
{
	uint64_t sum = 0, bytes;
	uint32_t i;

	if (l->level == 0)
		l->piece = mem_zero(l->n, sizeof(*l->piece));
	else
		l->child = mem_zero(l->n, sizeof(*l->child));
	if (!l->piece && !l->child)
		return err_nomem(e);
	for (i = 0; i < l->n && !r->bad; i++) {
		if (l->level == 0) {
			piece_get(r, &l->piece[i]);
			bytes = l->piece[i].len;
		} else {
			rd_copy(r, l->child[i].id.b, sizeof(struct oid));
			l->child[i].bytes = bytes = rd_varint(r);
		}
		if (bytes == 0 || bytes > INT64_MAX - sum)
			rd_fail(r);
		else
			sum += bytes;
	}
	return 0;
}

int list_get(struct list *l, const void *p, size_t len, struct err *e)
{
	struct rd r;
	int rc;

	memset(l, 0, sizeof(*l));
	rd_init(&r, p, len);
	l->level = rd_u8(&r);
	l->n = (uint32_t)rd_varint_max(&r, LIST_MAX_ITEMS);
	if (r.bad || l->n == 0 || l->level > LIST_MAX_LEVEL) {
		l->n = 0;
		return err_set(e, ERR_CORRUPT, "not a piece list");
	}
	rc = get_items(l, &r, e);
	if (rc == 0 && !rd_done(&r))
		rc = err_set(e, ERR_CORRUPT, "damaged piece list");
	if (rc < 0)
		list_release(l);
	return rc;
}

void list_release(struct list *l)
{
	free(l->piece);
	free(l->child);
	memset(l, 0, sizeof(*l));
}
