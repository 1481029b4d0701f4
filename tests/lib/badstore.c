/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/badstore.h"

#include <stdlib.h>
#include <string.h>

#include "store/ops.h"

static struct badstore *bad_of(struct store *s)
{
	return (struct badstore *)s;
}

static int bad_put(struct store *s, enum store_kind k, const char *name,
		   const struct iovec *iov, int n, unsigned flags,
		   struct err *e)
{
	if (bad_of(s)->no_parity && k == STORE_PARITY)
		return err_set(e, ERR_DENIED, "not for you");
	return store_put(bad_of(s)->below, k, name, iov, n, flags, e);
}

static int bad_get(struct store *s, enum store_kind k, const char *name,
		   uint64_t off, size_t len, struct buf *out, struct err *e)
{
	struct badstore *b = bad_of(s);

	if (b->getting)
		b->getting(k, b->ctx);
	if (b->dead || (!strcmp(b->name, name) && off < b->to &&
			off + len > b->from))
		return err_set(e, ERR_IO, "a bad sector");
	return store_get(b->below, k, name, off, len, out, e);
}

static int bad_stat(struct store *s, enum store_kind k, const char *name,
		    uint64_t *size, struct err *e)
{
	if (bad_of(s)->dead)
		return err_set(e, ERR_IO, "no disk");
	return store_stat(bad_of(s)->below, k, name, size, e);
}

static int bad_list(struct store *s, enum store_kind k, store_list_fn *fn,
		    void *ctx, struct err *e)
{
	if (bad_of(s)->listing)
		bad_of(s)->listing(k, bad_of(s)->ctx);
	return store_list(bad_of(s)->below, k, fn, ctx, e);
}

static int bad_del(struct store *s, enum store_kind k, const char *name,
		   struct err *e)
{
	return store_del(bad_of(s)->below, k, name, e);
}

static int bad_sync(struct store *s, struct err *e)
{
	return store_sync(bad_of(s)->below, e);
}

static int bad_space(struct store *s, uint64_t *free_bytes,
		     uint64_t *total_bytes, struct err *e)
{
	return store_space(bad_of(s)->below, free_bytes, total_bytes, e);
}

static void bad_close(struct store *s)
{
	store_close(bad_of(s)->below);
	free(s);
}

static const struct store_ops bad_ops = {
	.put = bad_put, .get = bad_get, .stat = bad_stat, .list = bad_list,
	.del = bad_del, .sync = bad_sync, .space = bad_space,
	.close = bad_close,
};

struct badstore *badstore_open(struct store *below)
{
	struct badstore *b = calloc(1, sizeof(*b));

	b->store = (struct store) { &bad_ops, below->url };
	b->below = below;
	return b;
}
