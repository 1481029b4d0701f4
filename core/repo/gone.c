/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/gone.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/strv.h"
#include "format/mark.h"
#include "repo/repo.h"

#define GONE_MARK_MAX_BYTES (64u << 20)

struct gone {
	struct map *records;
	struct repo *r;
	enum store_kind kind;
	struct strv names;
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

static int gone_got(size_t i, int rc, const struct buf *b,
		    const struct err *said, void *ctx)
{
	struct gone *g = ctx;
	struct err why = *said;
	const char *name = g->names.v[i];

	if (rc == 0)
		rc = g->kind == STORE_TOMBSTONES ?
			gone_tombstone(g, name, b, &why) :
			gone_generation(g, name, b, &why);
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

	(void)size;
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

int gone_load(struct map *records, struct repo *r, struct err *e)
{
	struct gone g = { .records = records, .r = r, .e = e };
	int rc = gone_kind(&g, STORE_TOMBSTONES);

	return rc == 0 ? gone_kind(&g, STORE_GENERATIONS) : rc;
}
