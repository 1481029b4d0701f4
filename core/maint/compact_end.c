/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * G2, G3 and G5.  COMMIT POINT: putting generations/n condemns X.  Nothing is
 * deleted before every session that was at work then has made its archive, has
 * ended, or has a fence.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "maint/compact_priv.h"
#include "repo/meta_local.h"

#define END_MARK_MAX_BYTES (1u << 20)
#define END_POLL_NSEC 250000000ll
#define NSEC 1000000000ll

/* --- G2 --- */

/* X, and what older generations condemned and is still there. */
static int end_condemned(struct collect *c, struct mark_generation *g)
{
	uint32_t i;

	g->condemned = mem_array(c->n_pack, sizeof(*g->condemned));
	if (!g->condemned)
		return err_nomem(c->e);
	for (i = 0; i < c->n_pack; i++)
		if (compact_in_x(&c->pack[i]) || (c->pack[i].state & PACK_OLD))
			g->condemned[g->n_condemned++] = c->pack[i].name;
	return 0;
}

/* A tombstone that goes is named in the generation; one that cannot be read
 * stays. */
static int end_gone(struct collect *c, struct mark_generation *g)
{
	struct err why = { ERR_OK, "" };
	char hex[SID_HEX_BYTES];
	size_t i, keep = 0;
	int rc = 0;

	g->gone = mem_array(c->n_buried, sizeof(*g->gone));
	if (!g->gone)
		return err_nomem(c->e);
	for (i = 0; rc == 0 && i < c->n_buried; i++) {
		struct mark_tombstone t = { 0 };
		struct buf b = BUF_INIT;

		rc = store_get_all(repo_store(c->r), STORE_TOMBSTONES,
			sid_hex(&c->buried[i], hex), END_MARK_MAX_BYTES, &b,
			&why);
		if (rc == 0)
			rc = mark_get_tombstone(&t, repo_ctx(c->r),
				&c->buried[i], b.p, b.len, &why);
		if (rc == 0) {
			g->gone[g->n_gone++] = (struct mark_gone) {
				c->buried[i], t.record };
			c->buried[keep++] = c->buried[i];
		}
		mark_tombstone_release(&t);
		buf_release(&b);
		if (rc == ERR_NOMEM)
			return err_nomem(c->e);
		rc = 0;
	}
	c->n_buried = keep;
	return rc;
}

int compact_condemn(struct collect *c)
{
	struct mark_generation g = { .number = c->n, .base = c->base,
				     .n_base = c->n_base };
	struct buf b = BUF_INIT;
	struct iovec iov;
	char text[16];
	int rc;

	if ((rc = end_condemned(c, &g)) < 0 || (rc = end_gone(c, &g)) < 0 ||
	    (rc = mark_put_generation(repo_ctx(c->r), &g, &b, c->e)) < 0)
		goto out;
	snprintf(text, sizeof(text), "%08x", c->n);
	iov = (struct iovec) { b.p, b.len };
	rc = compact_put(c, STORE_GENERATIONS, text, &iov, 1, STORE_PUT_RACE);
	if (rc == ERR_EXIST)
		rc = err_set(c->e, ERR_RETRY,
			"another compaction was faster");
	if (rc == 0)
		rc = store_sync(repo_store(c->r), c->e);
out:
	g.base = NULL;
	g.n_base = 0;
	mark_generation_release(&g);
	buf_release(&b);
	return rc;
}

/* --- G3 --- */

/* ERR_EXIST as success: committed, or fenced by somebody else. */
static int end_fence(struct collect *c, const struct sid *session,
		     bool *fenced)
{
	struct buf b = BUF_INIT;
	char hex[SID_HEX_BYTES];
	struct iovec iov;
	int rc;

	*fenced = false;
	rc = record_put_fence(repo_ctx(c->r), session, &b, c->e);
	if (rc == 0) {
		iov = (struct iovec) { b.p, b.len };
		rc = compact_put(c, STORE_ARCHIVES, sid_hex(session, hex),
			&iov, 1, STORE_PUT_RACE);
		*fenced = rc == 0;
	}
	if (rc == ERR_EXIST) {
		err_clear(c->e);
		rc = 0;
	}
	buf_release(&b);
	return rc;
}

static int end_committed(struct collect *c, const struct sid *session,
			 bool *yes)
{
	char hex[SID_HEX_BYTES];
	uint64_t bytes;
	int rc;

	rc = store_stat(repo_store(c->r), STORE_ARCHIVES,
		sid_hex(session, hex), &bytes, c->e);
	*yes = rc == 0;
	if (rc == ERR_NOENT) {
		err_clear(c->e);
		rc = 0;
	}
	return rc;
}

/* One session: its archive is there, or it is fenced, or it is left.  Where it
 * can commit no more, its marks have no meaning any more. */
static int end_session(struct collect *c, const struct alive_owner *o,
		       bool *left)
{
	bool settled, fenced = false;
	int rc;

	*left = false;
	if ((rc = end_committed(c, &o->id, &settled)) < 0)
		return rc;
	if (!settled && o->alive && !c->o->fence_all) {
		*left = true;
		return 0;
	}
	if (!settled && (rc = end_fence(c, &o->id, &fenced)) < 0)
		return rc;
	if (fenced) {
		c->res->fenced++;
		log_info("compact", "a backup of host '%s' (process %u) "
			"that %s was ruled out", o->host, o->pid,
			o->alive ? "is at work" : "is dead");
	}
	if (settled && o->alive)	/* it is about to do that itself */
		return 0;
	return alive_remove(c->r, STORE_SESSIONS, o, c->e);
}

/* Is it one of those that were there when G3 began? */
static int end_waits(struct collect *c, const struct sid *session)
{
	struct sid *p;
	size_t i;

	for (i = 0; i < c->n_waits; i++)
		if (sid_eq(&c->waits[i], session))
			return 1;
	if (c->listed)
		return 0;
	p = mem_resize(c->waits, c->n_waits + 1, sizeof(*p));
	if (!p)
		return err_nomem(c->e);
	c->waits = p;
	p[c->n_waits++] = *session;
	return 1;
}

static int end_sessions(struct collect *c)
{
	struct alive now = ALIVE_INIT;
	bool left;
	size_t i;
	int rc;

	c->left = 0;
	if ((rc = alive_load(&now, c->r, STORE_SESSIONS, c->e)) < 0)
		return rc;
	for (i = 0; rc == 0 && i < now.n; i++) {
		rc = end_session(c, &now.owner[i], &left);
		if (rc == 0 && left && (rc = end_waits(c,
				&now.owner[i].id)) > 0) {
			c->left++;
			rc = 0;
		}
	}
	c->listed = rc == 0;
	alive_release(&now);
	return rc;
}

int compact_wait(struct collect *c, unsigned secs)
{
	const struct timespec nap = { 0, END_POLL_NSEC };
	int64_t end = clock_mono_nsec() + (int64_t)secs * NSEC;
	int rc;

	while ((rc = end_sessions(c)) == 0 && c->left > 0 &&
	       clock_mono_nsec() < end) {
		compact_tell(c, "waiting for backups that are at work",
			0, c->left);
		if ((rc = cancel_check(c->o->cancel, c->e)) < 0)
			return rc;
		nanosleep(&nap, NULL);
	}
	/* A fence counts only once it cannot be lost. */
	return rc < 0 ? rc : store_sync(repo_store(c->r), c->e);
}

/* --- G5 --- */

static int end_del(struct collect *c, enum store_kind kind, const char *name)
{
	int rc = store_del(repo_store(c->r), kind, name, c->e);

	if (rc == ERR_NOENT) {
		err_clear(c->e);
		rc = 0;
	}
	return rc;
}

/* Of archives that were deleted when it began.  Their tombstones stay until a
 * later collection: who has listed archives/ before must find them.  That one
 * deletes the records again, for nobody knows whether the power went off before
 * they were gone for good. */
static int end_records(struct collect *c)
{
	char hex[SID_HEX_BYTES];
	uint64_t *late;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < c->cat->n; i++) {
		const struct sid *s = &c->cat->item[i]->rec.session;

		late = map_get(&c->dead, s->b);
		if (!late || *late)
			continue;
		rc = end_del(c, STORE_ARCHIVES, sid_hex(s, hex));
		c->res->collected++;
	}
	for (i = 0; rc == 0 && i < c->n_buried; i++)
		rc = end_del(c, STORE_ARCHIVES, sid_hex(&c->buried[i], hex));
	return rc;
}

static bool end_replaced(const struct collect *c, const struct segment_name *s)
{
	uint32_t i;

	if (s->generation < c->n)
		return true;
	if (s->generation > c->n || s->kind != SEGMENT_BASE)
		return false;
	for (i = 0; i < c->n_base; i++)		/* of one that did not end? */
		if (oid_eq(&c->base[i].hash, &s->hash))
			return false;
	return true;
}

static int end_segments(struct collect *c)
{
	char text[SEGMENT_NAME_BYTES];
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < idx_census_segments(c->census); i++) {
		const struct segment_name *s = idx_census_segment(c->census, i);

		if (end_replaced(c, s))
			rc = end_del(c, STORE_INDEX,
				segment_name_put(s, text));
	}
	/* All that is live was found without those that cannot be read. */
	for (i = 0; rc == 0 && i < idx_census_spoilt(c->census); i++) {
		const struct segment_name *s =
			idx_census_spoilt_name(c->census, i);

		if (s->generation < c->n)
			rc = end_del(c, STORE_INDEX,
				segment_name_put(s, text));
	}
	return rc;
}

static int end_packs(struct collect *c)
{
	char hex[OID_HEX_BYTES];
	uint32_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < c->n_pack; i++) {
		const struct compact_pack *p = &c->pack[i];

		if (!compact_in_x(p) && !(p->state & PACK_OLD))
			continue;
		rc = end_del(c, p->kind == PACK_META ? STORE_META : STORE_DATA,
			oid_hex(&p->name, hex));
		if (p->kind == PACK_META)
			meta_local_drop(repo_meta_local(c->r), &p->name);
		c->res->packs_removed++;
		c->res->bytes_removed += p->bytes;
		if (i % 64 == 0)
			compact_tell(c, "removing", i, c->n_pack);
	}
	return rc;
}

static int end_tombstones(struct collect *c)
{
	char hex[SID_HEX_BYTES];
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < c->n_buried; i++)
		rc = end_del(c, STORE_TOMBSTONES, sid_hex(&c->buried[i], hex));
	return rc;
}

/* Records and segments first: no archive is listed, not even as deleted, and no
 * object, that has lost its data; nor is it after a power cut. */
int compact_delete(struct collect *c)
{
	int rc;

	if ((rc = end_records(c)) < 0 || (rc = end_segments(c)) < 0 ||
	    (rc = store_sync(repo_store(c->r), c->e)) < 0 ||
	    (rc = end_packs(c)) < 0 || (rc = compact_parity(c)) < 0 ||
	    (rc = end_tombstones(c)) < 0)
		return rc;
	return store_sync(repo_store(c->r), c->e);
}
