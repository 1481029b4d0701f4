/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/diff_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* One open directory of both trees; a side that is not there has no iterator
 * and no entries. */
struct diff_side {
	struct tree_iter it;
	bool there;
	struct tree_entry *next;	/* read and not yet dealt with */
};
struct diff_dir {
	struct diff_dir *up;
	struct diff_side side[2];
	struct tree_entry *self[2];	/* an inlined listing is in there */
	size_t path_len;		/* of the path above it */
};

static int diff_side_open(struct diff *d, struct diff_side *s,
			  const struct dir_ref *ref, struct err *e)
{
	s->there = ref != NULL;
	return ref ? tree_iter_init(&s->it, d->rd, ref, 0, e) : 0;
}

/* NULL: the directory is not on that side. */
static int diff_push(struct diff *d, const struct dir_ref *a,
		     const struct dir_ref *b, size_t path_len)
{
	struct diff_dir *dir = mem_zero(1, sizeof(*dir));
	int rc;

	if (!dir)
		return err_nomem(d->e);
	dir->path_len = path_len;
	dir->up = d->dir;
	d->dir = dir;
	if ((rc = diff_side_open(d, &dir->side[0], a, d->e)) < 0 ||
	    (rc = diff_side_open(d, &dir->side[1], b, d->e)) < 0)
		return err_ctx(d->e, "'%s'", (const char *)d->path.p);
	return 0;
}

static void diff_pop(struct diff *d)
{
	struct diff_dir *dir = d->dir;
	unsigned i;

	for (i = 0; i < 2; i++) {
		if (dir->side[i].there)
			tree_iter_release(&dir->side[i].it);
		tree_entry_free(dir->side[i].next);
		tree_entry_free(dir->self[i]);
	}
	d->path.len = dir->path_len;
	d->dir = dir->up;
	free(dir);
}

/* The next entry of a side, or NULL at its end. */
static int diff_peek(struct diff *d, struct diff_side *s)
{
	const struct entry *en;
	int rc;

	if (s->next || !s->there)
		return 0;
	rc = tree_iter_next(&s->it, &en, d->e);
	if (rc < 0) {
		buf_cstr(&d->path, NULL);
		return err_ctx(d->e, "'%s'", d->path.len ?
			(const char *)d->path.p : "(root)");
	}
	if (rc == 1 && !(s->next = tree_entry_copy(en)))
		return err_nomem(d->e);
	return 0;
}

/* Do all trees below mean the same?  Not where they may differ in what stands
 * outside of them: the names of owners. */
static bool diff_same_dir(const struct diff *d, const struct dir_ref *a,
			  const struct dir_ref *b)
{
	if (d->names_differ || a->kind != b->kind)
		return false;
	switch (a->kind) {
	case DIR_EMPTY:
		return true;
	case DIR_INLINE:
		return a->data_len == b->data_len &&
			memcmp(a->data, b->data, a->data_len) == 0;
	case DIR_ROOT:
		break;
	}
	return a->level == b->level && oid_eq(&a->id, &b->id);
}

static int diff_path(struct diff *d, const struct entry *en)
{
	int rc = 0;

	if (d->path.len)
		rc = buf_append(&d->path, "/", 1, d->e);
	if (rc == 0)
		rc = buf_append(&d->path, en->name, en->name_len, d->e);
	return rc < 0 ? rc : buf_cstr(&d->path, d->e);
}

static int diff_show(struct diff *d, const struct entry *a,
		     const struct entry *b)
{
	struct diff_item it = { .path = (const char *)d->path.p, .a = a,
				.b = b };
	int rc;

	if (d->o->patterns && !pattern_wants(d->o->patterns, it.path))
		return 0;
	if ((rc = diff_entry_compare(d, &it)) < 0)
		return err_ctx(d->e, "'%s'", it.path);
	return it.changes ? d->o->item(&it, d->o->ctx) : 0;
}

static const struct dir_ref *diff_ref(const struct entry *en)
{
	return en && S_ISDIR(en->mode) ? &en->dir : NULL;
}

/* An entry of the open directory, on one side or on both.  Its listing may be
 * the open one afterwards. */
static int diff_entry(struct diff *d, const struct entry *a,
		      const struct entry *b)
{
	const struct dir_ref *ra = diff_ref(a), *rb = diff_ref(b);
	size_t before = d->path.len;
	int rc;

	if ((rc = diff_path(d, a ? a : b)) < 0 ||
	    (rc = diff_show(d, a, b)) != 0)
		return rc;
	if ((!ra && !rb) || (ra && rb && diff_same_dir(d, ra, rb)) ||
	    (d->o->patterns && !pattern_may_descend(d->o->patterns,
					(const char *)d->path.p))) {
		d->path.len = before;
		return 0;
	}
	return diff_push(d, ra, rb, before);
}

static int diff_step(struct diff *d)
{
	struct diff_side *s = d->dir->side;
	struct tree_entry *a, *b;
	struct diff_dir *dir;
	int rc, c;

	if ((rc = cancel_check(d->o->cancel, d->e)) < 0 ||
	    (rc = diff_peek(d, &s[0])) < 0 || (rc = diff_peek(d, &s[1])) < 0)
		return rc;
	a = s[0].next;
	b = s[1].next;
	if (!a && !b) {
		diff_pop(d);
		return 0;
	}
	c = !a ? 1 : !b ? -1 : node_name_cmp(a->e.name, a->e.name_len,
		b->e.name, b->e.name_len);
	if (c <= 0)
		s[0].next = NULL;
	else
		a = NULL;
	if (c >= 0)
		s[1].next = NULL;
	else
		b = NULL;
	dir = d->dir;
	rc = diff_entry(d, a ? &a->e : NULL, b ? &b->e : NULL);
	if (d->dir != dir) {
		d->dir->self[0] = a;
		d->dir->self[1] = b;
	} else {
		tree_entry_free(a);
		tree_entry_free(b);
	}
	return rc;
}

int diff_run(struct reader *rd, const struct record *a, const struct record *b,
	     const struct diff_opts *o, struct err *e)
{
	struct err own = { ERR_OK, "" };
	struct diff d = { .rd = rd, .rec = { a, b }, .o = o,
			  .e = e ? e : &own };
	int rc = 0;

	d.names_differ = !o->numeric_ids && diff_entry_names(&d);
	if (!diff_same_dir(&d, &a->root, &b->root))
		rc = buf_cstr(&d.path, d.e);
	if (rc == 0 && !diff_same_dir(&d, &a->root, &b->root))
		rc = diff_push(&d, &a->root, &b->root, 0);
	while (rc == 0 && d.dir)
		rc = diff_step(&d);
	while (d.dir)
		diff_pop(&d);
	buf_release(&d.path);
	diff_entry_release(&d);
	return rc;
}
