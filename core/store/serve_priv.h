/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SERVE_PRIV_H
#define STORE_SERVE_PRIV_H

#include <pthread.h>

#include "base/strv.h"
#include "store/serve.h"
#include "store/serve_conn.h"
#include "store/sftp_ahead.h"

/*
 * The parts of a store behind "muniment serve".  Every operation is made so
 * that it can be done again after a connection was lost in its middle.
 */
struct serve {
	struct store store;
	struct wire_dial *dial;			/* dial_mtx, as all below */
	struct wire *first;			/* of serve_attach() */
	enum serve_door door;
	struct serve_hello hello;
	struct serve_conn_opts co;
	struct cancel *cancel;
	atomic_bool closing;			/* nobody waits any more */
	pthread_mutex_t dial_mtx;		/* order: before mtx */
	bool gave_up;
	unsigned fails;				/* in a row */
	int64_t dialed_nsec;

	struct sftp_ahead *ahead;

	pthread_mutex_t put_mtx;		/* a leaf */
	pthread_cond_t put_cv;
	unsigned puts;				/* put_mtx, as that below */
	uint64_t put_bytes;

	pthread_mutex_t sync_mtx;		/* order: first */
	bool lost;				/* sync_mtx: a barrier failed */

	pthread_mutex_t mtx;			/* of all below; a leaf */
	struct serve_conn *conn;		/* NULL: none yet */
	uint64_t conn_no;			/* counts them, from 1 */
	uint32_t rights;
	struct store_traffic gone;		/* of earlier ones */
	struct strv fresh;			/* put since the last barrier */
	struct strv syncing;			/* before one under way */
	bool dirty;				/* or deleted */
	uint64_t fresh_no;			/* connection of the first */
};

/* serve.c */
/* Send the request: 0, ERR_RETRY (the connection was lost), or what the server
 * says, in words. */
int serve_ask(struct serve_conn *c, struct serve_req *r, struct err *e);
typedef int serve_op_fn(struct serve *s, struct serve_conn *c, void *arg,
			struct err *e);
/* Do it, and again as often as it returns ERR_RETRY because the connection was
 * lost; never returns that. */
int serve_do(struct serve *s, serve_op_fn *fn, void *arg, struct err *e);
uint64_t serve_no(struct serve *s);	/* the connection's number */

/* serve_put.c */
int serve_put(struct store *store, enum store_kind k, const char *name,
	      const struct iovec *iov, int n, unsigned flags, struct err *e);
int serve_del(struct store *store, enum store_kind k, const char *name,
	      struct err *e);
int serve_sync(struct store *store, struct err *e);
int serve_unmake(struct store *store, struct err *e);
/* serve_get.c */
sftp_ahead_read_fn serve_get_ahead;		/* ctx: a struct serve */
int serve_get(struct store *store, enum store_kind k, const char *name,
	      uint64_t off, size_t len, struct buf *out, struct err *e);
int serve_get_all(struct store *store, enum store_kind k, const char *name,
		  size_t max, struct buf *out, struct err *e);
int serve_space(struct store *store, uint64_t *free_bytes,
		uint64_t *total_bytes, struct err *e);
int serve_scrub(struct store *store, store_scrub_fn *fn, void *ctx,
		struct err *e);

/* serve_many.c */
int serve_get_many(struct store *store, enum store_kind k, char *const *name,
		   size_t n, size_t max, store_got_fn *fn, void *ctx,
		   struct err *e);
/* The parts that one connection does; rc is ERR_IO, too: it cannot be told. */
int serve_looks(struct serve_conn *c, struct store_look *look, size_t n,
		struct err *e);
int serve_stat_many(struct store *store, struct store_look *look, size_t n,
		    struct err *e);
int serve_stat(struct store *store, enum store_kind k, const char *name,
	       uint64_t *size, struct err *e);
int serve_list_many(struct store *store, const enum store_kind *k, size_t n,
		    store_list_many_fn *fn, void *ctx, struct err *e);
int serve_list(struct store *store, enum store_kind k, store_list_fn *fn,
	       void *ctx, struct err *e);

#endif
