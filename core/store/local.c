/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/local_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "store/ops.h"

int local_space(struct store *s, uint64_t *free_bytes, uint64_t *total_bytes,
		struct err *e)
{
	struct local *l = (struct local *)(void *)s;
	struct statvfs v;
	int rc;

	do
		rc = fstatvfs(l->root, &v);
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return err_errno(e, errno, "cannot ask for the free space");
	*free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
	*total_bytes = (uint64_t)v.f_blocks * v.f_frsize;
	return 0;
}

static void local_free(struct store *s)
{
	struct local *l = (struct local *)(void *)s;

	fdcache_free(l->fds);
	buf_release(&l->face);
	if (l->root >= 0)
		local_close(l->root);
	pthread_mutex_destroy(&l->tidy_mtx);
	pthread_mutex_destroy(&l->sync_mtx);
	pthread_mutex_destroy(&l->dirty_mtx);
	free(s->url);
	free(l);
}

static const struct store_ops local_ops = {
	.put = local_put,
	.get = local_get,
	.stat = local_stat,
	.list = local_list,
	.del = local_del,
	.sync = local_sync,
	.space = local_space,
	.unmake = local_unmake,
	.close = local_free,
};

static struct local *local_new(const char *path)
{
	struct local *l = mem_zero(1, sizeof(*l));

	if (!l)
		return NULL;
	l->store.ops = &local_ops;
	l->store.url = mem_str(path);
	l->fds = fdcache_new();
	if (!l->store.url || !l->fds) {
		fdcache_free(l->fds);
		free(l->store.url);
		free(l);
		return NULL;
	}
	l->root = -1;
	atomic_init(&l->way, LOCAL_RENAME);
	proc_self(&l->self);
	pthread_mutex_init(&l->tidy_mtx, NULL);
	pthread_mutex_init(&l->sync_mtx, NULL);
	pthread_mutex_init(&l->dirty_mtx, NULL);
	return l;
}

/* Is 'path' there, and of that type? */
static bool local_has(const struct local *l, const char *path, mode_t type)
{
	struct stat st;

	return local_lstat(l->root, path, &st) == 0 &&
		(st.st_mode & S_IFMT) == type;
}

static bool local_is_borg(const struct local *l)
{
	struct buf b = { .max = 65536 };
	bool is = false;

	if (local_has(l, "config", S_IFREG) &&
	    io_read_file(l->root, "config", &b, NULL) == 0 &&
	    buf_cstr(&b, NULL) == 0)
		is = strstr((const char *)b.p, "[repository]") != NULL;
	buf_release(&b);
	return is;
}

/* What an existing folder without REPOSITORY is, in plain words. */
static int local_judge(const struct local *l, struct err *e)
{
	const struct layout_other o = {
		.borg = local_is_borg(l),
		.restic = local_has(l, "config", S_IFREG) &&
			local_has(l, "keys", S_IFDIR) &&
			local_has(l, "snapshots", S_IFDIR),
		.unfinished = local_has(l, "tmp", S_IFDIR) &&
			local_has(l, "data", S_IFDIR) &&
			local_has(l, "tombstones", S_IFDIR)
	};

	return layout_judge_other(&o, l->store.url, e);
}

int local_open_root(struct local *l, struct err *e)
{
	const char *url = l->store.url;

	l->root = local_openat(AT_FDCWD, url, O_RDONLY | O_DIRECTORY);
	if (l->root >= 0)
		return 0;
	if (errno == ENOENT)
		return err_set(e, ERR_NOREPO, "there is no repository at "
			"'%s': no such folder", url);
	if (errno == ENOTDIR)
		return err_set(e, ERR_NOREPO, "there is no repository at "
			"'%s': not a folder", url);
	return err_errno(e, errno, "cannot open repository '%s'", url);
}

static int local_open_old(struct local *l, struct err *e)
{
	uint64_t size;
	int errnum, rc;

	if ((rc = local_open_root(l, e)) < 0)
		return rc;
	errnum = local_size(l->root, "REPOSITORY", &size);
	if (errnum == ENOENT)
		return local_judge(l, e);
	if (errnum != 0)
		return err_errno(e, errnum, "cannot look at '%s/REPOSITORY'",
			l->store.url);
	return 0;
}

int local_attach(struct store **out, const char *path, unsigned flags,
		 struct err *e)
{
	struct local *l = local_new(path);
	int rc;

	*out = NULL;
	if (!l)
		return err_nomem(e);
	if (flags & STORE_CREATE)
		rc = local_make(l, flags, e);
	else
		rc = local_open_old(l, e);
	if (rc == 0)
		rc = local_reach_begin(l, e);
	if (rc < 0)
		local_free(&l->store);
	else
		*out = &l->store;
	return rc;
}
