/* SPDX-License-Identifier: BSD-2-Clause */
/* Directories of the target: one fd after the other, links never followed. */
#include "archive/extract_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* A folder that is extracted is nobody else's until its own mode is set, at
 * its end; parents that the archive says nothing about are the umask's. */
#define DIR_MODE 0777
#define DIR_MODE_FILLING 0700
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct extract_dir *extract_dir_ref(struct extract_dir *d)
{
	d->refs++;
	return d;
}

void extract_dir_unref(struct extract_dir *d)
{
	while (d && --d->refs == 0) {
		struct extract_dir *up = d->up;

		close(d->fd);
		free(d);
		d = up;
	}
}

static struct extract_dir *extract_dir_new(struct extract_dir *up, int fd)
{
	struct extract_dir *d = mem_zero(1, sizeof(*d));

	if (!d) {
		close(fd);
		return NULL;
	}
	d->fd = fd;
	d->refs = 1;
	if (up) {
		d->up = extract_dir_ref(up);
		d->depth = up->depth + 1;
	}
	return d;
}

int extract_dir_open(struct extract *x, const char *destination)
{
	int fd = open(destination ? destination : ".",
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(x->e, errno, "cannot extract to '%s'",
			destination ? destination : ".");
	x->root = extract_dir_new(NULL, fd);
	if (!x->root)
		return err_nomem(x->e);
	x->dir = extract_dir_ref(x->root);
	return 0;
}

const char *extract_stripped(const struct extract *x, const char *path)
{
	unsigned i;

	for (i = 0; i < x->o->strip_components; i++) {
		path = strchr(path, '/');
		if (!path)
			return NULL;
		path++;
	}
	return path;
}

static void extract_dir_pop(struct extract *x, size_t depth)
{
	while (x->dir->depth > depth) {
		struct extract_dir *d = x->dir;

		x->dir = extract_dir_ref(d->up);
		extract_dir_unref(d);
		free(x->at.v[--x->at.n]);
		x->at.v[x->at.n] = NULL;
	}
}

/* A folder of one's own that is there and cannot be filled as it is: it gets
 * its mode at its end.  'fd' may be O_PATH. */
static int extract_dir_unlock(int fd)
{
	char path[32];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	if (st.st_uid != geteuid() ||
	    (st.st_mode & DIR_MODE_FILLING) == DIR_MODE_FILLING)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return chmod(path, (st.st_mode & 07777) | DIR_MODE_FILLING);
}

static int extract_dir_locked(int up, const char *name)
{
	int fd = openat(up, name, O_PATH | O_DIRECTORY | O_NOFOLLOW |
		O_CLOEXEC), rc = -1, errnum;

	if (fd >= 0)
		rc = extract_dir_unlock(fd);
	errnum = errno;
	if (fd >= 0)
		close(fd);
	errno = errnum;
	return rc;
}

/* A component that is there and is no directory gives way to one: a link is
 * replaced, never followed. */
static int extract_dir_component(int up, const char *name, mode_t mode,
				 struct err *e)
{
	struct stat st;
	int fd, tries;

	for (tries = 0; tries < 3; tries++) {
		fd = openat(up, name, DIR_FLAGS);
		if (fd >= 0) {
			if (mode == DIR_MODE_FILLING)
				extract_dir_unlock(fd);
			return fd;
		}
		if (errno == EACCES && mode == DIR_MODE_FILLING &&
		    tries == 0 && extract_dir_locked(up, name) == 0)
			continue;
		if (errno == EACCES || errno == EMFILE || errno == ENFILE)
			break;
		if (fstatat(up, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    !S_ISDIR(st.st_mode) && unlinkat(up, name, 0) < 0)
			break;
		if (mkdirat(up, name, mode) < 0 && errno != EEXIST)
			break;
	}
	return err_errno(e, errno, "cannot make folder '%s'", name);
}

static int extract_dir_push(struct extract *x, const char *name, mode_t mode,
			    struct err *e)
{
	struct extract_dir *d;
	int fd, rc;

	fd = extract_dir_component(x->dir->fd, name, mode, e);
	if (fd < 0)
		return fd;
	d = extract_dir_new(x->dir, fd);
	if (!d)
		return err_nomem(e);
	if ((rc = strv_add(&x->at, name, e)) < 0) {
		extract_dir_unref(d);
		return rc;
	}
	extract_dir_unref(x->dir);
	x->dir = d;
	return 0;
}

int extract_dir_enter(struct extract *x, const char *path, bool whole,
		      struct err *e)
{
	const char *s = extract_stripped(x, path), *end;
	bool same = true;
	size_t depth = 0;
	char *name;
	int rc = 0;

	while (rc == 0 && s && *s) {
		end = s + strcspn(s, "/");
		if (!*end && !whole)
			break;
		if (same && depth < x->at.n &&
		    strncmp(x->at.v[depth], s, (size_t)(end - s)) == 0 &&
		    x->at.v[depth][end - s] == '\0') {
			depth++;
		} else {
			if (same)
				extract_dir_pop(x, depth);
			same = false;
			name = mem_printf("%.*s", (int)(end - s), s);
			rc = name ? extract_dir_push(x, name, *end ?
				DIR_MODE : DIR_MODE_FILLING, e) :
				err_nomem(e);
			free(name);
		}
		s = *end ? end + 1 : end;
	}
	if (same)
		extract_dir_pop(x, depth);
	return rc;
}

int extract_dir_walk(const struct extract *x, const char *path, size_t len)
{
	int fd = fcntl(x->root->fd, F_DUPFD_CLOEXEC, 3), next;
	const char *end = path + len;

	while (fd >= 0 && path < end) {
		size_t n = strcspn(path, "/");
		char name[ENTRY_NAME_MAX + 1];

		if (n > (size_t)(end - path))
			n = (size_t)(end - path);
		if (n > ENTRY_NAME_MAX) {
			close(fd);
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(name, path, n);
		name[n] = '\0';
		next = openat(fd, name, DIR_FLAGS);
		close(fd);
		fd = next;
		path += n + (path[n] == '/');
	}
	return fd;
}
