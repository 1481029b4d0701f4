/* SPDX-License-Identifier: BSD-2-Clause */
/* Which packs are garbage, and of which it pays to copy the rest: X. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "maint/compact_priv.h"
#include "repo/reserve.h"

/* Copies of one round: objects (they are held in memory), and bytes where the
 * store cannot tell its free space. */
#define PACK_COPY_OBJECTS 200000u
#define PACK_COPY_BYTES (1ull << 30)
/* Packs below a sixteenth of their size are put together, so many at once. */
#define PACK_SMALL_MANY 32

int compact_table(struct collect *c, const struct compact_pack *p,
		  struct pack_table *t, struct err *e)
{
	enum store_kind kind = p->kind == PACK_META ? STORE_META : STORE_DATA;
	struct buf b = BUF_INIT;
	char hex[OID_HEX_BYTES];
	struct pack_head h;
	int rc;

	memset(t, 0, sizeof(*t));
	rc = store_get(repo_store(c->r), kind, oid_hex(&p->name, hex), 0,
		PACK_HEADER_BYTES, &b, e);
	if (rc == 0)
		rc = pack_open_head(&h, repo_ctx(c->r), &p->name, b.p, b.len,
			e);
	buf_clear(&b);
	if (rc == 0)
		rc = store_get(repo_store(c->r), kind, hex, PACK_HEADER_BYTES,
			h.table_bytes, &b, e);
	if (rc == 0)
		rc = pack_open_table(t, &h, repo_ctx(c->r), b.p, b.len, e);
	if (rc < 0)
		err_ctx(e, "%s/%s", store_kind_name(kind), hex);
	buf_release(&b);
	return rc;
}

int compact_table_of(struct collect *c, const struct oid *name,
		     const struct buf *file, struct pack_table *t,
		     struct err *e)
{
	const struct fmt_ctx *ctx = repo_ctx(c->r);
	struct pack_head h;
	int rc = pack_open_head(&h, ctx, name, file->p, file->len, e);

	return rc < 0 ? rc : pack_open_table(t, &h, ctx,
		file->p + PACK_HEADER_BYTES, file->len - PACK_HEADER_BYTES, e);
}

bool compact_in_x(const struct compact_pack *p)
{
	return (p->state & (PACK_DEAD | PACK_SPARSE)) &&
		!(p->state & PACK_RESCUED);
}

const struct idx_loc *compact_place(struct collect *c,
				    const struct idx_loc *loc, unsigned n)
{
	const struct compact_pack *p;
	unsigned i;

	for (i = 0; i < n; i++) {
		p = compact_pack(c, &loc[i].pack);
		if (p && !(p->state & PACK_OLD) && !compact_in_x(p))
			return &loc[i];
	}
	return NULL;
}

struct pack_account {
	struct collect *c;
	bool all;
};

static int pack_lost(struct collect *c, const struct census_group *g)
{
	char hex[OID_HEX_BYTES];

	return err_set(c->e, ERR_CORRUPT, "nothing was removed, because an "
		"archive needs %s/%s, which is missing: 'muniment check' says "
		"what is damaged", g->loc[0].kind == PACK_META ? "meta" :
		"data", oid_hex(&g->loc[0].pack, hex));
}

/* An object that will stay is counted for the pack that it stays in. */
static int pack_account_cb(const struct census_group *g, void *ctx)
{
	struct pack_account *a = ctx;
	struct collect *c = a->c;
	const struct idx_loc *loc;
	struct compact_pack *p;
	unsigned i;

	for (i = 0; i < g->n; i++)
		if (c->working[g->loc[i].session_no] &&
		    (p = compact_pack(c, &g->loc[i].pack)))
			p->state |= PACK_YOUNG;
	if (!g->live && !a->all)
		return 0;
	loc = compact_place(c, g->loc, g->n);
	if (loc) {
		p = compact_pack(c, &loc->pack);
		p->live_bytes += loc->obj.stored_len;
		p->live_n++;
		return 0;
	}
	for (i = 0; i < g->n; i++)
		if ((p = compact_pack(c, &g->loc[i].pack))) {
			p->state |= PACK_SOURCE;
			return 0;
		}
	return a->all ? 0 : pack_lost(c, g);
}

int compact_account(struct collect *c, bool all)
{
	struct pack_account a = { c, all };
	uint32_t i;

	for (i = 0; i < c->n_pack; i++) {
		c->pack[i].live_bytes = c->pack[i].live_n = 0;
		c->pack[i].state &= ~(unsigned)(PACK_DEAD | PACK_SPARSE |
			PACK_SOURCE);
	}
	return idx_census_sweep(c->census, pack_account_cb, &a, c->e);
}

/* Bytes of the pack that its live objects would fill. */
static uint64_t pack_needs(const struct compact_pack *p)
{
	return fmt_padme(PACK_HEADER_BYTES + PACK_SESSION_BYTES + 16 +
		(uint64_t)p->live_n * PACK_ENTRY_BYTES + p->live_bytes);
}

static bool pack_small(const struct compact_pack *p)
{
	return p->bytes < (p->kind == PACK_META ? FMT_PACK_META_BYTES :
		FMT_PACK_DATA_BYTES) / 16;
}

static bool pack_may_go(const struct compact_pack *p)
{
	return !(p->state & (PACK_OLD | PACK_YOUNG | PACK_SPOILT));
}

static uint64_t pack_waste(const struct compact_pack *p)
{
	uint64_t needs = pack_needs(p);

	return needs < p->bytes ? p->bytes - needs : 0;
}

/* Damaged ones first. */
static int pack_waste_cmp(const void *a, const void *b)
{
	const struct compact_pack *x = *(struct compact_pack *const *)a;
	const struct compact_pack *y = *(struct compact_pack *const *)b;
	uint64_t wx = pack_waste(x), wy = pack_waste(y);

	if ((x->state ^ y->state) & PACK_RENEW)
		return x->state & PACK_RENEW ? -1 : 1;
	return wx != wy ? (wx > wy ? -1 : 1) : oid_cmp(&x->name, &y->name);
}

/* What may be copied in this round.  Half of what is free, so that it cannot
 * run full; on a disk that is nearly full the reserve is part of it. */
static int pack_budget(struct collect *c, uint64_t wish, uint64_t *budget)
{
	uint64_t space, total, given;
	int rc;

	*budget = PACK_COPY_BYTES;
	if (c->o->dry_run)
		*budget = UINT64_MAX;
	if (c->o->dry_run ||
	    store_space(repo_store(c->r), &space, &total, NULL) < 0)
		return 0;
	*budget = space / 2;
	if (*budget >= wish || space >= FMT_PACK_DATA_BYTES * 4ull)
		return 0;
	if ((rc = reserve_give(c->r, &given, c->e)) < 0)
		return rc;
	*budget = (space + given) / 2;
	return 0;
}

/* Old ones, too: they are still there.  Each table is read. */
int compact_stale(struct collect *c)
{
	struct pack_table t;
	uint32_t i;
	uint16_t k;
	int rc = 0;

	if (!c->o->reseal)
		return 0;
	c->res->stale = 0;
	for (i = 0; rc == 0 && i < c->n_pack; i++) {
		struct compact_pack *p = &c->pack[i];

		compact_tell(c, "looking for old keys", i, c->n_pack);
		rc = compact_table(c, p, &t, c->e);
		if (rc < 0)
			continue;
		p->state &= ~(unsigned)PACK_STALE;
		for (k = 0; k < t.n_sessions; k++)
			if (t.sessions[k].epoch < repo_epoch(c->r))
				p->state |= PACK_STALE;
		c->res->stale += (p->state & PACK_STALE) != 0;
		pack_table_release(&t);
	}
	return rc;
}

static bool pack_candidate(const struct collect *c,
			   const struct compact_pack *p, const bool small[2])
{
	return pack_may_go(p) && p->live_n > 0 &&
		((p->state & (PACK_RENEW | PACK_STALE)) || pack_waste(p) *
		 100 > (uint64_t)c->o->threshold * p->bytes ||
		 (small[p->kind == PACK_META] && pack_small(p)));
}

/* The packs with the most garbage first, as far as the room goes. */
static int pack_choose_sparse(struct collect *c, struct compact_pack **list,
			      uint32_t n)
{
	uint64_t bytes = 0, wish = 0, budget;
	uint32_t i, objects = 0;
	int rc;

	for (i = 0; i < n; i++)
		wish += pack_needs(list[i]);
	if (n == 0)
		return 0;
	if ((rc = pack_budget(c, wish, &budget)) < 0)
		return rc;
	qsort(list, n, sizeof(*list), pack_waste_cmp);
	for (i = 0; i < n; i++) {
		uint64_t needs = pack_needs(list[i]);

		if (bytes + needs > budget || (!c->o->dry_run && objects > 0 &&
		    objects + list[i]->live_n > PACK_COPY_OBJECTS)) {
			c->more = c->more || bytes + needs <= budget ||
				bytes > 0;
			continue;
		}
		bytes += needs;
		objects += list[i]->live_n;
		list[i]->state |= PACK_SPARSE;
	}
	return 0;
}

/* Shares below the threshold add up: of the whole no more than three tenths of
 * it may be garbage (3 % at 10), so those with the most go, too. */
static uint32_t pack_add_up(struct collect *c, struct compact_pack **list,
			    uint32_t n, const bool small[2])
{
	struct compact_pack **rest = list + n;
	uint64_t all = 0, waste = 0;
	uint32_t i, m = 0;

	for (i = 0; i < c->n_pack; i++) {
		struct compact_pack *p = &c->pack[i];

		all += p->bytes;
		if (!pack_may_go(p) || p->live_n == 0 ||
		    pack_candidate(c, p, small) || pack_waste(p) == 0)
			continue;
		waste += pack_waste(p);
		rest[m++] = p;
	}
	qsort(rest, m, sizeof(*rest), pack_waste_cmp);
	for (i = 0; i < m && waste * 1000 > all * 3 * c->o->threshold; i++) {
		waste -= pack_waste(rest[i]);
		n++;
	}
	return n;
}

int compact_choose(struct collect *c)
{
	struct compact_pack **list = mem_array(c->n_pack, sizeof(*list));
	uint32_t i, n = 0, count[2] = { 0, 0 };
	bool small[2];
	int rc;

	if (!list)
		return err_nomem(c->e);
	for (i = 0; i < c->n_pack; i++) {
		struct compact_pack *p = &c->pack[i];

		if (pack_may_go(p) && p->live_n == 0)
			p->state |= PACK_DEAD;
		else if (pack_may_go(p) && pack_small(p))
			count[p->kind == PACK_META]++;
	}
	for (i = 0; i < 2; i++)
		small[i] = count[i] >= PACK_SMALL_MANY;
	for (i = 0; i < c->n_pack; i++)
		if (pack_candidate(c, &c->pack[i], small))
			list[n++] = &c->pack[i];
	n = pack_add_up(c, list, n, small);
	rc = pack_choose_sparse(c, list, n);
	free(list);
	return rc;
}

/* On a disk that is nearly full everything is enough. */
static bool pack_room(struct collect *c)
{
	uint64_t space, total;

	return store_space(repo_store(c->r), &space, &total, NULL) < 0 ||
		space >= total / 10;
}

bool compact_enough(struct collect *c, uint64_t *bytes)
{
	uint64_t all = 0;
	uint32_t i;

	*bytes = 0;
	for (i = 0; i < c->n_pack; i++) {
		const struct compact_pack *p = &c->pack[i];

		if (p->state & PACK_OLD)
			return true;
		all += p->bytes;
		if (p->state & PACK_DEAD)
			*bytes += p->bytes;
		else if (p->state & PACK_SPARSE)
			*bytes += pack_waste(p);
	}
	return !c->o->lazy || c->dead.count >= COMPACT_LAZY_ARCHIVES ||
		*bytes * 2000 >= all * c->o->threshold || !pack_room(c);
}

void compact_own_session(struct pack_session *s, struct object_keys *keys,
			 struct repo *r)
{
	struct key secret;

	key_random(&s->id, sizeof(s->id));
	key_random(&secret, sizeof(secret));
	s->epoch = repo_epoch(r);
	s->level = 0;
	key_box_seal(s->sealed, &secret, sizeof(secret), repo_box_public(r));
	if (keys)
		object_keys(keys, &secret, repo_psk(r), &s->id);
	key_wipe(&secret, sizeof(secret));
}
