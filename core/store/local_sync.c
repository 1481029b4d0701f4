/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/local_priv.h"

#include <errno.h>
#include <fcntl.h>

void local_touch(struct local *l, unsigned folder)
{
	pthread_mutex_lock(&l->dirty_mtx);
	l->dirty[folder / 64] |= (uint64_t)1 << folder % 64;
	pthread_mutex_unlock(&l->dirty_mtx);
}

/* The lowest dirty folder, clean from now on; LAYOUT_FOLDERS: none is. */
static unsigned local_take_dirty(struct local *l)
{
	unsigned i, folder = LAYOUT_FOLDERS;

	pthread_mutex_lock(&l->dirty_mtx);
	for (i = 0; i < (LAYOUT_FOLDERS + 63) / 64; i++) {
		if (l->dirty[i] == 0)
			continue;
		folder = i * 64 + (unsigned)__builtin_ctzll(l->dirty[i]);
		l->dirty[i] &= l->dirty[i] - 1;
		break;
	}
	pthread_mutex_unlock(&l->dirty_mtx);
	return folder;
}

/* Some file systems have no fsync for folders and keep their names safe in
 * another way, or in none that could be asked for. */
static bool local_cannot_fsync(int errnum)
{
	return errnum == EINVAL || errnum == ENOSYS || errnum == EOPNOTSUPP;
}

static int local_sync_fd(int fd)
{
	int errnum = local_fsync(fd) < 0 ? errno : 0;

	local_close(fd);
	return local_cannot_fsync(errnum) ? 0 : errnum;
}

int local_sync_path(struct local *l, const char *path)
{
	int fd = local_openat(l->root, path, O_RDONLY | O_DIRECTORY);

	return fd < 0 ? errno : local_sync_fd(fd);
}

static int local_sync_folder(struct local *l, unsigned folder, struct err *e)
{
	char path[LAYOUT_FOLDER_BYTES];
	int fd, errnum;

	layout_folder_path(folder, path);
	fd = local_openat(l->root, path, O_RDONLY | O_DIRECTORY);
	if (fd < 0) {
		errnum = errno;
		local_touch(l, folder);
		return err_errno(e, errnum, "cannot open folder '%s'", path);
	}
	errnum = local_sync_fd(fd);
	if (errnum == 0)
		return 0;
	l->lost = true;
	return err_errno(e, errnum, "cannot write folder '%s'", path);
}

/*
 * One barrier at a time: another that finds nothing to do must not return
 * while a folder which it depends on is still being written.
 */
int local_sync(struct store *s, struct err *e)
{
	struct local *l = (struct local *)(void *)s;
	unsigned folder;
	int rc = 0;

	pthread_mutex_lock(&l->sync_mtx);
	if (l->lost)
		rc = err_set(e, ERR_IO, "what was written cannot be trusted "
			"to be on the disk, because writing a folder failed "
			"before");
	while (rc == 0 && (folder = local_take_dirty(l)) != LAYOUT_FOLDERS)
		rc = local_sync_folder(l, folder, e);
	pthread_mutex_unlock(&l->sync_mtx);
	return rc;
}
