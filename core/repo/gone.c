/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/gone.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
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

static int gone_cb(const char *name, uint64_t size, void *ctx)
{
	struct gone *g = ctx;
	struct err why = { ERR_OK, "" };
	struct buf b = BUF_INIT;
	unsigned n = 0;
	int rc;

	(void)size;
	if (g->kind == STORE_GENERATIONS) {
		if (sscanf(name, "%8x", &n) != 1 || n <= g->since)
			return 0;
		if (n > g->newest)
			g->newest = n;
	}
	rc = store_get_all(repo_store(g->r), g->kind, name,
		GONE_MARK_MAX_BYTES, &b, &why);
	if (rc == 0)
		rc = g->kind == STORE_TOMBSTONES ?
			gone_tombstone(g, name, &b, &why) :
			gone_generation(g, n, &b, &why);
	buf_release(&b);
	if (rc < 0 && rc != ERR_NOMEM)
		log_debug("repository", "%s/%s: %s", store_kind_name(g->kind),
			name, why.msg);
	return rc == ERR_NOMEM ? rc : 0;
}

int gone_each(struct repo *r, uint32_t since, gone_fn *fn, void *ctx,
	      uint32_t *newest, struct err *e)
{
	struct gone g = { r, STORE_TOMBSTONES, since, since, fn, ctx };
	int rc;

	rc = store_list(repo_store(r), STORE_TOMBSTONES, gone_cb, &g, e);
	g.kind = STORE_GENERATIONS;
	if (rc == 0)
		rc = store_list(repo_store(r), STORE_GENERATIONS, gone_cb, &g,
			e);
	if (newest)
		*newest = g.newest;
	return rc == ERR_NOMEM ? err_nomem(e) : rc;
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
