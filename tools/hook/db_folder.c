/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/hook/db_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "tools/talk.h"

#define NAME "muniment-dump-"

static int compare(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static FTS *open_tree(const char *path)
{
	char *const paths[] = { (char *)(uintptr_t)path, NULL };

	return fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, compare);
}

static void remove_tree(const char *path)
{
	FTS *t = open_tree(path);
	FTSENT *at;
	bool bad = !t;

	while (t && (at = fts_read(t)))
		if (at->fts_info != FTS_D && remove(at->fts_accpath) < 0)
			bad = true;
	if (t)
		fts_close(t);
	if (bad)
		talk_warn("cannot remove '%s', where a dump was", path);
}

static const char *base_of(const struct config *c)
{
	const char *dir = c ? c->user_runtime_directory : NULL;

	if (!dir)
		dir = getenv("TMPDIR");
	return dir && *dir == '/' ? dir : "/tmp";
}

/* The folder, locked, if nobody is at work in it; else -1. */
static int lock(const char *path)
{
	struct stat st, now;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	    flock(fd, LOCK_EX | LOCK_NB) == 0 && lstat(path, &now) == 0 &&
	    now.st_ino == st.st_ino && now.st_dev == st.st_dev)
		return fd;
	close(fd);
	return -1;
}

static void sweep(const char *base)
{
	const struct dirent *at;
	DIR *dir = opendir(base);
	char *path;
	int fd;

	while (dir && (at = readdir(dir))) {
		if (strncmp(at->d_name, NAME, strlen(NAME)))
			continue;
		path = mem_printf("%s/%s", base, at->d_name);
		fd = path ? lock(path) : -1;
		if (fd >= 0) {
			remove_tree(path);
			close(fd);
		}
		free(path);
	}
	if (dir)
		closedir(dir);
}

int db_folder_make(struct db_folder *f, const struct config *c,
		   struct err *e)
{
	const char *base = base_of(c);

	if (f->path)
		return 0;
	sweep(base);
	for (;;) {
		f->path = mem_printf("%s/" NAME "XXXXXX", base);
		if (!f->path)
			return err_nomem(e);
		if (!mkdtemp(f->path)) {
			err_errno(e, errno, "cannot make a folder in '%s'",
				  base);
			free(f->path);
			f->path = NULL;
			return e->code;
		}
		/* Another run may have taken it for a left one. */
		f->fd = lock(f->path);
		if (f->fd >= 0)
			return 0;
		free(f->path);
	}
}

int db_folder_list(const char *path, struct strv *out, struct err *e)
{
	size_t n = strlen(path) + 1;
	FTS *t = open_tree(path);
	FTSENT *at;
	int rc = t ? 0 : err_errno(e, errno, "cannot open '%s'", path);

	while (rc == 0 && (at = fts_read(t))) {
		if (at->fts_info == FTS_F)
			rc = strv_add(out, at->fts_path + n, e);
		else if (at->fts_info == FTS_ERR || at->fts_info == FTS_DNR ||
			 at->fts_info == FTS_NS)
			rc = err_errno(e, at->fts_errno, "cannot read '%s'",
				       at->fts_path);
	}
	if (t)
		fts_close(t);
	return rc;
}

void db_folder_remove(struct db_folder *f)
{
	if (!f->path)
		return;
	remove_tree(f->path);
	close(f->fd);
	free(f->path);
	f->path = NULL;
}
