/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SFTP_PRIV_H
#define STORE_SFTP_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/barrier.h"
#include "store/pack_ahead.h"
#include "store/reach.h"
#include "store/sftp_conn.h"

/*
 * The parts of a store behind an sftp server.  Its files are those of a local
 * one.  Every step is made so that it can be done again after a connection
 * was lost in its middle.
 */
#define SFTP_ROOT_MAX 4096
#define SFTP_PATH_BYTES (SFTP_ROOT_MAX + LAYOUT_PATH_BYTES + 16)
/* Bytes under way in one transfer. */
#define SFTP_WINDOW (8u << 20)
#define SFTP_WINDOW_REQS 128
#define SFTP_MARKER_MAX (64u << 10)

/* How a finished temporary file gets its name, best first.  A rename of
 * version 3 must fail if the name is there; where it decides a race, a folder
 * is renamed, which no server can get wrong. */
enum sftp_way { SFTP_WAY_LINK, SFTP_WAY_RENAME };

struct sftp_files;
struct sftp_early;
struct sftp_ready;
struct sftp {
	struct store store;
	struct reach reach;
	struct proc_id self;
	char *root;
	struct sftp_files *files;		/* open for reading */
	struct pack_ahead *ahead;
	struct sftp_early *early;		/* NULL: none */
	struct sftp_ready *ready;
	struct barrier barrier;			/* names: paths */
	bool unconfirmed;			/* a barrier's: said already */
	atomic_int way;
	_Atomic uint64_t sync_bytes;		/* sftp_write_file()'s */
	_Atomic int64_t trip_nsec;		/* the shortest round trip */
	atomic_uint uploads[2];			/* large ones, by line */
	pthread_t tidier;
	bool tidying;				/* there is that thread */

	pthread_mutex_t tidy_mtx;		/* order: first */
	bool tidied;				/* tidy_mtx */

	pthread_mutex_t mtx;			/* a leaf */
	/* mtx: REPOSITORY as it was read when the store was opened: for the
	 * first who asks. */
	struct buf marker;
};

/* sftp.c */
typedef int sftp_op_fn(struct sftp *s, struct sftp_conn *c, void *arg,
		       struct err *e);
/* reach_do() */
int sftp_do(struct sftp *s, sftp_op_fn *fn, void *arg, struct err *e);
/* 'rel' below the repository's folder. */
const char *sftp_path(const struct sftp *s, const char *rel,
		      char out[SFTP_PATH_BYTES]);

/* sftp_call.c: one request each.  0, ERR_RETRY, or ERR_OK with a refusal in
 * *code, for which SFTP_OK is "done". */
int sftp_call(struct sftp_conn *c, struct sftp_req *r, int put_rc,
	      uint32_t *code);
int sftp_lstat(struct sftp_conn *c, const char *path, struct sftp_attrs *at,
	       uint32_t *code);
int sftp_open(struct sftp_conn *c, const char *path, unsigned flags,
	      struct sftp_handle *h, uint32_t *code);
int sftp_remove(struct sftp_conn *c, enum sftp_type t, const char *path,
		uint32_t *code);		/* REMOVE, RMDIR */
int sftp_mkdir(struct sftp_conn *c, const char *path, uint32_t *code);
int sftp_rename(struct sftp_conn *c, const char *from, const char *to,
		uint32_t *code);
int sftp_link(struct sftp_conn *c, const char *from, const char *to,
	      uint32_t *code);
int sftp_fsync(struct sftp_conn *c, const struct sftp_handle *h,
	       uint32_t *code);
void sftp_close_later(struct sftp_conn *c, const struct sftp_handle *h);
void sftp_remove_later(struct sftp_conn *c, const char *path);
/* A regular file's size, in either of its forms; SFTP_NO_SUCH_FILE also where
 * something else has the name.  *inner: it is a folder with the file in it. */
int sftp_size(struct sftp_conn *c, const char *path, uint64_t *size,
	      bool *inner, uint32_t *code);
/* The same of many paths at once. */
struct sftp_look {
	char *path;
	uint64_t size;
	uint32_t code;
};
int sftp_sizes(struct sftp_conn *c, struct sftp_look *look, size_t n,
	       struct err *e);
/* An error from what a server said. */
int sftp_say(uint32_t code, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int sftp_say_noent(enum store_kind k, const char *name, struct err *e);
int sftp_say_exist(enum store_kind k, const char *name, struct err *e);
int sftp_say_short(enum store_kind k, const char *name, struct err *e);

/* sftp_bytes.c: many at once.  Both return 0, ERR_RETRY, or another error. */
struct sftp_want {
	uint8_t *dst;
	size_t len;
	size_t done;		/* so many of the first are there already; after
				 * ERR_RETRY: where to go on */
};
int sftp_read_bytes(struct sftp_conn *c, const struct sftp_handle *h,
		    uint64_t off, struct sftp_want *want, struct err *e);
struct sftp_load {
	const struct iovec *iov;
	int n;
	uint64_t sync_bytes;	/* so many are made durable on the way */
};
/*
 * The bytes of load from *from on, then the server's fsync and the close, all
 * without waiting for an answer in between: a server does what concerns one
 * file in the order in which it was asked for (the draft's section 6.1).  On a
 * slow line, and after sync_bytes, what was written is made durable, and *from
 * moves to there: where to go on after ERR_RETRY.  The handle is closed in any
 * case.
 */
int sftp_write_file(struct sftp_conn *c, const struct sftp_handle *h,
		    const struct sftp_load *load, uint64_t *from,
		    struct err *e);

/* sftp_files.c: files of data/ and meta/ that are kept open for reading. */
struct sftp_file {
	struct sftp_handle h;
	uint64_t size;
	unsigned slot;		/* SFTP_FILE_LOOSE: done() closes it */
};
enum { SFTP_FILES = 32, SFTP_FILE_LOOSE = SFTP_FILES };
struct sftp_files *sftp_files_new(void);
void sftp_files_free(struct sftp_files *f);
/* Of this connection only; older ones are forgotten. */
bool sftp_files_find(struct sftp_files *f, uint64_t no, enum store_kind k,
		     const char *name, struct sftp_file *out);
/* It may push another one out, which is closed. */
void sftp_files_add(struct sftp_files *f, uint64_t no, struct sftp_conn *c,
		    enum store_kind k, const char *name,
		    struct sftp_file *file);
void sftp_files_done(struct sftp_files *f, struct sftp_conn *c,
		     const struct sftp_file *file);
void sftp_files_drop(struct sftp_files *f, uint64_t no, struct sftp_conn *c,
		     enum store_kind k, const char *name);
/* Those that have been open for long: a deleted one keeps its space. */
void sftp_files_expire(struct sftp_files *f, uint64_t no,
		       struct sftp_conn *c);

/* sftp_ready.c: what is not ready has to be opened. */
struct sftp_ready *sftp_ready_new(void);
void sftp_ready_end(struct sftp *s);		/* while there is a line */
void sftp_ready_free(struct sftp_ready *g);	/* after; NULL ok */
/* Ask for a temporary file, and for a folder (one of the many of packs?);
 * nobody waits here. */
void sftp_ready_tmp(struct sftp *s, struct sftp_conn *c);
void sftp_ready_folder(struct sftp *s, struct sftp_conn *c, const char *rel,
		       bool packs);
/* No put follows soon: it goes. */
void sftp_ready_tmp_drop(struct sftp *s, struct sftp_conn *c);
/* true: open on this connection; a temporary one for writing. */
bool sftp_ready_take_tmp(struct sftp *s, struct sftp_conn *c,
			 char rel[LAYOUT_PATH_BYTES], struct sftp_handle *h);
bool sftp_ready_take_folder(struct sftp *s, struct sftp_conn *c,
			    const char *rel, struct sftp_handle *h);

/* sftp_get.c */
pack_ahead_read_fn sftp_get_ahead;		/* ctx: a struct sftp */
int sftp_get(struct store *s, enum store_kind k, const char *name,
	     uint64_t off, size_t len, struct buf *out, struct err *e);
int sftp_get_all(struct store *s, enum store_kind k, const char *name,
		 size_t max, struct buf *out, struct err *e);
int sftp_stat(struct store *s, enum store_kind k, const char *name,
	      uint64_t *size, struct err *e);
/* sftp_early.c: begun when there is a connection. */
struct sftp_early *sftp_early_new(struct sftp *s);
void sftp_early_free(struct sftp_early *g);	/* NULL ok */
/* A name of this kind came or went by our own doing. */
void sftp_early_forget(struct sftp_early *g, enum store_kind k);
int sftp_list_opened(struct store *s, const enum store_kind *k, size_t n,
		     store_list_many_fn *fn, void *ctx, struct err *e);
/* sftp_many.c */
int sftp_get_many(struct store *s, enum store_kind k, char *const *name,
		  size_t n, size_t max, store_got_fn *fn, void *ctx,
		  struct err *e);
int sftp_stat_many(struct store *s, struct store_look *look, size_t n,
		   struct err *e);
/* sftp_put.c */
int sftp_put(struct store *s, enum store_kind k, const char *name,
	     const struct iovec *iov, int n, unsigned flags, struct err *e);
/* sftp_list.c */
int sftp_list_many(struct store *s, const enum store_kind *k, size_t n,
		   store_list_many_fn *fn, void *ctx, struct err *e);
typedef int sftp_entry_fn(const struct sftp_name *name, void *ctx);
/* Every entry of one folder but . and ..; *code as sftp_call.  fn may be
 * called again from the beginning.  Returns what it did. */
int sftp_each(struct sftp_conn *c, const char *path, sftp_entry_fn *fn,
	      void *ctx, uint32_t *code);
/* sftp_del.c */
int sftp_del(struct store *s, enum store_kind k, const char *name,
	     struct err *e);
void sftp_tmp_tidy(struct sftp *s);		/* begins it, once */
void sftp_tmp_tidied(struct sftp *s);		/* waits for its end */
void sftp_tmp_remove(struct sftp_conn *c, const char *path);
/* sftp_sync.c */
int sftp_sync(struct store *s, struct err *e);
/* Make the folders durable where that is possible; *can: it is. */
int sftp_sync_paths(struct sftp *s, struct sftp_conn *c,
		    const struct strv *rel, bool *can, struct err *e);
/* sftp_make.c */
int sftp_make(struct sftp *s, unsigned flags, struct err *e);
int sftp_unmake(struct store *s, struct err *e);
int sftp_open_old(struct sftp *s, struct err *e);

#endif
