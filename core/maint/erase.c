/* SPDX-License-Identifier: BSD-2-Clause */
#include "maint/erase.h"

#include <stdlib.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/pool.h"
#include "base/strv.h"

struct erase_job {
	struct job job;			/* first */
	enum store_kind kind;
	char name[STORE_NAME_MAX + 1];
};
struct erase {
	struct store *st;
	const struct erase_opts *o;
	struct err *e;
	struct pool *pool;
	struct erase_progress at;
	uint64_t files;
};

static void erase_work(struct job *j, unsigned worker, void *ctx)
{
	struct erase_job *k = (struct erase_job *)j;
	struct erase *x = ctx;

	(void)worker;
	if (store_del(x->st, k->kind, k->name, &j->err) == ERR_NOENT)
		err_clear(&j->err);	/* somebody else was faster */
}

static int erase_take(struct erase *x)
{
	struct erase_job *k = (struct erase_job *)pool_take(x->pool);
	int rc = k->job.err.code;

	if (rc < 0)
		*x->e = k->job.err;
	else
		x->files++;
	x->at.done++;
	if (x->o->progress)
		x->o->progress(&x->at, x->o->ctx);
	free(k);
	return rc;
}

static int erase_name_cb(const char *name, uint64_t size, void *ctx)
{
	(void)size;
	return strv_add(ctx, name, NULL) < 0 ? ERR_NOMEM : 0;
}

static int erase_names(struct erase *x, enum store_kind kind,
		       const struct strv *names)
{
	struct erase_job *k;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < names->n; i++) {
		if ((rc = cancel_check(x->o->cancel, x->e)) < 0)
			break;
		if (!(k = mem_zero(1, sizeof(*k)))) {
			rc = err_nomem(x->e);
			break;
		}
		k->kind = kind;
		snprintf(k->name, sizeof(k->name), "%s", names->v[i]);
		while (rc == 0 && pool_full(x->pool))
			rc = erase_take(x);
		if (rc < 0)
			free(k);
		else
			pool_put(x->pool, &k->job);
	}
	while (rc == 0 && !pool_empty(x->pool))
		rc = erase_take(x);
	while (!pool_empty(x->pool))
		free(pool_take(x->pool));
	return rc;
}

static int erase_kind(struct erase *x, enum store_kind kind)
{
	struct strv names = STRV_INIT;
	int rc;

	rc = store_list(x->st, kind, erase_name_cb, &names, x->e);
	if (rc == ERR_NOMEM)
		err_nomem(x->e);
	x->at.done = 0;
	x->at.total = names.n;
	if (rc == 0)
		rc = erase_names(x, kind, &names);
	if (rc == 0)
		rc = store_sync(x->st, x->e);
	strv_release(&names);
	return rc;
}

int erase_run(struct store *st, const struct erase_opts *o, uint64_t *files,
	      struct err *e)
{
	static const enum store_kind order[] = {
		STORE_ARCHIVES, STORE_INDEX, STORE_GENERATIONS, STORE_PARITY,
		STORE_META, STORE_DATA, STORE_RESERVE, STORE_SESSIONS,
		STORE_PINS, STORE_TOMBSTONES, STORE_KEYS, STORE_ROOT,
	};
	struct err own = { ERR_OK, "" };
	struct erase x = { .st = st, .o = o, .e = e ? e : &own };
	size_t i;
	int rc = 0;

	x.pool = pool_new(o->threads, o->threads + 1, erase_work, &x);
	if (!x.pool)
		return err_nomem(e);
	for (i = 0; rc == 0 && i < sizeof(order) / sizeof(order[0]); i++)
		rc = erase_kind(&x, order[i]);
	pool_free(x.pool);
	*files = x.files;
	return rc < 0 ? rc : store_unmake(st, e);
}
