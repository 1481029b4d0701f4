/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SERVE_PRIV_H
#define STORE_SERVE_PRIV_H

#include <pthread.h>

#include "store/barrier.h"
#include "store/pack_ahead.h"
#include "store/reach.h"
#include "store/serve.h"
#include "store/serve_conn.h"

/*
 * The parts of a store behind "muniment serve".  Every operation is made so
 * that it can be done again after a connection was lost in its middle.
 */
struct serve {
	struct store store;
	struct reach reach;
	enum serve_door door;
	struct serve_hello hello;		/* reach's dial_mtx */
	bool answered;				/* the same: the last hello */
	_Atomic uint32_t rights;
	struct pack_ahead *ahead;
	struct barrier barrier;			/* names: their kind, "/" */

	pthread_mutex_t put_mtx;		/* a leaf */
	pthread_cond_t put_cv;
	unsigned puts;				/* put_mtx, as that below */
	uint64_t put_bytes;
};

/* serve.c */
/* Send the request: 0, ERR_RETRY (the connection was lost), or what the server
 * says, in words. */
int serve_ask(struct serve_conn *c, struct serve_req *r, struct err *e);
typedef int serve_op_fn(struct serve *s, struct serve_conn *c, void *arg,
			struct err *e);
/* reach_do() */
int serve_do(struct serve *s, serve_op_fn *fn, void *arg, struct err *e);

/* serve_put.c */
int serve_put(struct store *store, enum store_kind k, const char *name,
	      const struct iovec *iov, int n, unsigned flags, struct err *e);
int serve_del(struct store *store, enum store_kind k, const char *name,
	      struct err *e);
int serve_sync(struct store *store, struct err *e);
int serve_unmake(struct store *store, struct err *e);
/* serve_get.c */
pack_ahead_read_fn serve_get_ahead;		/* ctx: a struct serve */
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

#endif
