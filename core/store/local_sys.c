/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/local_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/os.h"

int local_openat(int dirfd, const char *path, int flags)
{
	int fd;

	do
		fd = os_now->openat(dirfd, path,
			flags | O_CLOEXEC | O_NOCTTY, 0600);
	while (fd < 0 && errno == EINTR);
	return fd;
}

/* After EINTR Linux has closed it, and what mattered was synced before. */
int local_close(int fd)
{
	int rc = os_now->close(fd);

	return rc < 0 && errno == EINTR ? 0 : rc;
}

int local_fsync(int fd)
{
	int rc;

	do
		rc = os_now->fsync(fd);
	while (rc < 0 && errno == EINTR);
	return rc;
}

int local_fdatasync(int fd)
{
	int rc;

	do
		rc = os_now->fdatasync(fd);
	while (rc < 0 && errno == EINTR);
	return rc;
}

int local_mkdir(int dirfd, const char *path)
{
	int rc;

	do
		rc = os_now->mkdirat(dirfd, path, 0700);
	while (rc < 0 && errno == EINTR);
	return rc;
}

/* Interrupted, and then no longer there: that was us. */
int local_unlink(int dirfd, const char *path, int flags)
{
	bool again = false;
	int rc;

	while ((rc = os_now->unlinkat(dirfd, path, flags)) < 0 &&
	       errno == EINTR)
		again = true;
	return rc < 0 && errno == ENOENT && again ? 0 : rc;
}

int local_lstat(int dirfd, const char *path, struct stat *st)
{
	int rc;

	do
		rc = os_now->fstatat(dirfd, path, st, AT_SYMLINK_NOFOLLOW);
	while (rc < 0 && errno == EINTR);
	return rc;
}

int local_fstat(int fd, struct stat *st)
{
	int rc;

	do
		rc = os_now->fstat(fd, st);
	while (rc < 0 && errno == EINTR);
	return rc;
}

static DIR *local_opendir(int dirfd, const char *path)
{
	int fd = local_openat(dirfd, path, O_RDONLY | O_DIRECTORY);
	int errnum;
	DIR *d;

	if (fd < 0)
		return NULL;
	do
		d = os_now->fdopendir(fd);
	while (!d && errno == EINTR);
	if (!d) {
		errnum = errno;
		local_close(fd);
		errno = errnum;
	}
	return d;
}

int local_each(int at, const char *path, local_entry_fn *fn, void *ctx)
{
	DIR *d = local_opendir(at, path);
	int rc = 0;

	if (!d)
		return errno;
	while (rc == 0) {
		const struct dirent *de;

		errno = 0;
		de = os_now->readdir(d);
		if (!de && errno == EINTR)
			continue;
		if (!de) {
			rc = errno;
			break;
		}
		if (strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0)
			rc = fn(dirfd(d), de->d_name, ctx);
	}
	os_now->closedir(d);
	return rc;
}
