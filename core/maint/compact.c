/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The collector, as a whole.  Its steps carry the names of DESIGN section 5;
 * tests/model has the protocol as a model.  COMMIT POINT: G2.
 */
#include "maint/compact.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "maint/compact_priv.h"
#include "repo/reserve.h"
#include "repo/witness.h"

/* Begun again after another was faster, or the repository changed; and when
 * something is missing: it may have been deleted, or moved, by another since
 * it was listed. */
#define COMPACT_TRIES 5
#define COMPACT_TRIES_MISSING 3
/* Rounds, where there was no room to copy all at once. */
#define COMPACT_ROUNDS 100

void compact_tell(struct collect *c, const char *what, uint64_t done,
		  uint64_t total)
{
	struct compact_progress p = { what, done, total };

	if (c->o->progress)
		c->o->progress(&p, c->o->ctx);
}

void compact_release(struct collect *c)
{
	mark_generation_release(&c->before);
	alive_release(&c->sessions);
	catalog_free(c->cat);
	idx_census_close(c->census);
	map_release(&c->seen);
	map_release(&c->dead);
	map_release(&c->by_name);
	map_release(&c->have);
	map_release(&c->copy_session);
	free(c->buried);
	free(c->pack);
	free(c->working);
	free(c->copy);
	free(c->copy_pack);
	free(c->copy_sessions);
	free(c->base);
	free(c->waits);
}

/* What would go, for a dry run; and for what goes with a later run. */
static void compact_sum(struct collect *c, uint64_t *packs, uint64_t *bytes)
{
	uint32_t i;

	*packs = *bytes = 0;
	for (i = 0; i < c->n_pack; i++)
		if (compact_in_x(&c->pack[i]) ||
		    (c->pack[i].state & PACK_OLD)) {
			++*packs;
			*bytes += c->pack[i].bytes;
		}
}

static void compact_foresee(struct collect *c)
{
	uint32_t i;

	compact_sum(c, &c->res->packs_removed, &c->res->bytes_removed);
	for (i = 0; i < c->n_pack; i++)
		if (c->pack[i].state & PACK_SPARSE)
			c->res->bytes_written += c->pack[i].live_bytes;
	c->res->collected = c->dead.count;
}

/* Mark, see what goes, copy, write base(n). */
static int compact_g1(struct collect *c)
{
	int rc;

	if ((rc = compact_mark(c, false)) < 0 ||
	    (rc = compact_list_packs(c, PACK_YOUNG)) < 0 ||
	    (rc = compact_workers(c)) < 0 ||
	    (rc = compact_account(c, false)) < 0 ||
	    (rc = compact_choose(c)) < 0)
		return rc;
	if (c->o->dry_run) {
		compact_foresee(c);
		return 0;
	}
	if (!compact_enough(c, &c->res->bytes_little)) {
		c->res->nothing = true;
		return 0;
	}
	c->res->bytes_little = 0;
	if ((rc = compact_copy(c, false)) < 0)
		return rc;
	return compact_base(c);
}

/* Archives that were made meanwhile keep what they need. */
static int compact_g4(struct collect *c)
{
	int rc;

	idx_census_late(c->census);
	if ((rc = compact_list_late(c)) < 0 ||
	    (rc = compact_mark(c, true)) < 0 ||
	    (rc = compact_list_packs(c, PACK_YOUNG)) < 0 ||
	    (rc = compact_rescue(c)) < 0)
		return rc;
	return compact_copy(c, true);
}

static int compact_g5(struct collect *c)
{
	int rc;

	if ((rc = compact_addition(c)) < 0)
		return rc;
	return compact_delete(c);
}

/* One collection.  *more: another one would free more. */
static int compact_once(struct collect *c, bool *more)
{
	bool wanted;
	int rc;

	if ((rc = compact_generation(c)) < 0 ||			/* G0 */
	    (rc = compact_list(c)) < 0 ||			/* G1 */
	    (rc = witness_trust(c->r, "compaction", c->e)) < 0 ||
	    (rc = compact_workers(c)) < 0 ||
	    (rc = compact_young(c)) < 0 ||
	    (rc = compact_stale(c)) < 0 ||
	    (rc = compact_wanted(c, &wanted)) < 0)
		return rc;
	if (!wanted) {
		c->res->nothing = c->res->packs_removed == 0;
		if (c->o->dry_run)
			return 0;
		rc = compact_parity(c);
		return rc < 0 ? rc : compact_wait(c, 0);
	}
	if ((rc = compact_g1(c)) < 0 || c->o->dry_run)
		return rc;
	if (c->res->nothing)
		return compact_wait(c, 0);
	if ((rc = compact_condemn(c)) < 0 ||			/* G2 */
	    (rc = compact_wait(c, c->o->wait_secs)) < 0)	/* G3 */
		return rc;
	c->res->waiting = c->left;
	if (c->left > 0) {
		uint64_t packs;

		compact_sum(c, &packs, &c->res->bytes_waiting);
		return 0;
	}
	if ((rc = compact_g4(c)) < 0 || (rc = compact_g5(c)) < 0)
		return rc;
	/* A last round finds that nothing is stale any more. */
	*more = c->more || (c->o->reseal && c->res->stale > 0);
	return 0;
}

static int compact_index_cb(const char *name, uint64_t size, void *ctx)
{
	(void)name;
	*(uint64_t *)ctx += size;
	return 0;
}

/* The reserve again, as large as the repository now needs it. */
static int compact_reserve(struct collect *c)
{
	uint64_t index = 0, data = 0;
	uint32_t i;
	int rc;

	for (i = 0; i < c->n_pack; i++)
		data += c->pack[i].bytes;
	data = data > c->res->bytes_removed ? data - c->res->bytes_removed : 0;
	rc = store_list(repo_store(c->r), STORE_INDEX, compact_index_cb, &index,
		c->e);
	if (rc == 0)
		rc = reserve_fill(c->r, index, data, c->e);
	return rc;
}

static int compact_round(struct repo *r, const struct compact_opts *o,
			 struct compact_result *res, struct rounds *rounds,
			 struct err *e)
{
	struct collect c;
	int rc;

	rounds->more = false;
	memset(&rounds->unreadable, 0, sizeof(rounds->unreadable));
	memset(&c, 0, sizeof(c));
	c.r = r;
	c.rounds = rounds;
	c.o = o;
	c.res = res;
	c.e = e;
	c.must = true;
	c.mille = -1;
	rc = compact_once(&c, &rounds->more);
	if (rc == 0 && !o->dry_run && !rounds->more)
		rc = compact_reserve(&c);
	compact_release(&c);
	return rc;
}

/* Something is missing again and again, and it is of an archive that is
 * deleted. */
static bool compact_give_up(struct rounds *rounds)
{
	if (sid_is_zero(&rounds->unreadable) ||
	    rounds->n_lost == ROUNDS_LOST_MAX)
		return false;
	rounds->lost[rounds->n_lost++] = rounds->unreadable;
	log_info("compact", "a deleted archive that a mount has pinned has "
		"lost some of its data already: it is not kept");
	return true;
}

int compact_run(struct repo *r, const struct compact_opts *o,
		struct compact_result *res, struct err *e)
{
	struct err why = { ERR_OK, "" };
	struct rounds rounds = { .more = false };
	unsigned tries = 0, missing = 0, n = 0;
	uint64_t before;
	bool more;
	int rc;

	memset(res, 0, sizeof(*res));
	rc = repo_require(r, KEY_READ | KEY_DELETE | KEY_APPEND, e);
	if (rc < 0)
		return rc;
	do {
		before = res->bytes_removed;
		err_clear(&why);
		rc = compact_round(r, o, res, &rounds, &why);
		if (rc == ERR_RETRY || rc == ERR_CORRUPT)
			log_info("compact", "%s: it begins again", why.msg);
		more = rc == ERR_RETRY ? ++tries < COMPACT_TRIES :
			rc == ERR_CORRUPT ? ++missing < COMPACT_TRIES_MISSING ||
			compact_give_up(&rounds) :
			rc == 0 && rounds.more && res->bytes_removed > before &&
			++n < COMPACT_ROUNDS;
	} while (more);
	if (rc < 0 && e)
		*e = why;
	return rc;
}

int compact_fence_all(struct repo *r, uint64_t *fenced, struct err *e)
{
	const struct compact_opts o = { .fence_all = true };
	struct compact_result res = { 0 };
	struct err why = { ERR_OK, "" };
	struct collect c;
	int rc;

	*fenced = 0;
	if ((rc = repo_require(r, KEY_DELETE | KEY_APPEND, e)) < 0)
		return rc;
	memset(&c, 0, sizeof(c));
	c.r = r;
	c.o = &o;
	c.res = &res;
	c.e = &why;
	c.must = true;
	rc = compact_wait(&c, 0);
	*fenced = res.fenced;
	compact_release(&c);
	if (rc < 0 && e)
		*e = why;
	return rc;
}
