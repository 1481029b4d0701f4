/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Merging session segments in tiers, so that their number stays small: eight
 * of one tier become one of the next.  COMMIT POINT: the barrier after the
 * merged segment's put; only then are the eight deleted.  A crash before
 * leaves both, which is only larger.
 */
#include "repo/idx_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "repo/repo.h"

/* What may be merged at once: its arrays are in memory twice for a moment. */
#define MERGE_MAX_ENTRIES 400000u

struct idx_merge {
	struct idx_seg *in[IDX_TIER_WIDTH];
	size_t pos[IDX_TIER_WIDTH];
	size_t n;
	struct segment out;
	struct map packs, sessions;	/* name or id -> place in out */
};

/* Eight of one tier and of this generation that are small enough. */
static bool idx_merge_pick(struct idx *x, struct idx_merge *m, uint8_t tier)
{
	uint64_t sum = 0;
	size_t i;

	m->n = 0;
	for (i = 0; i < x->n_seg && m->n < IDX_TIER_WIDTH; i++) {
		struct idx_seg *g = x->seg[i];

		if (g->name.kind != SEGMENT_SESSION || g->name.tier != tier ||
		    g->name.generation != x->generation ||
		    g->n_entries > MERGE_MAX_ENTRIES / IDX_TIER_WIDTH)
			continue;
		sum += g->n_entries;
		m->pos[m->n] = 0;
		m->in[m->n++] = g;
	}
	return m->n == IDX_TIER_WIDTH && sum <= MERGE_MAX_ENTRIES;
}

static int idx_merge_room(struct idx_merge *m, struct err *e)
{
	size_t i, entries = 0, packs = 0, sessions = 0;

	for (i = 0; i < m->n; i++) {
		entries += m->in[i]->n_entries;
		packs += m->in[i]->n_packs;
		sessions += m->in[i]->n_sessions;
	}
	if (sessions > SEGMENT_MAX_SESSIONS || packs > SEGMENT_MAX_PACKS)
		return ERR_NOENT;
	m->out.entries = mem_array(entries, SEGMENT_ENTRY_BYTES);
	m->out.packs = mem_array(packs, sizeof(*m->out.packs));
	m->out.sessions = mem_array(sessions, sizeof(*m->out.sessions));
	if (!m->out.entries || !m->out.packs || !m->out.sessions)
		return err_nomem(e);
	return 0;
}

/* The pack and the session of an entry, as places in the merged arrays. */
static int idx_merge_places(struct idx *x, struct idx_merge *m,
			    struct idx_seg *g, struct segment_entry *en,
			    struct err *e)
{
	const struct segment_pack *p = &g->packs[en->pack];
	const struct pack_session *s = x->session[g->session_no[en->session]];
	uint64_t *place;
	bool was;
	int rc;

	if ((rc = map_put(&m->packs, p->name.b, &place, &was, e)) < 0)
		return rc;
	if (!was) {
		*place = m->out.n_packs;
		m->out.packs[m->out.n_packs++] = *p;
	}
	en->pack = (uint32_t)*place;
	if ((rc = map_put(&m->sessions, s->id.b, &place, &was, e)) < 0)
		return rc;
	if (!was) {
		*place = m->out.n_sessions;
		m->out.sessions[m->out.n_sessions++] = *s;
	}
	en->session = (uint16_t)*place;
	return 0;
}

static const uint8_t *idx_merge_at(const struct idx_merge *m, size_t i)
{
	return m->in[i]->entries + m->pos[i] * SEGMENT_ENTRY_BYTES;
}

/* The segment with the smallest next prefix; n when all are done. */
static size_t idx_merge_least(const struct idx_merge *m)
{
	size_t i, best = m->n;

	for (i = 0; i < m->n; i++)
		if (m->pos[i] < m->in[i]->n_entries && (best == m->n ||
		    memcmp(idx_merge_at(m, i), idx_merge_at(m, best),
			   SEGMENT_PREFIX_BYTES) < 0))
			best = i;
	return best;
}

static int idx_merge_entries(struct idx *x, struct idx_merge *m, struct err *e)
{
	uint8_t *out = m->out.entries;
	struct segment_entry en;
	size_t i, b;
	int rc;

	for (i = 0; i < m->n; i++)
		for (b = 0; b < m->in[i]->n_blocks; b++)
			if (!idx_local_sound(m->in[i], (uint32_t)b))
				return err_set(e, ERR_CORRUPT, "a local copy "
					"of the index is damaged");
	while ((i = idx_merge_least(m)) < m->n) {
		const uint8_t *p = idx_merge_at(m, i);

		m->pos[i]++;
		if (m->out.n_entries && memcmp(out - SEGMENT_ENTRY_BYTES, p,
					       SEGMENT_PREFIX_BYTES) == 0)
			continue;
		if ((rc = segment_entry_get(&en, p, e)) < 0 ||
		    (rc = idx_merge_places(x, m, m->in[i], &en, e)) < 0)
			return rc;
		segment_entry_put(out, &en);
		out += SEGMENT_ENTRY_BYTES;
		m->out.n_entries++;
	}
	return 0;
}

/* Delete from the store and from the view what was merged. */
static void idx_merge_drop(struct idx *x, struct idx_merge *m)
{
	char text[SEGMENT_NAME_BYTES];
	struct err e = { ERR_OK, "" };
	size_t i, k, keep = 0;

	for (i = 0; i < x->n_seg; i++) {
		struct idx_seg *g = x->seg[i];

		for (k = 0; k < m->n && m->in[k] != g; k++)
			;
		if (k == m->n) {
			x->seg[keep++] = g;
			continue;
		}
		segment_name_put(&g->name, text);
		if (store_del(repo_store(x->repo), STORE_INDEX, text, &e) < 0 &&
		    e.code != ERR_NOENT)
			log_info("index", "%s", e.msg);
		idx_local_drop(x, &g->name);
		x->mapped_bytes -= g->map_len;
		idx_seg_free(g);
	}
	x->n_seg = keep;
}

static int idx_merge_put(struct idx *x, struct idx_merge *m, uint8_t tier,
			 struct segment_name *name, struct err *e)
{
	struct store *st = repo_store(x->repo);
	char text[SEGMENT_NAME_BYTES];
	struct buf file = BUF_INIT;
	int rc;

	m->out.kind = SEGMENT_SESSION;
	m->out.tier = (uint8_t)(tier + 1);
	m->out.generation = x->generation;
	rc = segment_seal(repo_ctx(x->repo), &m->out, &file, name, e);
	if (rc == 0)
		rc = store_put_buf(st, STORE_INDEX,
			segment_name_put(name, text), &file, 0, e);
	if (rc == 0 || rc == ERR_EXIST)
		rc = store_sync(st, e);
	buf_release(&file);
	return rc;
}

static int idx_merge_tier(struct idx *x, struct idx_merge *m, uint8_t tier,
			  struct err *e)
{
	struct segment_name name;
	int rc;

	if ((rc = idx_merge_room(m, e)) < 0 ||
	    (rc = idx_merge_entries(x, m, e)) < 0 ||
	    (rc = idx_merge_put(x, m, tier, &name, e)) < 0)
		return rc;
	idx_merge_drop(x, m);
	return idx_add(x, &name, &m->out, e);
}

int idx_merge(struct idx *x, struct err *e)
{
	struct idx_merge m = { .n = 0 };
	uint8_t tier;
	int rc = 0;

	for (tier = 0; rc == 0 && tier < 16; tier++) {
		if (!idx_merge_pick(x, &m, tier))
			continue;
		rc = idx_merge_tier(x, &m, tier, e);
		segment_release(&m.out);
		map_release(&m.packs);
		map_release(&m.sessions);
		memset(&m, 0, sizeof(m));
	}
	return rc == ERR_NOENT ? 0 : rc;
}

/* --- a segment of ours that somebody else merged --- */

/* Does a segment that is there list the object of the entry at p? */
static bool idx_merged_entry(const struct idx *x, const uint8_t *p,
			     const bool *there)
{
	struct oid id = { { 0 } };
	uint32_t block = 0;
	size_t i;

	memcpy(id.b, p, SEGMENT_PREFIX_BYTES);
	for (i = 0; i < x->n_seg; i++)
		if (there[i] && idx_seg_find(x->seg[i], &id, &block) &&
		    idx_local_sound(x->seg[i], block))
			return true;
	return false;
}

/* What came since this view was made; the view's generation stays. */
static int idx_merged_list(struct idx *x, struct idx_listing *l,
			   struct err *e)
{
	size_t i;
	int rc;

	l->n = 0;
	rc = idx_list(x, l, e);
	for (i = 0; rc == 0 && i < l->n; i++)
		if (l->name[i].kind == SEGMENT_SESSION &&
		    l->name[i].generation >= x->generation &&
		    !idx_knows(x, &l->name[i]))
			rc = idx_load(x, &l->name[i], e);
	return rc;
}

static bool idx_merged_all(const struct idx *x, const struct idx_seg *g,
			   const struct idx_listing *l, bool *there)
{
	size_t i, k;

	for (i = 0; i < x->n_seg; i++) {
		there[i] = false;
		for (k = 0; k < l->n && !there[i]; k++)
			there[i] = oid_eq(&l->name[k].hash,
				&x->seg[i]->name.hash);
	}
	for (i = 0; i < g->n_entries; i++)
		if (!idx_merged_entry(x, g->entries + i * SEGMENT_ENTRY_BYTES,
				      there))
			return false;
	return true;
}

int idx_merged(struct idx *x, const struct segment_name *name, struct err *e)
{
	struct idx_listing l = { 0 };
	struct idx_seg *g = NULL;
	bool *there = NULL;
	int tries, rc = ERR_NOENT;
	size_t i;

	for (tries = 0; rc == ERR_NOENT && tries < IDX_LIST_TRIES; tries++)
		rc = idx_merged_list(x, &l, e);
	for (i = 0; i < x->n_seg; i++)
		if (oid_eq(&x->seg[i]->name.hash, &name->hash))
			g = x->seg[i];
	there = mem_array(x->n_seg, sizeof(*there));
	if (rc == 0 && !there)
		rc = err_nomem(e);
	if (rc == 0 && (!g || !idx_merged_all(x, g, &l, there)))
		rc = err_set(e, ERR_NOENT, "it is gone, and nothing that is "
			"there lists the same");
	free(there);
	free(l.name);
	return rc;
}
