/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What no archive holds: the root of a repository, "latest", the folders of
 * by-date, and .muniment.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/ops_priv.h"

#define OPS_STAMP_UP "../../../../"	/* from a day's folder to the root */
#define OPS_DEPTH_DAY 3

/* Where a folder is below by-date: its depth, and its path as in dates.h. */
static unsigned ops_folder(const struct inode *n, char out[DATES_DAY_LEN + 1])
{
	unsigned number[OPS_DEPTH_DAY], depth = 0, i;
	const struct inode *up;
	size_t len = 0;

	for (up = n; up->parent->kind == INODE_DATE; up = up->parent) {
		BUG_ON(depth == OPS_DEPTH_DAY);
		number[depth++] = (unsigned)up->place;
	}
	out[0] = '\0';
	for (i = depth; i-- > 0;)
		len += (size_t)snprintf(out + len, DATES_DAY_LEN + 1 - len,
					"%s%0*u", len ? "/" : "",
					len ? 2 : 4, number[i]);
	BUG_ON(len > DATES_DAY_LEN);
	return depth;
}

static int ops_view_control(struct mount *m, struct inode *n,
			    struct stat *st, struct err *e)
{
	int64_t nsec;
	size_t len;
	int rc = control_look(&m->control, m, &len, &nsec, e);

	if (rc == 0)
		attr_made(m, S_IFREG | 0444, n->ino, len, nsec, st);
	return rc;
}

/* All of struct stat, and how long it holds. */
static int ops_view_stat(struct mount *m, struct inode *n, struct stat *st,
			 double *secs, struct err *e)
{
	struct view_facts facts;
	const struct arch *a = n->arch;

	*secs = OPS_FOREVER_SECS;
	switch ((enum inode_kind)n->kind) {
	case INODE_ROOT:
	case INODE_DATE:
		*secs = OPS_ROOT_SECS;
		view_facts(m->view, &facts);
		attr_made(m, S_IFDIR | 0755, n->ino, 0, facts.changed_nsec,
			  st);
		return 0;
	case INODE_ARCH:
		attr_made(m, S_IFDIR | 0755, n->ino, 0, a->time_nsec, st);
		return 0;
	case INODE_LATEST:
		attr_made(m, S_IFLNK | 0777, n->ino, strlen(a->name),
			  a->time_nsec, st);
		return 0;
	case INODE_STAMP:
		attr_made(m, S_IFLNK | 0777, n->ino,
			  sizeof(OPS_STAMP_UP) - 1 + strlen(a->name),
			  a->time_nsec, st);
		return 0;
	case INODE_CONTROL:
		*secs = 0;
		return ops_view_control(m, n, st, e);
	case INODE_ENTRY:
	case INODE_MERGED:
		break;
	}
	BUG_ON(true);
	return 0;
}

void ops_view_getattr(fuse_req_t req, struct inode *n)
{
	struct mount *m = ops_mount(req);
	struct err e = { 0 };
	struct stat st;
	double secs;

	if (n->kind == INODE_MERGED) {
		ops_merged_getattr(req, n);
		return;
	}
	if (n->kind == INODE_ROOT || n->kind == INODE_DATE)
		view_refresh(m->view);
	if (ops_view_stat(m, n, &st, &secs, &e) < 0)
		ops_fail(req, n, &e);
	else
		fuse_reply_attr(req, &st, secs);
}

int ops_view_target(const struct inode *n, struct buf *out, struct err *e)
{
	int rc = 0;

	if (n->kind == INODE_STAMP)
		rc = buf_append(out, OPS_STAMP_UP, sizeof(OPS_STAMP_UP) - 1,
				e);
	if (rc == 0)
		rc = buf_append(out, n->arch->name, strlen(n->arch->name), e);
	return rc < 0 ? rc : buf_cstr(out, e);
}

/* One of the things here, to be entered. */
struct ops_made {
	enum inode_kind kind;
	struct arch *arch;	/* NULL: of a folder or the control file */
	uint64_t place;
};

static uint64_t ops_made_ino(const struct inode *parent,
			     const struct ops_made *o)
{
	if (o->arch)
		return attr_arch_ino(o->arch, o->kind);
	return attr_made_ino(parent->ino, o->kind, o->place);
}

static uint32_t ops_made_type(const struct ops_made *o)
{
	if (o->kind == INODE_CONTROL)
		return S_IFREG;
	return o->kind == INODE_ARCH || o->kind == INODE_DATE ? S_IFDIR :
	       S_IFLNK;
}

static int ops_enter_made(struct mount *m, struct inode *parent,
			  const struct ops_made *o,
			  struct fuse_entry_param *ep, struct err *e)
{
	struct inode_make mk = {
		.parent = parent, .arch = o->arch, .place = o->place,
		.ino = ops_made_ino(parent, o), .type = ops_made_type(o),
		.kind = (uint8_t)o->kind, .plain = true
	};
	struct inode *child;
	int rc;

	memset(ep, 0, sizeof(*ep));
	rc = inode_enter(m->inodes, &mk, &child, e);
	if (rc < 0)
		return rc;
	ep->ino = child->id;
	ep->entry_timeout = OPS_ROOT_SECS;
	rc = ops_view_stat(m, child, &ep->attr, &ep->attr_timeout, e);
	if (rc < 0)
		inode_forget(m->inodes, child->id, 1);
	return rc;
}

/* What is called 'name' in the root.  false: nothing. */
static bool ops_find_root(struct mount *m, const char *name,
			  struct ops_made *o)
{
	memset(o, 0, sizeof(*o));
	if (strcmp(name, VIEW_DATES) == 0) {
		o->kind = INODE_DATE;
		return view_date_has(m->view, "");
	}
	if (strcmp(name, VIEW_CONTROL) == 0) {
		o->kind = INODE_CONTROL;
		return true;
	}
	if (strcmp(name, VIEW_LATEST) == 0) {
		o->kind = INODE_LATEST;
		o->arch = view_latest(m->view);
	} else {
		o->kind = INODE_ARCH;
		o->arch = view_find(m->view, name);
	}
	if (o->arch)
		o->place = o->arch->serial;
	return o->arch != NULL;
}

/* The same in a folder of by-date. */
static bool ops_find_date(struct mount *m, const struct inode *n,
			  const char *name, struct ops_made *o)
{
	char folder[DATES_DAY_LEN + 1];
	unsigned depth = ops_folder(n, folder), number;
	size_t digits = depth ? 2 : 4;

	memset(o, 0, sizeof(*o));
	if (depth == OPS_DEPTH_DAY) {
		o->kind = INODE_STAMP;
		o->arch = view_date_find(m->view, folder, name);
		if (o->arch)
			o->place = o->arch->serial;
		return o->arch != NULL;
	}
	if (strlen(name) != digits || strspn(name, "0123456789") != digits)
		return false;
	o->kind = INODE_DATE;
	o->place = strtoul(name, NULL, 10);
	return view_date_next(m->view, folder, (unsigned)o->place, &number) &&
	       number == o->place;
}

static void ops_view_reply(fuse_req_t req, struct inode *n,
			   const struct ops_made *o)
{
	struct mount *m = ops_mount(req);
	struct fuse_entry_param ep;
	struct err e = { 0 };

	if (ops_enter_made(m, n, o, &ep, &e) < 0)
		ops_fail(req, n, &e);
	else
		ops_reply_entry(req, &ep);
}

static bool ops_find(struct mount *m, const struct inode *n, const char *name,
		     struct ops_made *o)
{
	return n->kind == INODE_ROOT ? ops_find_root(m, name, o) :
	       ops_find_date(m, n, name, o);
}

void ops_view_lookup(fuse_req_t req, struct inode *n, const char *name)
{
	struct mount *m = ops_mount(req);
	struct ops_made o;

	view_refresh(m->view);
	if (ops_find(m, n, name, &o) ||
	    (view_await(m->view) && ops_find(m, n, name, &o)))
		ops_view_reply(req, n, &o);
	else
		fuse_reply_err(req, ENOENT);
}

bool ops_view_is_control(const struct inode *parent, const char *name)
{
	return !parent->parent && strcmp(name, VIEW_CONTROL) == 0;
}

void ops_view_lookup_control(fuse_req_t req, struct inode *root)
{
	struct ops_made o = { .kind = INODE_CONTROL };

	ops_view_reply(req, root, &o);
}

void ops_view_read_control(fuse_req_t req, struct inode *n, size_t size,
			   uint64_t off)
{
	struct mount *m = ops_mount(req);
	struct buf out = BUF_INIT;
	struct err e = { 0 };

	if (control_read(&m->control, off, size, &out, &e) < 0)
		ops_fail(req, n, &e);
	else
		fuse_reply_buf(req, (const char *)out.p, out.len);
	buf_release(&out);
}

/* 1: the buffer is full. */
static int ops_list_made(struct ops_list *l, const char *name,
			 const struct ops_made *o, uint64_t next,
			 struct err *e)
{
	struct fuse_entry_param ep;
	int rc;

	if (ops_list_full(l, name))
		return 1;
	if (!l->plus) {
		ops_list_name(l, name, ops_made_ino(l->n, o),
			      ops_made_type(o), next);
		return 0;
	}
	rc = ops_enter_made(l->m, l->n, o, &ep, e);
	if (rc == 0)
		ops_list_add(l, name, &ep, next);
	return rc;
}

/* Offsets: 2 "latest", 3 "by-date", 4 + serial of the archive. */
static int ops_list_root(struct ops_list *l, uint64_t off, struct err *e)
{
	struct view *v = l->m->view;
	struct ops_made o = { .kind = INODE_LATEST };
	int rc = 0;

	if (off < 3) {
		o.arch = view_latest(v);
		o.place = o.arch ? o.arch->serial : 0;
		if (o.arch)
			rc = ops_list_made(l, VIEW_LATEST, &o, 3, e);
		off = 3;
	}
	if (rc == 0 && off < 4) {
		o = (struct ops_made){ .kind = INODE_DATE };
		if (view_date_has(v, ""))
			rc = ops_list_made(l, VIEW_DATES, &o, 4, e);
		off = 4;
	}
	o.kind = INODE_ARCH;
	while (rc == 0 && (o.arch = view_next(v, off - 4)) != NULL) {
		o.place = o.arch->serial;
		off = 4 + o.place + 1;
		rc = ops_list_made(l, o.arch->name, &o, off, e);
	}
	return rc;
}

/* Offsets: 2 + number of a folder, 2 + serial of a day's archive. */
static int ops_list_date(struct ops_list *l, uint64_t off, struct err *e)
{
	struct ops_made o = { .kind = INODE_DATE };
	struct view *v = l->m->view;
	char folder[DATES_DAY_LEN + 1], name[16];
	unsigned depth = ops_folder(l->n, folder), number;
	int rc = 0;

	if (depth == OPS_DEPTH_DAY) {
		o.kind = INODE_STAMP;
		while (rc == 0 && (o.arch = view_date_of_day(v, folder,
							     off - 2))) {
			o.place = o.arch->serial;
			off = 2 + o.place + 1;
			rc = ops_list_made(l, o.arch->stamp + DATES_DAY_LEN +
					   1, &o, off, e);
		}
		return rc;
	}
	while (rc == 0 && view_date_next(v, folder, (unsigned)(off - 2),
					 &number)) {
		o.place = number;
		off = 2 + o.place + 1;
		snprintf(name, sizeof(name), "%0*u", depth ? 2 : 4, number);
		rc = ops_list_made(l, name, &o, off, e);
	}
	return rc;
}

int ops_view_list(struct ops_list *l, uint64_t off, struct err *e)
{
	int rc;

	if (off < 3)
		view_refresh(l->m->view);
	rc = l->n->kind == INODE_ROOT ? ops_list_root(l, off, e) :
	     ops_list_date(l, off, e);
	return rc < 0 ? rc : 0;
}
