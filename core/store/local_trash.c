/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * COMMIT POINT: the rename into the trash.  It cannot replace anything; the
 * name is durably gone after the next barrier, as after a deletion.
 */
#include "store/local_trash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/os.h"
#include "store/local_priv.h"

/* The same name on the same day again goes to DAY.1, and so on. */
#define TRASH_SAME 1000
#define TRASH_DEPTH 4
#define TRASH_PATH_BYTES (sizeof(LOCAL_TRASH) + LOCAL_TRASH_DAY_BYTES + \
	LAYOUT_PATH_BYTES + 16)

static struct local *trash_of(struct store *s)
{
	return (struct local *)(void *)s;
}

/* Every folder above 'path'; 0 or an errno. */
static int trash_make(struct local *l, char *path)
{
	char *slash = path;

	while ((slash = strchr(slash, '/')) != NULL) {
		*slash = '\0';
		if (local_mkdir(l->root, path) < 0 && errno != EEXIST) {
			*slash = '/';
			return errno;
		}
		*slash++ = '/';
	}
	return 0;
}

static int trash_move(struct local *l, const char *from, const char *to)
{
	struct stat st;
	int rc;

	do
		rc = os_now->rename_new(l->root, from, l->root, to);
	while (rc < 0 && errno == EINTR);
	if (rc == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
		return errno;
	/* In the trash nobody else makes that name but by deleting the same
	 * file. */
	if (local_lstat(l->root, to, &st) == 0)
		return EEXIST;
	do
		rc = os_now->renameat(l->root, from, l->root, to);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? errno : 0;
}

static int trash_try(struct local *l, const char *from, const char *day,
		     unsigned again, char to[TRASH_PATH_BYTES])
{
	int errnum;

	if (again)
		snprintf(to, TRASH_PATH_BYTES, "%s/%s.%u/%s", LOCAL_TRASH,
			day, again, from);
	else
		snprintf(to, TRASH_PATH_BYTES, "%s/%s/%s", LOCAL_TRASH, day,
			from);
	errnum = trash_make(l, to);
	return errnum ? errnum : trash_move(l, from, to);
}

int local_trash(struct store *s, enum store_kind k, const char *name,
		const char *day, struct err *e)
{
	struct local *l = trash_of(s);
	char from[LAYOUT_PATH_BYTES], to[TRASH_PATH_BYTES];
	unsigned again = 0;
	int errnum;

	layout_path(k, name, from);
	do
		errnum = trash_try(l, from, day, again, to);
	while ((errnum == EEXIST || errnum == ENOTEMPTY) &&
	       ++again < TRASH_SAME);
	if (k == STORE_DATA || k == STORE_META)
		fdcache_drop(l->fds, k, name);
	if (errnum == ENOENT)
		return err_set(e, ERR_NOENT, "there is no '%s'", from);
	local_touch(l, layout_folder(k, name));
	if (errnum != 0)
		return err_errno(e, errnum, "cannot put '%s' aside", from);
	*strrchr(to, '/') = '\0';
	errnum = local_sync_path(l, to);
	if (errnum != 0)
		return err_errno(e, errnum, "cannot write folder '%s'", to);
	return 0;
}

/* What a walk below the trash is for. */
struct trash_walk {
	const char *oldest;		/* remove the days before; or NULL */
	uint64_t files, bytes;
	unsigned depth;
};

static int trash_visit(int dirfd, const char *name, void *ctx)
{
	struct trash_walk *w = ctx;
	struct stat st;
	int errnum = 0;

	if (w->depth == 0 && w->oldest &&
	    strncmp(name, w->oldest, strlen(w->oldest)) >= 0)
		return 0;
	if (local_lstat(dirfd, name, &st) < 0)
		return 0;
	if (S_ISDIR(st.st_mode) && w->depth < TRASH_DEPTH) {
		w->depth++;
		errnum = local_each(dirfd, name, trash_visit, w);
		w->depth--;
		if (errnum == 0 && w->oldest)
			local_unlink(dirfd, name, AT_REMOVEDIR);
		return errnum > 0 && errnum != ENOENT ? -errnum : 0;
	}
	w->bytes += (uint64_t)st.st_size;
	w->files++;
	if (w->oldest && local_unlink(dirfd, name, 0) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

static int trash_walk(struct local *l, struct trash_walk *w, struct err *e)
{
	int errnum = local_each(l->root, LOCAL_TRASH, trash_visit, w);

	if (errnum == 0 || errnum == ENOENT)
		return 0;
	return err_errno(e, errnum < 0 ? -errnum : errnum,
		"cannot go through '%s'", LOCAL_TRASH);
}

int local_trash_expire(struct store *s, const char *oldest, uint64_t *n,
		       struct err *e)
{
	struct trash_walk w = { .oldest = oldest };
	int rc = trash_walk(trash_of(s), &w, e);

	*n = w.files;
	return rc;
}

int local_trash_bytes(struct store *s, uint64_t *bytes, struct err *e)
{
	struct trash_walk w = { .oldest = NULL };
	int rc = trash_walk(trash_of(s), &w, e);

	*bytes = w.bytes;
	return rc;
}

void local_trash_tidy(struct store *s)
{
	local_tmp_tidy(trash_of(s));
}

void local_trash_touch_all(struct store *s)
{
	unsigned i;

	for (i = 0; i < LAYOUT_FOLDERS; i++)
		local_touch(trash_of(s), i);
}
