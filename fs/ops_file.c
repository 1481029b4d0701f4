/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/ops_priv.h"

void ops_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	if (ops_mount(req)->no_open) {
		fuse_reply_err(req, ENOSYS);	/* and is not asked again */
		return;
	}
	fi->keep_cache = 1;
	fuse_reply_open(req, fi);
}

/* The content of a file's inode.  Every file is opened here, so here is seen
 * in which order those of a directory are. */
static int ops_file(struct mount *m, struct inode *n, struct ofile **out,
		    struct err *e)
{
	unsigned layer = dir_place_layer(n->place);
	const struct entry *en;
	struct cursor *c;
	const struct dir *d;
	int rc;

	*out = ofile_take(m->ofiles, n->id);
	if (*out)
		return 0;
	rc = ops_entry(m, n, &c, &en, e);
	if (rc == 0)
		rc = ofile_open(out, m->rd, n->id, en, e);
	cursor_close(m->cursors, c);
	if (rc == 0 && ops_dir(m, n->parent, &d, NULL) == 0)
		ahead_file(m->ahead, n->parent->id, layer,
			   &d->layer[layer].ref, dir_place_ordinal(n->place));
	return rc;
}

/* Put 'len' bytes together from several pieces. */
static int ops_read_joined(fuse_req_t req, struct ofile *o, uint64_t off,
			   size_t len, struct err *e)
{
	void *p = mem_alloc(len);
	size_t got = 0;
	int rc;

	if (!p)
		return err_nomem(e);
	rc = file_read(o->f, off, p, len, &got, e);
	if (rc == 0 && got != len)
		rc = err_set(e, ERR_CORRUPT, "the content ends before the "
			     "file does");
	if (rc == 0)
		fuse_reply_buf(req, p, len);
	free(p);
	return rc;
}

/* Answered, unless it fails. */
static int ops_read_from(fuse_req_t req, struct ofile *o, uint64_t off,
			 size_t len, struct err *e)
{
	const uint8_t *p;
	uint64_t at_hand;
	bool hole;
	int rc;

	rc = file_at(o->f, off, &p, &at_hand, &hole, e);
	if (rc < 0)
		return rc;
	if (hole || at_hand < len)
		return ops_read_joined(req, o, off, len, e);
	fuse_reply_buf(req, (const char *)p, len);
	return 0;
}

void ops_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
	      struct fuse_file_info *fi)
{
	struct mount *m = ops_mount(req);
	struct inode *n = ops_node(req, ino);
	struct ofile *o = NULL;
	struct err e = { 0 };
	uint64_t at = (uint64_t)off;
	int rc;

	(void)fi;
	if (!n)
		return;
	if (!S_ISREG(n->type)) {
		fuse_reply_err(req, S_ISDIR(n->type) ? EISDIR : EINVAL);
		return;
	}
	if (n->kind == INODE_CONTROL) {
		ops_view_read_control(req, n, size, at);
		return;
	}
	rc = ops_file(m, n, &o, &e);
	if (rc < 0) {
		ops_fail(req, n, &e);
		return;
	}
	if (at >= o->size)
		size = 0;
	else if (size > o->size - at)
		size = (size_t)(o->size - at);
	if (size == 0)
		fuse_reply_buf(req, NULL, 0);
	else
		rc = ops_read_from(req, o, at, size, &e);
	if (rc < 0) {
		ops_fail(req, n, &e);
	} else {
		file_used(o->f, at + size);
		if (o->pieces)
			ahead_bytes(m->ahead, n->id, file_content(o->f),
				    o->size, at, at + size);
	}
	/* Who has come to the end will hardly ask again. */
	if (rc < 0 || at + size >= o->size)
		ofile_close(o);
	else
		ofile_put(m->ofiles, o);
}

void ops_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence,
	       struct fuse_file_info *fi)
{
	struct mount *m = ops_mount(req);
	struct inode *n = ops_node(req, ino);
	const struct entry *en;
	struct cursor *c = NULL;
	struct err e = { 0 };
	uint64_t found = 0;
	bool past = false;
	int rc;

	(void)fi;
	if (!n)
		return;
	if (n->kind != INODE_ENTRY || !S_ISREG(n->type) || off < 0 ||
	    (whence != SEEK_DATA && whence != SEEK_HOLE)) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	rc = ops_entry(m, n, &c, &en, &e);
	if (rc == 0) {
		rc = ofile_seek(m->rd, en, (uint64_t)off, whence, &found,
				&past, &e);
	}
	cursor_close(m->cursors, c);
	if (rc < 0)
		ops_fail(req, n, &e);
	else if (past)
		fuse_reply_err(req, ENXIO);
	else
		fuse_reply_lseek(req, (off_t)found);
}

static void ops_readlink_made(fuse_req_t req, struct inode *n)
{
	struct buf target = BUF_INIT;
	struct err e = { 0 };

	if (ops_view_target(n, &target, &e) < 0)
		ops_fail(req, n, &e);
	else
		fuse_reply_readlink(req, (const char *)target.p);
	buf_release(&target);
}

void ops_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct mount *m = ops_mount(req);
	struct inode *n = ops_node(req, ino);
	char target[ENTRY_TARGET_MAX + 1];
	const struct entry *en;
	struct cursor *c = NULL;
	struct err e = { 0 };
	int rc;

	if (!n)
		return;
	if (n->kind == INODE_LATEST || n->kind == INODE_STAMP) {
		ops_readlink_made(req, n);
		return;
	}
	if (!S_ISLNK(n->type)) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	rc = ops_entry(m, n, &c, &en, &e);
	if (rc == 0) {
		memcpy(target, en->target, en->target_len);
		target[en->target_len] = '\0';
	}
	cursor_close(m->cursors, c);
	if (rc < 0)
		ops_fail(req, n, &e);
	else
		fuse_reply_readlink(req, target);
}
