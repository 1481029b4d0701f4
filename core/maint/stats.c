/* SPDX-License-Identifier: BSD-2-Clause */
#include "maint/stats.h"

#include <string.h>

#include "repo/idx.h"

struct stats_walk {
	struct stats *out;
	struct err *e;
};

static int stats_entry_cb(const struct idx_loc *loc,
			  const uint8_t prefix[SEGMENT_PREFIX_BYTES], void *ctx)
{
	struct stats_walk *w = ctx;

	(void)prefix;
	w->out->objects++;
	w->out->object_plain_bytes += loc->obj.plain_len;
	w->out->object_stored_bytes += loc->obj.stored_len;
	return 0;
}

static int stats_pack_cb(const struct segment_pack *p, void *ctx)
{
	struct stats_walk *w = ctx;

	w->out->packs++;
	w->out->pack_bytes += p->bytes;
	return 0;
}

static int stats_segment_cb(const char *name, uint64_t size, void *ctx)
{
	struct stats_walk *w = ctx;

	(void)name;
	(void)size;
	w->out->segments++;
	return 0;
}

int stats_repo(struct repo *r, const struct catalog *c, struct stats *out,
	       struct err *e)
{
	struct stats_walk w = { .out = out, .e = e };
	struct idx *x;
	size_t i;
	int rc;

	memset(out, 0, sizeof(*out));
	if ((rc = idx_open(&x, r, IDX_READER, e)) < 0)
		return rc;
	rc = idx_each(x, stats_entry_cb, &w, e);
	if (rc == 0)
		rc = idx_each_pack(x, stats_pack_cb, &w, e);
	if (rc == 0)
		rc = store_list(repo_store(r), STORE_INDEX, stats_segment_cb,
			&w, e);
	idx_close(x);
	out->archives = c ? c->n : 0;
	for (i = 0; c && i < c->n; i++) {
		out->archive_bytes += c->item[i]->rec.stats.bytes;
		out->archive_stored_bytes += c->item[i]->rec.stats.comp_bytes;
	}
	store_space(repo_store(r), &out->free_bytes, &out->total_bytes, NULL);
	return rc;
}
