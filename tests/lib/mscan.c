/* SPDX-License-Identifier: BSD-2-Clause */

/* The part of manifest.h that reads a folder. */
#include "tests/lib/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/pool.h"

#define MSCAN_JOBS 512
#define MSCAN_THREADS 16
#define MSCAN_READ_BYTES (256u << 10)

struct mscan_job {
	struct job job;
	struct manifest_row *row;
};

struct mscan_work {
	int rootfd;
	uint8_t *scratch[MSCAN_THREADS];
};

static char mscan_type(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return 'f';
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFIFO:
		return 'p';
	case S_IFSOCK:
		return 's';
	case S_IFBLK:
		return 'b';
	default:
		return 'c';
	}
}

static int mscan_add(struct manifest *m, char *path, const struct stat *st,
	struct err *e)
{
	struct manifest_row *r;

	if (m->n == m->cap) {
		size_t cap = m->cap ? m->cap * 2 : 1024;

		r = mem_resize(m->row, cap, sizeof(*r));
		if (!r)
			return err_nomem(e);
		m->row = r;
		m->cap = cap;
	}
	r = &m->row[m->n++];
	memset(r, 0, sizeof(*r));
	r->path = path;
	r->type = mscan_type(st->st_mode);
	r->mode = st->st_mode & 07777;
	r->uid = st->st_uid;
	r->gid = st->st_gid;
	r->size_bytes = r->type == 'd' ? 0 : (uint64_t)st->st_size;
	r->mtime_nsec = (int64_t)st->st_mtim.tv_sec * 1000000000 +
		st->st_mtim.tv_nsec;
	r->message[0] = '-';
	r->dev = st->st_dev;
	r->ino = st->st_ino;
	r->nlink = st->st_nlink;
	return 0;
}

/* All rows of the folder 'dirfd', which is used up; 'at' is its path. */
static int mscan_dir(struct manifest *m, int dirfd, const char *at,
	struct err *e)
{
	DIR *d = fdopendir(dirfd);
	struct dirent *de;
	int rc = 0;

	if (!d) {
		close(dirfd);
		return err_errno(e, errno, "cannot list '%s'", at);
	}
	while (rc == 0 && (de = readdir(d))) {
		struct stat st;
		char *path;
		int fd;

		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		path = mem_printf("%s%s%s", at, *at ? "/" : "", de->d_name);
		if (!path) {
			rc = err_nomem(e);
			break;
		}
		if (fstatat(dirfd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			rc = err_errno(e, errno, "cannot stat '%s'", path);
			free(path);
			break;
		}
		rc = mscan_add(m, path, &st, e);
		if (rc < 0)
			free(path);
		if (rc < 0 || !S_ISDIR(st.st_mode))
			continue;
		fd = openat(dirfd, de->d_name, O_RDONLY | O_DIRECTORY |
			O_NOFOLLOW | O_CLOEXEC);
		rc = fd < 0 ? err_errno(e, errno, "cannot open '%s'", path) :
			mscan_dir(m, fd, path, e);
	}
	closedir(d);
	return rc;
}

static void mscan_hash_file(struct manifest_row *r, int rootfd,
	uint8_t *scratch, struct err *e)
{
	int fd = openat(rootfd, r->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	crypto_generichash_state h;
	ssize_t n = -1;

	if (fd < 0) {
		err_errno(e, errno, "cannot open '%s'", r->path);
		return;
	}
	crypto_generichash_init(&h, NULL, 0, sizeof(r->hash.b));
	while ((n = read(fd, scratch, MSCAN_READ_BYTES)) > 0)
		crypto_generichash_update(&h, scratch, (size_t)n);
	if (n < 0)
		err_errno(e, errno, "cannot read '%s'", r->path);
	crypto_generichash_final(&h, r->hash.b, sizeof(r->hash.b));
	close(fd);
}

static void mscan_hash(struct job *j, unsigned worker, void *ctx)
{
	struct manifest_row *r = ((struct mscan_job *)j)->row;
	struct mscan_work *w = ctx;
	char target[PATH_MAX];
	ssize_t n;

	if (r->type == 'f') {
		mscan_hash_file(r, w->rootfd, w->scratch[worker], &j->err);
	} else if (r->type == 'l') {
		n = readlinkat(w->rootfd, r->path, target, sizeof(target));
		if (n < 0)
			err_errno(&j->err, errno, "cannot read '%s'", r->path);
		else
			crypto_generichash(r->hash.b, sizeof(r->hash.b),
				(const uint8_t *)target, (size_t)n, NULL, 0);
	}
}

static void mscan_take(struct pool *p, int *rc, struct err *e)
{
	struct job *j = pool_take(p);

	if (j && j->err.code != ERR_OK && *rc == 0)
		*rc = err_set(e, j->err.code, "%s", j->err.msg);
}

static int mscan_hash_all(struct manifest *m, struct mscan_work *w,
	unsigned threads, struct err *e)
{
	struct mscan_job *job = mem_zero(MSCAN_JOBS, sizeof(*job));
	struct pool *p = NULL;
	int rc = job ? 0 : err_nomem(e);

	for (unsigned k = 0; rc == 0 && k < MSCAN_THREADS; k++) {
		w->scratch[k] = mem_alloc(MSCAN_READ_BYTES);
		if (!w->scratch[k])
			rc = err_nomem(e);
	}
	if (rc == 0) {
		p = pool_new(threads < MSCAN_THREADS ? threads :
			MSCAN_THREADS, MSCAN_JOBS, mscan_hash, w);
		rc = p ? 0 : err_nomem(e);
	}
	for (size_t i = 0; rc == 0 && i < m->n; i++) {
		if (pool_full(p))
			mscan_take(p, &rc, e);
		memset(&job[i % MSCAN_JOBS], 0, sizeof(*job));
		job[i % MSCAN_JOBS].row = &m->row[i];
		pool_put(p, &job[i % MSCAN_JOBS].job);
	}
	while (p && !pool_empty(p))
		mscan_take(p, &rc, e);
	pool_free(p);
	for (unsigned k = 0; k < MSCAN_THREADS; k++)
		free(w->scratch[k]);
	free(job);
	return rc;
}

static int mscan_by_path(const void *a, const void *b)
{
	const struct manifest_row *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static int mscan_by_inode(const void *a, const void *b)
{
	const struct manifest_row *x = *(struct manifest_row *const *)a;
	const struct manifest_row *y = *(struct manifest_row *const *)b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return x < y ? -1 : x > y;
}

static int mscan_link_groups(struct manifest *m, struct err *e)
{
	struct manifest_row **v = mem_zero(m->n + 1,
		sizeof(struct manifest_row *));
	size_t n = 0;

	if (!v)
		return err_nomem(e);
	for (size_t i = 0; i < m->n; i++)
		if (m->row[i].type != 'd' && m->row[i].nlink > 1)
			v[n++] = &m->row[i];
	qsort(v, n, sizeof(struct manifest_row *), mscan_by_inode);
	for (size_t i = 0, k; i < n; i = k) {
		for (k = i + 1; k < n && v[k]->dev == v[i]->dev &&
		     v[k]->ino == v[i]->ino; k++)
			v[k]->links = (uint64_t)(v[i] - m->row) + 1;
		/* Other names may lie outside of the folder. */
		if (k > i + 1)
			v[i]->links = (uint64_t)(v[i] - m->row) + 1;
	}
	free(v);
	return 0;
}

int manifest_scan(struct manifest *m, const char *root, unsigned threads,
	struct err *e)
{
	struct mscan_work w = { .rootfd = open(root, O_RDONLY | O_DIRECTORY |
		O_CLOEXEC) };
	int rc;

	if (w.rootfd < 0)
		return err_errno(e, errno, "cannot open '%s'", root);
	if ((rc = mscan_dir(m, fcntl(w.rootfd, F_DUPFD_CLOEXEC, 3), "",
		e)) < 0)
		goto out;
	qsort(m->row, m->n, sizeof(*m->row), mscan_by_path);
	if ((rc = mscan_link_groups(m, e)) < 0)
		goto out;
	rc = mscan_hash_all(m, &w, threads, e);
out:
	close(w.rootfd);
	return rc;
}
