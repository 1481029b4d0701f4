/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/os.h"

int io_writev(int fd, struct iovec *iov, int n, const char *what,
	      struct err *e)
{
	int stuck = 0;

	while (n > 0) {
		ssize_t got;

		if (iov->iov_len == 0) {
			iov++;
			n--;
			continue;
		}
		got = os_now->writev(fd, iov, n < IOV_MAX ? n : IOV_MAX);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(e, errno, "cannot write '%s'", what);
		if (got == 0 && ++stuck == 2)
			return err_set(e, ERR_IO,
				"cannot write '%s': no progress", what);
		while (n > 0 && (size_t)got >= iov->iov_len) {
			got -= (ssize_t)iov->iov_len;
			iov++;
			n--;
		}
		if (n > 0) {
			iov->iov_base = (uint8_t *)iov->iov_base + got;
			iov->iov_len -= (size_t)got;
		}
	}
	return 0;
}

int io_pread(int fd, void *p, size_t len, uint64_t off, const char *what,
	     struct err *e)
{
	uint8_t *at = p;

	while (len > 0) {
		ssize_t got = os_now->pread(fd, at, len, (off_t)off);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(e, errno, "cannot read '%s'", what);
		if (got == 0)
			return err_set(e, ERR_CORRUPT,
				"'%s' is shorter than it should be", what);
		at += got;
		off += (uint64_t)got;
		len -= (size_t)got;
	}
	return 0;
}

int io_read_file(int dirfd, const char *path, struct buf *b, struct err *e)
{
	size_t before = b->len;
	uint8_t chunk[32768];
	ssize_t got;
	int fd, rc = 0;

	BUG_ON(b->max == 0);
	fd = os_now->openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);
	if (fd < 0)
		return err_errno(e, errno, "cannot open '%s'", path);
	do {
		got = os_now->pread(fd, chunk, sizeof(chunk),
			(off_t)(b->len - before));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			rc = err_errno(e, errno, "cannot read '%s'", path);
		else if (buf_append(b, chunk, (size_t)got, e) < 0)
			rc = err_ctx(e, "'%s'", path);
	} while (rc == 0 && got != 0);
	os_now->close(fd);
	if (rc < 0)
		b->len = before;
	return rc;
}

/* What is put under a name by a rename. */
struct io_new {
	struct iovec *iov;
	int n;
	unsigned mode;
	bool sync;			/* its bytes, before it has the name */
};

static int io_write_tmp(int dirfd, const char *tmp, const struct io_new *w,
			struct err *e)
{
	int fd, rc;

	fd = os_now->openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		w->mode);
	if (fd < 0)
		return err_errno(e, errno, "cannot create '%s'", tmp);
	rc = io_writev(fd, w->iov, w->n, tmp, e);
	if (rc == 0 && w->sync && os_now->fdatasync(fd) < 0)
		rc = err_errno(e, errno, "cannot write '%s'", tmp);
	if (os_now->close(fd) < 0 && rc == 0)
		rc = err_errno(e, errno, "cannot write '%s'", tmp);
	if (rc < 0)
		os_now->unlinkat(dirfd, tmp, 0);
	return rc;
}

static int io_sync_parent(int dirfd, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *dir;
	int fd, rc = 0;

	if (!slash)
		dir = mem_str(".");
	else if (slash == path)
		dir = mem_str("/");
	else
		dir = mem_printf("%.*s", (int)(slash - path), path);
	if (!dir)
		return err_nomem(e);
	fd = os_now->openat(dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd < 0 || os_now->fsync(fd) < 0)
		rc = err_errno(e, errno, "cannot write folder '%s'", dir);
	if (fd >= 0)
		os_now->close(fd);
	free(dir);
	return rc;
}

static int io_put(int dirfd, const char *path, const struct io_new *w,
		  struct err *e)
{
	uint64_t unique;
	char *tmp;
	int rc;

	if (getrandom(&unique, sizeof(unique), 0) != sizeof(unique))
		return err_errno(e, errno, "cannot get random bytes");
	tmp = mem_printf("%s.tmp.%016" PRIx64, path, unique);
	if (!tmp)
		return err_nomem(e);
	rc = io_write_tmp(dirfd, tmp, w, e);
	if (rc == 0 && os_now->renameat(dirfd, tmp, dirfd, path) < 0) {
		rc = err_errno(e, errno, "cannot create '%s'", path);
		os_now->unlinkat(dirfd, tmp, 0);
	}
	free(tmp);
	return rc;
}

int io_publish(int dirfd, const char *path, const void *p, size_t len,
	       unsigned mode, struct err *e)
{
	struct iovec iov = { (void *)(uintptr_t)p, len };
	struct io_new w = { &iov, 1, mode, true };
	int rc = io_put(dirfd, path, &w, e);

	return rc == 0 ? io_sync_parent(dirfd, path, e) : rc;
}

int io_keep(const char *path, struct iovec *iov, int n, struct err *e)
{
	struct io_new w = { iov, n, 0600, false };

	return io_put(AT_FDCWD, path, &w, e);
}

/* Not every file system says EEXIST for a folder that is there. */
static int io_make_dir(const char *path, struct err *e)
{
	struct stat st;
	int errnum;

	if (os_now->mkdirat(AT_FDCWD, path, 0700) == 0)
		return io_sync_parent(AT_FDCWD, path, e);
	errnum = errno;
	if (os_now->fstatat(AT_FDCWD, path, &st, 0) == 0) {
		if (S_ISDIR(st.st_mode))
			return 0;
		errnum = ENOTDIR;
	}
	return err_errno(e, errnum, "cannot create folder '%s'", path);
}

int io_make_dirs(const char *path, struct err *e)
{
	char *copy = mem_str(path);
	char *s = copy;
	int rc = 0;

	if (!copy)
		return err_nomem(e);
	do {
		char was;

		s += strspn(s, "/");
		s += strcspn(s, "/");
		was = *s;
		*s = '\0';
		rc = io_make_dir(copy, e);
		*s = was;
	} while (rc == 0 && s[strspn(s, "/")] != '\0');
	free(copy);
	return rc;
}
