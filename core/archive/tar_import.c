/* SPDX-License-Identifier: BSD-2-Clause */
/* A tar stream as an archive. */
#include "archive/tar_priv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/create_loose.h"
#include "format/node.h"

/* Directories above one another: what the tree's builder keeps open. */
#define IMPORT_DEPTH_MAX 4096u

struct import {
	const struct tar_import_opts *o;
	struct tar_read *t;
	struct create_loose *l;
	unsigned flags;			/* enum create_flags */
	struct buf path, link;		/* clean */
	struct buf xattrs;		/* those that are wanted */
};

static ssize_t import_bytes(void *ctx, void *p, size_t len)
{
	const struct tar_import_opts *o = ctx;

	return read(o->fd, p, len);
}

static int import_part(const uint8_t **p, uint64_t *len, bool *hole, void *ctx,
		       struct err *e)
{
	return tar_read_data(((struct import *)ctx)->t, p, len, hole, e);
}

/* "/./a//b/" is "a/b".  *why: what is wrong with it, or NULL. */
static int import_clean(struct buf *out, const char *path, const char **why,
			struct err *e)
{
	unsigned depth = 0;
	int rc = 0;

	*why = NULL;
	buf_clear(out);
	for (; rc == 0 && *path; path += strcspn(path, "/")) {
		size_t n;

		path += strspn(path, "/");
		n = strcspn(path, "/");
		if (n == 0 || (n == 1 && *path == '.'))
			continue;
		if (n == 2 && memcmp(path, "..", 2) == 0)
			*why = "its path has '..' in it";
		else if (n > ENTRY_NAME_MAX)
			*why = "its name is too long";
		else if (++depth > IMPORT_DEPTH_MAX)
			*why = "its path is too deep";
		if (*why)
			return 0;
		if (out->len)
			rc = buf_append(out, "/", 1, e);
		if (rc == 0)
			rc = buf_append(out, path, n, e);
	}
	return rc < 0 ? rc : buf_cstr(out, e);
}

/* Without those that the options do not want. */
static int import_xattrs(struct import *im, struct entry *en, struct err *e)
{
	const unsigned no = im->flags & (CREATE_NO_XATTRS | CREATE_NO_ACLS);
	struct xattr_iter it;
	struct xattr_item a;
	struct buf kept = BUF_INIT;
	uint64_t n = 0;
	struct wr w;
	int rc;

	if (!no || !en->xattrs_len || en->xattrs_len > XATTR_SET_MAX)
		return 0;
	wr_init(&w, &kept);
	xattr_iter_init(&it, en->xattrs, en->xattrs_len);
	while (xattr_iter_next(&it, &a)) {
		bool acl = a.name_len > 17 &&
			memcmp(a.name, "system.posix_acl_", 17) == 0;

		if (no & (acl ? CREATE_NO_ACLS : CREATE_NO_XATTRS))
			continue;
		wr_varint(&w, a.name_len);
		wr_bytes(&w, a.name, a.name_len);
		wr_varint(&w, a.value_len);
		wr_bytes(&w, a.value, a.value_len);
		n++;
	}
	rc = wr_done(&w, e);
	buf_clear(&im->xattrs);
	wr_init(&w, &im->xattrs);
	if (rc == 0 && n > 0) {
		wr_varint(&w, n);
		wr_bytes(&w, kept.p, kept.len);
		rc = wr_done(&w, e);
	}
	buf_release(&kept);
	en->xattrs = im->xattrs.p;
	en->xattrs_len = (uint32_t)im->xattrs.len;
	return rc;
}

/* What is wrong with it; NULL: it can be kept. */
static const char *import_judge(const struct import *im,
				const struct tar_member *m)
{
	if (im->path.len == 0)
		return S_ISDIR(m->en.mode) ? NULL : "it has no name";
	if (m->hard_link && im->link.len == 0)
		return "it is a hard link to nothing";
	if (S_ISLNK(m->en.mode) &&
	    (m->link_len == 0 || m->link_len > ENTRY_TARGET_MAX))
		return "the target of the symbolic link cannot be";
	return NULL;
}

static int import_member(struct import *im, const struct tar_member *m,
			 struct err *e)
{
	const struct create_feed feed = {
		.next = import_part, .ctx = im, .holes = m->sparse
	};
	struct create_loose_item it = {
		.en = m->en, .uname = m->uname, .gname = m->gname,
		.target = m->link, .target_len = m->link_len, .feed = &feed
	};
	const char *why;
	int rc;

	rc = import_clean(&im->path, m->path, &why, e);
	if (rc == 0 && !why && m->hard_link)
		rc = import_clean(&im->link, m->link, &why, e);
	if (rc == 0 && !why)
		why = import_judge(im, m);
	if (rc < 0)
		return rc;
	if (why) {
		create_loose_warn(im->l, m->path, why);
		return 0;
	}
	if (im->path.len == 0)
		return 0;		/* "./", the root, has no entry */
	if (m->lost)
		create_loose_warn_part(im->l, m->path, "attributes",
			"an extended attribute or ACL that cannot be kept");
	it.path = (const char *)im->path.p;
	it.path_len = im->path.len;
	if (m->hard_link) {
		it.link = (const char *)im->link.p;
		it.link_len = im->link.len;
	}
	if (!(im->flags & CREATE_ATIME))
		it.en.flags &= (uint16_t)~ENTRY_ATIME;
	if (!(im->flags & CREATE_CTIME))
		it.en.flags &= (uint16_t)~ENTRY_CTIME;
	if ((rc = import_xattrs(im, &it.en, e)) < 0)
		return rc;
	return create_loose_add(im->l, &it);
}

static int import_all(struct create_loose *l, void *ctx, struct err *e)
{
	struct import *im = ctx;
	const struct tar_member *m;
	int rc;

	im->l = l;
	while ((rc = tar_read_next(im->t, &m, e)) == 1)
		if ((rc = import_member(im, m, e)) < 0)
			return rc;
	if (rc == 0 && im->o->finish)
		rc = im->o->finish(im->o->finish_ctx, e);
	return rc;
}

int tar_import(struct repo *r, const struct tar_import_opts *o,
	       struct create_result *res, struct err *e)
{
	union { const struct tar_import_opts *c; void *v; } u = { .c = o };
	struct import im = { .o = o, .flags = o->create.flags };
	int rc;

	memset(res, 0, sizeof(*res));
	im.t = tar_read_new(import_bytes, u.v, o->ignore_zeros);
	if (!im.t)
		return err_nomem(e);
	rc = create_loose_run(r, &o->create, import_all, &im, res, e);
	tar_read_free(im.t);
	buf_release(&im.path);
	buf_release(&im.link);
	buf_release(&im.xattrs);
	return rc;
}
