/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/local_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "store/ops.h"

static int local_find(int dirfd, const char *name, void *ctx)
{
	(void)dirfd;
	layout_see(ctx, name);
	return 0;
}

static int local_any(const char *name, uint64_t size, void *ctx)
{
	(void)name;
	(void)size;
	*(bool *)ctx = true;
	return 1;
}

/* Backups are here: then a lost REPOSITORY does not make the folder new. */
static int local_find_data(struct local *l, bool *any, struct err *e)
{
	static const enum store_kind of_backups[] = { STORE_ARCHIVES,
		STORE_INDEX, STORE_META, STORE_DATA, STORE_GENERATIONS };
	struct err mine;
	size_t i;
	int rc;

	*any = false;
	for (i = 0; i < sizeof(of_backups) / sizeof(*of_backups); i++) {
		rc = local_list(&l->store, of_backups[i], local_any, any,
			&mine);
		/* Not made yet. */
		if (rc < 0 && mine.code != ERR_CORRUPT)
			return err_set(e, mine.code, "%s", mine.msg);
	}
	return 0;
}

static int local_check_new(struct local *l, struct err *e)
{
	struct layout_found found = { .tmp = false };
	const char *url = l->store.url;
	bool any;
	int errnum, rc;

	errnum = local_each(l->root, ".", local_find, &found);
	if (errnum != 0)
		return err_errno(e, errnum, "cannot list '%s'", url);
	if ((rc = layout_judge_new(&found, url, e)) < 0)
		return rc;
	if ((rc = local_find_data(l, &any, e)) < 0)
		return rc;
	return any ? layout_say_damaged(url, e) : 0;
}

static int local_make_folder(struct local *l, const char *path, struct err *e)
{
	struct stat st;
	int errnum;

	if (local_mkdir(l->root, path) == 0)
		return 0;
	errnum = errno;
	if (local_lstat(l->root, path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return 0;
		errnum = ENOTDIR;
	}
	return err_errno(e, errnum, "cannot create folder '%s/%s'",
		l->store.url, path);
}

static int local_make_sync(struct local *l, const char *path, struct err *e)
{
	int errnum = local_sync_path(l, path);

	if (errnum == 0)
		return 0;
	return err_errno(e, errnum, "cannot write folder '%s/%s'",
		l->store.url, path);
}

/* tmp/ comes first, and surely: it marks the folder as ours, so that an init
 * that did not end can be begun again. */
static int local_make_folders(struct local *l, struct err *e)
{
	char path[LAYOUT_FOLDER_BYTES];
	unsigned i;
	int rc;

	if ((rc = local_make_folder(l, "tmp", e)) < 0 ||
	    (rc = local_make_sync(l, ".", e)) < 0)
		return rc;
	for (i = STORE_ROOT + 1; i < LAYOUT_FOLDERS; i++)
		if ((rc = local_make_folder(l, layout_folder_path(i, path),
		    e)) < 0)
			return rc;
	if ((rc = local_make_sync(l, "data", e)) < 0 ||
	    (rc = local_make_sync(l, "meta", e)) < 0)
		return rc;
	return local_make_sync(l, ".", e);
}

int local_make(struct local *l, unsigned flags, struct err *e)
{
	const char *url = l->store.url;
	int errnum, rc;

	if (flags & STORE_PARENTS && (rc = io_make_dirs(url, e)) < 0)
		return rc;
	if (local_mkdir(AT_FDCWD, url) < 0 && errno != EEXIST) {
		if (errno == ENOENT)
			return err_set(e, ERR_NOREPO, "cannot create '%s': "
				"the folder above it is missing", url);
		return err_errno(e, errno, "cannot create folder '%s'", url);
	}
	if ((rc = local_open_root(l, e)) < 0 ||
	    (rc = local_check_new(l, e)) < 0 ||
	    (rc = local_make_folders(l, e)) < 0)
		return rc;
	/* Who may make a folder there need not be allowed to read it. */
	errnum = local_sync_path(l, "..");
	if (errnum != 0 && errnum != EACCES)
		return err_errno(e, errnum, "cannot write the folder above "
			"'%s'", url);
	return 0;
}

static int local_unmake_tmp(int dirfd, const char *name, void *ctx)
{
	char path[LAYOUT_PATH_BYTES];
	struct proc_id writer;

	(void)dirfd;
	if (snprintf(path, sizeof(path), "tmp/%s", name) < (int)sizeof(path) &&
	    layout_tmp_parse(path, &writer))
		local_tmp_remove(ctx, path);
	return 0;
}

static int local_unmake_left(int dirfd, const char *name, void *ctx)
{
	(void)dirfd;
	(void)name;
	(void)ctx;
	return -1;
}

static int local_say_left(const char *url, struct err *e)
{
	return err_set(e, ERR_EXIST, "the repository is gone, but not its "
		"folder '%s': something else is in it", url);
}

int local_unmake_inside(struct store *s, struct err *e)
{
	struct local *l = (struct local *)(void *)s;
	char path[LAYOUT_FOLDER_BYTES];
	unsigned i;

	local_each(l->root, "tmp", local_unmake_tmp, l);
	/* What is below goes first. */
	for (i = LAYOUT_FOLDERS; i-- > STORE_ROOT + 1;)
		local_unlink(l->root, layout_folder_path(i, path),
			AT_REMOVEDIR);
	return local_each(l->root, ".", local_unmake_left, NULL) < 0 ?
		local_say_left(s->url, e) : 0;
}

int local_unmake(struct store *s, struct err *e)
{
	int rc = local_unmake_inside(s, e);

	if (rc < 0)
		return rc;
	if (local_unlink(AT_FDCWD, s->url, AT_REMOVEDIR) == 0)
		return 0;
	if (errno == ENOTEMPTY || errno == EEXIST)
		return local_say_left(s->url, e);
	return err_errno(e, errno, "the repository is gone, but its folder "
		"'%s' cannot be removed", s->url);
}
