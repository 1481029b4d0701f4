/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/maildisk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "tests/lib/prng.h"

static int maildisk_own(const struct mailstore *s, int fd, uid_t uid)
{
	if (s->owner == (uid_t)-1)
		return 0;
	if (uid == 0)
		uid = s->owner;
	return fchown(fd, uid, uid);
}

/* A moment of the hour that has just passed, by name. */
static struct timespec maildisk_stamp(const struct mailstore *s,
	const char *name)
{
	uint64_t key = prng_key(s->seed, s->hour);
	struct timespec ts = { .tv_sec = mailstore_now_secs(s) - 1 };

	for (const char *p = name; *p; p++)
		key = prng_key(key, (uint8_t)*p);
	ts.tv_sec -= (time_t)prng_below(key, 0, 3598);
	ts.tv_nsec = (long)prng_below(key, 1, 1000000000);
	return ts;
}

static int maildisk_write(const struct mailstore *s, const char *path,
	int flags, mode_t mode, uid_t uid, const struct timespec *mtime,
	const void *p, size_t len, struct err *e)
{
	int fd = openat(s->rootfd, path, flags | O_WRONLY | O_CREAT | O_CLOEXEC,
		0600);
	struct timespec ts[2] = { { .tv_nsec = UTIME_OMIT } };
	const uint8_t *at = p;
	off_t whole = (off_t)len;
	int rc = 0;

	if (fd < 0)
		return err_errno(e, errno, "cannot create '%s'", path);
	while (rc == 0 && len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0) {
			rc = err_errno(e, errno, "cannot write '%s'", path);
			break;
		}
		at += n;
		len -= (size_t)n;
	}
	ts[1] = mtime ? *mtime : maildisk_stamp(s, path);
	/* Not O_TRUNC: ext4 would flush the file when it is closed. */
	if (rc == 0 && ((!(flags & O_APPEND) && (ftruncate(fd, whole) < 0 ||
	    fchmod(fd, mode) < 0 || maildisk_own(s, fd, uid) < 0)) ||
	    futimens(fd, ts) < 0))
		rc = err_errno(e, errno, "cannot set up '%s'", path);
	if (close(fd) < 0 && rc == 0)
		rc = err_errno(e, errno, "cannot close '%s'", path);
	return rc;
}

int maildisk_put(const struct mailstore *s, const char *path, mode_t mode,
	uid_t uid, const void *p, size_t len, struct err *e)
{
	return maildisk_write(s, path, 0, mode, uid, NULL, p, len, e);
}

int maildisk_dir(const struct mailstore *s, const char *path, mode_t mode,
	uid_t uid, struct err *e)
{
	int fd, rc = 0;

	if (mkdirat(s->rootfd, path, 0700) < 0)
		return errno == EEXIST ? 0 :
			err_errno(e, errno, "cannot create '%s'", path);
	fd = openat(s->rootfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, mode) < 0 || maildisk_own(s, fd, uid) < 0)
		rc = err_errno(e, errno, "cannot set up '%s'", path);
	if (fd >= 0)
		close(fd);
	return rc;
}

int maildisk_symlink(const struct mailstore *s, const char *target,
	const char *path, struct err *e)
{
	if (symlinkat(target, s->rootfd, path) < 0)
		return err_errno(e, errno, "cannot create '%s'", path);
	if (s->owner != (uid_t)-1 && fchownat(s->rootfd, path, s->owner,
	    s->owner, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(e, errno, "cannot set up '%s'", path);
	return 0;
}

int maildisk_link(const struct mailstore *s, const char *from, const char *to,
	struct err *e)
{
	if (linkat(s->rootfd, from, s->rootfd, to, 0) < 0)
		return err_errno(e, errno, "cannot link '%s' to '%s'", from,
			to);
	return 0;
}

int maildisk_rename(const struct mailstore *s, const char *from,
	const char *to, struct err *e)
{
	if (renameat(s->rootfd, from, s->rootfd, to) < 0)
		return err_errno(e, errno, "cannot rename '%s' to '%s'", from,
			to);
	return 0;
}

int maildisk_unlink(const struct mailstore *s, const char *path,
	struct err *e)
{
	if (unlinkat(s->rootfd, path, 0) < 0)
		return err_errno(e, errno, "cannot remove '%s'", path);
	return 0;
}

enum maildisk_what {
	MAILDISK_ALL,
	/* Leave out files, and what is in folders that this run has neither
	 * touched nor can have folders in (their link count tells). */
	MAILDISK_FOLDERS
};

/*
 * Visit what is below 'dirfd', which is used up, depth first.  'visit' sees
 * an entry after what is in it.
 */
typedef int maildisk_visit_fn(const struct mailstore *s, int dirfd,
			      const char *name, const struct stat *st,
			      struct err *e);

static int maildisk_walk(const struct mailstore *s, int dirfd,
	enum maildisk_what what, maildisk_visit_fn *visit, struct err *e)
{
	DIR *d = fdopendir(dirfd);
	struct dirent *de;
	int rc = 0;

	if (!d) {
		close(dirfd);
		return err_errno(e, errno, "cannot list a folder");
	}
	while (rc == 0 && (de = readdir(d))) {
		struct stat st;
		int fd;

		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, "..") ||
		    (what == MAILDISK_FOLDERS && de->d_type == DT_REG))
			continue;
		if (fstatat(dirfd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			rc = err_errno(e, errno, "cannot stat '%s'",
				de->d_name);
			break;
		}
		if (S_ISDIR(st.st_mode) && (what == MAILDISK_ALL ||
		    st.st_nlink != 2 ||
		    st.st_mtim.tv_sec >= s->touched_after_secs)) {
			fd = openat(dirfd, de->d_name, O_RDONLY | O_DIRECTORY |
				O_NOFOLLOW | O_CLOEXEC);
			rc = fd < 0 ? err_errno(e, errno, "cannot open '%s'",
				de->d_name) : maildisk_walk(s, fd, what, visit,
				e);
		}
		if (rc == 0)
			rc = visit(s, dirfd, de->d_name, &st, e);
	}
	closedir(d);
	return rc;
}

static int maildisk_settle_one(const struct mailstore *s, int dirfd,
	const char *name, const struct stat *st, struct err *e)
{
	struct timespec ts[2] = { { .tv_nsec = UTIME_OMIT } };

	if (st->st_mtim.tv_sec < s->touched_after_secs)
		return 0;
	ts[1] = maildisk_stamp(s, name);
	if (utimensat(dirfd, name, ts, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(e, errno, "cannot set the time of '%s'", name);
	return 0;
}

int maildisk_settle(const struct mailstore *s, struct err *e)
{
	int fd = openat(s->rootfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(e, errno, "cannot open '%s'", s->root);
	return maildisk_walk(s, fd, MAILDISK_FOLDERS, maildisk_settle_one, e);
}

static int maildisk_remove_one(const struct mailstore *s, int dirfd,
	const char *name, const struct stat *st, struct err *e)
{
	(void)s;
	if (unlinkat(dirfd, name, S_ISDIR(st->st_mode) ? AT_REMOVEDIR : 0) < 0)
		return err_errno(e, errno, "cannot remove '%s'", name);
	return 0;
}

int maildisk_remove_tree(const struct mailstore *s, const char *path,
	struct err *e)
{
	int fd = openat(s->rootfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? err_errno(e, errno, "cannot open '%s'", path) :
		maildisk_walk(s, fd, MAILDISK_ALL, maildisk_remove_one, e);

	if (rc == 0 && unlinkat(s->rootfd, path, AT_REMOVEDIR) < 0)
		rc = err_errno(e, errno, "cannot remove '%s'", path);
	return rc;
}

int maildisk_deliver(struct mailstore *s, unsigned user,
	const struct folder *f, struct mail *m, struct buf *b, struct err *e)
{
	struct timespec mtime = mailstore_mtime(s, user, m);
	char path[MAILSTORE_PATH_BYTES];
	int rc = mailstore_build(s, user, m, b, e);

	if (rc < 0)
		return rc;
	mailstore_mail_path(s, user, f, m, path);
	return maildisk_write(s, path, O_EXCL, 0600, 0, &mtime, b->p, b->len,
		e);
}

static int maildisk_line(const struct mailstore *s, unsigned user,
	const struct mail *m, struct buf *b, struct err *e)
{
	char base[MAILSTORE_NAME_BYTES], guid[MAILSTORE_NAME_BYTES];

	mailstore_base_name(s, user, m, base);
	mailstore_guid(s, user, m, guid);
	if (m->bits & MAIL_BARE)
		return buf_printf(b, e, "%u :%s\n", m->uid, base);
	return buf_printf(b, e, "%u G%s :%s\n", m->uid, guid, base);
}

int maildisk_uidlist(struct mailstore *s, unsigned user, struct folder *f,
	struct err *e)
{
	char path[MAILSTORE_PATH_BYTES], lock[MAILSTORE_PATH_BYTES];
	bool again = f->listed_uid == 1 || f->stale * 4 >= f->n + f->stale;
	struct buf b = BUF_INIT;
	int rc = 0;

	if (!again && f->listed_uid == f->next_uid)
		return 0;
	mailstore_folder_path(&s->box[user], f, "dovecot-uidlist", path);
	mailstore_folder_path(&s->box[user], f, "dovecot-uidlist.lock", lock);
	if (again)
		rc = buf_printf(&b, e, "3 V%u N%u G%016llx%016llx\n",
			f->validity, f->next_uid,
			(unsigned long long)prng_u64(s->seed, f->validity),
			(unsigned long long)prng_u64(s->seed + 1,
			f->validity));
	for (size_t i = 0; rc == 0 && i < f->n; i++)
		if (again || f->mail[i].uid >= f->listed_uid)
			rc = maildisk_line(s, user, &f->mail[i], &b, e);
	if (rc == 0 && !again)
		rc = maildisk_write(s, path, O_APPEND, 0600, 0, NULL, b.p,
			b.len, e);
	if (rc == 0 && again) {
		rc = maildisk_put(s, lock, 0600, 0, b.p, b.len, e);
		if (rc == 0)
			rc = maildisk_rename(s, lock, path, e);
		f->stale = 0;
	}
	f->listed_uid = f->next_uid;
	buf_release(&b);
	return rc;
}
