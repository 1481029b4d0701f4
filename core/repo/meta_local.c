/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/meta_local.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "repo/home.h"
#include "repo/repo.h"

#define META_SMALL_BYTES (256u << 10)	/* not read in parts */
#define META_PARTS 3
#define META_HERE UINT64_MAX		/* in 'asked': seen here */

struct meta_local {
	struct repo *repo;
	char *dir;
	pthread_mutex_t mtx;		/* a leaf */
	struct map asked;		/* mtx: pack -> bytes not here */
	bool fetching;			/* mtx: one at a time is in memory */
	bool added;			/* mtx */
	uint64_t limit;			/* mtx */
};

struct meta_local *meta_local_new(struct repo *r)
{
	struct meta_local *m;

	if (!store_far(repo_store(r)) || !(repo_rights(r) & KEY_READ) ||
	    !(m = mem_zero(1, sizeof(*m))))
		return NULL;
	m->repo = r;
	m->limit = META_LOCAL_MAX_BYTES;
	m->dir = home_repo_cache(repo_id(r), "meta");
	if (!m->dir) {
		free(m);
		return NULL;
	}
	pthread_mutex_init(&m->mtx, NULL);
	return m;
}

void meta_local_limit(struct meta_local *m, uint64_t bytes)
{
	pthread_mutex_lock(&m->mtx);
	m->limit = bytes;
	m->added = true;
	pthread_mutex_unlock(&m->mtx);
}

static char *meta_path(const struct meta_local *m, const struct oid *pack)
{
	char hex[OID_HEX_BYTES];

	return mem_printf("%s/%s", m->dir, oid_hex(pack, hex));
}

/* It is here.  true: nobody has asked for it before. */
static bool meta_first(struct meta_local *m, const struct oid *pack)
{
	uint64_t *asked;
	bool was, first = false;

	pthread_mutex_lock(&m->mtx);
	if (map_put(&m->asked, pack->b, &asked, &was, NULL) == 0) {
		first = !was || *asked != META_HERE;
		*asked = META_HERE;
	}
	pthread_mutex_unlock(&m->mtx);
	return first;
}

static bool meta_read(struct meta_local *m, const struct oid *pack,
		      uint32_t pack_bytes, uint64_t off, size_t len,
		      struct buf *out)
{
	size_t before = out->len;
	char *path = meta_path(m, pack);
	struct stat st;
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	bool good = fd >= 0 && fstat(fd, &st) == 0;

	/* A power cut may have left it short. */
	if (good && (uint64_t)st.st_size != pack_bytes) {
		unlink(path);
		good = false;
	}
	good = good && buf_resize(out, before + len, NULL) == 0;
	if (good && io_pread(fd, out->p + before, len, off, path, NULL) < 0) {
		out->len = before;
		good = false;
	}
	/* The time says when it was of use. */
	if (good && meta_first(m, pack))
		futimens(fd, NULL);
	if (fd >= 0)
		close(fd);
	free(path);
	return good;
}

/* It is not here: shall it be, now?  Then the caller is the one who does it,
 * until meta_fetched(). */
static bool meta_wanted(struct meta_local *m, const struct oid *pack,
			uint32_t pack_bytes, size_t len)
{
	uint64_t *asked;
	bool was, wanted = false;

	if (pack_bytes > FMT_PACK_MAX_BYTES)
		return false;
	pthread_mutex_lock(&m->mtx);
	if (map_put(&m->asked, pack->b, &asked, &was, NULL) == 0) {
		*asked = (*asked == META_HERE ? 0 : *asked) + len;
		wanted = !m->fetching && (pack_bytes <= META_SMALL_BYTES ||
			*asked >= pack_bytes / 4);
		m->fetching |= wanted;
	}
	pthread_mutex_unlock(&m->mtx);
	return wanted;
}

static void meta_fetched(struct meta_local *m)
{
	pthread_mutex_lock(&m->mtx);
	m->fetching = false;
	pthread_mutex_unlock(&m->mtx);
}

static bool meta_fetch(struct meta_local *m, const struct oid *pack,
		       uint32_t pack_bytes, uint64_t off, size_t len,
		       struct buf *out)
{
	struct buf b = BUF_INIT;
	char hex[OID_HEX_BYTES];
	struct iovec iov;
	bool good = off <= pack_bytes && len <= pack_bytes - off &&
		store_get(repo_store(m->repo), STORE_META, oid_hex(pack, hex),
			0, pack_bytes, &b, NULL) == 0;

	if (good) {
		iov = (struct iovec) { b.p, b.len };
		meta_local_put(m, pack, &iov, 1);
		good = buf_append(out, b.p + off, len, NULL) == 0;
	}
	buf_release(&b);
	return good;
}

bool meta_local_get(struct meta_local *m, const struct oid *pack,
		    uint32_t pack_bytes, uint64_t off, size_t len,
		    struct buf *out)
{
	bool good;

	if (!m)
		return false;
	if (meta_read(m, pack, pack_bytes, off, len, out))
		return true;
	if (!meta_wanted(m, pack, pack_bytes, len))
		return false;
	good = meta_fetch(m, pack, pack_bytes, off, len, out);
	meta_fetched(m);
	return good;
}

void meta_local_put(struct meta_local *m, const struct oid *pack,
		    const struct iovec *iov, int n)
{
	struct err e = { ERR_OK, "" };
	char *path = m ? meta_path(m, pack) : NULL;
	struct iovec parts[META_PARTS];

	BUG_ON(n > META_PARTS);
	if (!path)
		return;
	memcpy(parts, iov, (size_t)n * sizeof(*iov));
	if (io_keep(path, parts, n, &e) < 0) {
		log_debug("repository", "no local copy: %s", e.msg);
	} else {
		pthread_mutex_lock(&m->mtx);
		m->added = true;
		pthread_mutex_unlock(&m->mtx);
	}
	free(path);
}

bool meta_local_drop(struct meta_local *m, const struct oid *pack)
{
	char *path = m ? meta_path(m, pack) : NULL;
	bool was = path && unlink(path) == 0;

	free(path);
	return was;
}

/* What is kept. */
struct meta_file {
	char *name;
	uint64_t bytes;
	struct timespec used;
};
struct meta_files {
	struct meta_file *v;
	size_t n, cap;
	uint64_t bytes;
};

static int meta_file_cmp(const void *a, const void *b)
{
	const struct meta_file *x = a, *y = b;

	if (x->used.tv_sec != y->used.tv_sec)
		return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
	return x->used.tv_nsec < y->used.tv_nsec ? -1 :
		x->used.tv_nsec > y->used.tv_nsec;
}

static bool meta_files_add(struct meta_files *f, const char *name,
			   const struct stat *st)
{
	size_t cap = f->cap ? f->cap * 2 : 64;
	struct meta_file *v;

	if (f->n == f->cap) {
		if (!(v = mem_resize(f->v, cap, sizeof(*v))))
			return false;
		f->v = v;
		f->cap = cap;
	}
	f->v[f->n] = (struct meta_file) { mem_str(name),
		(uint64_t)st->st_size, st->st_mtim };
	if (!f->v[f->n].name)
		return false;
	f->bytes += f->v[f->n++].bytes;
	return true;
}

/* Temporary ones are among them: those of the dead are the oldest. */
static void meta_trim(const struct meta_local *m)
{
	struct meta_files f = { NULL, 0, 0, 0 };
	DIR *d = opendir(m->dir);
	struct dirent *de;
	struct stat st;
	size_t i;

	if (!d)
		return;
	while ((de = readdir(d)) != NULL)
		if (fstatat(dirfd(d), de->d_name, &st,
			    AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && !meta_files_add(&f, de->d_name,
			    &st))
			break;
	if (f.n > 0)
		qsort(f.v, f.n, sizeof(*f.v), meta_file_cmp);
	for (i = 0; i < f.n && f.bytes > m->limit; i++)
		if (unlinkat(dirfd(d), f.v[i].name, 0) == 0)
			f.bytes -= f.v[i].bytes;
	closedir(d);
	for (i = 0; i < f.n; i++)
		free(f.v[i].name);
	free(f.v);
}

void meta_local_free(struct meta_local *m)
{
	if (!m)
		return;
	if (m->added)
		meta_trim(m);
	map_release(&m->asked);
	pthread_mutex_destroy(&m->mtx);
	free(m->dir);
	free(m);
}
