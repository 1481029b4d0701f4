/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"

/*
 * The store: where a repository's files are.  It needs four verbs only:
 * put-if-absent, get, list, delete; nothing is ever overwritten or renamed
 * over.  Every function is safe from any thread and blocks.
 */
enum store_kind {
	STORE_ROOT,		/* REPOSITORY and README only */
	STORE_KEYS,
	STORE_DATA,		/* names are 64 hex digits; in 00..ff */
	STORE_META,		/* the same */
	STORE_INDEX,
	STORE_ARCHIVES,
	STORE_TOMBSTONES,
	STORE_SESSIONS,
	STORE_GENERATIONS,
	STORE_PINS,
	STORE_PARITY,
	STORE_RESERVE,
	STORE_KINDS
};
const char *store_kind_name(enum store_kind k);	/* "data", ... */

#define STORE_NAME_MAX 128	/* [0-9a-zA-Z._-]+, not starting with a dot */

/* May 'name' be put there?  Every function below refuses one that may not
 * with ERR_CONFIG, and listings pass over it. */
bool store_name_ok(enum store_kind k, const char *name);

enum store_put_flags {
	/* The name decides a race: content and name appear in one atomic step
	 * on every store (commits, fences, generations, REPOSITORY). */
	STORE_PUT_RACE = 1 << 0
};

enum store_open_flags {
	STORE_CREATE = 1 << 0,		/* make the folders (init) */
	STORE_PARENTS = 1 << 1		/* and their parents */
};

typedef int store_list_fn(const char *name, uint64_t size, void *ctx);

struct store {
	const struct store_ops *ops;	/* ops.h */
	char *url;			/* for messages */
};

/* The server is one that nobody has seen before.  'line' is what its key would
 * be in 'file'.  0: it is trusted, and shall be remembered; ERR_DENIED, in
 * words: it is not. */
typedef int store_host_fn(const char *host, const char *fingerprint,
			  const char *line, const char *file, void *ctx,
			  struct err *e);
/* A secret that only a person knows, into out; ERR_DENIED: none is there. */
typedef int store_ask_fn(const char *prompt, char *out, size_t size,
			 void *ctx, struct err *e);

/* For repositories over ssh; all may be zero. */
struct store_opts {
	char *const *rsh;	/* the command, ends with NULL; NULL: none */
	const char *remote_path;	/* the program that serves there; NULL:
					 * sftp is enough */
	unsigned timeout_secs;	/* how long without the server; 0: 300 */
	uint64_t upload_rate;	/* bytes a second; 0: no limit */
	store_host_fn *host;	/* NULL: an unknown server is refused */
	store_ask_fn *ask;	/* NULL: there is nobody to ask */
	void *ctx;
	struct cancel *cancel;	/* ends the waiting for a lost server */
};

/*
 * Open by URL: a path, file://PATH, or one of the forms of sshurl.h, which
 * means a server that speaks sftp.  HOST:PATH is a path only if a slash comes
 * before the colon (./a:b).  'o' may be NULL and is for ssh.  ERR_NOREPO: no
 * such folder, or there is no REPOSITORY in it (without STORE_CREATE).
 * ERR_EXIST (with STORE_CREATE): the folder is there and is neither empty nor
 * an unfinished init of ours.  ERR_CONFIG: a kind of URL this program does not
 * know.
 *
 * STORE_CREATE makes the folders, durably; the repository exists when
 * REPOSITORY is put, which is the caller's and the last thing of an init.
 */
int store_open(struct store **out, const char *url, unsigned flags,
	       struct err *e);
int store_open_with(struct store **out, const char *url, unsigned flags,
		    const struct store_opts *o, struct err *e);
void store_close(struct store *s);		/* NULL ok */
/* An answer takes time: several things at once are worth it. */
bool store_far(const struct store *s);
/* What has gone over the line so far.  A round trip is a wait for an answer;
 * whatever was asked for until then is part of it.  false: there is no line. */
struct store_traffic {
	uint64_t up, down;		/* bytes, without what ssh adds */
	uint64_t requests, trips;
};
bool store_traffic(struct store *s, struct store_traffic *t);

/*
 * Put-if-absent of all bytes of iov (not changed).  Returning 0: the bytes
 * are on their way to the disk as that name, and durable after the next
 * store_sync() that returns 0.  ERR_EXIST: the name was taken, and stays as
 * it was; it, too, is durable after that.  ERR_FULL, ERR_DENIED, ERR_IO: the
 * name does not exist (a failed write, fsync or close was tried once more
 * under a new temporary name); only if the failure came after the name was
 * made may it exist: then a second put says ERR_EXIST, and the bytes are
 * whole.
 */
int store_put(struct store *s, enum store_kind k, const char *name,
	      const struct iovec *iov, int n, unsigned flags, struct err *e);
/* One piece. */
int store_put_buf(struct store *s, enum store_kind k, const char *name,
		  const struct buf *b, unsigned flags, struct err *e);

/* Append exactly 'len' bytes at 'off' to out, which after a failure is as
 * before.  ERR_NOENT: no such name; a name that somebody else deleted may be
 * readable for some minutes more.  ERR_CORRUPT: it is shorter than that. */
int store_get(struct store *s, enum store_kind k, const char *name,
	      uint64_t off, size_t len, struct buf *out, struct err *e);
/* The whole of it; ERR_CORRUPT if it is larger than 'max'. */
int store_get_all(struct store *s, enum store_kind k, const char *name,
		  size_t max, struct buf *out, struct err *e);
int store_stat(struct store *s, enum store_kind k, const char *name,
	       uint64_t *size, struct err *e);
/* Every name, in no order, temporary ones never; a name put before the call
 * began is among them.  Files that are not ours are passed over.  fn may use
 * the store.  A nonzero return of fn ends it and is returned; a folder that
 * cannot be read to its end is an error. */
int store_list(struct store *s, enum store_kind k, store_list_fn *fn,
	       void *ctx, struct err *e);

/*
 * The same for many names: a store that is far away has all the requests under
 * way before it waits for the first answer.
 *
 * Each name in its order: fn gets the whole of it, or in rc and 'why' what
 * store_get_all() would have said of that one.  A nonzero return of fn ends it
 * and is returned.
 */
typedef int store_got_fn(size_t i, int rc, const struct buf *b,
			 const struct err *why, void *ctx);
int store_get_many(struct store *s, enum store_kind k, char *const *name,
		   size_t n, size_t max, store_got_fn *fn, void *ctx,
		   struct err *e);
struct store_look {
	enum store_kind kind;
	const char *name;
	uint64_t size;			/* if rc is 0 */
	int rc;				/* 0, ERR_NOENT */
};
int store_stat_many(struct store *s, struct store_look *look, size_t n,
		    struct err *e);
/* Several kinds; the folders may be read at the same time. */
typedef int store_list_many_fn(enum store_kind k, const char *name,
			       uint64_t size, void *ctx);
int store_list_many(struct store *s, const enum store_kind *k, size_t n,
		    store_list_many_fn *fn, void *ctx, struct err *e);
/* The same for those who need no newer news than of when the store was opened:
 * a name that others have put since may be missing. */
int store_list_opened(struct store *s, const enum store_kind *k, size_t n,
		      store_list_many_fn *fn, void *ctx, struct err *e);

/* ERR_NOENT: it was not there. */
int store_del(struct store *s, enum store_kind k, const char *name,
	      struct err *e);

/*
 * Barrier: every put and delete that returned before the call is durable,
 * name and bytes, when it returns 0.  A failure means that any put since the
 * last barrier may be lost: the session that sees it is dead.  Where the
 * system itself failed to write, every later barrier of this store fails
 * too, because the system tells of a lost write only once.
 */
int store_sync(struct store *s, struct err *e);
/* The last thing of all: the folders that STORE_CREATE made go, those that are
 * empty, and with them the repository's own, which "muniment serve" leaves as
 * an empty one.  ERR_EXIST: something is left in it that is not ours, or that
 * the server keeps. */
int store_unmake(struct store *s, struct err *e);
int store_space(struct store *s, uint64_t *free_bytes, uint64_t *total_bytes,
		struct err *e);

/*
 * Every pack and index segment is held against its name where it lies, without
 * any key and without moving it.  'fn' hears how far it is and, with a 'why',
 * of each file that is not what its name says; after a lost connection it
 * begins again.  A nonzero return of fn ends it and is returned.  fn is called
 * by another thread, while the caller waits, and must not use the store.  1:
 * this store cannot; who wants it reads the files.
 */
struct store_scrubbed {
	uint64_t files, bytes;		/* so far */
	enum store_kind kind;		/* of the bad one, as all below */
	const char *name;
	const char *why;		/* NULL: none */
};
typedef int store_scrub_fn(const struct store_scrubbed *s, void *ctx);
int store_scrub(struct store *s, store_scrub_fn *fn, void *ctx,
		struct err *e);

/* The far side lets nothing be deleted: what needs that need not begin. */
bool store_appends_only(struct store *s);

/* local.c: opened by path. */
int store_open_local(struct store **out, const char *path, unsigned flags,
		     struct err *e);

/*
 * store_mem.c: for tests and models.  Puts and deletes are durable after the
 * next barrier.  store_mem_cut() is the power cut: each name that changed
 * since the last barrier has its old state, its new one, or none if both had
 * bytes, as 'seed' chooses.  A copy shares nothing that changes.  Both take
 * mem stores only.
 */
struct store *store_open_mem(struct err *e);
void store_mem_cut(struct store *s, uint64_t seed);
struct store *store_mem_copy(struct store *s, struct err *e);

/*
 * store_fault.c: wraps a store (owns it), counts operations, and makes the
 * k-th one fail, or be the last that happens: afterwards everything fails,
 * as if the machine were gone.  The memory below keeps what was done.
 * store_get_all() is two operations, every other call one.
 */
enum store_fault_how {
	STORE_FAULT_BEFORE,	/* fails, nothing was done */
	STORE_FAULT_AFTER,	/* was done, and says it failed */
	STORE_FAULT_CUT_BEFORE,	/* the last operation was the one before */
	STORE_FAULT_CUT_AFTER
};
struct store *store_open_fault(struct store *below, struct err *e);
/* Counting starts again at 0; operation number 'at' (1 is the next one) goes
 * wrong with 'code'.  0: none does.  Ends an earlier cut. */
void store_fault_arm(struct store *s, uint64_t at, enum store_fault_how how,
		     enum err_code code);
uint64_t store_fault_count(const struct store *s);	/* since then */
struct store *store_fault_below(struct store *s);
/* Take the store below out again; the wrapper can only be closed. */
struct store *store_fault_take(struct store *s);

#endif
