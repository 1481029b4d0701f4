/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/gone.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "format/mark.h"
#include "repo/repo.h"

#define GONE_MARK_MAX_BYTES (64u << 20)

struct gone {
	struct map *records;
	struct repo *r;
	enum store_kind kind;
	struct err *e;
};

static int gone_add(struct gone *g, const struct oid *record)
{
	uint64_t *value;
	bool was;

	if (oid_is_zero(record))
		return 0;
	return map_put(g->records, record->b, &value, &was, g->e);
}

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
	rc = gone_add(g, &t.record);
	mark_tombstone_release(&t);
	return rc;
}

static int gone_generation(struct gone *g, const char *name,
			   const struct buf *b, struct err *why)
{
	struct mark_generation m;
	unsigned n;
	uint32_t i;
	int rc;

	if (sscanf(name, "%8x", &n) != 1)
		return 0;
	rc = mark_get_generation(&m, repo_ctx(g->r), n, b->p, b->len, why);
	if (rc < 0)
		return rc;
	for (i = 0; rc == 0 && i < m.n_gone; i++)
		rc = gone_add(g, &m.gone[i].record);
	mark_generation_release(&m);
	return rc;
}

static int gone_cb(const char *name, uint64_t size, void *ctx)
{
	struct gone *g = ctx;
	struct err why = { ERR_OK, "" };
	struct buf b = BUF_INIT;
	int rc;

	(void)size;
	rc = store_get_all(repo_store(g->r), g->kind, name,
		GONE_MARK_MAX_BYTES, &b, &why);
	if (rc == 0)
		rc = g->kind == STORE_TOMBSTONES ?
			gone_tombstone(g, name, &b, &why) :
			gone_generation(g, name, &b, &why);
	buf_release(&b);
	if (rc == ERR_NOMEM)
		return err_nomem(g->e);
	if (rc < 0)
		log_debug("repository", "%s/%s: %s", store_kind_name(g->kind),
			name, why.msg);
	return 0;
}

int gone_load(struct map *records, struct repo *r, struct err *e)
{
	struct gone g = { records, r, STORE_TOMBSTONES, e };
	int rc;

	rc = store_list(repo_store(r), STORE_TOMBSTONES, gone_cb, &g, e);
	g.kind = STORE_GENERATIONS;
	if (rc == 0)
		rc = store_list(repo_store(r), STORE_GENERATIONS, gone_cb, &g,
			e);
	return rc;
}
