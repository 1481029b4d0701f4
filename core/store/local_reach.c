/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The folder of a repository may go away under an open store, and come back:
 * a disk that was unplugged, a network file system mounted again.  The handle
 * that is held then leads nowhere, or to what is no longer mounted there.
 */
#include "store/local_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"

#define LOCAL_FACE_MAX 4096

/* REPOSITORY, which tells one repository from another. */
static int local_face(int root, struct buf *out, struct err *e)
{
	*out = (struct buf){ .max = LOCAL_FACE_MAX };
	return io_read_file(root, "REPOSITORY", out, e);
}

int local_reach_begin(struct local *l, struct err *e)
{
	int rc = local_face(l->root, &l->face, NULL);

	if (rc == ERR_NOMEM)
		return err_nomem(e);
	if (rc < 0)
		buf_release(&l->face);
	return 0;
}

static bool local_same_folder(int a, int b)
{
	struct stat x, y;

	return local_fstat(a, &x) == 0 && local_fstat(b, &y) == 0 &&
		x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Nothing of what was put waits for a barrier: so nothing can be lost by
 * looking elsewhere. */
static bool local_is_clean(struct local *l)
{
	uint64_t any = 0;
	size_t i;

	pthread_mutex_lock(&l->dirty_mtx);
	for (i = 0; i < sizeof(l->dirty) / sizeof(l->dirty[0]); i++)
		any |= l->dirty[i];
	pthread_mutex_unlock(&l->dirty_mtx);
	return any == 0;
}

/* Is what is there now the same repository? */
static bool local_is_it(struct local *l, int root)
{
	struct buf face;
	bool is;

	is = l->face.len > 0 && local_face(root, &face, NULL) == 0;
	if (!is)
		return false;
	is = face.len == l->face.len &&
		memcmp(face.p, l->face.p, face.len) == 0;
	buf_release(&face);
	return is;
}

bool local_reach(struct local *l, int rc, struct err *e)
{
	bool again = false;
	int fd;

	if (rc != ERR_IO && rc != ERR_NOENT)
		return false;
	fd = local_openat(AT_FDCWD, l->store.url, O_RDONLY | O_DIRECTORY);
	if (fd < 0 && rc == ERR_NOENT) {
		err_errno(e, errno == ENOENT ? EIO : errno, "the repository "
			"'%s' cannot be reached", l->store.url);
		return false;
	}
	if (fd < 0)
		return false;
	if (local_same_folder(fd, l->root)) {
		local_close(fd);
		return false;
	}
	if (local_is_clean(l) && local_is_it(l, fd)) {
		/* In one step, for the threads that use it. */
		again = dup3(fd, l->root, O_CLOEXEC) >= 0;
		fdcache_clear(l->fds);
		if (again)
			log_info("store", "the repository '%s' is back",
				l->store.url);
	}
	local_close(fd);
	if (!again && rc == ERR_NOENT)
		err_set(e, ERR_IO, "the repository '%s' is not there any "
			"more, but something else", l->store.url);
	return again;
}
