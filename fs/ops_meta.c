/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "fs/ops_priv.h"

void ops_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct mount *m = ops_mount(req);
	struct inode *n = ops_node(req, ino);
	const struct entry *en;
	struct cursor *c = NULL;
	struct err e = { 0 };
	struct stat st;
	int rc;

	(void)fi;
	if (!n)
		return;
	if (n->kind != INODE_ENTRY) {
		ops_view_getattr(req, n);
		return;
	}
	rc = ops_entry(m, n, &c, &en, &e);
	if (rc == 0)
		attr_entry(m, n->arch, en, n->ino, &st);
	cursor_close(m->cursors, c);
	if (rc < 0)
		ops_fail(req, n, &e);
	else
		fuse_reply_attr(req, &st, OPS_FOREVER_SECS);
}

/* An inode's extended attributes; release both, also after failure. */
struct ops_xattrs {
	struct cursor *c;
	struct obj *hold;
	const uint8_t *set;
	size_t len;
};

static int ops_xattrs_get(struct mount *m, struct inode *n,
			  struct ops_xattrs *x, struct err *e)
{
	const struct entry *en;
	int rc;

	memset(x, 0, sizeof(*x));
	rc = ops_entry(m, n, &x->c, &en, e);
	if (rc == 0)
		rc = tree_xattrs(m->rd, en, &x->set, &x->len, &x->hold, e);
	return rc;
}

static void ops_xattrs_release(struct mount *m, struct ops_xattrs *x)
{
	if (x->hold)
		reader_release(m->rd, x->hold);
	cursor_close(m->cursors, x->c);
}

static void ops_xattr_reply(fuse_req_t req, const void *p, size_t len,
			    size_t size)
{
	if (size == 0)
		fuse_reply_xattr(req, len);
	else if (size < len)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, p, len);
}

/*
 * ls(1) asks for a label with every file that it shows, unless it learns
 * that there are none here at all.
 */
static int ops_no_xattr(const char *name)
{
	return strcmp(name, "security.selinux") == 0 ? EOPNOTSUPP : ENODATA;
}

void ops_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
		  size_t size)
{
	struct mount *m = ops_mount(req);
	struct inode *n = ops_node(req, ino);
	struct xattr_item item;
	struct xattr_iter it;
	struct ops_xattrs x;
	struct err e = { 0 };
	bool found = false;

	if (!n)
		return;
	if (m->no_xattrs) {
		fuse_reply_err(req, ENOSYS);	/* and is not asked again */
		return;
	}
	if (n->kind != INODE_ENTRY || n->plain) {
		fuse_reply_err(req, ops_no_xattr(name));
		return;
	}
	if (ops_xattrs_get(m, n, &x, &e) < 0) {
		ops_fail(req, n, &e);
		goto out;
	}
	xattr_iter_init(&it, x.set, x.len);
	while (!found && xattr_iter_next(&it, &item))
		found = strlen(name) == item.name_len &&
			memcmp(name, item.name, item.name_len) == 0;
	if (found)
		ops_xattr_reply(req, item.value, item.value_len, size);
	else
		fuse_reply_err(req, ENODATA);
out:
	ops_xattrs_release(m, &x);
}

static int ops_xattr_names(const struct ops_xattrs *x, struct buf *names,
			   struct err *e)
{
	struct xattr_item item;
	struct xattr_iter it;
	int rc = 0;

	xattr_iter_init(&it, x->set, x->len);
	while (rc == 0 && xattr_iter_next(&it, &item)) {
		rc = buf_append(names, item.name, item.name_len, e);
		if (rc == 0)
			rc = buf_append(names, "", 1, e);
	}
	return rc;
}

void ops_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct mount *m = ops_mount(req);
	struct inode *n = ops_node(req, ino);
	struct buf names = BUF_INIT;
	struct ops_xattrs x;
	struct err e = { 0 };
	int rc;

	if (!n)
		return;
	if (m->no_xattrs) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	if (n->kind != INODE_ENTRY || n->plain) {
		ops_xattr_reply(req, NULL, 0, size);
		return;
	}
	rc = ops_xattrs_get(m, n, &x, &e);
	if (rc == 0)
		rc = ops_xattr_names(&x, &names, &e);
	if (rc < 0)
		ops_fail(req, n, &e);
	else
		ops_xattr_reply(req, names.p, names.len, size);
	ops_xattrs_release(m, &x);
	buf_release(&names);
}

/* The file system is what is shown, and full of it. */
void ops_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct mount *m = ops_mount(req);
	struct view_facts facts = { 0 };
	struct statvfs st;

	(void)ino;
	if (m->view) {
		view_facts(m->view, &facts);
	} else {
		facts.files = m->single->files;
		facts.bytes = m->single->bytes;
	}
	memset(&st, 0, sizeof(st));
	st.f_bsize = 4096;
	st.f_frsize = 4096;
	st.f_blocks = facts.bytes / 4096 + (facts.bytes % 4096 != 0);
	st.f_files = facts.files;
	st.f_namemax = ENTRY_NAME_MAX;
	fuse_reply_statfs(req, &st);
}

/* lsattr(1). */
void ops_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned cmd, void *arg,
	       struct fuse_file_info *fi, unsigned flags, const void *in,
	       size_t in_len, size_t out_len)
{
	struct mount *m = ops_mount(req);
	struct inode *n = ops_node(req, ino);
	const struct entry *en;
	struct cursor *c = NULL;
	struct err e = { 0 };
	uint32_t bits = 0;
	int rc = 0;

	(void)arg;
	(void)fi;
	(void)flags;
	(void)in;
	(void)in_len;
	if (!n)
		return;
	if (cmd != FS_IOC_GETFLAGS || out_len < sizeof(bits)) {
		fuse_reply_err(req, ENOTTY);
		return;
	}
	if (n->kind == INODE_ENTRY)
		rc = ops_entry(m, n, &c, &en, &e);
	if (rc == 0 && n->kind == INODE_ENTRY)
		bits = en->fsflags;
	cursor_close(m->cursors, c);
	if (rc < 0)
		ops_fail(req, n, &e);
	else
		fuse_reply_ioctl(req, 0, &bits, sizeof(bits));
}

void ops_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
	inode_forget(ops_mount(req)->inodes, ino, lookups);
	fuse_reply_none(req);
}

void ops_forget_multi(fuse_req_t req, size_t n,
		      struct fuse_forget_data *forget)
{
	size_t i;

	for (i = 0; i < n; i++)
		inode_forget(ops_mount(req)->inodes, forget[i].ino,
			    forget[i].nlookup);
	fuse_reply_none(req);
}
