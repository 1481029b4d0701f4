/* SPDX-License-Identifier: BSD-2-Clause */
#include "fs/ops.h"

#include <errno.h>
#include <string.h>

#include "fs/ops_priv.h"

#define OPS_TOLD_NSEC INT64_C(10000000000)
#define OPS_TOLD_MAX 20		/* log lines in that time */

struct mount *ops_mount(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

struct inode *ops_node(fuse_req_t req, fuse_ino_t ino)
{
	struct inode *n = inode_get(ops_mount(req)->inodes, ino);

	if (!n)
		fuse_reply_err(req, ESTALE);
	return n;
}

int ops_dir(struct mount *m, struct inode *n, const struct dir **out,
	    struct err *e)
{
	int rc;

	*out = NULL;
	if (n->kind == INODE_ARCH) {
		rc = arch_open(n->arch, &m->ao, e);
		if (rc < 0)
			return rc;
		*out = n->arch->root;
	} else {
		*out = n->dir;
	}
	return *out ? 0 : err_set(e, ERR_NOENT, "not a directory");
}

int ops_entry(struct mount *m, struct inode *n, struct cursor **c,
	      const struct entry **out, struct err *e)
{
	uint64_t ordinal = dir_place_ordinal(n->place);
	unsigned layer = dir_place_layer(n->place);
	const struct dir *d;
	int rc;

	*c = NULL;
	rc = ops_dir(m, n->parent, &d, e);
	if (rc == 0)
		rc = cursor_open(c, m->cursors, n->parent->id, d, layer,
				 ordinal, e);
	if (rc == 0)
		rc = cursor_get(*c, ordinal, out, e);
	if (rc == 0)
		rc = err_set(e, ERR_CORRUPT, "the directory ends before "
			     "entry %llu", (unsigned long long)ordinal);
	return rc < 0 ? rc : 0;
}

int ops_path(const struct inode *n, const struct dir *d, unsigned layer,
	     struct buf *out, struct err *e)
{
	const char *prefix = n->arch->prefix[d->layer[layer].root];
	size_t at = strlen(prefix), len;
	const struct inode *up;
	int rc;

	len = at + (at != 0);
	for (up = n; up->kind == INODE_ENTRY; up = up->parent)
		len += up->dir->name_len + 1u;
	buf_clear(out);
	rc = buf_resize(out, len, e);
	if (rc < 0)
		return rc;
	if (at) {
		memcpy(out->p, prefix, at);
		out->p[at] = '/';
	}
	for (up = n; up->kind == INODE_ENTRY; up = up->parent) {
		out->p[--len] = '/';
		len -= up->dir->name_len;
		memcpy(out->p + len, up->dir->name, up->dir->name_len);
	}
	return 0;
}

/* The stored path of n itself, for a message. */
static int ops_path_of(struct mount *m, struct inode *n, struct buf *out,
		       struct err *e)
{
	const struct entry *en;
	struct cursor *c = NULL;
	const struct dir *d;
	int rc;

	if (n->kind != INODE_ENTRY)
		return buf_cstr(out, e);
	rc = ops_dir(m, n->parent, &d, e);
	if (rc == 0)
		rc = ops_path(n->parent, d, dir_place_layer(n->place), out, e);
	if (rc < 0)
		return rc;
	if (n->dir)
		rc = buf_append(out, n->dir->name, n->dir->name_len, e);
	else if (ops_entry(m, n, &c, &en, NULL) == 0)
		rc = buf_append(out, en->name, en->name_len, e);
	else
		rc = buf_printf(out, e, "(entry %llu)", (unsigned long long)
				dir_place_ordinal(n->place));
	cursor_close(m->cursors, c);
	return rc < 0 ? rc : buf_cstr(out, e);
}

/* Was it told of this inode already?  The kernel may have forgotten it since,
 * so its number is what is remembered: of each slot the last. */
static bool ops_told_before(struct mount *m, const struct inode *n)
{
	uint64_t *slot = &m->told_ino[n->ino % MOUNT_TOLD];
	bool before;

	pthread_mutex_lock(&m->told_mtx);
	before = *slot == n->ino;
	*slot = n->ino;
	pthread_mutex_unlock(&m->told_mtx);
	return before;
}

/* May another line be logged?  *missed: how many could not, until now. */
static bool ops_may_tell(struct mount *m, unsigned *missed)
{
	int64_t now = clock_mono_nsec();
	bool may;

	*missed = 0;
	pthread_mutex_lock(&m->told_mtx);
	if (now - m->told_since_nsec > OPS_TOLD_NSEC) {
		*missed = m->untold;
		m->told_since_nsec = now;
		m->told = m->untold = 0;
	}
	may = m->told < OPS_TOLD_MAX;
	if (may)
		m->told++;
	else
		m->untold++;
	pthread_mutex_unlock(&m->told_mtx);
	return may;
}

static void ops_tell(struct mount *m, struct inode *n, const struct err *why)
{
	struct buf path = BUF_INIT;
	unsigned missed;

	/* Damage and what cannot be shown stay: once is enough.  What cannot
	 * be reached may come back. */
	if ((why->code == ERR_CORRUPT || why->code == ERR_NOENT ||
	     why->code == ERR_CONFIG) && ops_told_before(m, n))
		return;
	if (!ops_may_tell(m, &missed))
		return;
	if (missed)
		log_warn("mount", "%u more files could not be read", missed);
	if (!n->arch)
		log_warn("mount", "%s", why->msg);
	else if (ops_path_of(m, n, &path, NULL) < 0)
		log_warn("mount", "archive '%s': %s", n->arch->name,
			 why->msg);
	else
		log_warn("mount", "archive '%s', '%s': %s", n->arch->name,
			 path.p ? (const char *)path.p : "", why->msg);
	buf_release(&path);
}

static int ops_errno(const struct err *e)
{
	switch (e->code) {
	case ERR_NOMEM:
		return ENOMEM;
	case ERR_CANCEL:
		return EINTR;
	case ERR_DENIED:
		return EACCES;
	case ERR_RETRY:
		return ESTALE;		/* the kernel looks for it anew */
	case ERR_OK:
	case ERR_NOENT:
	case ERR_EXIST:
	case ERR_CORRUPT:
	case ERR_AUTH:
	case ERR_BUSY:
	case ERR_FULL:
	case ERR_CONFIG:
	case ERR_IO:
	case ERR_NOREPO:
	case ERR_ROLLBACK:
	case ERR_FAILED:
		break;
	}
	return EIO;
}

void ops_fail(fuse_req_t req, struct inode *n, const struct err *e)
{
	if (e->code != ERR_NOMEM && e->code != ERR_CANCEL)
		ops_tell(ops_mount(req), n, e);
	fuse_reply_err(req, ops_errno(e));
}

static void ops_init(void *ctx, struct fuse_conn_info *conn)
{
	struct mount *m = ctx;
	unsigned want = FUSE_CAP_ASYNC_READ | FUSE_CAP_READDIRPLUS |
			FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_CACHE_SYMLINKS |
			FUSE_CAP_NO_OPEN_SUPPORT |
			FUSE_CAP_NO_OPENDIR_SUPPORT | FUSE_CAP_IOCTL_DIR;

	/*
	 * The root's listing is cached until its mtime moves: that is what
	 * AUTO_INVAL_DATA makes the kernel look at.  Nothing else changes.
	 */
	want |= FUSE_CAP_AUTO_INVAL_DATA;
	/* With changed owners or modes the archived ACLs would grant what the
	 * changed mode takes away: then they are only shown. */
	if (!m->o.ignore_permissions && !m->o.has_uid && !m->o.has_gid &&
	    !m->o.has_umask)
		want |= FUSE_CAP_POSIX_ACL;
	/* Of a directory that was not opened the listing would be kept. */
	if (m->o.versions)
		want &= ~(unsigned)FUSE_CAP_NO_OPENDIR_SUPPORT;
	conn->want = want & conn->capable;
	m->no_open = conn->want & FUSE_CAP_NO_OPEN_SUPPORT;
	m->no_opendir = conn->want & FUSE_CAP_NO_OPENDIR_SUPPORT;
	conn->max_background = 64;
	conn->congestion_threshold = 48;
}

const struct fuse_lowlevel_ops ops_table = {
	.init = ops_init,
	.lookup = ops_lookup,
	.forget = ops_forget,
	.forget_multi = ops_forget_multi,
	.getattr = ops_getattr,
	.readlink = ops_readlink,
	.open = ops_open,
	.read = ops_read,
	.opendir = ops_opendir,
	.readdir = ops_readdir,
	.readdirplus = ops_readdirplus,
	.statfs = ops_statfs,
	.getxattr = ops_getxattr,
	.listxattr = ops_listxattr,
	.ioctl = ops_ioctl,
	.lseek = ops_lseek
};
