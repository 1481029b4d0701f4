/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/build.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/node.h"

/* The open node of one level of one directory. */
struct build_level {
	/* level 0 */
	struct entry *entry;
	/* level > 0 */
	struct node_child *child;
	uint32_t n, cap;
	struct buf bytes;	/* names and such; offsets until sealed */
	uint64_t below;		/* leaf entries below it */
};

struct build_dir {
	struct build_dir *up;
	struct build_level level[NODE_MAX_LEVEL + 1];
	unsigned height;	/* levels in use */
	uint64_t entries, files, bytes;
	uint8_t last[ENTRY_NAME_MAX];
	uint16_t last_len;
};

struct build {
	struct session *session;
	const struct key *tree;
	struct build_dir *dir, *spare;
	struct buf node;	/* encoded, also the inlined listing */
	bool has_xattrs;
};

struct build *build_new(struct session *s, const struct key *tree)
{
	struct build *b = mem_zero(1, sizeof(*b));

	if (b) {
		b->session = s;
		b->tree = tree;
	}
	return b;
}

static void build_dir_free(struct build_dir *d)
{
	unsigned i;

	for (i = 0; i <= NODE_MAX_LEVEL; i++) {
		free(d->level[i].entry);
		free(d->level[i].child);
		buf_release(&d->level[i].bytes);
	}
	free(d);
}

void build_free(struct build *b)
{
	struct build_dir *d;

	if (!b)
		return;
	while ((d = b->dir)) {
		b->dir = d->up;
		build_dir_free(d);
	}
	while ((d = b->spare)) {
		b->spare = d->up;
		build_dir_free(d);
	}
	buf_release(&b->node);
	free(b);
}

int build_enter(struct build *b, struct err *e)
{
	struct build_dir *d = b->spare;
	unsigned i;

	if (d)
		b->spare = d->up;
	else
		d = mem_zero(1, sizeof(*d));
	if (!d)
		return err_nomem(e);
	for (i = 0; i <= NODE_MAX_LEVEL; i++) {
		d->level[i].n = 0;
		d->level[i].below = 0;
		buf_clear(&d->level[i].bytes);
	}
	d->height = 0;
	d->entries = d->files = d->bytes = 0;
	d->last_len = 0;
	d->up = b->dir;
	b->dir = d;
	return 0;
}

/*
 * Copies go to the level's bytes, which move when they grow: until the node
 * is encoded, the pointers are offsets + 1 (NULL stays NULL).
 */
static int build_keep(struct buf *bytes, const uint8_t **p, size_t len,
		      struct err *e)
{
	size_t at = bytes->len;
	int rc;

	if (!*p || !len) {
		*p = NULL;
		return 0;
	}
	if ((rc = buf_append(bytes, *p, len, e)) < 0)
		return rc;
	*p = (const uint8_t *)(uintptr_t)(at + 1);
	return 0;
}

static void build_point(const struct buf *bytes, const uint8_t **p)
{
	if (*p)
		*p = bytes->p + ((uintptr_t)*p - 1);
}

static int build_grow(struct build_level *l, bool leaf, struct err *e)
{
	uint32_t cap = l->cap ? l->cap * 2 : 32;
	void *p;

	if (l->n < l->cap)
		return 0;
	p = leaf ? mem_resize(l->entry, cap, sizeof(*l->entry)) :
		mem_resize(l->child, cap, sizeof(*l->child));
	if (!p)
		return err_nomem(e);
	if (leaf)
		l->entry = p;
	else
		l->child = p;
	l->cap = cap;
	return 0;
}

/* Encode the open node of a level into b->node. */
static int build_encode(struct build *b, struct build_dir *d, unsigned level,
			struct err *e)
{
	struct build_level *l = &d->level[level];
	uint32_t i;

	for (i = 0; i < l->n; i++) {
		if (level > 0) {
			build_point(&l->bytes, &l->child[i].name);
			continue;
		}
		build_point(&l->bytes, &l->entry[i].name);
		build_point(&l->bytes, &l->entry[i].target);
		build_point(&l->bytes, &l->entry[i].xattrs);
		build_point(&l->bytes, &l->entry[i].content.data);
		build_point(&l->bytes, &l->entry[i].dir.data);
	}
	buf_clear(&b->node);
	return level > 0 ?
		node_put_interior(&b->node, (uint8_t)level, l->child, l->n, e) :
		node_put_leaf(&b->node, l->entry, l->n, e);
}

/* The first name of an encoded node's level: it begins the level's bytes. */
static const uint8_t *build_first(const struct build_level *l, bool leaf,
				  uint16_t *len)
{
	*len = leaf ? l->entry[0].name_len : l->child[0].name_len;
	return leaf ? l->entry[0].name : l->child[0].name;
}

static int build_close(struct build *b, struct build_dir *d, unsigned level,
		       struct err *e);

/* Add a finished node to the level above it. */
static int build_child(struct build *b, struct build_dir *d, unsigned level,
		       const struct node_child *c, struct err *e)
{
	struct build_level *l;
	int rc;

	if (level > NODE_MAX_LEVEL)
		return err_set(e, ERR_IO, "a directory has too many entries");
	l = &d->level[level];
	if (level >= d->height)
		d->height = level + 1;
	if ((rc = build_grow(l, false, e)) < 0)
		return rc;
	l->child[l->n] = *c;
	if ((rc = build_keep(&l->bytes, &l->child[l->n].name, c->name_len,
			     e)) < 0)
		return rc;
	l->n++;
	l->below += c->entries;
	if (node_boundary(b->tree, (uint8_t)level, d->last, d->last_len, l->n))
		return build_close(b, d, level, e);
	return 0;
}

/* End the open node of a level: store it, hand it to the level above. */
static int build_close(struct build *b, struct build_dir *d, unsigned level,
		       struct err *e)
{
	struct build_level *l = &d->level[level];
	struct node_child c = { .entries = l->below };
	int rc;

	if ((rc = build_encode(b, d, level, e)) < 0 ||
	    (rc = session_put(b->session, OBJ_NODE, b->node.p, b->node.len,
			      &c.id, e)) < 0)
		return rc;
	c.name = build_first(l, level == 0, &c.name_len);
	rc = build_child(b, d, level + 1, &c, e);
	l->n = 0;
	l->below = 0;
	buf_clear(&l->bytes);
	return rc;
}

static void build_count(struct build_dir *d, const struct entry *en)
{
	d->entries++;
	if (S_ISDIR(en->mode)) {
		d->files += en->dir.files;
		d->bytes += en->dir.bytes;
	} else {
		d->files++;
		d->bytes += S_ISREG(en->mode) ? en->size : 0;
	}
}

bool build_has_xattrs(const struct build *b)
{
	return b->has_xattrs;
}

int build_add(struct build *b, const struct entry *en, struct err *e)
{
	struct build_dir *d = b->dir;
	struct build_level *l = &d->level[0];
	struct entry *to;
	int rc;

	BUG_ON(!node_name_ok(en->name, en->name_len));
	BUG_ON(d->last_len && node_name_cmp(d->last, d->last_len, en->name,
					    en->name_len) >= 0);
	if (en->xattrs_len || !oid_is_zero(&en->xattrs_id))
		b->has_xattrs = true;
	if (d->height == 0)
		d->height = 1;
	if ((rc = build_grow(l, true, e)) < 0)
		return rc;
	to = &l->entry[l->n];
	*to = *en;
	if ((rc = build_keep(&l->bytes, &to->name, en->name_len, e)) < 0 ||
	    (rc = build_keep(&l->bytes, &to->target, en->target_len, e)) < 0 ||
	    (rc = build_keep(&l->bytes, &to->xattrs, en->xattrs_len, e)) < 0 ||
	    (rc = build_keep(&l->bytes, &to->content.data,
			     en->content.kind == CONTENT_INLINE ?
			     en->content.data_len : 0, e)) < 0 ||
	    (rc = build_keep(&l->bytes, &to->dir.data,
			     en->dir.kind == DIR_INLINE ?
			     en->dir.data_len : 0, e)) < 0)
		return rc;
	l->n++;
	l->below++;
	build_count(d, en);
	memcpy(d->last, en->name, en->name_len);
	d->last_len = en->name_len;
	if (node_boundary(b->tree, 0, en->name, en->name_len, l->n))
		return build_close(b, d, 0, e);
	return 0;
}

/* Close what is open, level by level, until one node is left: the root. */
static int build_root(struct build *b, struct build_dir *d,
		      struct dir_ref *out, struct err *e)
{
	unsigned level;
	int rc;

	for (level = 0; level < d->height; level++) {
		struct build_level *l = &d->level[level];
		bool top = level + 1 == d->height;

		/* A lone child needs no node above it. */
		if (top && level > 0 && l->n == 1) {
			out->id = l->child[0].id;
			out->level = (uint8_t)(level - 1);
			break;
		}
		if (l->n == 0)
			continue;
		if (top) {
			if ((rc = build_encode(b, d, level, e)) < 0)
				return rc;
			out->level = (uint8_t)level;
			if (level == 0 && d->up &&
			    b->node.len <= NODE_INLINE_MAX) {
				out->kind = DIR_INLINE;
				out->data = b->node.p;
				out->data_len = (uint32_t)b->node.len;
				return 0;
			}
			rc = session_put(b->session, OBJ_NODE, b->node.p,
				b->node.len, &out->id, e);
			if (rc < 0)
				return rc;
			break;
		}
		if ((rc = build_close(b, d, level, e)) < 0)
			return rc;
	}
	out->kind = DIR_ROOT;
	return 0;
}

int build_leave(struct build *b, struct dir_ref *out, struct err *e)
{
	struct build_dir *d = b->dir;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	out->entries = d->entries;
	out->files = d->files;
	out->bytes = d->bytes;
	if (d->entries > 0)
		rc = build_root(b, d, out, e);
	b->dir = d->up;
	d->up = b->spare;
	b->spare = d;
	return rc;
}

/* --- piece lists --- */

struct build_list_level {
	struct piece *piece;
	struct list_child *child;
	uint32_t n;
	uint64_t bytes;
};

struct build_list {
	struct session *session;
	struct build_list_level level[LIST_MAX_LEVEL + 1];
	unsigned height;
	struct buf node;
};

struct build_list *build_list_new(struct session *s)
{
	struct build_list *l = mem_zero(1, sizeof(*l));

	if (l)
		l->session = s;
	return l;
}

void build_list_free(struct build_list *l)
{
	unsigned i;

	if (!l)
		return;
	for (i = 0; i <= LIST_MAX_LEVEL; i++) {
		free(l->level[i].piece);
		free(l->level[i].child);
	}
	buf_release(&l->node);
	free(l);
}

static int build_list_store(struct build_list *l, unsigned level,
			    struct list_child *c, struct err *e)
{
	struct build_list_level *at = &l->level[level];
	int rc;

	buf_clear(&l->node);
	rc = level ? list_put_children(&l->node, (uint8_t)level, at->child,
		at->n, e) : list_put_pieces(&l->node, at->piece, at->n, e);
	if (rc == 0)
		rc = session_put(l->session, OBJ_LIST, l->node.p, l->node.len,
			&c->id, e);
	c->bytes = at->bytes;
	return rc;
}

static int build_list_up(struct build_list *l, unsigned level, struct err *e)
{
	struct build_list_level *at, *up;
	struct list_child c;
	int rc;

	for (;; level++) {
		if (level >= LIST_MAX_LEVEL)
			return err_set(e, ERR_IO, "a file is too large");
		at = &l->level[level];
		up = &l->level[level + 1];
		if ((rc = build_list_store(l, level, &c, e)) < 0)
			return rc;
		at->n = 0;
		at->bytes = 0;
		if (!up->child) {
			up->child = mem_array(LIST_MAX_ITEMS,
				sizeof(*up->child));
			if (!up->child)
				return err_nomem(e);
		}
		if (l->height < level + 2)
			l->height = level + 2;
		up->child[up->n++] = c;
		up->bytes += c.bytes;
		if (!list_boundary(&c.id, up->n))
			return 0;
	}
}

int build_list_add(struct build_list *l, const struct piece *p, struct err *e)
{
	struct build_list_level *at = &l->level[0];
	struct oid hole = { { 0 } };
	const struct oid *id = &p->id;
	unsigned i;

	if (!at->piece) {
		at->piece = mem_array(LIST_MAX_ITEMS, sizeof(*at->piece));
		if (!at->piece)
			return err_nomem(e);
	}
	if (l->height == 0)
		l->height = 1;
	at->piece[at->n++] = *p;
	at->bytes += p->len;
	if (p->transform == PIECE_HOLE) {
		for (i = 0; i < 8; i++)
			hole.b[i] = (uint8_t)(p->len >> 8 * i);
		id = &hole;
	}
	return list_boundary(id, at->n) ? build_list_up(l, 0, e) : 0;
}

static void build_list_small(const struct build_list_level *at,
			     struct content *out)
{
	if (at->n == 1 && at->piece[0].transform == PIECE_RAW) {
		out->kind = CONTENT_ONE;
		out->id = at->piece[0].id;
		return;
	}
	out->kind = CONTENT_PIECES;
	out->n_pieces = (uint8_t)at->n;
	memcpy(out->piece, at->piece, at->n * sizeof(*at->piece));
}

int build_list_end(struct build_list *l, struct content *out, struct err *e)
{
	struct list_child c;
	unsigned level;
	int rc;

	memset(out, 0, sizeof(*out));
	if (l->height == 0)
		return 0;
	if (l->height == 1 && l->level[0].n <= ENTRY_PIECES_MAX) {
		build_list_small(&l->level[0], out);
		return 0;
	}
	for (level = 0; level < l->height; level++) {
		struct build_list_level *at = &l->level[level];
		bool top = level + 1 == l->height;

		if (top && level > 0 && at->n == 1) {
			out->id = at->child[0].id;
			out->level = (uint8_t)(level - 1);
			break;
		}
		if (at->n == 0)
			continue;
		if (!top) {
			if ((rc = build_list_up(l, level, e)) < 0)
				return rc;
			continue;
		}
		if ((rc = build_list_store(l, level, &c, e)) < 0)
			return rc;
		out->id = c.id;
		out->level = (uint8_t)level;
		break;
	}
	out->kind = CONTENT_LIST;
	return 0;
}
