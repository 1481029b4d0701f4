/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_OS_H
#define BASE_OS_H

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

/*
 * The system calls that a store and the durable files of the local cache are
 * made of.  One table, so that tests can make each call fail once, do half of
 * its work, or be the last thing the process ever did.  Every function has
 * the meaning and errno of the call it is named after, and returns -1 for
 * failure; EINTR reaches the caller, who goes through io.h.
 */
struct os {
	int (*openat)(int dirfd, const char *path, int flags, mode_t mode);
	ssize_t (*pread)(int fd, void *p, size_t len, off_t off);
	ssize_t (*writev)(int fd, const struct iovec *iov, int n);
	int (*fdatasync)(int fd);
	int (*fsync)(int fd);
	int (*close)(int fd);
	int (*mkdirat)(int dirfd, const char *path, mode_t mode);
	int (*linkat)(int fromfd, const char *from, int tofd, const char *to);
	/* renameat2(2) with RENAME_NOREPLACE */
	int (*rename_new)(int fromfd, const char *from, int tofd,
			  const char *to);
	int (*renameat)(int fromfd, const char *from, int tofd,
			const char *to);
	int (*unlinkat)(int dirfd, const char *path, int flags);
	int (*fstatat)(int dirfd, const char *path, struct stat *st,
		       int flags);
	int (*fstat)(int fd, struct stat *st);
	DIR *(*fdopendir)(int fd);		/* NULL: failed */
	struct dirent *(*readdir)(DIR *d);	/* NULL: end, or errno != 0 */
	int (*closedir)(DIR *d);
};

extern const struct os *const os_real;
/* What the program uses; a test may point it somewhere else before it starts
 * any thread. */
extern const struct os *os_now;

#endif
