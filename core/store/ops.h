/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_OPS_H
#define STORE_OPS_H

#include "store/store.h"

/*
 * What an implementation gives.  The contract is that of the functions in
 * store.h, which check names first; tests/unit/test_store.c holds every store
 * to it.
 */
struct store_ops {
	int (*put)(struct store *s, enum store_kind k, const char *name,
		   const struct iovec *iov, int n, unsigned flags,
		   struct err *e);
	int (*get)(struct store *s, enum store_kind k, const char *name,
		   uint64_t off, size_t len, struct buf *out, struct err *e);
	/* May be NULL: then it is made of stat and get. */
	int (*get_all)(struct store *s, enum store_kind k, const char *name,
		       size_t max, struct buf *out, struct err *e);
	int (*stat)(struct store *s, enum store_kind k, const char *name,
		    uint64_t *size, struct err *e);
	/* May be NULL where list_many is there. */
	int (*list)(struct store *s, enum store_kind k, store_list_fn *fn,
		    void *ctx, struct err *e);
	int (*del)(struct store *s, enum store_kind k, const char *name,
		   struct err *e);
	/* All four may be NULL: then it is done one by one. */
	int (*get_many)(struct store *s, enum store_kind k, char *const *name,
			size_t n, size_t max, store_got_fn *fn, void *ctx,
			struct err *e);
	int (*stat_many)(struct store *s, struct store_look *look, size_t n,
			 struct err *e);
	int (*list_many)(struct store *s, const enum store_kind *k, size_t n,
			 store_list_many_fn *fn, void *ctx, struct err *e);
	int (*list_opened)(struct store *s, const enum store_kind *k,
			   size_t n, store_list_many_fn *fn, void *ctx,
			   struct err *e);
	int (*sync)(struct store *s, struct err *e);
	int (*space)(struct store *s, uint64_t *free_bytes,
		     uint64_t *total_bytes, struct err *e);
	/* These may be NULL, see store.h. */
	int (*scrub)(struct store *s, store_scrub_fn *fn, void *ctx,
		     struct err *e);
	bool (*appends)(struct store *s);
	/* May be NULL: then there are no folders. */
	int (*unmake)(struct store *s, struct err *e);
	void (*close)(struct store *s);
	/* May be NULL where no line is used. */
	void (*traffic)(struct store *s, struct store_traffic *t);
	bool far;			/* store_far() */
};

/* local.c: what store_open_local() is made of. */
int local_attach(struct store **out, const char *path, unsigned flags,
		 struct err *e);
/* local_make.c: as unmake(), but the repository's own folder stays. */
int local_unmake_inside(struct store *s, struct err *e);

/* sftp.c: behind a server. */
struct wire;
struct wire_dial;
struct sftp_start {
	const struct store_opts *o;	/* may be NULL */
	struct wire_dial *dial;		/* owned, also on failure */
	struct wire *first;		/* the same: an open one */
};
int sftp_attach(struct store **out, const char *url, unsigned flags,
		const struct sftp_start *st, struct err *e);

#endif
