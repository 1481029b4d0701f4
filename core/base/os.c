/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/os.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int os_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	return openat(dirfd, path, flags, mode);
}

static int os_linkat(int fromfd, const char *from, int tofd, const char *to)
{
	return linkat(fromfd, from, tofd, to, 0);
}

static int os_rename_new(int fromfd, const char *from, int tofd,
			 const char *to)
{
	return renameat2(fromfd, from, tofd, to, RENAME_NOREPLACE);
}

static const struct os os_table = {
	.openat = os_openat,
	.pread = pread,
	.writev = writev,
	.fdatasync = fdatasync,
	.fsync = fsync,
	.close = close,
	.mkdirat = mkdirat,
	.linkat = os_linkat,
	.rename_new = os_rename_new,
	.renameat = renameat,
	.unlinkat = unlinkat,
	.fstatat = fstatat,
	.fstat = fstat,
	.fdopendir = fdopendir,
	.readdir = readdir,
	.closedir = closedir,
};

const struct os *const os_real = &os_table;
const struct os *os_now = &os_table;
