/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/ops_priv.h"

static bool ops_plain(const struct entry *en)
{
	return en->xattrs_len == 0 && oid_is_zero(&en->xattrs_id);
}

/* The kernel would not ask for the attributes that it has. */
static bool ops_too_rich(const struct mount *m, const struct entry *en)
{
	return m->no_xattrs && !ops_plain(en);
}

/* A directory that is looked into. */
struct ops_look {
	struct mount *m;
	struct inode *n;
	const struct dir *d;
	struct dir_reader r;
};

/* Do the patterns want it to be seen? */
static int ops_wants(uint64_t place, const struct entry *en, void *ctx,
		     struct err *e)
{
	const struct ops_look *l = ctx;
	struct buf path = BUF_INIT;
	int rc;

	rc = ops_path(l->n, l->d, dir_place_layer(place), &path, e);
	if (rc == 0)
		rc = buf_append(&path, en->name, en->name_len, e);
	if (rc == 0)
		rc = buf_cstr(&path, e);
	if (rc == 0)
		rc = arch_wants(&l->m->ao, (const char *)path.p, en->mode);
	buf_release(&path);
	return rc;
}

static int ops_look(struct ops_look *l, struct mount *m, struct inode *n,
		    struct err *e)
{
	l->m = m;
	l->n = n;
	l->r.rd = m->rd;
	l->r.wants = m->ao.patterns ? ops_wants : NULL;
	l->r.ctx = l;
	return ops_dir(m, n, &l->d, e);
}

/* The inode of an entry, and what the kernel is told of it. */
static int ops_enter(struct ops_look *l, uint64_t place,
		     const struct entry *en, struct fuse_entry_param *ep,
		     struct err *e)
{
	struct inode *n = l->n;
	struct inode_make mk = {
		.parent = n, .arch = n->arch, .place = place,
		.ino = attr_ino(n, l->d, place, en),
		.type = en->mode & S_IFMT,
		.kind = INODE_ENTRY, .plain = ops_plain(en)
	};
	struct inode *child;
	int rc;

	memset(ep, 0, sizeof(*ep));
	if (ops_too_rich(l->m, en))
		return err_set(e, ERR_CONFIG, "'%.*s' has extended attributes "
			       "or ACLs, which the archives before it had not, "
			       "and this mount cannot show them: unmount it "
			       "and mount again", (int)en->name_len, en->name);
	if (S_ISDIR(en->mode)) {
		rc = dir_child(&mk.dir, l->d, &l->r, place, en, e);
		if (rc < 0)
			return rc;
	} else {
		mk.group = en->link_group;
	}
	rc = inode_enter(l->m->inodes, &mk, &child, e);
	if (rc < 0)
		return rc;
	ep->ino = child->id;
	ep->attr_timeout = OPS_FOREVER_SECS;
	ep->entry_timeout = OPS_FOREVER_SECS;
	attr_entry(l->m, n->arch, en, mk.ino, &ep->attr);
	return 0;
}

int ops_enter_at(struct mount *m, struct inode *n, uint64_t place,
		 const struct entry *en, struct fuse_entry_param *ep,
		 struct err *e)
{
	struct ops_look l;
	int rc = ops_look(&l, m, n, e);

	return rc == 0 ? ops_enter(&l, place, en, ep, e) : rc;
}

void ops_reply_entry(fuse_req_t req, const struct fuse_entry_param *ep)
{
	struct mount *m = ops_mount(req);

	/* Interrupted: the kernel does not know it, and will not forget it. */
	if (fuse_reply_entry(req, ep) < 0)
		inode_forget(m->inodes, ep->ino, 1);
}

static int ops_lookup_in(struct mount *m, struct inode *n, const char *name,
			 struct fuse_entry_param *ep, struct err *e)
{
	struct ops_look l;
	struct dir_hit hit;
	int rc;

	rc = ops_look(&l, m, n, e);
	if (rc < 0)
		return rc;
	rc = dir_lookup(l.d, &l.r, name, strlen(name), &hit, e);
	if (rc == 0)
		rc = ops_enter(&l, hit.place, hit.en, ep, e);
	dir_hit_release(&hit);
	return rc;
}

void ops_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct inode *n = ops_node(req, parent);
	struct fuse_entry_param ep;
	struct err e = { 0 };
	int rc;

	if (!n)
		return;
	if (strlen(name) > ENTRY_NAME_MAX) {
		fuse_reply_err(req, ENAMETOOLONG);
		return;
	}
	if (n->kind == INODE_MERGED) {
		ops_merged_lookup(req, n, name);
		return;
	}
	if (n->kind == INODE_ROOT || n->kind == INODE_DATE) {
		ops_view_lookup(req, n, name);
		return;
	}
	rc = ops_lookup_in(ops_mount(req), n, name, &ep, &e);
	if (rc == 0) {
		ops_reply_entry(req, &ep);
	} else if (rc == ERR_NOENT && ops_view_is_control(n, name)) {
		ops_view_lookup_control(req, n);
	} else if (rc == ERR_NOENT) {
		memset(&ep, 0, sizeof(ep));
		ep.entry_timeout = OPS_FOREVER_SECS;
		fuse_reply_entry(req, &ep);
	} else {
		ops_fail(req, n, &e);
	}
}

void ops_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	if (ops_mount(req)->no_opendir) {
		fuse_reply_err(req, ENOSYS);	/* and is not asked again */
		return;
	}
	/* A merged directory changes and does not show it in its mtime. */
	if (!ops_mount(req)->o.versions) {
		fi->cache_readdir = 1;
		fi->keep_cache = 1;
	}
	fuse_reply_open(req, fi);
}

#define OPS_LIST_MIN_BYTES 160	/* no entry of a READDIRPLUS is smaller */

static size_t ops_list_need(const struct ops_list *l, const char *name)
{
	return l->plus ?
		fuse_add_direntry_plus(l->req, NULL, 0, name, NULL, 0) :
		fuse_add_direntry(l->req, NULL, 0, name, NULL, 0);
}

bool ops_list_full(const struct ops_list *l, const char *name)
{
	return ops_list_need(l, name) > l->size - l->used;
}

void ops_list_add(struct ops_list *l, const char *name,
		  const struct fuse_entry_param *ep, uint64_t next)
{
	char *to = l->buf + l->used;
	size_t room = l->size - l->used;

	l->used += l->plus ?
		fuse_add_direntry_plus(l->req, to, room, name, ep,
				       (off_t)next) :
		fuse_add_direntry(l->req, to, room, name, &ep->attr,
				  (off_t)next);
	if (ep->ino)
		l->id[l->n_id++] = ep->ino;
}

void ops_list_name(struct ops_list *l, const char *name, uint64_t ino,
		   mode_t type, uint64_t next)
{
	struct fuse_entry_param ep;

	memset(&ep, 0, sizeof(ep));
	ep.attr.st_ino = ino;
	ep.attr.st_mode = type;
	ops_list_add(l, name, &ep, next);
}

/* "." and "..": false when the buffer is full. */
static bool ops_list_dots(struct ops_list *l, uint64_t *off)
{
	const struct inode *up = l->n->parent ? l->n->parent : l->n;

	for (; *off < 2; ++*off) {
		if (ops_list_full(l, ".."))
			return false;
		ops_list_name(l, *off == 0 ? "." : "..",
			      *off == 0 ? l->n->ino : up->ino, S_IFDIR,
			      *off + 1);
	}
	return true;
}

/* One entry, if it is to be seen.  1: the buffer is full. */
static int ops_list_entry(struct ops_list *l, struct ops_look *look,
			  uint64_t place, const struct entry *en,
			  struct buf *path, struct err *e)
{
	size_t above = path->len;
	struct fuse_entry_param ep;
	char name[ENTRY_NAME_MAX + 1];
	int rc;

	memcpy(name, en->name, en->name_len);
	name[en->name_len] = '\0';
	if (ops_list_full(l, name))
		return 1;
	if (look->r.wants) {
		rc = buf_append(path, name, en->name_len + 1u, e);
		if (rc < 0)
			return rc;
		rc = arch_wants(&l->m->ao, (const char *)path->p, en->mode);
		path->len = above;
		if (!rc)
			return 0;
	}
	rc = dir_hidden(look->d, &look->r, place, en, e);
	if (rc)
		return rc < 0 ? rc : 0;
	/* What the blocks of a file with a piece list are is not in its entry:
	 * only who asks for that one file pays for it. */
	if (!l->plus || en->content.kind == CONTENT_LIST ||
	    ops_too_rich(l->m, en)) {
		ops_list_name(l, name, attr_ino(l->n, look->d, place, en),
			      en->mode, 2 + place + 1);
		return 0;
	}
	rc = ops_enter(look, place, en, &ep, e);
	if (rc == 0)
		ops_list_add(l, name, &ep, 2 + place + 1);
	return rc;
}

/* From 'place' to the end of its layer.  1: the buffer is full. */
static int ops_list_layer(struct ops_list *l, struct ops_look *look,
			  uint64_t place, struct err *e)
{
	unsigned layer = dir_place_layer(place);
	uint64_t ordinal = dir_place_ordinal(place);
	struct buf path = BUF_INIT;
	const struct entry *en;
	struct cursor *c = NULL;
	int rc = 0;

	if (look->r.wants)
		rc = ops_path(l->n, look->d, layer, &path, e);
	if (rc == 0)
		rc = cursor_open(&c, l->m->cursors, l->n->id, look->d, layer,
				 ordinal, e);
	for (; rc == 0; ordinal++) {
		rc = cursor_get(c, ordinal, &en, e);
		if (rc <= 0)
			break;
		rc = ops_list_entry(l, look, dir_place(layer, ordinal), en,
				    &path, e);
	}
	cursor_close(l->m->cursors, c);
	buf_release(&path);
	return rc;
}

/* Offsets: 2 + place of the entry (the layer in the top byte). */
static int ops_list_dir(struct ops_list *l, uint64_t off, struct err *e)
{
	uint64_t place = off - 2;
	struct ops_look look;
	unsigned layer;
	int rc;

	rc = ops_look(&look, l->m, l->n, e);
	for (layer = dir_place_layer(place); rc == 0 && layer < look.d->n;) {
		rc = ops_list_layer(l, &look, place, e);
		place = dir_place(++layer, 0);
	}
	return rc < 0 ? rc : 0;
}

static void ops_list_reply(struct ops_list *l, int rc, const struct err *e)
{
	/* What was read before the damage is shown first; asked for more, the
	 * damage is met again. */
	if (rc < 0 && l->used == 0)
		ops_fail(l->req, l->n, e);
	else if (fuse_reply_buf(l->req, l->buf, l->used) < 0)
		while (l->n_id)
			inode_forget(l->m->inodes, l->id[--l->n_id], 1);
}

static int ops_list_any(struct ops_list *l, uint64_t off, struct err *e)
{
	if (l->n->kind == INODE_MERGED)
		return ops_merged_list(l, off, e);
	if (l->n->kind == INODE_ROOT || l->n->kind == INODE_DATE)
		return ops_view_list(l, off, e);
	return ops_list_dir(l, off, e);
}

static void ops_list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		     bool plus)
{
	struct ops_list l = {
		.req = req, .m = ops_mount(req), .n = ops_node(req, ino),
		.plus = plus, .size = size
	};
	uint64_t at = (uint64_t)off;
	struct err e = { 0 };
	int rc = 0;

	if (!l.n)
		return;
	l.buf = mem_alloc(size);
	l.id = mem_array(size / OPS_LIST_MIN_BYTES + 1, sizeof(*l.id));
	if (!l.buf || !l.id)
		fuse_reply_err(req, ENOMEM);
	else {
		if (ops_list_dots(&l, &at))
			rc = ops_list_any(&l, at, &e);
		ops_list_reply(&l, rc, &e);
	}
	free(l.buf);
	free(l.id);
}

void ops_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		 struct fuse_file_info *fi)
{
	(void)fi;
	ops_list(req, ino, size, off, false);
}

void ops_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		     struct fuse_file_info *fi)
{
	(void)fi;
	ops_list(req, ino, size, off, true);
}
