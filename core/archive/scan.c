/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/scan.h"

#include <stdlib.h>
#include <string.h>

#include "archive/tree.h"
#include "base/mem.h"

/* One open directory. */
struct scan_dir {
	struct scan_dir *up;
	struct tree_entry *self;	/* NULL: the root */
	struct tree_iter it;
	size_t path_len;		/* of the path above it */
	bool shown;			/* the caller has seen it */
};

struct scan {
	struct reader *rd;
	const struct scan_opts *o;
	struct buf path;
	struct scan_dir *dir;
};

static int scan_push(struct scan *s, struct tree_entry *self,
		     const struct dir_ref *ref, size_t path_len, bool shown,
		     struct err *e)
{
	struct scan_dir *d = mem_zero(1, sizeof(*d));
	int rc;

	if (!d) {
		tree_entry_free(self);
		return err_nomem(e);
	}
	d->self = self;
	d->path_len = path_len;
	d->shown = shown;
	d->up = s->dir;
	s->dir = d;
	rc = tree_iter_init(&d->it, s->rd, ref, 0, e);
	return rc;
}

static void scan_pop(struct scan *s)
{
	struct scan_dir *d = s->dir;

	s->dir = d->up;
	s->path.len = d->path_len;
	tree_iter_release(&d->it);
	tree_entry_free(d->self);
	free(d);
}

static int scan_show(struct scan *s, const struct entry *en, bool leave)
{
	struct scan_item it = { (const char *)s->path.p, en, leave };

	return s->o->item(&it, s->o->ctx);
}

/* The path of an entry of the open directory; returns the old length. */
static int scan_path(struct scan *s, const struct entry *en, struct err *e)
{
	int rc = 0;

	if (s->path.len)
		rc = buf_append(&s->path, "/", 1, e);
	if (rc == 0)
		rc = buf_append(&s->path, en->name, en->name_len, e);
	return rc < 0 ? rc : buf_cstr(&s->path, e);
}

/* The listing could not be read: say so, go on behind it. */
static int scan_damaged(struct scan *s, int rc, struct err *e)
{
	if (!s->o->damaged || (rc != ERR_CORRUPT))
		return rc;
	if (buf_cstr(&s->path, e) < 0)
		return ERR_NOMEM;
	s->o->damaged((const char *)s->path.p, e, s->o->ctx);
	err_clear(e);
	return 0;
}

static int scan_entry(struct scan *s, const struct entry *en, struct err *e)
{
	struct pattern_set *pat = s->o->patterns;
	size_t before = s->path.len;
	struct tree_entry *copy;
	bool shown, dir = S_ISDIR(en->mode);
	const char *path;
	int rc;

	if ((rc = scan_path(s, en, e)) < 0)
		return rc;
	path = (const char *)s->path.p;
	shown = (!(en->flags & ENTRY_IMPLICIT) ||
		 (s->o->flags & SCAN_IMPLICIT)) &&
		(!pat || pattern_wants(pat, path));
	if (shown && (rc = scan_show(s, en, false)) < 0)
		return rc;
	if (!dir || rc == 1 || (pat && !pattern_may_descend(pat, path))) {
		s->path.len = before;
		return 0;
	}
	copy = tree_entry_copy(en);
	if (!copy)
		return err_nomem(e);
	rc = scan_push(s, copy, &copy->e.dir, before, shown, e);
	return rc < 0 ? scan_damaged(s, rc, e) : 0;
}

static int scan_step(struct scan *s, struct err *e)
{
	struct scan_dir *d = s->dir;
	const struct entry *en;
	int rc;

	if ((rc = cancel_check(s->o->cancel, e)) < 0)
		return rc;
	rc = tree_iter_next(&d->it, &en, e);
	if (rc == 1)
		return scan_entry(s, en, e);
	if (rc < 0)
		return scan_damaged(s, rc, e);
	if (d->self && d->shown && (s->o->flags & SCAN_LEAVE)) {
		if ((rc = buf_cstr(&s->path, e)) < 0)
			return rc;
		rc = scan_show(s, &d->self->e, true);
	}
	scan_pop(s);
	return rc < 0 ? rc : 0;
}

int scan_run(struct reader *rd, const struct dir_ref *root,
	     const struct scan_opts *o, struct err *e)
{
	struct err own = { ERR_OK, "" };
	struct scan s = { .rd = rd, .o = o };
	int rc;

	if (!e)
		e = &own;
	rc = scan_push(&s, NULL, root, 0, false, e);
	if (rc < 0)
		rc = scan_damaged(&s, rc, e);
	while (rc == 0 && s.dir)
		rc = scan_step(&s, e);
	while (s.dir)
		scan_pop(&s);
	buf_release(&s.path);
	return rc;
}
