/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/cutos.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/os.h"

enum {
	CUTOS_FILES = 8192,
	CUTOS_NAMES = 8192,
	CUTOS_CHANGES = 16,
	CUTOS_FDS = 256,
	CUTOS_PATH = 1024
};

/* Files and folders by number; 0 is none, 1 the root. */
struct cutos_file {
	bool folder;
	struct buf bytes;
	size_t safe;			/* so many of them are on the disk */
};

/* 1. can[0] is what the last fsync of the folder made safe.  2. can[n - 1] is
 * what the program sees. */
struct cutos_name {
	unsigned folder;
	unsigned can[CUTOS_CHANGES];
	unsigned n;
	char name[256];
};

static struct cutos_file cutos_file[CUTOS_FILES];
static struct cutos_name cutos_name[CUTOS_NAMES];
static unsigned cutos_files, cutos_n_names;
static unsigned cutos_fd[CUTOS_FDS];
static char cutos_root[CUTOS_PATH];
static const struct os *cutos_below;
static pthread_mutex_t cutos_mtx = PTHREAD_MUTEX_INITIALIZER;
static void (*cutos_fn)(void *ctx);
static void *cutos_ctx;

static unsigned cutos_new(bool folder)
{
	BUG_ON(cutos_files + 1 >= CUTOS_FILES);
	cutos_file[++cutos_files] = (struct cutos_file){ .folder = folder };
	return cutos_files;
}

static struct cutos_name *cutos_find(unsigned folder, const char *name)
{
	unsigned i;

	for (i = 0; i < cutos_n_names; i++)
		if (cutos_name[i].folder == folder &&
		    strcmp(cutos_name[i].name, name) == 0)
			return &cutos_name[i];
	return NULL;
}

static unsigned cutos_now(unsigned folder, const char *name)
{
	const struct cutos_name *n = cutos_find(folder, name);

	return n ? n->can[n->n - 1] : 0;
}

static struct cutos_name *cutos_set(unsigned folder, const char *name,
				    unsigned file)
{
	struct cutos_name *n = cutos_find(folder, name);

	if (!n) {
		BUG_ON(cutos_n_names == CUTOS_NAMES);
		n = &cutos_name[cutos_n_names++];
		*n = (struct cutos_name){ .folder = folder, .n = 1 };
		snprintf(n->name, sizeof(n->name), "%s", name);
	}
	BUG_ON(n->n == CUTOS_CHANGES);
	n->can[n->n++] = file;
	return n;
}

static void cutos_step(void)
{
	if (cutos_fn)
		cutos_fn(cutos_ctx);
}

/* The folder that holds the last part of 'path', which goes to 'last'; 0: it
 * is not below the root. */
static unsigned cutos_parent(int dirfd, const char *path, char last[256])
{
	unsigned at = dirfd >= 0 && dirfd < CUTOS_FDS ? cutos_fd[dirfd] : 0;
	size_t n = strlen(cutos_root);

	if (strncmp(path, cutos_root, n) == 0 && path[n] == '/') {
		path += n + 1;
		at = 1;
	}
	for (;;) {
		n = strcspn(path, "/");
		BUG_ON(n >= 256);
		memcpy(last, path, n);
		last[n] = '\0';
		if (path[n] == '\0' || at == 0)
			return at;
		at = cutos_now(at, last);
		path += n + 1;
	}
}

static int cutos_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	int fd = cutos_below->openat(dirfd, path, flags, mode);
	unsigned folder, file = 0;
	char last[256];

	if (fd < 0)
		return fd;
	BUG_ON(fd >= CUTOS_FDS);
	folder = cutos_parent(dirfd, path, last);
	if (strcmp(path, cutos_root) == 0)
		file = 1;
	else if (strcmp(path, ".") == 0)
		file = cutos_fd[dirfd];
	else if (folder != 0)
		file = cutos_now(folder, last);
	cutos_fd[fd] = file;
	if (file == 0 && folder != 0 && flags & O_CREAT) {
		cutos_fd[fd] = cutos_new(false);
		cutos_set(folder, last, cutos_fd[fd]);
		cutos_step();
	}
	return fd;
}

static ssize_t cutos_writev(int fd, const struct iovec *iov, int n)
{
	ssize_t got = cutos_below->writev(fd, iov, n);
	size_t left = got > 0 ? (size_t)got : 0, part;
	unsigned file = cutos_fd[fd];

	for (; left > 0 && file != 0; iov++, left -= part) {
		part = iov->iov_len < left ? iov->iov_len : left;
		BUG_ON(buf_append(&cutos_file[file].bytes, iov->iov_base,
			part, NULL) < 0);
	}
	cutos_step();
	return got;
}

static int cutos_sync(int fd, int rc, bool names)
{
	unsigned file = cutos_fd[fd], i;
	struct cutos_name *n;

	if (rc < 0 || file == 0)
		return rc;
	cutos_file[file].safe = cutos_file[file].bytes.len;
	for (i = 0; names && i < cutos_n_names; i++) {
		n = &cutos_name[i];
		if (n->folder != file)
			continue;
		n->can[0] = n->can[n->n - 1];
		n->n = 1;
	}
	cutos_step();
	return rc;
}

static int cutos_fdatasync(int fd)
{
	return cutos_sync(fd, cutos_below->fdatasync(fd), false);
}

static int cutos_fsync(int fd)
{
	return cutos_sync(fd, cutos_below->fsync(fd), true);
}

static int cutos_close(int fd)
{
	if (fd >= 0 && fd < CUTOS_FDS)
		cutos_fd[fd] = 0;
	return cutos_below->close(fd);
}

static int cutos_closedir(DIR *d)
{
	cutos_fd[dirfd(d)] = 0;
	return cutos_below->closedir(d);
}

static int cutos_mkdirat(int dirfd, const char *path, mode_t mode)
{
	int rc = cutos_below->mkdirat(dirfd, path, mode);
	char last[256];
	unsigned folder = cutos_parent(dirfd, path, last);

	if (rc == 0 && folder != 0) {
		cutos_set(folder, last, cutos_new(true));
		cutos_step();
	}
	return rc;
}

/* A new name, and with 'move' the old one goes. */
static int cutos_also(int rc, int fromfd, const char *from, int tofd,
		      const char *to, bool move)
{
	char from_last[256], to_last[256];
	unsigned a = cutos_parent(fromfd, from, from_last);
	unsigned b = cutos_parent(tofd, to, to_last);

	if (rc < 0 || a == 0 || b == 0)
		return rc;
	cutos_set(b, to_last, cutos_now(a, from_last));
	if (move)
		cutos_set(a, from_last, 0);
	cutos_step();
	return rc;
}

static int cutos_linkat(int fromfd, const char *from, int tofd,
			const char *to)
{
	return cutos_also(cutos_below->linkat(fromfd, from, tofd, to),
		fromfd, from, tofd, to, false);
}

static int cutos_rename_new(int fromfd, const char *from, int tofd,
			    const char *to)
{
	return cutos_also(cutos_below->rename_new(fromfd, from, tofd, to),
		fromfd, from, tofd, to, true);
}

static int cutos_renameat(int fromfd, const char *from, int tofd,
			  const char *to)
{
	return cutos_also(cutos_below->renameat(fromfd, from, tofd, to),
		fromfd, from, tofd, to, true);
}

static int cutos_unlinkat(int dirfd, const char *path, int flags)
{
	int rc = cutos_below->unlinkat(dirfd, path, flags);
	char last[256];
	unsigned folder = cutos_parent(dirfd, path, last);

	if (rc == 0 && folder != 0) {
		cutos_set(folder, last, 0);
		cutos_step();
	}
	return rc;
}

/* What is there at the beginning is safe. */
static void cutos_scan(const char *path, unsigned folder)
{
	char below[CUTOS_PATH], bytes[4096];
	const struct dirent *de;
	DIR *d = opendir(path);

	BUG_ON(!d);
	while ((de = readdir(d)) != NULL) {
		struct cutos_name *n;
		unsigned file;
		size_t got;
		FILE *f;

		if (de->d_name[0] == '.')
			continue;
		file = cutos_new(de->d_type == DT_DIR);
		n = cutos_set(folder, de->d_name, file);
		n->can[0] = file;
		n->n = 1;
		snprintf(below, sizeof(below), "%s/%s", path, de->d_name);
		if (de->d_type == DT_DIR) {
			cutos_scan(below, file);
			continue;
		}
		f = fopen(below, "re");
		BUG_ON(!f);
		while ((got = fread(bytes, 1, sizeof(bytes), f)) > 0)
			BUG_ON(buf_append(&cutos_file[file].bytes, bytes, got,
				NULL) < 0);
		fclose(f);
		cutos_file[file].safe = cutos_file[file].bytes.len;
	}
	closedir(d);
}

/* --- one call at a time, also of programs with threads --- */

#define CUTOS_LOCKED(type, name, params, args) \
static type cutos_locked_##name params \
{ \
	type rc; \
\
	pthread_mutex_lock(&cutos_mtx); \
	rc = cutos_##name args; \
	pthread_mutex_unlock(&cutos_mtx); \
	return rc; \
}

CUTOS_LOCKED(int, openat, (int d, const char *p, int f, mode_t m),
	     (d, p, f, m))
CUTOS_LOCKED(ssize_t, writev, (int fd, const struct iovec *v, int n),
	     (fd, v, n))
CUTOS_LOCKED(int, fdatasync, (int fd), (fd))
CUTOS_LOCKED(int, fsync, (int fd), (fd))
CUTOS_LOCKED(int, close, (int fd), (fd))
CUTOS_LOCKED(int, closedir, (DIR *d), (d))
CUTOS_LOCKED(int, mkdirat, (int d, const char *p, mode_t m), (d, p, m))
CUTOS_LOCKED(int, linkat, (int a, const char *p, int b, const char *q),
	     (a, p, b, q))
CUTOS_LOCKED(int, rename_new, (int a, const char *p, int b, const char *q),
	     (a, p, b, q))
CUTOS_LOCKED(int, renameat, (int a, const char *p, int b, const char *q),
	     (a, p, b, q))
CUTOS_LOCKED(int, unlinkat, (int d, const char *p, int f), (d, p, f))

void cutos_start(const char *root)
{
	static struct os table;

	cutos_below = os_now;
	table = *cutos_below;
	table.openat = cutos_locked_openat;
	table.writev = cutos_locked_writev;
	table.fdatasync = cutos_locked_fdatasync;
	table.fsync = cutos_locked_fsync;
	table.close = cutos_locked_close;
	table.mkdirat = cutos_locked_mkdirat;
	table.linkat = cutos_locked_linkat;
	table.rename_new = cutos_locked_rename_new;
	table.renameat = cutos_locked_renameat;
	table.unlinkat = cutos_locked_unlinkat;
	table.closedir = cutos_locked_closedir;
	snprintf(cutos_root, sizeof(cutos_root), "%s", root);
	cutos_scan(root, cutos_new(true));
	os_now = &table;
}

void cutos_stop(void)
{
	unsigned i;

	if (!cutos_below)
		return;
	os_now = cutos_below;
	cutos_below = NULL;
	for (i = 0; i <= cutos_files; i++)
		buf_release(&cutos_file[i].bytes);
	cutos_files = cutos_n_names = 0;
	memset(cutos_fd, 0, sizeof(cutos_fd));
	cutos_fn = NULL;
}

void cutos_watch(void (*fn)(void *ctx), void *ctx)
{
	cutos_fn = fn;
	cutos_ctx = ctx;
}

/* From the root, without a descriptor. */
static unsigned cutos_walk(const char *path, char last[256])
{
	unsigned was = cutos_fd[0], folder;

	cutos_fd[0] = 1;
	folder = cutos_parent(0, path, last);
	cutos_fd[0] = was;
	return folder;
}

static struct cutos_state cutos_state_of(unsigned file)
{
	const struct cutos_file *f = &cutos_file[file];

	return (struct cutos_state){
		.there = file != 0,
		.folder = f->folder,
		.torn = !f->folder && f->safe < f->bytes.len,
		.file = file,
		.p = f->bytes.p,
		.len = f->bytes.len
	};
}

size_t cutos_states(const char *path, struct cutos_state *out, size_t max)
{
	char last[256];
	unsigned folder = cutos_walk(path, last), i;
	const struct cutos_name *n = cutos_find(folder, last);

	BUG_ON(max == 0 || (n && n->n > max));
	out[0] = cutos_state_of(0);
	for (i = 0; n && i < n->n; i++)
		out[i] = cutos_state_of(n->can[i]);
	return n ? n->n : 1;
}

void cutos_names(const char *path, void (*fn)(const char *path, void *ctx),
		 void *ctx)
{
	char last[256], full[CUTOS_PATH];
	unsigned folder = cutos_walk(path, last), i;

	folder = cutos_now(folder, last);
	for (i = 0; i < cutos_n_names; i++) {
		if (cutos_name[i].folder != folder)
			continue;
		snprintf(full, sizeof(full), "%s/%s", path,
			cutos_name[i].name);
		fn(full, ctx);
	}
}

/* --- a whole disk --- */

static void cutos_emit(unsigned file, const char *path,
		       const struct cutos_disk *d)
{
	const struct cutos_file *f = &cutos_file[file];
	struct buf torn = BUF_INIT;
	size_t len = f->bytes.len, lost = len - f->safe;

	if (f->folder) {
		d->emit(path, true, NULL, 0, d->ctx);
		return;
	}
	if (lost == 0) {
		d->emit(path, false, f->bytes.p, len, d->ctx);
		return;
	}
	len = f->safe + d->pick(lost + 1, d->ctx);
	BUG_ON(buf_append(&torn, f->bytes.p, len, NULL) < 0);
	if (len < f->bytes.len && d->pick(2, d->ctx) == 1) {
		/* the new length, and not the bytes */
		BUG_ON(buf_resize(&torn, f->bytes.len, NULL) < 0);
		memset(torn.p + len, 0, f->bytes.len - len);
	}
	d->emit(path, false, torn.p, torn.len, d->ctx);
	buf_release(&torn);
}

static void cutos_disk_below(unsigned folder, const char *at,
			     const struct cutos_disk *d)
{
	char path[CUTOS_PATH];
	unsigned i, file;

	for (i = 0; i < cutos_n_names; i++) {
		const struct cutos_name *n = &cutos_name[i];

		if (n->folder != folder)
			continue;
		file = n->can[n->n > 1 ? d->pick(n->n, d->ctx) : 0];
		if (file == 0)
			continue;
		snprintf(path, sizeof(path), "%s%s%s", at, *at ? "/" : "",
			 n->name);
		cutos_emit(file, path, d);
		if (cutos_file[file].folder)
			cutos_disk_below(file, path, d);
	}
}

void cutos_disk(const struct cutos_disk *d)
{
	cutos_disk_below(1, "", d);
}
