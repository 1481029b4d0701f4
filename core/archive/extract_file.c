/* SPDX-License-Identifier: BSD-2-Clause */
/* One file of the target: made, filled, given its metadata. */
#include "archive/extract_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "archive/file.h"
#include "base/mem.h"
#include "codec/key.h"

#define ZERO_BLOCK 4096
#define NEW_FLAGS (O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)

static int file_write(int fd, const uint8_t *p, uint64_t len, uint64_t off,
		      struct err *e)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_errno(e, n < 0 ? errno : EIO,
				"cannot write");
		p += n;
		len -= (uint64_t)n;
		off += (uint64_t)n;
	}
	return 0;
}

static bool file_zero(const uint8_t *p, uint64_t len)
{
	return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

/* --sparse: blocks of zeroes are not written. */
static int file_write_sparse(int fd, const uint8_t *p, uint64_t len,
			     uint64_t off, struct err *e)
{
	uint64_t at = 0, from = 0;
	int rc;

	while (at < len) {
		uint64_t n = ZERO_BLOCK - (off + at) % ZERO_BLOCK;

		if (n > len - at)
			n = len - at;
		if (file_zero(p + at, n)) {
			if ((rc = file_write(fd, p + from, at - from,
					     off + from, e)) < 0)
				return rc;
			from = at + n;
		}
		at += n;
	}
	return file_write(fd, p + from, len - from, off + from, e);
}

/* All of the content to fd; ERR_CORRUPT and such from the repository. */
static int file_fill(const struct extract *x, int fd, const struct entry *en,
		     struct err *e)
{
	bool sparse = x->o->flags & EXTRACT_SPARSE, hole, tail = false;
	bool dry = x->o->flags & EXTRACT_DRY_RUN;
	struct file *f;
	const uint8_t *p;
	uint64_t off = 0, len;
	int rc;

	if ((rc = file_open(&f, x->rd, &en->content, en->size, e)) < 0)
		return rc;
	while (off < en->size) {
		if ((rc = cancel_check(x->o->cancel, e)) < 0 ||
		    (rc = file_at(f, off, &p, &len, &hole, e)) < 0)
			break;
		if (len == 0) {
			rc = err_set(e, ERR_CORRUPT, "its content is shorter "
				"than its size");
			break;
		}
		tail = hole || sparse;
		if (!hole && !dry)
			rc = sparse ? file_write_sparse(fd, p, len, off, e) :
				file_write(fd, p, len, off, e);
		if (rc < 0)
			break;
		off += len;
	}
	if (rc == 0 && tail && !dry && ftruncate(fd, (off_t)en->size) < 0)
		rc = err_errno(e, errno, "cannot write");
	file_close(f);
	return rc;
}

/* A name for a new file beside the one it will replace. */
static void file_tmp_name(char out[64])
{
	uint64_t r;

	key_random(&r, sizeof(r));
	snprintf(out, 64, ".muniment.%016llx", (unsigned long long)r);
}

static int file_node(int dirfd, const char *name, const struct entry *en)
{
	mode_t type = en->mode & S_IFMT;

	if (type == S_IFLNK)
		return symlinkat((const char *)en->target, dirfd, name);
	return mknodat(dirfd, name, type | 0600,
		makedev(en->rdev_major, en->rdev_minor));
}

/* Make it under 'name': a regular file with its bytes, or a node. */
static int file_make_as(const struct extract *x, struct extract_event *ev,
			const char *name, int *fd)
{
	const struct entry *en = &ev->entry->e;
	int rc;

	*fd = -1;
	if (!S_ISREG(en->mode)) {
		if (file_node(ev->dir->fd, name, en) < 0)
			return err_errno(&ev->err, errno, "cannot create");
		return 0;
	}
	*fd = openat(ev->dir->fd, name, NEW_FLAGS, 0600);
	if (*fd < 0)
		return err_errno(&ev->err, errno, "cannot create");
	rc = file_fill(x, *fd, en, &ev->err);
	if (rc < 0)
		unlinkat(ev->dir->fd, name, 0);
	return rc;
}

static void file_finish(const struct extract *x, struct extract_event *ev,
			const char *name, int fd)
{
	char *real = ev->name;
	struct stat st;
	union { const char *c; char *v; } u = { .c = name };

	ev->name = u.v;		/* metadata goes to what was made */
	extract_meta_set(x, ev, fd);
	ev->name = real;
	if (fstatat(ev->dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		ev->dev = st.st_dev;
		ev->ino = st.st_ino;
	}
}

/* It has its name: flags that forbid renaming may come now. */
static void file_end(const struct extract *x, struct extract_event *ev, int fd)
{
	if (fd < 0)
		return;
	if (ev->err.code == 0)
		extract_meta_flags(x, ev, fd);
	if (close(fd) < 0 && ev->err.code == 0)
		err_errno(&ev->err, errno, "cannot write");
}

/* Over what is there; an empty folder gives way, a full one does not. */
static int file_rename(int dirfd, const char *from, const char *to)
{
	if (renameat(dirfd, from, dirfd, to) == 0)
		return 0;
	if ((errno != EISDIR && errno != EEXIST) ||
	    unlinkat(dirfd, to, AT_REMOVEDIR) < 0)
		return -1;
	return renameat(dirfd, from, dirfd, to);
}

/* Something has the name: a new one takes its place in one step. */
static void file_replace(const struct extract *x, struct extract_event *ev)
{
	char tmp[64];
	int fd;

	err_clear(&ev->err);
	file_tmp_name(tmp);
	if (file_make_as(x, ev, tmp, &fd) < 0) {
		if (fd >= 0)
			close(fd);
		return;
	}
	file_finish(x, ev, tmp, fd);
	if (ev->err.code == 0 && file_rename(ev->dir->fd, tmp, ev->name) < 0)
		err_errno(&ev->err, errno, "cannot replace");
	if (ev->err.code)
		unlinkat(ev->dir->fd, tmp, 0);
	file_end(x, ev, fd);
}

void extract_file_make(const struct extract *x, struct extract_event *ev)
{
	int fd = -1, rc;

	if (x->o->flags & EXTRACT_DRY_RUN) {
		if (S_ISREG(ev->entry->e.mode))
			file_fill(x, -1, &ev->entry->e, &ev->err);
		return;
	}
	rc = file_make_as(x, ev, ev->name, &fd);
	if (rc == ERR_EXIST) {
		file_replace(x, ev);
		return;
	}
	if (rc == 0)
		file_finish(x, ev, ev->name, fd);
	file_end(x, ev, fd);
	if (rc == 0 && ev->err.code)
		unlinkat(ev->dir->fd, ev->name, 0);
}

static int file_out(const uint8_t *p, uint64_t len, struct err *e)
{
	while (len > 0) {
		ssize_t n = write(STDOUT_FILENO, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_errno(e, errno,
				"cannot write to standard output");
		p += n;
		len -= (uint64_t)n;
	}
	return 0;
}

void extract_file_stdout(struct extract *x, const struct entry *en,
			 const char *path)
{
	static const uint8_t zero[65536];
	struct err *e = x->e;
	struct file *f;
	const uint8_t *p;
	uint64_t off = 0, len;
	bool hole;
	int rc;

	rc = file_open(&f, x->rd, &en->content, en->size, e);
	while (rc == 0 && off < en->size) {
		rc = file_at(f, off, &p, &len, &hole, e);
		if (rc == 0 && hole) {
			p = zero;
			len = len < sizeof(zero) ? len : sizeof(zero);
		}
		if (rc == 0)
			rc = file_out(p, len, e);
		off += len;
	}
	if (rc < 0)
		err_ctx(e, "'%s'", path);
	file_close(f);
}
