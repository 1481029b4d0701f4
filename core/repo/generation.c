/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/generation.h"

#include <stdio.h>
#include <string.h>

#include "repo/repo.h"

#define GENERATION_MAX_BYTES (64u << 20)

static int generation_cb(const char *text, uint64_t size, void *ctx)
{
	uint32_t *newest = ctx;
	unsigned n;
	char end;

	(void)size;
	if (strlen(text) == 8 && sscanf(text, "%8x%c", &n, &end) == 1 &&
	    n > *newest)
		*newest = n;
	return 0;
}

int generation_newest(struct repo *r, struct mark_generation *g,
		      struct err *e)
{
	struct buf b = BUF_INIT;
	uint32_t newest = 0;
	char text[16];
	int rc;

	memset(g, 0, sizeof(*g));
	rc = store_list(repo_store(r), STORE_GENERATIONS, generation_cb,
		&newest, e);
	if (rc < 0 || newest == 0)
		return rc;
	snprintf(text, sizeof(text), "%08x", newest);
	rc = store_get_all(repo_store(r), STORE_GENERATIONS, text,
		GENERATION_MAX_BYTES, &b, e);
	if (rc == 0)
		rc = mark_get_generation(g, repo_ctx(r), newest, b.p, b.len,
			e);
	if (rc < 0)
		err_ctx(e, "generations/%s", text);
	g->number = newest;
	buf_release(&b);
	return rc;
}
