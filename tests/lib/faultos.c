/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/faultos.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/os.h"

static struct faultos_plan faultos_plan;
static atomic_uint_fast64_t faultos_count;
static atomic_int faultos_first;

static const char *const faultos_names[FAULTOS_CALLS] = {
	"openat", "pread", "writev", "fdatasync", "fsync", "close", "mkdirat",
	"linkat", "rename_new", "renameat", "unlinkat", "fstatat", "fstat",
	"fdopendir", "readdir", "closedir"
};

/* The call that this thread is in goes wrong. */
static _Thread_local bool faultos_mine;

/* False: it is not to be done and has failed. */
static bool faultos_begin(enum faultos_call c)
{
	const struct faultos_plan *p = &faultos_plan;
	int none = FAULTOS_CALLS;
	uint64_t n;

	faultos_mine = false;
	if (p->lacks & 1u << c) {
		errno = ENOSYS;
		return false;
	}
	if (p->only != 0 && !(p->only & 1u << c))
		return true;
	n = atomic_fetch_add(&faultos_count, 1) + 1;
	if (p->at == 0 || n < p->at || (n > p->at && !p->on))
		return true;
	atomic_compare_exchange_strong(&faultos_first, &none, (int)c);
	if (p->how == FAULTOS_KILL_BEFORE ||
	    (p->how == FAULTOS_KILL_TORN && c != FAULTOS_WRITEV))
		_exit(137);
	faultos_mine = true;
	errno = p->errnum;
	return p->how != FAULTOS_BEFORE;
}

static ssize_t faultos_end(ssize_t rc)
{
	if (!faultos_mine || faultos_plan.how == FAULTOS_SHORT)
		return rc;
	if (faultos_plan.how != FAULTOS_AFTER)
		_exit(137);
	if (rc >= 0)
		errno = faultos_plan.errnum;
	return -1;
}

static bool faultos_halves(void)
{
	return faultos_mine && (faultos_plan.how == FAULTOS_SHORT ||
		faultos_plan.how == FAULTOS_KILL_TORN);
}

/* Of folders that are left alone, by fd. */
static atomic_bool faultos_spared[1024];
static atomic_uint faultos_empties;

static bool faultos_spares(int fd)
{
	return fd >= 0 && fd < 1024 && atomic_load(&faultos_spared[fd]);
}

static bool faultos_empty(int fd)
{
	DIR *d = fdopendir(dup(fd));
	struct dirent *de;
	bool empty = d != NULL;

	while (empty && (de = readdir(d)))
		empty = de->d_name[0] == '.';
	if (d) {
		rewinddir(d);	/* they share where they are */
		closedir(d);
	}
	return empty;
}

/* A folder of packs as many others: its descriptor, or -1. */
static int faultos_open_spared(int dirfd, const char *path, int flags)
{
	size_t n = strlen(path);
	int fd;

	if (!faultos_plan.one_empty || !(flags & O_DIRECTORY) || n < 4 ||
	    path[n - 3] != '/' || !isxdigit((unsigned char)path[n - 2]) ||
	    !isxdigit((unsigned char)path[n - 1]))
		return -1;
	fd = os_real->openat(dirfd, path, flags, 0);
	if (fd < 0 || fd >= 1024 || !faultos_empty(fd) ||
	    atomic_fetch_add(&faultos_empties, 1) == 0) {
		if (fd >= 0)
			os_real->close(fd);
		return -1;
	}
	atomic_store(&faultos_spared[fd], true);
	return fd;
}

static int faultos_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	int fd = faultos_open_spared(dirfd, path, flags), rc;

	if (fd >= 0)
		return fd;
	if (!faultos_begin(FAULTOS_OPENAT))
		return -1;
	fd = os_real->openat(dirfd, path, flags, mode);
	rc = (int)faultos_end(fd);
	if (rc < 0 && fd >= 0)
		os_real->close(fd);
	return rc;
}

static ssize_t faultos_pread(int fd, void *p, size_t len, off_t off)
{
	if (!faultos_begin(FAULTOS_PREAD))
		return -1;
	if (faultos_halves() && len > 1)
		len /= 2;
	return faultos_end(os_real->pread(fd, p, len, off));
}

static ssize_t faultos_writev(int fd, const struct iovec *iov, int n)
{
	struct iovec half;

	if (!faultos_begin(FAULTOS_WRITEV))
		return -1;
	if (!faultos_halves())
		return faultos_end(os_real->writev(fd, iov, n));
	for (; n > 1 && iov->iov_len == 0; n--)
		iov++;
	half = *iov;
	if (half.iov_len > 1)
		half.iov_len /= 2;
	return faultos_end(os_real->writev(fd, &half, 1));
}

static int faultos_fdatasync(int fd)
{
	if (!faultos_begin(FAULTOS_FDATASYNC))
		return -1;
	return (int)faultos_end(faultos_plan.no_disk ? 0 :
		os_real->fdatasync(fd));
}

static int faultos_fsync(int fd)
{
	if (faultos_spares(fd))
		return 0;
	if (!faultos_begin(FAULTOS_FSYNC))
		return -1;
	return (int)faultos_end(faultos_plan.no_disk ? 0 :
		os_real->fsync(fd));
}

static int faultos_close(int fd)
{
	if (faultos_spares(fd)) {
		atomic_store(&faultos_spared[fd], false);
		return os_real->close(fd);
	}
	if (faultos_begin(FAULTOS_CLOSE))
		return (int)faultos_end(os_real->close(fd));
	os_real->close(fd);
	errno = faultos_plan.errnum;
	return -1;
}

static int faultos_mkdirat(int dirfd, const char *path, mode_t mode)
{
	if (!faultos_begin(FAULTOS_MKDIRAT))
		return -1;
	return (int)faultos_end(os_real->mkdirat(dirfd, path, mode));
}

static int faultos_linkat(int fromfd, const char *from, int tofd,
			  const char *to)
{
	if (!faultos_begin(FAULTOS_LINKAT))
		return -1;
	return (int)faultos_end(os_real->linkat(fromfd, from, tofd, to));
}

static int faultos_rename_new(int fromfd, const char *from, int tofd,
			      const char *to)
{
	if (!faultos_begin(FAULTOS_RENAME_NEW))
		return -1;
	return (int)faultos_end(os_real->rename_new(fromfd, from, tofd, to));
}

static int faultos_renameat(int fromfd, const char *from, int tofd,
			    const char *to)
{
	if (!faultos_begin(FAULTOS_RENAMEAT))
		return -1;
	return (int)faultos_end(os_real->renameat(fromfd, from, tofd, to));
}

static int faultos_unlinkat(int dirfd, const char *path, int flags)
{
	if (!faultos_begin(FAULTOS_UNLINKAT))
		return -1;
	return (int)faultos_end(os_real->unlinkat(dirfd, path, flags));
}

static int faultos_fstatat(int dirfd, const char *path, struct stat *st,
			   int flags)
{
	if (!faultos_begin(FAULTOS_FSTATAT))
		return -1;
	return (int)faultos_end(os_real->fstatat(dirfd, path, st, flags));
}

static int faultos_fstat(int fd, struct stat *st)
{
	if (!faultos_spares(fd) && !faultos_begin(FAULTOS_FSTAT))
		return -1;
	if (faultos_spares(fd))
		return os_real->fstat(fd, st);
	return (int)faultos_end(os_real->fstat(fd, st));
}

static DIR *faultos_fdopendir(int fd)
{
	if (!faultos_spares(fd) && (!faultos_begin(FAULTOS_FDOPENDIR) ||
	    faultos_end(0) < 0))
		return NULL;
	return os_real->fdopendir(fd);
}

/* errno tells a failure from the end. */
static struct dirent *faultos_readdir(DIR *d)
{
	int errnum = errno;

	if (!faultos_spares(dirfd(d)) && (!faultos_begin(FAULTOS_READDIR) ||
	    faultos_end(0) < 0))
		return NULL;
	errno = errnum;
	return os_real->readdir(d);
}

static int faultos_closedir(DIR *d)
{
	int fd = dirfd(d);

	if (faultos_spares(fd)) {
		atomic_store(&faultos_spared[fd], false);
		return os_real->closedir(d);
	}
	if (faultos_begin(FAULTOS_CLOSEDIR))
		return (int)faultos_end(os_real->closedir(d));
	os_real->closedir(d);
	errno = faultos_plan.errnum;
	return -1;
}

static const struct os faultos_table = {
	.openat = faultos_openat,
	.pread = faultos_pread,
	.writev = faultos_writev,
	.fdatasync = faultos_fdatasync,
	.fsync = faultos_fsync,
	.close = faultos_close,
	.mkdirat = faultos_mkdirat,
	.linkat = faultos_linkat,
	.rename_new = faultos_rename_new,
	.renameat = faultos_renameat,
	.unlinkat = faultos_unlinkat,
	.fstatat = faultos_fstatat,
	.fstat = faultos_fstat,
	.fdopendir = faultos_fdopendir,
	.readdir = faultos_readdir,
	.closedir = faultos_closedir,
};

void faultos_start(const struct faultos_plan *p)
{
	faultos_plan = *p;
	atomic_store(&faultos_count, 0);
	atomic_store(&faultos_empties, 0);
	atomic_store(&faultos_first, FAULTOS_CALLS);
	os_now = &faultos_table;
}

uint64_t faultos_stop(void)
{
	os_now = os_real;
	return atomic_load(&faultos_count);
}

enum faultos_call faultos_hit(void)
{
	return (enum faultos_call)atomic_load(&faultos_first);
}

const char *faultos_name(enum faultos_call c)
{
	return c < FAULTOS_CALLS ? faultos_names[c] : "nothing";
}
