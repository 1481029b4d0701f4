/* SPDX-License-Identifier: BSD-2-Clause */
/* One open segment of the index. */
#include "repo/idx_priv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "repo/repo.h"

uint64_t idx_be64(const uint8_t *p)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

void idx_seg_free(struct idx_seg *g)
{
	if (!g)
		return;
	if (g->map)
		munmap(g->map, g->map_len);
	free(g->checked);
	free(g->fence);
	free(g->packs);
	free(g->session_no);
	free(g->own_entries);
	free(g->own_filter);
	free(g->live[0]);
	free(g->live[1]);
	free(g);
}

int idx_seg_sessions(struct idx *x, struct idx_seg *g,
		     const struct pack_session *s, uint16_t n, struct err *e)
{
	uint16_t i;
	int rc;

	g->n_sessions = n;
	g->session_no = mem_array(n, sizeof(*g->session_no));
	if (!g->session_no)
		return err_nomem(e);
	for (i = 0; i < n; i++) {
		uint64_t *no;
		bool was;

		if (x->n_session == x->cap_session) {
			uint32_t cap = x->cap_session ? x->cap_session * 2 : 16;
			struct pack_session **p = mem_resize(x->session, cap,
				sizeof(struct pack_session *));

			if (!p)
				return err_nomem(e);
			x->session = p;
			x->cap_session = cap;
		}
		if (sid_is_zero(&s[i].id))
			return err_set(e, ERR_CORRUPT, "a session without id");
		if ((rc = map_put(&x->by_sid, s[i].id.b, &no, &was, e)) < 0)
			return rc;
		if (!was) {
			struct pack_session *copy = mem_dup(&s[i], sizeof(*s));

			if (!copy)
				return err_nomem(e);
			*no = x->n_session;
			x->session[x->n_session++] = copy;
		}
		g->session_no[i] = (uint32_t)*no;
	}
	return 0;
}

int idx_seg_fence(struct idx_seg *g, struct err *e)
{
	uint32_t b;

	g->n_blocks = (g->n_entries + SEGMENT_BLOCK_ENTRIES - 1) /
		SEGMENT_BLOCK_ENTRIES;
	g->fence = mem_array(g->n_blocks, sizeof(*g->fence));
	if (!g->fence)
		return err_nomem(e);
	for (b = 0; b < g->n_blocks; b++)
		g->fence[b] = idx_be64(g->entries + (size_t)b *
			SEGMENT_BLOCK_ENTRIES * SEGMENT_ENTRY_BYTES);
	return 0;
}

int idx_seg_from(struct idx *x, struct idx_seg **out,
		 const struct segment_name *name, struct segment *s,
		 struct err *e)
{
	struct idx_seg *g = mem_zero(1, sizeof(*g));
	int rc;

	*out = NULL;
	if (!g)
		return err_nomem(e);
	g->name = *name;
	g->n_entries = s->n_entries;
	g->n_packs = s->n_packs;
	g->n_filter = s->n_filter;
	if ((rc = idx_seg_sessions(x, g, s->sessions, s->n_sessions, e)) < 0) {
		idx_seg_free(g);
		return rc;
	}
	g->packs = s->packs;
	g->own_entries = s->entries;
	g->own_filter = s->filter;
	s->packs = NULL;
	s->entries = s->filter = NULL;
	segment_release(s);
	g->entries = g->own_entries;
	g->filter = g->own_filter;
	if ((rc = idx_seg_fence(g, e)) < 0) {
		idx_seg_free(g);
		return rc;
	}
	*out = g;
	return 0;
}

int idx_seg_fetch(struct idx *x, struct segment *s,
		  const struct segment_name *name, struct err *e)
{
	char text[SEGMENT_NAME_BYTES];
	struct buf b = BUF_INIT;
	int rc;

	segment_name_put(name, text);
	rc = store_get_all(repo_store(x->repo), STORE_INDEX, text,
		IDX_SEGMENT_MAX_BYTES, &b, e);
	if (rc == 0)
		rc = segment_open(s, repo_ctx(x->repo), name, b.p, b.len, e);
	if (rc < 0)
		err_ctx(e, "index/%s", text);
	buf_release(&b);
	return rc;
}
