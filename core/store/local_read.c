/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/local_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/log.h"

static int local_noent(const char *path, struct err *e)
{
	return err_set(e, ERR_NOENT, "there is no '%s'", path);
}

int local_size(int dirfd, const char *path, uint64_t *size)
{
	char inner[LAYOUT_PATH_BYTES + sizeof(LAYOUT_INNER)];
	struct stat st;

	if (local_lstat(dirfd, path, &st) < 0)
		return errno;
	if (S_ISDIR(st.st_mode)) {
		snprintf(inner, sizeof(inner), "%s" LAYOUT_INNER, path);
		if (local_lstat(dirfd, inner, &st) < 0)
			return errno;
	}
	if (!S_ISREG(st.st_mode))
		return ENOENT;
	*size = (uint64_t)st.st_size;
	return 0;
}

static int local_stat_once(struct local *l, enum store_kind k,
			   const char *name, uint64_t *size, struct err *e)
{
	char path[LAYOUT_PATH_BYTES];
	int errnum;

	layout_path(k, name, path);
	errnum = local_size(l->root, path, size);
	if (errnum == ENOENT)
		return local_noent(path, e);
	if (errnum != 0)
		return err_errno(e, errnum, "cannot look at '%s'", path);
	return 0;
}

/* What a reading operation ends with, after its only try. */
static int local_verdict(int rc, const struct err *why, struct err *e)
{
	if (rc < 0 && e)
		*e = *why;
	return rc < 0 ? (int)why->code : rc;
}

int local_stat(struct store *s, enum store_kind k, const char *name,
	       uint64_t *size, struct err *e)
{
	struct local *l = (struct local *)(void *)s;
	struct err why = { ERR_OK, "" };
	int rc = local_stat_once(l, k, name, size, &why);

	if (rc < 0 && local_reach(l, rc, &why))
		rc = local_stat_once(l, k, name, size, &why);
	return local_verdict(rc, &why, e);
}

/* Open a regular file; -1 with ENOENT where something else has the name,
 * with EISDIR where that is a folder. */
static int local_open_regular(const struct local *l, const char *path,
			      uint64_t *size)
{
	struct stat st;
	int fd, errnum;

	/* Should a pipe stand there, opening it must not wait. */
	fd = local_openat(l->root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) {
		if (errno == ELOOP || errno == ENXIO)
			errno = ENOENT;
		return -1;
	}
	if (local_fstat(fd, &st) < 0)
		errnum = errno;
	else if (S_ISREG(st.st_mode))
		errnum = 0;
	else
		errnum = S_ISDIR(st.st_mode) ? EISDIR : ENOENT;
	if (errnum != 0) {
		local_close(fd);
		errno = errnum;
		return -1;
	}
	*size = (uint64_t)st.st_size;
	return fd;
}

/* The same in either of its forms. */
static int local_open_form(const struct local *l, const char *path,
			   uint64_t *size)
{
	char inner[LAYOUT_PATH_BYTES + sizeof(LAYOUT_INNER)];
	int fd = local_open_regular(l, path, size);

	if (fd < 0 && errno == EISDIR) {
		snprintf(inner, sizeof(inner), "%s" LAYOUT_INNER, path);
		fd = local_open_regular(l, inner, size);
	}
	return fd;
}

/* Borrow the file, open already or not; give it back with fdcache_done(). */
static int local_borrow(struct local *l, enum store_kind k, const char *name,
			struct fdcache_file *f, struct err *e)
{
	bool keep = k == STORE_DATA || k == STORE_META;
	char path[LAYOUT_PATH_BYTES];

	if (keep && fdcache_find(l->fds, k, name, f))
		return 0;
	layout_path(k, name, path);
	f->slot = FDCACHE_NONE;
	f->fd = local_open_form(l, path, &f->size);
	if (f->fd < 0 && (errno == EMFILE || errno == ENFILE) &&
	    fdcache_clear(l->fds) > 0)
		f->fd = local_open_form(l, path, &f->size);
	if (f->fd < 0 && errno == ENOENT)
		return local_noent(path, e);
	if (f->fd < 0)
		return err_errno(e, errno, "cannot open '%s'", path);
	if (keep)
		fdcache_add(l->fds, k, name, f);
	return 0;
}

static int local_get_once(struct local *l, enum store_kind k,
			  const char *name, uint64_t off, size_t len,
			  struct buf *out, struct err *e)
{
	struct fdcache_file f;
	int rc;

	if ((rc = local_borrow(l, k, name, &f, e)) < 0)
		return rc;
	if (off > f.size || len > f.size - off)
		rc = err_set(e, ERR_CORRUPT,
			"'%s' is shorter than it should be", name);
	else
		rc = buf_reserve(out, len, e);
	if (rc == 0 && len > 0)
		rc = io_pread(f.fd, out->p + out->len, len, off, name, e);
	if (rc == 0)
		out->len += len;
	else
		rc = err_ctx(e, "folder '%s'", store_kind_name(k));
	fdcache_done(l->fds, &f);
	if (rc == ERR_IO)
		fdcache_drop(l->fds, k, name);
	return rc;
}

int local_get(struct store *s, enum store_kind k, const char *name,
	      uint64_t off, size_t len, struct buf *out, struct err *e)
{
	struct local *l = (struct local *)(void *)s;
	struct err why = { ERR_OK, "" };
	int rc = local_get_once(l, k, name, off, len, out, &why);

	if (rc < 0 && local_reach(l, rc, &why))
		rc = local_get_once(l, k, name, off, len, out, &why);
	return local_verdict(rc, &why, e);
}

struct local_listing {
	struct local *l;
	enum store_kind kind;
	unsigned folder;
	char path[LAYOUT_FOLDER_BYTES];	/* of the folder */
	store_list_fn *fn;
	void *ctx;
	struct err *e;
	int rc;				/* fn's, or a failure of ours */
};

static int local_list_entry(int dirfd, const char *name, void *ctx)
{
	struct local_listing *g = ctx;
	uint64_t size;
	int errnum;

	if (!store_name_ok(g->kind, name) ||
	    layout_folder(g->kind, name) != g->folder) {
		if (g->kind != STORE_ROOT)
			log_debug("store", "'%s/%s/%s' is not ours",
				g->l->store.url, g->path, name);
		return 0;
	}
	errnum = local_size(dirfd, name, &size);
	if (errnum == ENOENT)
		return 0;
	if (errnum != 0)
		g->rc = err_errno(g->e, errnum, "cannot look at '%s/%s/%s'",
			g->l->store.url, g->path, name);
	else
		g->rc = g->fn(name, size, g->ctx);
	return g->rc == 0 ? 0 : -1;
}

static int local_list_failed(const struct local_listing *g, int errnum)
{
	struct err why = { ERR_OK, "" };
	int rc;

	if (errnum == ENOENT)
		err_set(&why, ERR_CORRUPT, "repository '%s' has lost its "
			"folder '%s'", g->l->store.url, g->path);
	else
		err_errno(&why, errnum, "cannot list '%s/%s'",
			g->l->store.url, g->path);
	/* Part of it may have been told: who asks again gets all of it. */
	rc = errnum == ENOENT ? ERR_NOENT : (int)why.code;
	if (local_reach(g->l, rc, &why))
		err_set(&why, ERR_IO, "repository '%s' was away for a moment",
			g->l->store.url);
	return local_verdict(why.code, &why, g->e);
}

static int local_list_folder(struct local_listing *g)
{
	int errnum;

	layout_folder_path(g->folder, g->path);
	errnum = local_each(g->l->root, g->path, local_list_entry, g);
	if (errnum <= 0)
		return g->rc;
	/* Copying programs drop empty folders.  The others hold too much to
	 * be taken for empty when they are missing. */
	if (errnum == ENOENT && g->folder >= LAYOUT_FAN_DATA)
		return 0;
	return local_list_failed(g, errnum);
}

int local_list(struct store *s, enum store_kind k, store_list_fn *fn,
	       void *ctx, struct err *e)
{
	struct local_listing g = {
		.l = (struct local *)(void *)s,
		.kind = k,
		.folder = k,
		.fn = fn,
		.ctx = ctx,
		.e = e
	};
	struct stat st;
	unsigned i;
	int rc = 0;

	fdcache_expire(((struct local *)(void *)s)->fds);
	if (k != STORE_DATA && k != STORE_META)
		return local_list_folder(&g);
	layout_folder_path(k, g.path);
	if (local_lstat(g.l->root, g.path, &st) < 0)
		return local_list_failed(&g, errno);
	g.folder = k == STORE_DATA ? LAYOUT_FAN_DATA : LAYOUT_FAN_META;
	for (i = 0; rc == 0 && i < 256; i++, g.folder++)
		rc = local_list_folder(&g);
	return rc;
}

/* Its bytes go first, then the folder that is the name, for only that is safe
 * after the barrier; a new put may have taken its place by then. */
static int local_del_folder(struct local *l, const char *path)
{
	char inner[LAYOUT_PATH_BYTES + sizeof(LAYOUT_INNER)];
	bool had;

	snprintf(inner, sizeof(inner), "%s" LAYOUT_INNER, path);
	had = local_unlink(l->root, inner, 0) == 0;
	if (!had && errno != ENOENT)
		return errno;
	if (local_unlink(l->root, path, AT_REMOVEDIR) < 0 &&
	    errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST)
		return errno;
	return had ? 0 : ENOENT;
}

int local_del(struct store *s, enum store_kind k, const char *name,
	      struct err *e)
{
	struct local *l = (struct local *)(void *)s;
	char path[LAYOUT_PATH_BYTES];
	struct stat st;
	int errnum = 0;

	layout_path(k, name, path);
	if (local_unlink(l->root, path, 0) < 0)
		errnum = errno;
	if (k == STORE_DATA || k == STORE_META)
		fdcache_drop(l->fds, k, name);
	/* POSIX says EPERM for a folder, Linux EISDIR. */
	if ((errnum == EISDIR || errnum == EPERM) &&
	    local_lstat(l->root, path, &st) == 0 && S_ISDIR(st.st_mode))
		errnum = local_del_folder(l, path);
	/* Also what is gone already may have been deleted a moment ago. */
	local_touch(l, layout_folder(k, name));
	if (errnum == ENOENT)
		return local_noent(path, e);
	if (errnum != 0)
		return err_errno(e, errnum, "cannot delete '%s'", path);
	return 0;
}
