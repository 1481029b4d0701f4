/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* One node on the way down; 'at' is the next entry or child to visit. */
struct tree_level {
	struct obj *obj;	/* NULL: an inlined listing */
	struct node node;
	uint32_t at;
};
#define TREE_DEPTH_MAX (NODE_MAX_LEVEL + 1)

void tree_iter_release(struct tree_iter *it)
{
	while (it->depth > 0) {
		struct tree_level *l = &it->level[--it->depth];

		node_release(&l->node);
		reader_release(it->rd, l->obj);
	}
	free(it->level);
	it->level = NULL;
	tree_entry_free(it->hold);
	it->hold = NULL;
}

/* Go down into a node of a known level. */
static int tree_push(struct tree_iter *it, const struct oid *id, int level,
		     struct err *e)
{
	struct tree_level *l = &it->level[it->depth];
	int rc;

	memset(l, 0, sizeof(*l));
	if ((rc = reader_get(it->rd, OBJ_NODE, id, &l->obj, e)) < 0)
		return rc;
	rc = node_get(&l->node, l->obj->p, l->obj->len, e);
	if (rc == 0 && l->node.level != level)
		rc = err_set(e, ERR_CORRUPT, "a directory's tree has a node of "
			"another level");
	if (rc < 0) {
		node_release(&l->node);
		reader_release(it->rd, l->obj);
		return rc;
	}
	it->depth++;
	return 0;
}

static int tree_start(struct tree_iter *it, struct reader *rd,
		      const struct dir_ref *dir, struct err *e)
{
	int rc;

	memset(it, 0, sizeof(*it));
	it->rd = rd;
	if (dir->kind == DIR_EMPTY)
		return 0;
	it->level = mem_zero(TREE_DEPTH_MAX, sizeof(*it->level));
	if (!it->level)
		return err_nomem(e);
	if (dir->kind == DIR_ROOT) {
		if (dir->level > NODE_MAX_LEVEL)
			return err_set(e, ERR_CORRUPT,
				"a directory's tree is too high");
		return tree_push(it, &dir->id, dir->level, e);
	}
	rc = node_get(&it->level[0].node, dir->data, dir->data_len, e);
	if (rc == 0 && it->level[0].node.level != 0)
		rc = err_set(e, ERR_CORRUPT,
			"an inlined directory is not a leaf");
	if (rc < 0)
		node_release(&it->level[0].node);
	else
		it->depth = 1;
	return rc;
}

int tree_iter_init(struct tree_iter *it, struct reader *rd,
		   const struct dir_ref *dir, uint64_t from, struct err *e)
{
	uint64_t left = from;
	int rc;

	if ((rc = tree_start(it, rd, dir, e)) < 0)
		return rc;
	it->pos = from;
	while (it->depth > 0) {
		struct tree_level *l = &it->level[it->depth - 1];

		if (l->node.level == 0) {
			l->at = left < l->node.n ? (uint32_t)left : l->node.n;
			return 0;
		}
		while (l->at + 1 < l->node.n &&
		       left >= l->node.child[l->at].entries)
			left -= l->node.child[l->at++].entries;
		rc = tree_push(it, &l->node.child[l->at].id,
			l->node.level - 1, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int tree_cmp_child(const struct node *n, uint32_t i, const void *name,
			  size_t len)
{
	return n->level > 0 ?
		node_name_cmp(n->child[i].name, n->child[i].name_len, name,
			len) :
		node_name_cmp(n->entry[i].name, n->entry[i].name_len, name,
			len);
}

/* The first place in a node whose name is >= name. */
static uint32_t tree_lower(const struct node *n, const void *name, size_t len)
{
	uint32_t lo = 0, hi = n->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (tree_cmp_child(n, mid, name, len) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int tree_iter_seek(struct tree_iter *it, struct reader *rd,
		   const struct dir_ref *dir, const void *name, size_t len,
		   struct err *e)
{
	int rc;

	if ((rc = tree_start(it, rd, dir, e)) < 0)
		return rc;
	while (it->depth > 0) {
		struct tree_level *l = &it->level[it->depth - 1];
		uint32_t i, k = tree_lower(&l->node, name, len);

		if (l->node.level == 0) {
			l->at = k;
			it->pos += k;
			return 0;
		}
		/* The child that begins at or before the name. */
		if (k == l->node.n || (k > 0 &&
		    tree_cmp_child(&l->node, k, name, len) != 0))
			k--;
		for (i = 0; i < k; i++)
			it->pos += l->node.child[i].entries;
		l->at = k;
		rc = tree_push(it, &l->node.child[k].id, l->node.level - 1, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The node at hand is used up: to its parent's next child. */
static void tree_pop(struct tree_iter *it)
{
	struct tree_level *l = &it->level[it->depth - 1];

	node_release(&l->node);
	reader_release(it->rd, l->obj);
	it->depth--;
	it->level[it->depth - 1].at++;
}

int tree_iter_next(struct tree_iter *it, const struct entry **out,
		   struct err *e)
{
	int rc;

	while (it->depth > 0) {
		struct tree_level *l = &it->level[it->depth - 1];

		if (l->at >= l->node.n) {
			if (it->depth == 1)
				return 0;
			tree_pop(it);
			continue;
		}
		if (l->node.level == 0) {
			*out = &l->node.entry[l->at++];
			it->pos++;
			return 1;
		}
		rc = tree_push(it, &l->node.child[l->at].id,
			l->node.level - 1, e);
		if (rc < 0) {
			l->at++;
			return rc;
		}
	}
	return 0;
}

int tree_lookup(struct tree_iter *it, struct reader *rd,
		const struct dir_ref *dir, const void *name, size_t len,
		const struct entry **out, struct err *e)
{
	int rc;

	*out = NULL;
	if ((rc = tree_iter_seek(it, rd, dir, name, len, e)) < 0 ||
	    (rc = tree_iter_next(it, out, e)) < 0)
		return rc;
	if (rc == 1 && node_name_cmp((*out)->name, (*out)->name_len, name,
				     len) == 0)
		return 0;
	*out = NULL;
	return err_set(e, ERR_NOENT, "there is no '%.*s'", (int)len,
		(const char *)name);
}

int tree_find(struct tree_iter *it, struct reader *rd,
	      const struct dir_ref *root, const char *path,
	      const struct entry **out, struct err *e)
{
	struct tree_entry *hold = NULL, *next;
	const char *s = path;
	int rc;

	for (;;) {
		size_t n = strcspn(s, "/");

		rc = tree_lookup(it, rd, hold ? &hold->e.dir : root, s, n, out,
			e);
		s += n + strspn(s + n, "/");
		if (rc < 0 || !*s)
			break;
		if (!S_ISDIR((*out)->mode)) {
			rc = err_set(e, ERR_NOENT, "there is no '%s'", path);
			break;
		}
		/* The entry may lie in the bytes of the one held so far. */
		next = tree_entry_copy(*out);
		tree_iter_release(it);
		tree_entry_free(hold);
		hold = next;
		if (!hold) {
			rc = err_nomem(e);
			break;
		}
	}
	it->hold = hold;
	return rc;
}

/* Append bytes and tell where they are now. */
static const uint8_t *tree_put(uint8_t **at, const void *p, size_t len)
{
	uint8_t *to = *at;

	if (!p || !len)
		return NULL;
	memcpy(to, p, len);
	*at += len;
	return to;
}

struct tree_entry *tree_entry_copy(const struct entry *e)
{
	size_t inl = e->content.kind == CONTENT_INLINE ?
		e->content.data_len : 0;
	size_t dir = e->dir.kind == DIR_INLINE ? e->dir.data_len : 0;
	struct tree_entry *t = mem_alloc(sizeof(*t) + e->name_len + 1u +
		e->xattrs_len + e->target_len + 1u + inl + dir);
	uint8_t *at;

	if (!t)
		return NULL;
	at = t->bytes;
	t->e = *e;
	t->e.name = tree_put(&at, e->name, e->name_len);
	*at++ = '\0';
	t->e.target = tree_put(&at, e->target, e->target_len);
	*at++ = '\0';
	t->e.xattrs = tree_put(&at, e->xattrs, e->xattrs_len);
	t->e.content.data = tree_put(&at, e->content.data, inl);
	t->e.dir.data = tree_put(&at, e->dir.data, dir);
	return t;
}

void tree_entry_free(struct tree_entry *t)
{
	free(t);
}

int tree_xattrs(struct reader *rd, const struct entry *en,
		const uint8_t **set, size_t *len, struct obj **hold,
		struct err *e)
{
	int rc;

	*hold = NULL;
	*set = en->xattrs;
	*len = en->xattrs_len;
	if (oid_is_zero(&en->xattrs_id))
		return 0;
	if ((rc = reader_get(rd, OBJ_DATA, &en->xattrs_id, hold, e)) < 0)
		return rc;
	*set = (*hold)->p;
	*len = (*hold)->len;
	return 0;
}
