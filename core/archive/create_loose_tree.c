/* SPDX-License-Identifier: BSD-2-Clause */
/* Loose entries put in order: who survives, who is whose link, the tree. */
#include "archive/create_loose_priv.h"

#include <stdlib.h>
#include <string.h>

#include "archive/create_priv.h"
#include "base/mem.h"
#include "format/node.h"

/* --- order of paths --- */

/* A path in up to three parts. */
struct loose_path {
	const uint8_t *p[3];
	size_t len[3];
};

static struct loose_path path_of(const struct create_loose *l,
				 const struct loose_row *row)
{
	const uint8_t *text = l->text.p;

	return (struct loose_path) {
		{ text + row->dir, (const uint8_t *)"", text + row->name },
		{ row->dir_len, row->dir_len ? 1 : 0, row->name_len }
	};
}

/* By bytes; a NUL between names makes that the order of a tree.  *prefix: all
 * of a is the beginning of b. */
static int path_cmp(struct loose_path a, struct loose_path b, bool *prefix)
{
	unsigned i = 0, j = 0;

	*prefix = false;
	for (;;) {
		size_t n;
		int c;

		while (i < 3 && a.len[i] == 0)
			i++;
		while (j < 3 && b.len[j] == 0)
			j++;
		if (i == 3 || j == 3)
			break;
		n = a.len[i] < b.len[j] ? a.len[i] : b.len[j];
		if ((c = memcmp(a.p[i], b.p[j], n)))
			return c;
		a.p[i] += n;
		a.len[i] -= n;
		b.p[j] += n;
		b.len[j] -= n;
	}
	*prefix = i == 3 && j < 3 && *b.p[j] == '\0';
	return i < 3 ? 1 : j < 3 ? -1 : 0;
}

static int order_cmp(const void *x, const void *y, void *ctx)
{
	const struct create_loose *l = ctx;
	uint32_t i = *(const uint32_t *)x, j = *(const uint32_t *)y;
	const struct loose_row *a = &l->row[i], *b = &l->row[j];
	bool prefix;
	int c;

	if (a->dir == b->dir && a->dir_len == b->dir_len)
		c = node_name_cmp(l->text.p + a->name, a->name_len,
			l->text.p + b->name, b->name_len);
	else
		c = path_cmp(path_of(l, a), path_of(l, b), &prefix);
	return c ? c : i < j ? -1 : i > j;
}

static int loose_sort(struct create_loose *l)
{
	uint32_t i;

	l->order = mem_array(l->n, sizeof(*l->order));
	if (!l->order)
		return err_nomem(l->c->e);
	for (i = 0; i < l->n; i++)
		l->order[i] = i;
	qsort_r(l->order, l->n, sizeof(*l->order), order_cmp, l);
	return 0;
}

/* --- hard links --- */

/* The newest row of a path that came before row 'before'. */
static uint32_t loose_find(const struct create_loose *l, const uint8_t *path,
			   size_t len, uint32_t before)
{
	struct loose_path want = { { path, NULL, NULL }, { len, 0, 0 } };
	uint32_t lo = 0, hi = l->n;
	bool prefix;
	int c;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2, at = l->order[mid];

		c = path_cmp(path_of(l, &l->row[at]), want, &prefix);
		if (c < 0 || (c == 0 && at < before))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return LOOSE_NONE;
	lo = l->order[lo - 1];
	return path_cmp(path_of(l, &l->row[lo]), want, &prefix) == 0 ? lo :
		LOOSE_NONE;
}

/* Rows come before the links to them, so one pass in their order does it. */
static void loose_link(struct create_loose *l)
{
	uint32_t i;

	for (i = 0; i < l->n; i++) {
		struct loose_row *row = &l->row[i], *to;

		if (!(row->state & LOOSE_LINK))
			continue;
		row->target = loose_find(l, l->text.p + row->name +
			row->name_len, (size_t)row->content, i);
		to = row->target == LOOSE_NONE ? NULL : &l->row[row->target];
		if (to && to->state & LOOSE_LINK) {
			row->target = to->target;
			to = row->target == LOOSE_NONE ? NULL :
				&l->row[row->target];
		}
		if (to && !(to->state & LOOSE_DIR))
			continue;
		row->target = LOOSE_NONE;
		row->state |= LOOSE_GONE;
		create_loose_warn(l, create_loose_path(l, row),
			"it is a hard link to something that did not come "
			"before it");
	}
}

/* --- one row a path, and nothing below what is no directory --- */

/* Rows order[i + 1 ..] that are below a row which is no directory: those that
 * it replaced are gone; if others came later they have replaced it. */
static void loose_below(struct create_loose *l, uint32_t i)
{
	uint32_t self = l->order[i], j;
	struct loose_row *row = &l->row[self];
	bool prefix, later = false;

	for (j = i + 1; j < l->n; j++) {
		uint32_t at = l->order[j];
		struct loose_row *below = &l->row[at];

		if (path_cmp(path_of(l, row), path_of(l, below),
			     &prefix) == 0)
			continue;
		if (!prefix)
			break;
		if (at < self)
			below->state |= LOOSE_GONE;
		else if (!(below->state & LOOSE_GONE))
			later = true;
	}
	if (later) {
		row->state |= LOOSE_GONE;
		create_loose_warn(l, create_loose_path(l, row),
			"there is a directory of that name, too");
	}
}

static void loose_judge(struct create_loose *l)
{
	struct loose_row *newest = NULL;
	uint32_t i;
	bool prefix;

	for (i = l->n; i-- > 0;) {
		struct loose_row *row = &l->row[l->order[i]];

		if (row->state & LOOSE_GONE)
			continue;
		if (newest && path_cmp(path_of(l, row), path_of(l, newest),
				       &prefix) == 0)
			row->state |= LOOSE_GONE;
		else
			newest = row;
	}
	for (i = 0; i < l->n; i++) {
		struct loose_row *row = &l->row[l->order[i]];

		if (!(row->state & (LOOSE_DIR | LOOSE_GONE)))
			loose_below(l, i);
	}
	for (i = 0; i < l->n; i++) {
		struct loose_row *row = &l->row[i];

		if (!(row->state & LOOSE_GONE))
			l->row[row->target == LOOSE_NONE ? i :
				row->target].links++;
	}
}

/* --- the tree --- */

/* A directory on the way down: what its name is, and whose entry it has. */
struct loose_open {
	const uint8_t *name;
	size_t len;
	const struct loose_row *row;	/* NULL: implicit */
};
struct loose_tree {
	struct create_loose *l;
	struct loose_open *open;
	size_t depth, cap;
};

static int tree_enter(struct loose_tree *t, const uint8_t *name, size_t len,
		      const struct loose_row *row)
{
	struct create *c = t->l->c;

	if (t->depth == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 32;
		struct loose_open *p = mem_resize(t->open, cap, sizeof(*p));

		if (!p)
			return err_nomem(c->e);
		t->open = p;
		t->cap = cap;
	}
	t->open[t->depth++] = (struct loose_open) { name, len, row };
	return build_enter(c->build, c->e);
}

static int tree_leave(struct loose_tree *t)
{
	const struct loose_open *d = &t->open[--t->depth];
	struct create *c = t->l->c;
	struct entry en = { .mode = S_IFDIR | 0755, .flags = ENTRY_IMPLICIT };
	struct dir_ref ref;
	int rc;

	if ((rc = build_leave(c->build, &ref, c->e)) < 0)
		return rc;
	if (d->row && (rc = create_loose_get_meta(t->l, d->row, &en,
						  c->e)) < 0)
		return rc;
	en.name = d->name;
	en.name_len = (uint16_t)d->len;
	en.dir = ref;
	c->rec->stats.dirs++;
	if ((rc = build_add(c->build, &en, c->e)) < 0)
		return rc;
	return create_flush(c);
}

/* Open just the directories of a path. */
static int tree_reach(struct loose_tree *t, const uint8_t *dir, size_t len)
{
	const uint8_t *end = dir + len;
	size_t depth = 0;
	int rc = 0;

	while (rc == 0 && dir < end) {
		const uint8_t *stop = memchr(dir, 0, (size_t)(end - dir));
		size_t n = stop ? (size_t)(stop - dir) : (size_t)(end - dir);

		if (depth < t->depth && t->open[depth].len == n &&
		    memcmp(t->open[depth].name, dir, n) == 0) {
			depth++;
		} else {
			while (rc == 0 && t->depth > depth)
				rc = tree_leave(t);
			if (rc == 0)
				rc = tree_enter(t, dir, n, NULL);
			depth++;
		}
		dir += n + 1;
	}
	while (rc == 0 && t->depth > depth)
		rc = tree_leave(t);
	return rc;
}

/* The same for each import of the same stream, and tells nothing. */
static uint64_t tree_group(struct loose_tree *t, const struct loose_row *row)
{
	const char *path = create_loose_path(t->l, row);
	uint64_t group = key_siphash(repo_tree_key(t->l->c->repo), path,
		strlen(path));

	return group ? group : 1;
}

static int tree_file(struct loose_tree *t, const struct loose_row *row)
{
	struct create_loose *l = t->l;
	const struct loose_row *real = row->target == LOOSE_NONE ? row :
		&l->row[row->target];
	struct create *c = l->c;
	struct entry en;
	int rc;

	if ((rc = create_loose_get_meta(l, real, &en, c->e)) < 0)
		return rc;
	en.name = l->text.p + row->name;
	en.name_len = (uint16_t)row->name_len;
	en.links = real->links;
	if (real->links > 1)
		en.link_group = tree_group(t, real);
	c->rec->stats.files++;
	c->rec->stats.added++;
	if (S_ISREG(en.mode))
		c->rec->stats.bytes += en.size;
	return build_add(c->build, &en, c->e);
}

int create_loose_tree(struct create_loose *l)
{
	struct loose_tree t = { .l = l };
	uint32_t i;
	int rc;

	if ((rc = loose_sort(l)) < 0)
		return rc;
	loose_link(l);
	loose_judge(l);
	for (i = 0; rc == 0 && i < l->n; i++) {
		const struct loose_row *row = &l->row[l->order[i]];

		if (row->state & LOOSE_GONE)
			continue;
		if ((rc = cancel_check(l->c->o->cancel, l->c->e)) < 0 ||
		    (rc = tree_reach(&t, l->text.p + row->dir,
				     row->dir_len)) < 0)
			break;
		rc = row->state & LOOSE_DIR ?
			tree_enter(&t, l->text.p + row->name, row->name_len,
				row) : tree_file(&t, row);
	}
	while (rc == 0 && t.depth > 0)
		rc = tree_leave(&t);
	free(t.open);
	return rc;
}
