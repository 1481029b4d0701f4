/* SPDX-License-Identifier: BSD-2-Clause */
#include "maint/refs.h"

#include <sys/stat.h>

#include "format/list.h"
#include "format/node.h"

static int refs_pieces(const struct refs *r, const struct piece *p, uint32_t n)
{
	uint32_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < n; i++)
		if (p[i].transform != PIECE_HOLE)
			rc = r->data(&p[i].id, r->ctx);
	return rc;
}

static int refs_content(const struct refs *r, const struct content *k)
{
	switch (k->kind) {
	case CONTENT_ONE:
		return r->data(&k->id, r->ctx);
	case CONTENT_PIECES:
		return refs_pieces(r, k->piece, k->n_pieces);
	case CONTENT_LIST:
		return r->inner(OBJ_LIST, &k->id, r->ctx);
	case CONTENT_NONE:
	case CONTENT_INLINE:
		break;
	}
	return 0;
}

static int refs_entry(const struct refs *r, const struct entry *en,
		      struct err *e)
{
	int rc = 0;

	if (!oid_is_zero(&en->xattrs_id))
		rc = r->data(&en->xattrs_id, r->ctx);
	if (rc == 0 && S_ISREG(en->mode))
		rc = refs_content(r, &en->content);
	if (rc == 0 && S_ISDIR(en->mode))
		rc = refs_each_dir(r, &en->dir, e);
	return rc;
}

static int refs_node(const struct refs *r, const void *p, size_t len,
		     struct err *e)
{
	struct node n;
	uint32_t i;
	int rc;

	if ((rc = node_get(&n, p, len, e)) < 0)
		return rc;
	for (i = 0; rc == 0 && i < n.n; i++)
		rc = n.level ? r->inner(OBJ_NODE, &n.child[i].id, r->ctx) :
			refs_entry(r, &n.entry[i], e);
	node_release(&n);
	return rc;
}

static int refs_list(const struct refs *r, const void *p, size_t len,
		     struct err *e)
{
	struct list l;
	uint32_t i;
	int rc;

	if ((rc = list_get(&l, p, len, e)) < 0)
		return rc;
	if (l.level == 0)
		rc = refs_pieces(r, l.piece, l.n);
	for (i = 0; rc == 0 && l.level && i < l.n; i++)
		rc = r->inner(OBJ_LIST, &l.child[i].id, r->ctx);
	list_release(&l);
	return rc;
}

/* An inlined listing is at most NODE_INLINE_MAX bytes, and what is inlined in
 * it is smaller: that bounds the recursion. */
int refs_each_dir(const struct refs *r, const struct dir_ref *d,
		  struct err *e)
{
	if (d->kind == DIR_ROOT)
		return r->inner(OBJ_NODE, &d->id, r->ctx);
	if (d->kind == DIR_INLINE)
		return refs_node(r, d->data, d->data_len, e);
	return 0;
}

int refs_each(const struct refs *r, enum obj_type t, const void *p,
	      size_t len, struct err *e)
{
	return t == OBJ_LIST ? refs_list(r, p, len, e) :
		refs_node(r, p, len, e);
}
