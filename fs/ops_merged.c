/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The merged tree of all archives (-o versions).  A directory of it is a
 * INODE_MERGED that has only its name; what it holds is looked up in the table
 * of those that were built.  A version of a file is an ordinary INODE_ENTRY of
 * its archive, whose parent is an inode of the directory there that the kernel
 * never gets to know.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/ops_priv.h"

/* Offsets of a listing: 2 + number of the version; then, plus the place. */
#define OPS_ITEMS (UINT64_C(1) << 33)

/* --- building --- */

/* What is being built, for the callbacks. */
struct ops_build {
	struct mount *m;
	struct inode *n;
	struct buf path;	/* "srv/vmail/", below each archive's root */
};

static int ops_build_path(const struct inode *n, struct buf *out,
			  struct err *e)
{
	const struct inode *up;
	size_t len = 0;
	int rc;

	for (up = n; up->parent; up = up->parent)
		len += up->dir->name_len + 1u;
	rc = buf_resize(out, len, e);
	if (rc < 0)
		return rc;
	for (up = n; up->parent; up = up->parent) {
		out->p[--len] = '/';
		len -= up->dir->name_len;
		memcpy(out->p + len, up->dir->name, up->dir->name_len);
	}
	return 0;
}

static const char *ops_prefix(const struct merged_layer *l)
{
	return l->arch->prefix ? l->arch->prefix[l->dir.root] : "";
}

static int ops_build_wants(const struct merged_layer *l,
			   const struct entry *en, void *ctx, struct err *e)
{
	const char *prefix = ops_prefix(l);
	struct ops_build *b = ctx;
	struct buf path = BUF_INIT;
	int rc;

	rc = buf_printf(&path, e, "%s%s", prefix, *prefix ? "/" : "");
	if (rc == 0)
		rc = buf_append(&path, b->path.p, b->path.len, e);
	if (rc == 0)
		rc = buf_append(&path, en->name, en->name_len, e);
	if (rc == 0)
		rc = buf_cstr(&path, e);
	if (rc == 0)
		rc = arch_wants(&b->m->ao, (const char *)path.p, en->mode);
	buf_release(&path);
	return rc;
}

static void ops_build_damaged(const struct merged_layer *l,
			      const struct err *why, void *ctx)
{
	struct ops_build *b = ctx;

	log_warn("mount", "archive '%s', '%.*s': %s", l->arch->name,
		 (int)b->path.len, b->path.p ? (const char *)b->path.p : "",
		 why->msg);
}

/* The layers of the root: every archive's. */
static int ops_layers_root(struct mount *m, struct arch **arch, size_t n,
			   struct merged *md, struct err *e)
{
	struct dir_layer plain = { .root = 0 };
	size_t i;
	unsigned k;
	int rc;

	rc = arch_pin_all(arch, n, &m->ao, e);
	for (i = 0; rc == 0 && i < n; i++) {
		if (!arch[i])
			continue;	/* deleted just now */
		if (m->ao.strip_components == 0) {
			plain.ref = arch[i]->root_ref;
			rc = merged_add(md, arch[i], &plain, e);
			continue;
		}
		rc = arch_open(arch[i], &m->ao, e);
		/* Of several the first one counts: it is the newest here. */
		for (k = rc == 0 ? arch[i]->root->n : 0; rc == 0 && k-- > 0;)
			rc = merged_add(md, arch[i],
					&arch[i]->root->layer[k], e);
	}
	return rc;
}

/* The layers of a directory: wherever it was new in its parent. */
static int ops_layers_below(struct mount *m, const struct merged *up,
			    const struct merged_item *it, struct merged *md,
			    struct err *e)
{
	const struct merged_layer *l;
	struct dir_layer child;
	const struct entry *en;
	struct tree_iter ti;
	uint32_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < it->n_dirs; i++) {
		l = &up->layer[it->dir[i].layer];
		memset(&ti, 0, sizeof(ti));
		rc = tree_lookup(&ti, m->rd, &l->dir.ref, it->name,
				 it->name_len, &en, e);
		if (rc == 0) {
			child = (struct dir_layer){ en->dir, l->dir.root };
			rc = merged_add(md, l->arch, &child, e);
		}
		tree_iter_release(&ti);
	}
	return rc;
}

static int ops_build(struct mount *m, struct inode *n, struct merged *md,
		     struct err *e)
{
	struct ops_build b = { .m = m, .n = n };
	struct merged_opts o = {
		.rd = m->rd, .place = &m->place_key,
		.wants = m->ao.patterns ? ops_build_wants : NULL,
		.damaged = ops_build_damaged, .ctx = &b
	};
	int rc;

	rc = ops_build_path(n, &b.path, e);
	if (rc == 0)
		rc = merged_build(md, &o, e);
	buf_release(&b.path);
	return rc;
}

/* Under the lock of building. */
static int ops_merged_make(struct mount *m, struct inode *n, struct merged *up,
			   uint64_t generation, struct merged_slot **out,
			   struct err *e)
{
	const struct merged_item *it;
	struct arch **arch = NULL;
	struct merged *md;
	size_t count;
	int rc;

	*out = merged_tab_find(&m->merged, n->id, generation);
	if (*out)
		return 0;
	md = merged_new();
	if (!md)
		return err_nomem(e);
	if (up) {
		it = merged_find(up, &m->place_key, n->dir->name,
				 n->dir->name_len);
		rc = it ? ops_layers_below(m, up, it, md, e) :
		     err_set(e, ERR_RETRY, "it is in no archive any more");
	} else {
		rc = view_by_time(m->view, &arch, &count, e);
		if (rc == 0)
			rc = ops_layers_root(m, arch, count, md, e);
		free(arch);
	}
	if (rc == 0)
		rc = ops_build(m, n, md, e);
	if (rc < 0) {
		merged_free(md);
		return rc;
	}
	*out = merged_tab_put(&m->merged, n->id, generation, md);
	return *out ? 0 : err_nomem(e);
}

/* What is in a merged directory.  Leave it again. */
static int ops_merged_get(struct mount *m, struct inode *n,
			  uint64_t generation, struct merged_slot **out,
			  struct err *e)
{
	struct merged_slot *up = NULL;
	int rc = 0;

	*out = merged_tab_find(&m->merged, n->id, generation);
	if (*out)
		return 0;
	if (n->parent)
		rc = ops_merged_get(m, n->parent, generation, &up, e);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&m->merged.build);
	rc = ops_merged_make(m, n, up ? up->md : NULL, generation, out, e);
	pthread_mutex_unlock(&m->merged.build);
	merged_tab_leave(&m->merged, up);
	return rc;
}

/* --- one inode --- */

/* A merged directory and what its parent knows of it. */
struct ops_merged {
	struct mount *m;
	struct inode *n;
	uint64_t generation;
	struct merged_slot *up;		/* NULL: n is the root */
	const struct merged_item *it;	/* in up */
	struct merged_slot *in;		/* NULL: no archive has a directory */
};

static void ops_merged_close(struct ops_merged *o)
{
	merged_tab_leave(&o->m->merged, o->in);
	merged_tab_leave(&o->m->merged, o->up);
}

/* Close also after failure. */
static int ops_merged_self(struct ops_merged *o, struct mount *m,
			   struct inode *n, struct err *e)
{
	int rc;

	memset(o, 0, sizeof(*o));
	o->m = m;
	o->n = n;
	if (!n->parent)
		view_refresh(m->view);
	o->generation = view_generation(m->view);
	if (!n->parent)
		return 0;
	rc = ops_merged_get(m, n->parent, o->generation, &o->up, e);
	if (rc < 0)
		return rc;
	o->it = merged_find(o->up->md, &m->place_key, n->dir->name,
			    n->dir->name_len);
	return o->it ? 0 : err_set(e, ERR_RETRY,
				   "it is in no archive any more");
}

/* The same, to look into it. */
static int ops_merged_open(struct ops_merged *o, struct mount *m,
			   struct inode *n, struct err *e)
{
	int rc = ops_merged_self(o, m, n, e);

	if (rc == 0 && (!o->it || o->it->n_dirs > 0))
		rc = ops_merged_get(m, n, o->generation, &o->in, e);
	return rc;
}

static uint64_t ops_merged_ino(const struct inode *parent,
			       const struct merged_item *it)
{
	return attr_made_ino(parent->ino, INODE_MERGED, it->place);
}

/* Look up an item as one of its layers has it.  Release the iterator. */
static int ops_seen(struct mount *m, const struct merged *md,
		    const struct merged_item *it,
		    const struct merged_seen *seen, struct tree_iter *ti,
		    const struct entry **en, struct err *e)
{
	const struct merged_layer *l = &md->layer[seen->layer];
	int rc;

	memset(ti, 0, sizeof(*ti));
	rc = arch_open(l->arch, &m->ao, e);
	if (rc == 0)
		rc = tree_lookup(ti, m->rd, &l->dir.ref, it->name,
				 it->name_len, en, e);
	/* It was there when the directory was built. */
	if (rc == ERR_NOENT)
		rc = err_set(e, ERR_CORRUPT, "the directory changed");
	return rc;
}

/* A directory looks as it did last; one of versions as the newest of them,
 * and who may read that may look into it. */
static int ops_merged_stat(struct mount *m, const struct merged *up,
			   const struct merged_item *it, uint64_t ino,
			   struct stat *st, struct err *e)
{
	const struct merged_seen *seen = it->n_dirs ?
		&it->dir[it->n_dirs - 1] : &it->version[it->n_versions - 1];
	const struct entry *en;
	struct tree_iter ti;
	mode_t mode;
	int rc;

	rc = ops_seen(m, up, it, seen, &ti, &en, e);
	if (rc == 0) {
		attr_entry(m, up->layer[seen->layer].arch, en, ino, st);
		mode = st->st_mode;
		if (!S_ISDIR(mode)) {
			mode = S_IFDIR | (mode & 0666);
			mode |= (mode & 0444) >> 2;
		}
		st->st_mode = mode;
		st->st_nlink = 1;
		st->st_size = 0;
		st->st_blocks = 0;
		st->st_rdev = 0;
	}
	tree_iter_release(&ti);
	return rc;
}

void ops_merged_getattr(fuse_req_t req, struct inode *n)
{
	struct mount *m = ops_mount(req);
	struct view_facts facts;
	struct err e = { 0 };
	struct ops_merged o;
	struct stat st;
	int rc;

	rc = ops_merged_self(&o, m, n, &e);
	if (rc == 0 && !o.it) {
		view_facts(m->view, &facts);
		attr_made(m, S_IFDIR | 0755, n->ino, 0, facts.changed_nsec,
			  &st);
	} else if (rc == 0) {
		rc = ops_merged_stat(m, o.up->md, o.it, n->ino, &st, &e);
	}
	ops_merged_close(&o);
	if (rc < 0)
		ops_fail(req, n, &e);
	else
		fuse_reply_attr(req, &st, OPS_ROOT_SECS);
}

/* --- entering --- */

/* The root of an archive; the caller forgets it once. */
static int ops_enter_root(struct mount *m, struct arch *a, struct inode **out,
			  struct err *e)
{
	struct inode_make mk = {
		.parent = inode_get(m->inodes, FUSE_ROOT_ID), .arch = a,
		.place = a->serial, .ino = attr_arch_ino(a, INODE_ARCH),
		.type = S_IFDIR, .kind = INODE_ARCH, .plain = true
	};

	return inode_enter(m->inodes, &mk, out, e);
}

/* The directory of the archive that a layer of n is; forgotten likewise. */
static int ops_enter_hidden(struct mount *m, const struct inode *n,
			    const struct merged_layer *l, struct inode **out,
			    struct err *e)
{
	struct buf path = BUF_INIT;
	struct inode_make mk = {
		.arch = l->arch, .type = S_IFDIR, .kind = INODE_ENTRY
	};
	struct inode *root = NULL;
	uint8_t tag = (uint8_t)l->dir.root;
	int rc;

	*out = NULL;
	rc = ops_enter_root(m, l->arch, &root, e);
	if (rc < 0)
		return rc;
	if (!n->parent) {
		*out = root;
		return 0;
	}
	rc = ops_build_path(n, &path, e);
	if (rc == 0 && path.len > UINT16_MAX)
		rc = err_set(e, ERR_CONFIG, "its path is too long");
	if (rc == 0)
		rc = buf_append(&path, &tag, 1, e);
	if (rc == 0) {
		mk.parent = root;
		mk.place = merged_place(&m->place_key, path.p, path.len);
		mk.ino = attr_made_ino(root->ino, INODE_MERGED, mk.place);
		/* Without the last slash and the tag. */
		mk.dir = dir_new(&l->dir, 1, path.p,
				 (uint16_t)(path.len - 2));
		rc = mk.dir ? inode_enter(m->inodes, &mk, out, e) :
		     err_nomem(e);
	}
	inode_forget(m->inodes, root->id, 1);
	buf_release(&path);
	return rc;
}

/* What an item was in one of its layers, as itself. */
static int ops_enter_seen(struct mount *m, const struct inode *n,
			  const struct merged *md,
			  const struct merged_item *it,
			  const struct merged_seen *seen,
			  struct fuse_entry_param *ep, struct err *e)
{
	const struct merged_layer *l = &md->layer[seen->layer];
	struct inode *hidden = NULL;
	const struct entry *en;
	struct tree_iter ti;
	unsigned layer;
	int rc;

	rc = ops_seen(m, md, it, seen, &ti, &en, e);
	if (rc == 0)
		rc = ops_enter_hidden(m, n, l, &hidden, e);
	if (rc == 0) {
		layer = hidden->kind == INODE_ARCH ? l->dir.root : 0;
		rc = ops_enter_at(m, hidden, dir_place(layer, ti.pos - 1), en,
				  ep, e);
		inode_forget(m->inodes, hidden->id, 1);
	}
	tree_iter_release(&ti);
	ep->entry_timeout = OPS_ROOT_SECS;
	return rc;
}

static int ops_enter_merged(struct mount *m, struct inode *n,
			    const struct merged *md,
			    const struct merged_item *it,
			    struct fuse_entry_param *ep, struct err *e)
{
	struct inode_make mk = {
		.parent = n, .place = it->place, .ino = ops_merged_ino(n, it),
		.type = S_IFDIR, .kind = INODE_MERGED, .plain = true
	};
	struct inode *child;
	int rc;

	memset(ep, 0, sizeof(*ep));
	rc = ops_merged_stat(m, md, it, mk.ino, &ep->attr, e);
	if (rc < 0)
		return rc;
	mk.dir = dir_new(NULL, 0, it->name, it->name_len);
	if (!mk.dir)
		return err_nomem(e);
	rc = inode_enter(m->inodes, &mk, &child, e);
	if (rc < 0)
		return rc;
	ep->ino = child->id;
	ep->attr_timeout = OPS_ROOT_SECS;
	ep->entry_timeout = OPS_ROOT_SECS;
	return 0;
}

/* ERR_NOENT. */
static int ops_merged_find(struct ops_merged *o, const char *name,
			   struct fuse_entry_param *ep, struct err *e)
{
	const struct merged_item *it = NULL;
	uint32_t no = o->it ? merged_version(o->it, name) : 0;

	if (no)
		return ops_enter_seen(o->m, o->n->parent, o->up->md, o->it,
				      &o->it->version[no - 1], ep, e);
	if (o->in)
		it = merged_find(o->in->md, &o->m->place_key, name,
				 strlen(name));
	if (!it)
		return err_set(e, ERR_NOENT, "no archive has it");
	if (merged_is_dir(it))
		return ops_enter_merged(o->m, o->n, o->in->md, it, ep, e);
	return ops_enter_seen(o->m, o->n, o->in->md, it,
			      &it->version[it->n_versions - 1], ep, e);
}

void ops_merged_lookup(fuse_req_t req, struct inode *n, const char *name)
{
	struct mount *m = ops_mount(req);
	struct fuse_entry_param ep;
	struct err e = { 0 };
	struct ops_merged o;
	int rc;

	memset(&ep, 0, sizeof(ep));
	rc = ops_merged_open(&o, m, n, &e);
	if (rc == 0)
		rc = ops_merged_find(&o, name, &ep, &e);
	ops_merged_close(&o);
	if (rc == 0)
		ops_reply_entry(req, &ep);
	else if (rc == ERR_NOENT && ops_view_is_control(n, name))
		ops_view_lookup_control(req, n);
	else if (rc == ERR_NOENT)
		fuse_reply_err(req, ENOENT);
	else
		ops_fail(req, n, &e);
}

/* --- listing --- */

/* Something of an archive: the kernel is told of it at once, for only so its
 * inode number is known.  1: the buffer is full. */
static int ops_list_seen(struct ops_list *l, const char *name,
			 const struct inode *n, const struct merged *md,
			 const struct merged_item *it,
			 const struct merged_seen *seen, uint64_t next,
			 struct err *e)
{
	struct fuse_entry_param ep;
	int rc;

	if (ops_list_full(l, name))
		return 1;
	memset(&ep, 0, sizeof(ep));
	rc = ops_enter_seen(l->m, n, md, it, seen, &ep, e);
	if (rc < 0)
		return rc;
	if (l->plus) {
		ops_list_add(l, name, &ep, next);
		return 0;
	}
	ops_list_name(l, name, ep.attr.st_ino, ep.attr.st_mode & S_IFMT,
		      next);
	inode_forget(l->m->inodes, ep.ino, 1);
	return 0;
}

static int ops_list_versions(struct ops_list *l, struct ops_merged *o,
			     uint64_t off, struct err *e)
{
	char name[ENTRY_NAME_MAX + 1];
	uint64_t no = off - 2;
	int rc = 0;

	for (; rc == 0 && o->it && no < o->it->n_versions; no++) {
		merged_name(name, o->it, (uint32_t)no + 1);
		rc = ops_list_seen(l, name, o->n->parent, o->up->md, o->it,
				   &o->it->version[no], 2 + no + 1, e);
	}
	return rc;
}

static int ops_list_items(struct ops_list *l, struct ops_merged *o,
			  uint64_t place, struct err *e)
{
	const struct merged *md = o->in->md;
	const struct merged_item *it;
	char name[ENTRY_NAME_MAX + 1];
	int rc = 0;

	for (; rc == 0 && (it = merged_next(md, place)) != NULL;
	     place = it->place + 1) {
		memcpy(name, it->name, it->name_len);
		name[it->name_len] = '\0';
		/* A version of that name hides it. */
		if (o->it && merged_version(o->it, name))
			continue;
		if (!merged_is_dir(it)) {
			rc = ops_list_seen(l, name, o->n, md, it,
				&it->version[it->n_versions - 1],
				OPS_ITEMS + it->place + 1, e);
			continue;
		}
		if (ops_list_full(l, name))
			return 1;
		ops_list_name(l, name, ops_merged_ino(o->n, it), S_IFDIR,
			      OPS_ITEMS + it->place + 1);
	}
	return rc;
}

int ops_merged_list(struct ops_list *l, uint64_t off, struct err *e)
{
	struct ops_merged o;
	int rc;

	rc = ops_merged_open(&o, l->m, l->n, e);
	if (rc == 0 && off < OPS_ITEMS) {
		rc = ops_list_versions(l, &o, off, e);
		off = OPS_ITEMS;
	}
	if (rc == 0 && o.in)
		rc = ops_list_items(l, &o, off - OPS_ITEMS, e);
	ops_merged_close(&o);
	return rc < 0 ? rc : 0;
}
