/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/local_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/os.h"

/*
 * COMMIT POINT: the rename or link in local_name().  The bytes are on the
 * disk before it, the name is after the next barrier; whatever is left behind
 * before it has a temporary name that nobody reads.
 */
struct local_file {
	char tmp[LAYOUT_PATH_BYTES];
	dev_t dev;
	ino_t ino;
	bool again;		/* it failed, surely without making the name */
};

static int local_write_bytes(int fd, struct local_file *f,
			     const struct iovec *iov, int n, struct err *e)
{
	struct iovec *copy = mem_dup(iov, (size_t)n * sizeof(*iov));
	struct stat st;
	int rc;

	if (!copy)
		return err_nomem(e);
	rc = io_writev(fd, copy, n, f->tmp, e);
	free(copy);
	if (rc < 0)
		return rc;
	if (local_fstat(fd, &st) < 0 || local_fdatasync(fd) < 0)
		return err_errno(e, errno, "cannot write '%s'", f->tmp);
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	return 0;
}

/* Write and sync a new temporary file; after a failure there is none. */
static int local_write(struct local *l, struct local_file *f,
		       const struct iovec *iov, int n, struct err *e)
{
	int fd, rc;

	if ((rc = layout_tmp(&l->self, f->tmp, e)) < 0)
		return rc;
	f->again = true;
	fd = local_openat(l->root, f->tmp, O_WRONLY | O_CREAT | O_EXCL);
	if (fd < 0)
		return err_errno(e, errno, "cannot create '%s'", f->tmp);
	rc = local_write_bytes(fd, f, iov, n, e);
	if (local_close(fd) < 0 && rc == 0)
		rc = err_errno(e, errno, "cannot write '%s'", f->tmp);
	if (rc < 0)
		local_tmp_remove(l, f->tmp);
	return rc;
}

/* The three ways to a name: 0 or an errno. */
static int local_way_rename(struct local *l, struct local_file *f,
			    const char *path)
{
	int rc;

	do
		rc = os_now->rename_new(l->root, f->tmp, l->root, path);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? errno : 0;
}

static int local_way_link(struct local *l, struct local_file *f,
			  const char *path)
{
	int rc;

	do
		rc = os_now->linkat(l->root, f->tmp, l->root, path);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? errno : 0;
}

static int local_rename(struct local *l, const char *from, const char *to)
{
	int rc;

	do
		rc = os_now->renameat(l->root, from, l->root, to);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? errno : 0;
}

/* A folder is never renamed over one that is not empty, nor over a file. */
static int local_way_dir(struct local *l, struct local_file *f,
			 const char *path)
{
	char dir[LAYOUT_PATH_BYTES], inner[LAYOUT_PATH_BYTES +
		sizeof(LAYOUT_INNER)];
	int errnum;

	f->again = true;
	if (layout_tmp(&l->self, dir, NULL) < 0)
		return EIO;
	snprintf(inner, sizeof(inner), "%s" LAYOUT_INNER, dir);
	if (local_mkdir(l->root, dir) < 0)
		return errno;
	errnum = local_rename(l, f->tmp, inner);
	if (errnum == 0)
		errnum = local_sync_path(l, dir);
	f->again = errnum != 0;
	if (errnum == 0)
		errnum = local_rename(l, dir, path);
	if (errnum != 0)
		local_tmp_remove(l, dir);
	return errnum;
}

/* Does the name stand for the file of ours, whatever a call has said?  (Over
 * a network an answer gets lost, and then the second try fails.) */
static bool local_is_named(struct local *l, const struct local_file *f,
			   enum local_way way, const char *path)
{
	char inner[LAYOUT_PATH_BYTES + sizeof(LAYOUT_INNER)];
	struct stat st, tmp;

	if (local_lstat(l->root, path, &st) < 0)
		return false;
	if (S_ISDIR(st.st_mode)) {
		snprintf(inner, sizeof(inner), "%s" LAYOUT_INNER, path);
		if (local_lstat(l->root, inner, &st) < 0)
			return false;
	}
	if (!S_ISREG(st.st_mode) || st.st_ino != f->ino ||
	    st.st_dev != f->dev)
		return false;
	if (way == LOCAL_LINK)
		return st.st_nlink > 1;
	return local_lstat(l->root, f->tmp, &tmp) < 0 && errno == ENOENT;
}

/* EPERM: what Linux says for a link where there are none, and what a system
 * call filter older than renameat2(2) says. */
static bool local_cannot(int errnum)
{
	return errnum == EINVAL || errnum == ENOSYS || errnum == EPERM ||
		errnum == EOPNOTSUPP || errnum == EMLINK;
}

/* A copying program may have dropped the empty folder. */
static void local_make_fan(struct local *l, enum store_kind k,
			   const char *name)
{
	char path[LAYOUT_FOLDER_BYTES];
	unsigned folder = layout_folder(k, name);

	if (folder >= LAYOUT_FAN_DATA &&
	    local_mkdir(l->root, layout_folder_path(folder, path)) == 0)
		local_touch(l, k);
}

static int local_name(struct local *l, struct local_file *f,
		      enum store_kind k, const char *name, struct err *e)
{
	static int (*const go[LOCAL_WAYS])(struct local *, struct local_file *,
		const char *) = {
		[LOCAL_RENAME] = local_way_rename,
		[LOCAL_LINK] = local_way_link,
		[LOCAL_DIR] = local_way_dir
	};
	enum local_way way = (enum local_way)atomic_load(&l->way);
	char path[LAYOUT_PATH_BYTES];
	uint64_t size;
	int errnum;

	f->again = false;
	layout_path(k, name, path);
	while (local_cannot(errnum = go[way](l, f, path)) &&
	       way + 1 < LOCAL_WAYS)
		way++;
	if (errnum == 0 || local_is_named(l, f, way, path)) {
		atomic_store(&l->way, (int)way);
		/* Where names are not journaled the temporary one must be
		 * gone before it is tidied away, and its bytes with it. */
		if (way != LOCAL_LINK)
			local_touch(l, LAYOUT_TMP);
		local_touch(l, layout_folder(k, name));
		return 0;
	}
	/* The name may be another's who has not come to a barrier yet, or
	 * ours in spite of the failure. */
	local_touch(l, layout_folder(k, name));
	if (errnum == EEXIST || errnum == ENOTEMPTY ||
	    ((errnum == ENOTDIR || errnum == EISDIR) &&
	     local_size(l->root, path, &size) == 0))
		return err_set(e, ERR_EXIST, "'%s' is there already", path);
	if (errnum == ENOENT) {
		local_make_fan(l, k, name);
		f->again = true;
	}
	return err_errno(e, errnum, "cannot create '%s'", path);
}

static int local_put_once(struct local *l, struct local_file *f,
			  enum store_kind k, const char *name,
			  const struct iovec *iov, int n, struct err *e)
{
	int rc = local_write(l, f, iov, n, e);

	if (rc < 0)
		return rc;
	rc = local_name(l, f, k, name, e);
	/* After a rename there is nothing to remove, unless it failed. */
	if (rc < 0 || atomic_load(&l->way) == LOCAL_LINK)
		local_tmp_remove(l, f->tmp);
	return rc;
}

static int local_no_space(struct store *s, struct err *e)
{
	uint64_t free_bytes, total_bytes;

	if (local_space(s, &free_bytes, &total_bytes, NULL) < 0)
		return err_ctx(e, "no space left");
	return err_ctx(e, "no space left (%.1f of %.1f GiB are free)",
		(double)free_bytes / (1 << 30),
		(double)total_bytes / (1 << 30));
}

int local_put(struct store *s, enum store_kind k, const char *name,
	      const struct iovec *iov, int n, unsigned flags, struct err *e)
{
	struct local *l = (struct local *)(void *)s;
	struct local_file f = { .again = false };
	int rc;

	(void)flags;		/* every put here wins or loses as a whole */
	local_tmp_tidy(l);
	fdcache_expire(l->fds);
	rc = local_put_once(l, &f, k, name, iov, n, e);
	if (f.again && (rc == ERR_IO || rc == ERR_NOENT)) {
		log_debug("store", "putting '%s/%s' once more",
			store_kind_name(k), name);
		rc = local_put_once(l, &f, k, name, iov, n, e);
	}
	if (rc == ERR_FULL)
		return local_no_space(s, e);
	/* A folder of the repository is missing; no caller knows that one. */
	if (rc == ERR_NOENT)
		rc = err_set(e, ERR_CORRUPT, "%s", e ? e->msg : "");
	return rc;
}
