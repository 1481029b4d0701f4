/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/store.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/ops.h"

struct fault {
	struct store store;
	struct store *below;		/* owned; NULL: taken out again */
	pthread_mutex_t mtx;		/* a leaf */
	uint64_t count, at;		/* mtx, as all below */
	enum store_fault_how how;
	enum err_code code;
	bool cut;
};

/* What is to become of one operation. */
enum fault_fate { FAULT_NONE, FAULT_FAIL, FAULT_DO_AND_FAIL };

static enum fault_fate fault_step(struct fault *f)
{
	enum fault_fate fate = FAULT_NONE;

	BUG_ON(!f->below);
	pthread_mutex_lock(&f->mtx);
	f->count++;
	if (f->cut) {
		fate = FAULT_FAIL;
	} else if (f->count == f->at) {
		fate = f->how == STORE_FAULT_AFTER ||
			f->how == STORE_FAULT_CUT_AFTER ?
			FAULT_DO_AND_FAIL : FAULT_FAIL;
		f->cut = f->how == STORE_FAULT_CUT_BEFORE ||
			f->how == STORE_FAULT_CUT_AFTER;
	}
	pthread_mutex_unlock(&f->mtx);
	return fate;
}

static int fault_end(struct fault *f, enum fault_fate fate, int rc,
		     const char *what, struct err *e)
{
	if (fate == FAULT_NONE)
		return rc;
	return err_set(e, f->code, "cannot %s: injected failure", what);
}

static struct fault *fault_of(struct store *s)
{
	return (struct fault *)(void *)s;
}

static int fault_put(struct store *s, enum store_kind k, const char *name,
		     const struct iovec *iov, int n, unsigned flags,
		     struct err *e)
{
	struct fault *f = fault_of(s);
	enum fault_fate fate = fault_step(f);
	int rc = 0;

	if (fate != FAULT_FAIL)
		rc = f->below->ops->put(f->below, k, name, iov, n, flags, e);
	return fault_end(f, fate, rc, "put", e);
}

static int fault_get(struct store *s, enum store_kind k, const char *name,
		     uint64_t off, size_t len, struct buf *out, struct err *e)
{
	struct fault *f = fault_of(s);
	enum fault_fate fate = fault_step(f);
	int rc = 0;

	/* Reading changes nothing, so failing before and after are one. */
	if (fate == FAULT_NONE)
		rc = f->below->ops->get(f->below, k, name, off, len, out, e);
	return fault_end(f, fate, rc, "get", e);
}

static int fault_stat(struct store *s, enum store_kind k, const char *name,
		      uint64_t *size, struct err *e)
{
	struct fault *f = fault_of(s);
	enum fault_fate fate = fault_step(f);
	int rc = 0;

	if (fate == FAULT_NONE)
		rc = f->below->ops->stat(f->below, k, name, size, e);
	return fault_end(f, fate, rc, "stat", e);
}

static int fault_list(struct store *s, enum store_kind k, store_list_fn *fn,
		      void *ctx, struct err *e)
{
	struct fault *f = fault_of(s);
	enum fault_fate fate = fault_step(f);
	int rc = 0;

	if (fate != FAULT_FAIL)
		rc = store_list(f->below, k, fn, ctx, e);
	return fault_end(f, fate, rc, "list", e);
}

static int fault_del(struct store *s, enum store_kind k, const char *name,
		     struct err *e)
{
	struct fault *f = fault_of(s);
	enum fault_fate fate = fault_step(f);
	int rc = 0;

	if (fate != FAULT_FAIL)
		rc = f->below->ops->del(f->below, k, name, e);
	return fault_end(f, fate, rc, "delete", e);
}

static int fault_unmake(struct store *s, struct err *e)
{
	struct fault *f = fault_of(s);
	enum fault_fate fate = fault_step(f);
	int rc = 0;

	if (fate != FAULT_FAIL && f->below->ops->unmake)
		rc = f->below->ops->unmake(f->below, e);
	return fault_end(f, fate, rc, "remove", e);
}

static int fault_sync(struct store *s, struct err *e)
{
	struct fault *f = fault_of(s);
	enum fault_fate fate = fault_step(f);
	int rc = 0;

	if (fate != FAULT_FAIL)
		rc = f->below->ops->sync(f->below, e);
	return fault_end(f, fate, rc, "sync", e);
}

static int fault_space(struct store *s, uint64_t *free_bytes,
		       uint64_t *total_bytes, struct err *e)
{
	struct fault *f = fault_of(s);
	enum fault_fate fate = fault_step(f);
	int rc = 0;

	if (fate == FAULT_NONE)
		rc = f->below->ops->space(f->below, free_bytes, total_bytes,
			e);
	return fault_end(f, fate, rc, "tell the space", e);
}

static void fault_close(struct store *s)
{
	struct fault *f = fault_of(s);

	store_close(f->below);
	pthread_mutex_destroy(&f->mtx);
	free(s->url);
	free(f);
}

static const struct store_ops fault_ops = {
	.put = fault_put,
	.get = fault_get,
	.stat = fault_stat,
	.list = fault_list,
	.del = fault_del,
	.sync = fault_sync,
	.space = fault_space,
	.unmake = fault_unmake,
	.close = fault_close,
};

struct store *store_open_fault(struct store *below, struct err *e)
{
	struct fault *f = mem_zero(1, sizeof(*f));

	if (f)
		f->store.url = mem_str(below->url);
	if (!f || !f->store.url) {
		free(f);
		err_nomem(e);
		return NULL;
	}
	f->store.ops = &fault_ops;
	f->below = below;
	pthread_mutex_init(&f->mtx, NULL);
	return &f->store;
}

void store_fault_arm(struct store *s, uint64_t at, enum store_fault_how how,
		     enum err_code code)
{
	struct fault *f = fault_of(s);

	BUG_ON(s->ops != &fault_ops);
	BUG_ON(at != 0 && code == ERR_OK);
	pthread_mutex_lock(&f->mtx);
	f->count = 0;
	f->at = at;
	f->how = how;
	f->code = code;
	f->cut = false;
	pthread_mutex_unlock(&f->mtx);
}

uint64_t store_fault_count(const struct store *s)
{
	struct fault *f = (struct fault *)(uintptr_t)s;
	uint64_t n;

	BUG_ON(s->ops != &fault_ops);
	pthread_mutex_lock(&f->mtx);
	n = f->count;
	pthread_mutex_unlock(&f->mtx);
	return n;
}

struct store *store_fault_below(struct store *s)
{
	BUG_ON(s->ops != &fault_ops);
	return fault_of(s)->below;
}

struct store *store_fault_take(struct store *s)
{
	struct store *below = store_fault_below(s);

	fault_of(s)->below = NULL;
	return below;
}
