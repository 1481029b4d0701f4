/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/gone.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/strv.h"
#include "format/mark.h"
#include "repo/repo.h"
#include "repo/witness.h"

#define GONE_MARK_MAX_BYTES (64u << 20)

struct gone {
	struct repo *r;
	enum store_kind kind;
	uint32_t since, newest;
	gone_fn *fn;
	void *ctx;
	struct strv names;
	struct err *e;
};

static int gone_tombstone(struct gone *g, const char *name,
			  const struct buf *b, struct err *why)
{
	struct mark_tombstone t;
	struct sid sid;
	int rc;

	if (!sid_parse(&sid, name))
		return 0;
	rc = mark_get_tombstone(&t, repo_ctx(g->r), &sid, b->p, b->len, why);
	if (rc < 0)
		return rc;
	rc = g->fn(&t.archive, &t.record, g->ctx);
	mark_tombstone_release(&t);
	return rc;
}

static int gone_generation(struct gone *g, unsigned n, const struct buf *b,
			   struct err *why)
{
	struct mark_generation m;
	uint32_t i;
	int rc;

	rc = mark_get_generation(&m, repo_ctx(g->r), n, b->p, b->len, why);
	if (rc < 0)
		return rc;
	for (i = 0; rc == 0 && i < m.n_gone; i++)
		rc = g->fn(&m.gone[i].archive, &m.gone[i].record, g->ctx);
	mark_generation_release(&m);
	return rc;
}

static int gone_got(size_t i, int rc, const struct buf *b,
		    const struct err *said, void *ctx)
{
	struct gone *g = ctx;
	struct err why = *said;
	const char *name = g->names.v[i];
	unsigned n = 0;

	if (g->kind == STORE_GENERATIONS && sscanf(name, "%8x", &n) != 1)
		return 0;
	if (rc == 0)
		rc = g->kind == STORE_TOMBSTONES ?
			gone_tombstone(g, name, b, &why) :
			gone_generation(g, n, b, &why);
	if (rc == ERR_NOMEM)
		return err_nomem(g->e);
	if (rc < 0)
		log_debug("repository", "%s/%s: %s", store_kind_name(g->kind),
			name, why.msg);
	return 0;
}

static int gone_name(const char *name, uint64_t size, void *ctx)
{
	struct gone *g = ctx;
	unsigned n;

	(void)size;
	if (g->kind == STORE_GENERATIONS) {
		if (sscanf(name, "%8x", &n) != 1 || n <= g->since)
			return 0;
		if (n > g->newest)
			g->newest = n;
	}
	return strv_add(&g->names, name, g->e);
}

static int gone_kind(struct gone *g, enum store_kind k)
{
	int rc;

	g->kind = k;
	rc = store_list(repo_store(g->r), k, gone_name, g, g->e);
	if (rc == 0)
		rc = store_get_many(repo_store(g->r), k, g->names.v,
			g->names.n, GONE_MARK_MAX_BYTES, gone_got, g, g->e);
	strv_release(&g->names);
	return rc;
}

int gone_each(struct repo *r, uint32_t since, gone_fn *fn, void *ctx,
	      uint32_t *newest, struct err *e)
{
	struct gone g = { .r = r, .since = since, .newest = since, .fn = fn,
		.ctx = ctx, .e = e };
	int rc = gone_kind(&g, STORE_TOMBSTONES);

	if (rc == 0)
		rc = gone_kind(&g, STORE_GENERATIONS);
	if (newest)
		*newest = g.newest;
	return rc;
}

static int gone_note(const struct sid *session, const struct oid *record,
		     void *ctx)
{
	uint64_t *value;
	bool was;

	(void)session;
	if (oid_is_zero(record))
		return 0;
	return map_put(ctx, record->b, &value, &was, NULL);
}

int gone_load(struct map *records, struct repo *r, struct err *e)
{
	int rc = gone_each(r, 0, gone_note, records, NULL, e);

	return rc == 0 ? witness_gone(records, r, e) : rc;
}
