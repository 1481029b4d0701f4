/* SPDX-License-Identifier: BSD-2-Clause */
/* Metadata of one file, and what is said while an archive is made. */
#include "archive/create_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "repo/repo.h"

#define CREATE_WARNINGS_MAX 100
#define CREATE_SHOWN 2000
#define CREATE_OWNERS_MAX 1000
#define CREATE_PROGRESS_NSEC 200000000
#define CREATE_FSFLAGS (FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL | \
	FS_NOATIME_FL | FS_COMPR_FL | FS_SYNC_FL)

void create_status(struct create *c, char status, const char *path)
{
	if (c->o->item)
		c->o->item(status, path, c->o->ctx);
}

/* Lines of logs and texts of records have room for 4 KiB: of a longer path the
 * end. */
static const char *create_shown(char out[CREATE_SHOWN], const char *path)
{
	size_t len = strlen(path);

	if (len < CREATE_SHOWN)
		return path;
	snprintf(out, CREATE_SHOWN, "...%s", path + len - CREATE_SHOWN + 4);
	return out;
}

void create_warn_text(struct create *c, const char *path, const char *why)
{
	char out[CREATE_SHOWN];
	const char *shown = create_shown(out, path);

	log_warn("create", "'%s' is not in the archive: %s", shown, why);
	create_status(c, 'E', path);
	c->rec->stats.errors++;
	if (c->warnings.n < CREATE_WARNINGS_MAX)
		strv_take(&c->warnings, mem_printf("%s: %s", shown, why),
			NULL);
}

void create_warn(struct create *c, const char *path, const char *op,
		 int errnum)
{
	char words[128], why[192];

	snprintf(why, sizeof(why), "cannot %s it: %s", op,
		strerror_r(errnum, words, sizeof(words)));
	create_warn_text(c, path, why);
}

void create_warn_part(struct create *c, const char *path, const char *part,
		      const char *why)
{
	char out[CREATE_SHOWN];
	const char *shown = create_shown(out, path);

	log_warn("create", "'%s' is in the archive without its %s: %s", shown,
		part, why);
	c->rec->stats.errors++;
	if (c->warnings.n < CREATE_WARNINGS_MAX)
		strv_take(&c->warnings, mem_printf("%s: %s: %s", shown, part,
			why), NULL);
}

static void create_warn_errno(struct create *c, const char *path,
			      const char *part, int errnum)
{
	char words[128];

	create_warn_part(c, path, part,
		strerror_r(errnum, words, sizeof(words)));
}

void create_progress(struct create *c, const char *path)
{
	struct session_stats st = { 0 };
	struct create_progress p = { .files = c->files, .bytes = c->bytes,
				     .path = path };
	int64_t now;

	if (!c->o->progress)
		return;
	now = clock_mono_nsec();
	if (now - c->progress_nsec < CREATE_PROGRESS_NSEC)
		return;
	c->progress_nsec = now;
	if (c->session)
		session_stats(c->session, &st);
	p.new_bytes = st.plain_bytes;
	p.stored_bytes = st.stored_bytes;
	c->o->progress(&p, c->o->ctx);
}

int create_owner(struct create *c, unsigned which, uint32_t id)
{
	uint8_t key[16] = { 1 };
	uint64_t *value;
	bool was;

	if (c->owners[which].count >= CREATE_OWNERS_MAX)
		return 0;
	memcpy(key + 8, &id, sizeof(id));
	return map_put(&c->owners[which], key, &value, &was, c->e);
}

/* A number for hard links that is the same as long as the inode is: keyed, so
 * that it tells nothing; from the order of devices, as their numbers change
 * with every boot. */
static int create_link_group(struct create *c, const struct stat *st,
			     uint64_t *group)
{
	uint8_t key[16] = { 1 };
	uint64_t *ordinal, id[2];
	bool was;
	int rc;

	memcpy(key + 8, &st->st_dev, sizeof(st->st_dev));
	if ((rc = map_put(&c->devices, key, &ordinal, &was, c->e)) < 0)
		return rc;
	if (!was)
		*ordinal = c->devices.count;
	id[0] = st->st_ino;
	id[1] = *ordinal;
	*group = key_siphash(repo_tree_key(c->repo), id, sizeof(id));
	if (*group == 0)
		*group = 1;
	return 0;
}

static int create_meta_stat(struct create *c, const struct walk_item *it,
			    struct entry *en)
{
	const struct stat *st = &it->st;
	int rc;

	memset(en, 0, sizeof(*en));
	en->name = (const uint8_t *)strrchr(it->stored, '/');
	en->name = en->name ? en->name + 1 : (const uint8_t *)it->stored;
	en->name_len = (uint16_t)strlen((const char *)en->name);
	en->mode = st->st_mode;
	if (it->implicit) {
		en->mode = S_IFDIR | 0755;
		en->flags = ENTRY_IMPLICIT;
		return 0;
	}
	en->uid = st->st_uid;
	en->gid = st->st_gid;
	en->mtime = st->st_mtim;
	if (c->o->flags & CREATE_ATIME) {
		en->flags |= ENTRY_ATIME;
		en->atime = st->st_atim;
	}
	if (c->o->flags & CREATE_CTIME) {
		en->flags |= ENTRY_CTIME;
		en->ctime = st->st_ctim;
	}
	if ((rc = create_owner(c, 0, st->st_uid)) < 0 ||
	    (rc = create_owner(c, 1, st->st_gid)) < 0)
		return rc;
	if (S_ISDIR(st->st_mode))
		return 0;
	en->links = st->st_nlink;
	if (st->st_nlink > 1 && (rc = create_link_group(c, st,
						&en->link_group)) < 0)
		return rc;
	if (S_ISREG(st->st_mode))
		en->size = (uint64_t)st->st_size;
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
		en->rdev_major = major(st->st_rdev);
		en->rdev_minor = minor(st->st_rdev);
	}
	return 0;
}

/* --- extended attributes --- */

#define XATTR_TRIES 5		/* for a set that changes under us */

/* By fd, or, for what is not opened, by a path that does not follow the last
 * link. */
struct xattr_of {
	const char *shown;	/* for messages */
	int fd;
	char path[64 + NAME_MAX];
};

static ssize_t xattr_list(const struct xattr_of *x, char *out, size_t room)
{
	return x->fd >= 0 ? flistxattr(x->fd, out, room) :
		llistxattr(x->path, out, room);
}

static ssize_t xattr_get(const struct xattr_of *x, const char *name, void *out,
			 size_t room)
{
	return x->fd >= 0 ? fgetxattr(x->fd, name, out, room) :
		lgetxattr(x->path, name, out, room);
}

static bool xattr_wanted(const struct create *c, const char *name)
{
	bool acl = strncmp(name, "system.posix_acl_", 17) == 0;

	return !(c->o->flags & (acl ? CREATE_NO_ACLS : CREATE_NO_XATTRS));
}

static int xattr_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* No attributes there, or no longer; not a failure to read them. */
static bool xattr_none(int errnum)
{
	return errnum == ENODATA || errnum == ENOTSUP || errnum == ENOENT;
}

/* The value of one; *len < 0: errno says why there is none. */
static int xattr_value(struct create *c, const struct xattr_of *x,
		       const char *name, uint8_t **value, ssize_t *len)
{
	int tries = 0;

	do {
		free(*value);
		*value = NULL;
		*len = xattr_get(x, name, NULL, 0);
		if (*len < 0)
			return 0;
		*value = mem_alloc((size_t)*len + 1);
		if (!*value)
			return err_nomem(c->e);
		*len = xattr_get(x, name, *value, (size_t)*len + 1);
	} while (*len < 0 && errno == ERANGE && ++tries < XATTR_TRIES);
	return 0;
}

/* One attribute into the set; one that went in the meantime is left out. */
static int xattr_put(struct create *c, const struct xattr_of *x,
		     const char *name, struct wr *w, uint64_t *n)
{
	uint8_t *value = NULL;
	ssize_t len;
	int rc;

	if ((rc = xattr_value(c, x, name, &value, &len)) < 0)
		return rc;
	if (len > XATTR_VALUE_BYTES) {
		create_warn_errno(c, x->shown, name, E2BIG);
	} else if (len >= 0) {
		wr_varint(w, strlen(name));
		wr_bytes(w, name, strlen(name));
		wr_varint(w, (uint64_t)len);
		wr_bytes(w, value, (size_t)len);
		++*n;
	} else if (!xattr_none(errno)) {
		create_warn_errno(c, x->shown, name, errno);
	}
	free(value);
	return 0;
}

static int xattr_set(struct create *c, const struct xattr_of *x,
		     const char **name, size_t n_names)
{
	struct buf items = BUF_INIT;
	uint64_t n = 0;
	struct wr w;
	size_t i;
	int rc = 0;

	qsort(name, n_names, sizeof(*name), xattr_cmp);
	wr_init(&w, &items);
	for (i = 0; rc == 0 && i < n_names; i++)
		if (xattr_wanted(c, name[i]))
			rc = xattr_put(c, x, name[i], &w, &n);
	buf_clear(&c->xattrs);
	if (rc == 0)
		rc = wr_done(&w, c->e);
	if (rc == 0 && n > 0) {
		wr_init(&w, &c->xattrs);
		wr_varint(&w, n);
		wr_bytes(&w, items.p, items.len);
		rc = wr_done(&w, c->e);
	}
	buf_release(&items);
	return rc;
}

/* The names; *len < 0: errno says why there are none. */
static int xattr_names(struct create *c, const struct xattr_of *x,
		       char **list, ssize_t *len)
{
	int tries = 0;

	do {
		free(*list);
		*list = NULL;
		*len = xattr_list(x, NULL, 0);
		if (*len <= 0)
			return 0;
		*list = mem_alloc((size_t)*len + 1);
		if (!*list)
			return err_nomem(c->e);
		*len = xattr_list(x, *list, (size_t)*len);
	} while (*len < 0 && errno == ERANGE && ++tries < XATTR_TRIES);
	return 0;
}

/* The set into c->xattrs. */
static int xattr_read(struct create *c, const struct xattr_of *x)
{
	const char **name = NULL;
	char *list = NULL, *s;
	ssize_t len;
	size_t n = 0;
	int rc;

	buf_clear(&c->xattrs);
	if ((rc = xattr_names(c, x, &list, &len)) < 0)
		return rc;
	if (len < 0 && !xattr_none(errno))
		create_warn_errno(c, x->shown, "extended attributes", errno);
	if (len <= 0)
		goto out;
	name = mem_array((size_t)len + 1, sizeof(*name));
	if (!name) {
		rc = err_nomem(c->e);
		goto out;
	}
	list[len] = '\0';
	for (s = list; s < list + len; s += strlen(s) + 1)
		name[n++] = s;
	rc = xattr_set(c, x, name, n);
out:
	free(name);
	free(list);
	return rc;
}

int create_xattrs(struct create *c, const struct walk_item *it, int fd,
		  struct entry *en)
{
	struct xattr_of x = { .shown = it->path, .fd = fd };
	int rc;

	en->xattrs = NULL;
	en->xattrs_len = 0;
	if ((c->o->flags & (CREATE_NO_XATTRS | CREATE_NO_ACLS)) ==
	    (CREATE_NO_XATTRS | CREATE_NO_ACLS))
		return 0;
	if (fd < 0)
		snprintf(x.path, sizeof(x.path), "/proc/self/fd/%d/%s",
			it->dirfd, it->name);
	if ((rc = xattr_read(c, &x)) < 0 || c->xattrs.len == 0)
		return rc;
	if (c->xattrs.len > XATTR_SET_MAX) {
		create_warn_errno(c, it->path, "extended attributes", E2BIG);
		return 0;
	}
	if (c->xattrs.len > ENTRY_XATTR_INLINE_MAX && c->session)
		return session_put(c->session, OBJ_DATA, c->xattrs.p,
			c->xattrs.len, &en->xattrs_id, c->e);
	en->xattrs = c->xattrs.p;
	en->xattrs_len = (uint32_t)c->xattrs.len;
	return 0;
}

int create_meta(struct create *c, const struct walk_item *it, int fd,
		struct entry *en)
{
	int flags = 0, rc;

	if ((rc = create_meta_stat(c, it, en)) < 0 || it->implicit)
		return rc;
	if (fd < 0 && S_ISREG(it->st.st_mode))
		return 0;	/* the reader asks again when it is open */
	if (fd >= 0 && !(c->o->flags & CREATE_NO_FLAGS) &&
	    ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0)
		en->fsflags = (uint32_t)flags & CREATE_FSFLAGS;
	return create_xattrs(c, it, fd, en);
}
