/* SPDX-License-Identifier: BSD-2-Clause */
/* Metadata of what was made. */
#include "archive/extract_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/mem.h"

/* --- owners: the archive's numbers to this machine's, by name --- */

static int ids_cmp(const void *a, const void *b)
{
	uint32_t x = ((const struct extract_ids *)a)->from;
	uint32_t y = ((const struct extract_ids *)b)->from;

	return x < y ? -1 : x > y;
}

static bool ids_user(const char *name, uint32_t *id)
{
	const struct passwd *pw = getpwnam(name);

	if (pw)
		*id = pw->pw_uid;
	return pw != NULL;
}

static bool ids_group(const char *name, uint32_t *id)
{
	const struct group *gr = getgrnam(name);

	if (gr)
		*id = gr->gr_gid;
	return gr != NULL;
}

static struct extract_ids *ids_make(const struct record_name *names, size_t n,
				    bool groups, size_t *out_n)
{
	struct extract_ids *ids = mem_array(n, sizeof(*ids));
	size_t i;

	*out_n = 0;
	for (i = 0; ids && i < n; i++) {
		uint32_t to;

		if (groups ? ids_group(names[i].name, &to) :
		    ids_user(names[i].name, &to))
			ids[(*out_n)++] = (struct extract_ids) {
				.from = names[i].id, .to = to };
	}
	if (ids && *out_n > 1)
		qsort(ids, *out_n, sizeof(*ids), ids_cmp);
	return ids;
}

int extract_meta_ids(struct extract *x)
{
	const struct record *r = x->rec;

	if (x->o->flags & EXTRACT_NUMERIC_IDS)
		return 0;
	x->users = ids_make(r->users, r->n_users, false, &x->n_users);
	x->groups = ids_make(r->groups, r->n_groups, true, &x->n_groups);
	return x->users && x->groups ? 0 : err_nomem(x->e);
}

static uint32_t ids_map(const struct extract_ids *ids, size_t n, uint32_t id)
{
	const struct extract_ids want = { .from = id };
	const struct extract_ids *hit = n ?
		bsearch(&want, ids, n, sizeof(*ids), ids_cmp) : NULL;

	return hit ? hit->to : id;
}

/* --- setting --- */

/* What is being set: by fd, or by name in a directory. */
struct meta_of {
	const struct extract *x;
	struct extract_event *ev;
	int fd, dirfd;
	char path[64 + ENTRY_NAME_MAX + 1];	/* /proc/self/fd/N/NAME */
};

static void meta_warn(struct meta_of *m, const char *what)
{
	char words[96];

	if (!m->ev->warn[0])
		snprintf(m->ev->warn, sizeof(m->ev->warn),
			"cannot set its %s: %s", what,
			strerror_r(errno, words, sizeof(words)));
}

/* True: it has the owner that the archive says. */
static bool meta_owner(struct meta_of *m, const struct entry *en)
{
	const struct extract *x = m->x;
	uid_t uid = ids_map(x->users, x->n_users, en->uid);
	gid_t gid = ids_map(x->groups, x->n_groups, en->gid);
	int rc;

	rc = m->fd >= 0 ? fchown(m->fd, uid, gid) :
		fchownat(m->dirfd, m->ev->name, uid, gid, AT_SYMLINK_NOFOLLOW);
	if (rc == 0)
		return true;
	if (x->root_user)
		meta_warn(m, "owner");
	return false;
}

/* What has no fd of its own, by one that cannot be made to point elsewhere:
 * fchmodat() would follow a link that took the name's place. */
static int meta_chmod(struct meta_of *m, mode_t type, mode_t mode)
{
	char proc[64];
	struct stat st;
	int fd = openat(m->dirfd, m->ev->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int rc = -1;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == type) {
		snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
		rc = chmod(proc, mode);
	} else {
		errno = ESTALE;
	}
	close(fd);
	return rc;
}

static void meta_mode(struct meta_of *m, const struct entry *en, bool owned)
{
	mode_t mode = en->mode & 07777;
	int rc;

	if (S_ISLNK(en->mode))
		return;
	/* setuid for somebody else than was meant would be a gift. */
	if (!owned)
		mode &= (mode_t)~(S_ISUID | S_ISGID);
	rc = m->fd >= 0 ? fchmod(m->fd, mode) :
		meta_chmod(m, en->mode & S_IFMT, mode);
	if (rc < 0)
		meta_warn(m, "mode");
}

static void meta_xattr(struct meta_of *m, const struct xattr_item *a, bool acls)
{
	bool acl = a->name_len > 17 &&
		memcmp(a->name, "system.posix_acl_", 17) == 0;
	char name[XATTR_NAME_MAX + 1];
	int rc;

	if (acl != acls ||
	    (m->x->o->flags & (acl ? EXTRACT_NO_ACLS : EXTRACT_NO_XATTRS)))
		return;
	if (a->name_len > XATTR_NAME_MAX) {
		errno = ENAMETOOLONG;
		meta_warn(m, "extended attributes");
		return;
	}
	memcpy(name, a->name, a->name_len);
	name[a->name_len] = '\0';
	rc = m->fd >= 0 ? fsetxattr(m->fd, name, a->value, a->value_len, 0) :
		lsetxattr(m->path, name, a->value, a->value_len, 0);
	if (rc < 0)
		meta_warn(m, acl ? "ACL" : "extended attributes");
}

/* The ACLs, or all but them. */
static void meta_xattrs(struct meta_of *m, const struct entry *en, bool acls)
{
	struct xattr_iter it;
	struct xattr_item a;
	const uint8_t *set;
	struct obj *hold;
	size_t len;

	if (!en->xattrs_len && oid_is_zero(&en->xattrs_id))
		return;
	if (tree_xattrs(m->x->rd, en, &set, &len, &hold, NULL) < 0) {
		errno = EIO;
		meta_warn(m, "extended attributes");
		return;
	}
	xattr_iter_init(&it, set, len);
	while (xattr_iter_next(&it, &a))
		meta_xattr(m, &a, acls);
	reader_release(m->x->rd, hold);
}

static void meta_times(struct meta_of *m, const struct entry *en)
{
	struct timespec ts[2] = {
		en->flags & ENTRY_ATIME ? en->atime : en->mtime, en->mtime
	};
	int rc;

	rc = m->fd >= 0 ? futimens(m->fd, ts) :
		utimensat(m->dirfd, m->ev->name, ts, AT_SYMLINK_NOFOLLOW);
	if (rc < 0)
		meta_warn(m, "times");
}

static int flags_set(int fd, uint32_t flags)
{
	int now = 0, want;

	if (ioctl(fd, FS_IOC_GETFLAGS, &now) < 0)
		return -1;
	want = now | (int)flags;
	return want == now ? 0 : ioctl(fd, FS_IOC_SETFLAGS, &want);
}

static void meta_flags(struct meta_of *m, const struct entry *en)
{
	uint32_t want = en->fsflags;

	if (en->link_group)
		want &= ~EXTRACT_LATE_FLAGS;
	if (!want || m->fd < 0 || (m->x->o->flags & EXTRACT_NO_FLAGS))
		return;
	if (flags_set(m->fd, want) < 0)
		meta_warn(m, "file flags");
}

/* Open the inode that was made for a group; -1: it is no longer there. */
static int link_open(const struct extract *x, const struct extract_link *l)
{
	const char *slash = strrchr(l->path, '/');
	int dir = extract_dir_walk(x, l->path,
		slash ? (size_t)(slash - l->path) : 0);
	struct stat st;
	int fd = -1;

	if (dir >= 0) {
		fd = openat(dir, slash ? slash + 1 : l->path, O_RDONLY |
			O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		close(dir);
	}
	if (fd >= 0 && (fstat(fd, &st) < 0 || st.st_dev != l->dev ||
			st.st_ino != l->ino)) {
		close(fd);
		errno = ESTALE;
		fd = -1;
	}
	return fd;
}

void extract_meta_links(struct extract *x)
{
	char words[96], text[160];
	size_t i;
	int fd;

	for (i = 0; i < x->n_links; i++) {
		const struct extract_link *l = &x->link[i];

		if (!l->fsflags)
			continue;
		fd = link_open(x, l);
		if (fd < 0 || flags_set(fd, l->fsflags) < 0) {
			snprintf(text, sizeof(text), "cannot set its file "
				"flags: %s", strerror_r(errno, words,
				sizeof(words)));
			x->res->warnings++;
			if (x->o->warning)
				x->o->warning(l->path, text, x->o->ctx);
		}
		if (fd >= 0)
			close(fd);
	}
}

void extract_meta_set(const struct extract *x, struct extract_event *ev,
		      int fd)
{
	const struct entry *en = &ev->entry->e;
	struct meta_of m = { .x = x, .ev = ev, .fd = fd,
			     .dirfd = ev->dir->fd };
	bool owned;

	if (fd < 0)
		snprintf(m.path, sizeof(m.path), "/proc/self/fd/%d/%s",
			m.dirfd, ev->name);
	/* Attributes before the mode: a user cannot give them to a file that
	 * is read-only.  After the owner: a new one takes capabilities away.
	 * ACLs after the mode, which would set their mask. */
	owned = meta_owner(&m, en);
	meta_xattrs(&m, en, false);
	meta_mode(&m, en, owned);
	meta_xattrs(&m, en, true);
	meta_times(&m, en);
	if (S_ISDIR(en->mode))
		meta_flags(&m, en);
}

void extract_meta_flags(const struct extract *x, struct extract_event *ev,
			int fd)
{
	struct meta_of m = { .x = x, .ev = ev, .fd = fd,
			     .dirfd = ev->dir->fd };

	meta_flags(&m, &ev->entry->e);
}
