/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Repair as a whole.  It is a collection that stops at G2: base(n) has what is
 * whole, X are the damaged packs.  So it is as safe as a collector that dies
 * there, and what it condemned goes with a later one, under that one's rules.
 */
#include "maint/repair.h"

#include <string.h>

#include "base/log.h"
#include "maint/repair_priv.h"

#define REPAIR_TRIES 5

/* Stale pins stay, and nothing is counted as gone: nothing is deleted. */
static const struct compact_opts repair_collect = { .dry_run = true };

static void repair_begin(struct repair *x)
{
	struct collect *c = &x->c;

	compact_release(c);
	memset(c, 0, sizeof(*c));
	c->r = x->r;
	c->o = &repair_collect;
	c->res = &x->counted;
	c->e = x->e;
	c->must = true;
	c->mille = -1;
	map_release(&x->holed);
	x->unlisted = x->bad_reused = false;
}

/* --- which packs are bad --- */

static int repair_look(struct repair *x, const struct check_opts *o)
{
	int rc;

	x->k.repo = x->r;
	x->k.store = repo_store(x->r);
	x->k.o = o;
	x->k.res = &x->res->check;
	x->k.e = x->e;
	if ((rc = check_begin(&x->k)) < 0 || (rc = check_packs(&x->k)) < 0)
		return rc;
	x->res->packs_bad = x->k.sound.bad.count - x->k.condemned.count;
	return 0;
}

/* --- the generation --- */

static int repair_reused_cb(const struct segment_pack *p, void *ctx)
{
	struct repair *x = ctx;
	const struct compact_pack *at = compact_pack(&x->c, &p->name);

	if (!at || compact_in_x(at))
		x->bad_reused = true;
	return 0;
}

/* Segments that a backup of now would rely upon, and that do not open. */
static bool repair_spoilt(const struct collect *c)
{
	size_t i;

	for (i = 0; i < idx_census_spoilt(c->census); i++)
		if (idx_census_spoilt_name(c->census, i)->generation >=
		    c->before.number)
			return true;
	return false;
}

static int repair_list(struct repair *x)
{
	struct collect *c = &x->c;
	uint32_t i;
	int rc;

	rc = compact_generation(c);
	if (rc == ERR_CORRUPT && x->k.generation_bad) {
		err_clear(c->e);	/* which was said */
		rc = 0;
	}
	if (rc < 0 || (rc = compact_list(c)) < 0)
		return rc;
	c->n_buried = 0;
	for (i = 0; i < c->n_pack; i++)
		if (!(c->pack[i].state & PACK_OLD) &&
		    !sound_pack(&x->k.sound, &c->pack[i].name))
			c->pack[i].state |= PACK_SPARSE;
	if ((rc = compact_workers(c)) < 0 || (rc = compact_young(c)) < 0)
		return rc;
	return idx_census_each_reused(c->census, &c->before, repair_reused_cb,
		x, c->e);
}

/* What the index does not list, from the tables of packs. */
static int repair_relist(struct repair *x)
{
	struct collect *c = &x->c;
	int rc;

	if ((rc = compact_relist(c, &x->res->packs_listed)) < 0 ||
	    (rc = idx_census_refresh(c->census, c->e)) < 0)
		return rc;
	return repair_mark(x);
}

static int repair_index(struct repair *x)
{
	struct collect *c = &x->c;
	bool anew;
	int rc;

	repair_begin(x);
	if ((rc = repair_rescue(x)) < 0 || (rc = repair_list(x)) < 0)
		return rc;
	anew = repair_spoilt(c) || x->res->packs_rescued > 0;
	if (!anew && (rc = repair_mark(x)) < 0)
		return rc;
	anew = anew || x->unlisted;
	if (anew && (rc = repair_relist(x)) < 0)
		return rc;
	/* Segments that are damaged may be known by their local copies. */
	if (!anew && !x->bad_reused && !x->k.generation_bad &&
	    !x->k.bad_segments)
		return 0;
	if ((rc = compact_base(c)) < 0 || (rc = compact_condemn(c)) < 0)
		return rc;
	x->res->generation = c->n;
	return 0;
}

int repair_run(struct repo *r, const struct repair_opts *o,
	       struct repair_result *res, struct err *e)
{
	struct err own = { ERR_OK, "" };
	struct repair x = { .r = r, .o = o, .res = res, .e = e ? e : &own };
	const struct check_opts co = {
		.flags = CHECK_REPOSITORY | (o->verify_data ? CHECK_DATA : 0u),
		.threads = o->threads, .cancel = o->cancel,
		.finding = o->finding, .progress = o->progress, .ctx = o->ctx,
	};
	unsigned tries = 0;
	int rc;

	memset(res, 0, sizeof(*res));
	rc = repo_require(r, KEY_READ | KEY_APPEND | KEY_DELETE, x.e);
	if (rc < 0)
		return rc;
	if ((rc = repair_look(&x, &co)) < 0)
		goto out;
	do {
		err_clear(x.e);
		rc = repair_index(&x);
		if (rc == ERR_RETRY)
			log_info("repair", "%s: it begins again", x.e->msg);
	} while (rc == ERR_RETRY && ++tries < REPAIR_TRIES);
	tries = 0;
	while (rc == 0 && (rc = repair_archives(&x)) == ERR_RETRY &&
	       ++tries < REPAIR_TRIES) {
		err_clear(x.e);
		rc = 0;
	}
out:
	compact_release(&x.c);
	map_release(&x.holed);
	map_release(&x.lost);
	check_end(&x.k);
	return rc;
}
