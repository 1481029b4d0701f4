/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_LOCAL_PRIV_H
#define STORE_LOCAL_PRIV_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "store/fdcache.h"
#include "store/layout.h"

/* The parts of the local store, whose folder is held open. */

/* How a finished temporary file gets its name, best first. */
enum local_way { LOCAL_RENAME, LOCAL_LINK, LOCAL_DIR, LOCAL_WAYS };

struct local {
	struct store store;
	int root;			/* the number stays, local_reach()
					 * may make it lead elsewhere */
	struct buf face;		/* REPOSITORY; empty: unknown */
	struct proc_id self;
	struct fdcache *fds;		/* data/ and meta/ */
	atomic_int way;			/* the first that works here */
	pthread_mutex_t tidy_mtx;	/* order: first, as sync_mtx */
	bool tidied;			/* tidy_mtx */
	pthread_mutex_t sync_mtx;	/* order: sync_mtx > dirty_mtx */
	bool lost;			/* sync_mtx: a barrier failed */
	pthread_mutex_t dirty_mtx;	/* a leaf */
	/* One bit a folder: names in it changed since its last fsync. */
	uint64_t dirty[(LAYOUT_FOLDERS + 63) / 64];	/* dirty_mtx */
};

/* local.c */
int local_open_root(struct local *l, struct err *e);
int local_space(struct store *s, uint64_t *free_bytes, uint64_t *total_bytes,
		struct err *e);

/* local_make.c: the folders of a new repository. */
int local_make(struct local *l, unsigned flags, struct err *e);
int local_unmake(struct store *s, struct err *e);

/* local_sys.c: one system call each, again after EINTR. */
int local_openat(int dirfd, const char *path, int flags);
int local_close(int fd);
int local_fsync(int fd);
int local_fdatasync(int fd);
int local_mkdir(int dirfd, const char *path);
int local_unlink(int dirfd, const char *path, int flags);
int local_lstat(int dirfd, const char *path, struct stat *st);
int local_fstat(int fd, struct stat *st);
/* Calls fn with each name but . and ..; returns 0, an errno, or what fn
 * returned to end it, which is negative. */
typedef int local_entry_fn(int dirfd, const char *name, void *ctx);
int local_each(int at, const char *path, local_entry_fn *fn, void *ctx);

/* local_reach.c */
/* Of a repository that is there: remember it.  ERR_NOMEM. */
int local_reach_begin(struct local *l, struct err *e);
/*
 * A reading operation ended with rc.  true: the repository had gone away and
 * is back, try again.  Where it is away and rc is ERR_NOENT, which would be
 * wrong, *e has ERR_IO afterwards.
 */
bool local_reach(struct local *l, int rc, struct err *e);

/* local_put.c */
int local_put(struct store *s, enum store_kind k, const char *name,
	      const struct iovec *iov, int n, unsigned flags, struct err *e);

/* local_sync.c */
int local_sync_path(struct local *l, const char *path);	/* 0 or an errno */
void local_touch(struct local *l, unsigned folder);
int local_sync(struct store *s, struct err *e);

/* local_read.c */
int local_get(struct store *s, enum store_kind k, const char *name,
	      uint64_t off, size_t len, struct buf *out, struct err *e);
int local_stat(struct store *s, enum store_kind k, const char *name,
	       uint64_t *size, struct err *e);
int local_list(struct store *s, enum store_kind k, store_list_fn *fn,
	       void *ctx, struct err *e);
int local_del(struct store *s, enum store_kind k, const char *name,
	      struct err *e);
/* The size of a file, in either of its forms; 0 or an errno, ENOENT also
 * where something else has the name. */
int local_size(int dirfd, const char *path, uint64_t *size);

/* local_tmp.c */
void local_tmp_remove(const struct local *l, const char *path);
/* Once, before the first put: remove what dead processes have left. */
void local_tmp_tidy(struct local *l);

#endif
