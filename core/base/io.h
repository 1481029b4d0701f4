/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Whole reads and writes through os_now.  'what' names the file in messages.
 * EINTR and short transfers are carried on with; anything else is returned.
 */

/* All of iov[0..n); the array is used up.  A write that makes no progress
 * twice is ERR_IO. */
int io_writev(int fd, struct iovec *iov, int n, const char *what,
	      struct err *e);
/* Exactly 'len' bytes at 'off'; ERR_CORRUPT if the file is shorter. */
int io_pread(int fd, void *p, size_t len, uint64_t off, const char *what,
	     struct err *e);
/* A whole file, appended to b, which then has at most b->max bytes (bug if
 * that is 0).  ERR_CORRUPT: it is larger.  After a failure b is as before. */
int io_read_file(int dirfd, const char *path, struct buf *b, struct err *e);

/*
 * Publish local state (never a repository's files: those are the store's).
 * After return 0 'path' has exactly these bytes, also after a power cut;
 * after a failure it is what it was before, or, if only the last fsync
 * failed, new.  Steps: create PATH.tmp.RANDOM (process numbers repeat
 * between containers), write, fdatasync, close, rename over, fsync of the
 * folder.
 */
int io_publish(int dirfd, const char *path, const void *p, size_t len,
	       unsigned mode, struct err *e);
/* The same for a copy that may be lost: without any sync, so that after a
 * power cut the file may be of any length.  Mode 0600; iov is used up. */
int io_keep(const char *path, struct iovec *iov, int n, struct err *e);
/* mkdir -p with mode 0700 for what is missing; what was made is durable after
 * return 0.  A link to a folder counts as one. */
int io_make_dirs(const char *path, struct err *e);

#endif
