/* SPDX-License-Identifier: BSD-2-Clause */
/* Packs: are they what was written? */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "format/pack.h"
#include "maint/check_priv.h"
#include "maint/scrub.h"
#include "repo/generation.h"

/* One pack: read, scrubbed, its table against the index, its objects. */
struct check_pack {
	struct job job;			/* first */
	enum store_kind kind;
	char name[OID_HEX_BYTES];
	uint64_t size;			/* by the listing */
	uint64_t objects, bytes, stored;
	struct strv bad;		/* sentences */
	bool vanished;			/* it is not there any more */
};

static void check_pack_free(struct check_pack *p)
{
	if (!p)
		return;
	strv_release(&p->bad);
	free(p);
}

/* A finding that cannot be kept fails the pack: it must not look sound. */
static int check_pack_bad(struct check_pack *p, const char *text,
			  struct err *e)
{
	return strv_add(&p->bad, text, e);
}

/* Does the index contradict the table?  What is listed elsewhere, or nowhere
 * because no archive needs it any more, does not. */
static bool check_pack_listed(struct check *c, const struct pack_entry *en,
			      const struct oid *pack)
{
	struct idx_loc loc;
	unsigned at = 0;

	while (idx_find_next(c->idx, &en->obj.id, &at, &loc)) {
		if (!oid_eq(&loc.pack, pack))
			continue;
		return loc.off == en->off &&
			loc.obj.stored_len == en->obj.stored_len &&
			loc.obj.plain_len == en->obj.plain_len &&
			loc.obj.type == en->obj.type &&
			loc.obj.codec == en->obj.codec;
	}
	return true;
}

struct pack_open {
	const struct buf *file;
	const struct pack_table *t;
	struct object_keys *keys;	/* per session */
	struct buf scratch, plain;
};

static int check_pack_keys(struct check *c, struct pack_open *p,
			   struct err *e)
{
	struct key secret;
	uint16_t i;
	int rc = 0;

	p->keys = key_alloc((size_t)p->t->n_sessions * sizeof(*p->keys) + 1);
	if (!p->keys)
		return err_nomem(e);
	for (i = 0; rc == 0 && i < p->t->n_sessions; i++) {
		rc = repo_unseal(c->repo, &p->t->sessions[i], &secret, e);
		if (rc == 0)
			object_keys(&p->keys[i], &secret, repo_psk(c->repo),
				&p->t->sessions[i].id);
	}
	key_wipe(&secret, sizeof(secret));
	return rc;
}

static int check_pack_object(struct check *c, struct check_pack *p,
			     struct pack_open *o, const struct pack_entry *en,
			     struct err *e)
{
	char hex[OID_HEX_BYTES], text[ERR_MSG_BYTES + 100];
	struct err why = { ERR_OK, "" };
	int rc;

	buf_clear(&o->plain);
	if ((rc = buf_resize(&o->plain, en->obj.plain_len, &why)) == 0)
		rc = object_open(&en->obj, repo_ctx(c->repo),
			&o->keys[en->session],
			repo_id_key(c->repo, en->obj.type),
			o->file->p + en->off, &o->scratch, o->plain.p, &why);
	if (rc == ERR_NOMEM)
		return err_nomem(e);
	if (rc == 0)
		return 0;
	snprintf(text, sizeof(text), "%s object %.16s: %s",
		fmt_type_name(en->obj.type), oid_hex(&en->obj.id, hex),
		why.msg);
	return check_pack_bad(p, text, e);
}

static int check_pack_objects(struct check *c, struct check_pack *p,
			      const struct oid *name, const struct buf *file,
			      const struct pack_table *t, struct err *e)
{
	struct pack_open o = { .file = file, .t = t };
	uint32_t i, stray = 0;
	char text[128];
	int rc = 0;

	if (c->o->flags & CHECK_DATA)
		rc = check_pack_keys(c, &o, e);
	for (i = 0; rc == 0 && i < t->n_entries; i++) {
		if (!check_pack_listed(c, &t->entries[i], name))
			stray++;
		if (c->o->flags & CHECK_DATA)
			rc = check_pack_object(c, p, &o, &t->entries[i], e);
		p->objects++;
		p->bytes += t->entries[i].obj.plain_len;
	}
	if (rc == 0 && stray && map_get(&c->listed, name->b)) {
		snprintf(text, sizeof(text), "%u of its objects are not where "
			"the index says", stray);
		rc = check_pack_bad(p, text, e);
	}
	key_free(o.keys);
	buf_release(&o.scratch);
	buf_release(&o.plain);
	return rc;
}

/* Head and table, as much of the file as is read for less than a scrub. */
static int check_pack_front(struct check *c, const struct check_pack *p,
			    const struct oid *name, struct buf *file,
			    struct err *e)
{
	struct pack_head h;
	int rc;

	rc = store_get(c->store, p->kind, p->name, 0,
		PACK_HEADER_BYTES, file, e);
	if (rc == 0)
		rc = pack_open_head(&h, repo_ctx(c->repo), name, file->p,
			file->len, e);
	if (rc == 0 && h.file_bytes != p->size)
		rc = err_set(e, ERR_CORRUPT, "has %" PRIu64 " bytes where its "
			"head says %" PRIu64, p->size, h.file_bytes);
	if (rc == 0)
		rc = store_get(c->store, p->kind, p->name,
			PACK_HEADER_BYTES, h.table_bytes, file, e);
	return rc;
}

static int check_pack_whole(struct check *c, const struct check_pack *p,
			    struct buf *file, struct err *e)
{
	int rc = store_get_all(c->store, p->kind, p->name,
		FMT_PACK_MAX_BYTES, file, e);

	return rc < 0 ? rc : scrub_file(p->kind, p->name, file->p, file->len,
		e);
}

static int check_pack_file(struct check *c, struct check_pack *p,
			   struct buf *file, struct err *e)
{
	struct pack_table t = { 0 };
	struct pack_head h;
	struct oid name;
	int rc;

	if (!oid_parse(&name, p->name))
		return err_set(e, ERR_CORRUPT,
			"its name is not that of a pack");
	rc = c->o->flags & (CHECK_PACKS | CHECK_DATA) ?
		check_pack_whole(c, p, file, e) :
		check_pack_front(c, p, &name, file, e);
	p->stored = file->len;
	if (rc < 0 || !c->repo)
		return rc;
	rc = pack_open_head(&h, repo_ctx(c->repo), &name, file->p,
		PACK_HEADER_BYTES, e);
	if (rc == 0 && file->len < PACK_HEADER_BYTES + (size_t)h.table_bytes)
		rc = err_set(e, ERR_CORRUPT, "its table is cut off");
	if (rc == 0)
		rc = pack_open_table(&t, &h, repo_ctx(c->repo),
			file->p + PACK_HEADER_BYTES, h.table_bytes, e);
	if (rc == 0)
		rc = check_pack_objects(c, p, &name, file, &t, e);
	pack_table_release(&t);
	return rc;
}

static void check_pack_work(struct job *j, unsigned worker, void *ctx)
{
	struct check_pack *p = (struct check_pack *)j;
	struct buf file = BUF_INIT;
	int rc;

	(void)worker;
	rc = check_pack_file(ctx, p, &file, &j->err);
	p->vanished = rc == ERR_NOENT;
	if (p->vanished)
		err_clear(&j->err);
	/* A damaged pack is a finding, not the end of the check. */
	if (rc == ERR_CORRUPT || rc == ERR_AUTH || rc == ERR_CONFIG) {
		char text[ERR_MSG_BYTES + 100];
		struct err nomem = { ERR_OK, "" };

		snprintf(text, sizeof(text), "%s%s", j->err.msg,
			check_parity_mends(ctx, p->kind, p->name, &file) ?
			"; its parity mends it, and 'muniment repair' replaces "
			"it" : "");
		check_pack_bad(p, text, &nomem);
		j->err = nomem;
	}
	buf_release(&file);
}

static int check_pack_take(struct check *c)
{
	struct check_pack *p = (struct check_pack *)pool_take(c->pool);
	char file[OID_HEX_BYTES + 16];
	struct oid name;
	size_t i;
	int rc = p->job.err.code;

	if (rc < 0)
		*c->e = p->job.err;
	snprintf(file, sizeof(file), "%s/%s", store_kind_name(p->kind),
		p->name);
	for (i = 0; i < p->bad.n; i++)
		check_say(c, CHECK_DAMAGE, file, NULL, NULL, "%s",
			p->bad.v[i]);
	if (rc == 0 && p->bad.n && oid_parse(&name, p->name))
		rc = sound_bad_pack(&c->sound, &name, c->e);
	if (rc == 0 && p->vanished)
		rc = strv_add(&c->vanished, file, c->e);
	c->res->packs++;
	c->res->objects += p->objects;
	c->res->bytes += p->bytes;
	c->res->stored_bytes += p->stored;
	c->done++;
	check_tick(c, "packs");
	check_pack_free(p);
	return rc;
}

/* --- which packs are read --- */

static void check_pass(struct check_passed *p, const struct oid *name)
{
	uint64_t v;

	memcpy(&v, name->b, sizeof(v));
	p->n++;
	p->sum ^= v;
}

/* "PLACE NUMBER SUM": the last pack, and what stands up to it. */
static void check_resume(struct check *c)
{
	if (c->o->position &&
	    sscanf(c->o->position, "%66s %" SCNu64 " %" SCNx64, c->from,
		   &c->then.n, &c->then.sum) < 1)
		c->from[0] = '\0';
}

static bool check_chosen(const struct check *c)
{
	uint64_t v;

	if (c->o->sample <= 0 || c->o->sample >= 1)
		return true;
	key_random(&v, sizeof(v));
	return (double)(v >> 11) < c->o->sample * 9007199254740992.0;
}

/* Is it this pack's turn, by where the last check stopped and by the time
 * there is?  At least one is read each time. */
static bool check_pack_turn(struct check *c, enum store_kind kind,
			    const char *text, const struct oid *name)
{
	char at[CHECK_POSITION_BYTES];
	int64_t secs = (clock_mono_nsec() - c->begun_nsec) / 1000000000;

	snprintf(at, sizeof(at), "%d/%s", kind == STORE_META ? 0 : 1, text);
	if (*c->from && strcmp(at, c->from) <= 0) {
		check_pass(&c->now, name);
		check_pass(&c->passed, name);
		return false;
	}
	if (*c->res->position)
		return false;
	if (c->o->max_secs && secs >= c->o->max_secs && *c->last) {
		snprintf(c->res->position, sizeof(c->res->position),
			"%.66s %" PRIu64 " %016" PRIx64, c->last,
			c->passed.n, c->passed.sum);
		return false;
	}
	check_pass(&c->passed, name);
	memcpy(c->last, at, sizeof(at));
	return check_chosen(c);
}

static int check_pack_put(struct check *c, enum store_kind kind,
			  const char *name, uint64_t size)
{
	struct check_pack *p = mem_zero(1, sizeof(*p));
	int rc = 0;

	if (!p)
		return err_nomem(c->e);
	p->kind = kind;
	p->size = size;
	snprintf(p->name, sizeof(p->name), "%s", name);
	while (rc == 0 && pool_full(c->pool))
		rc = check_pack_take(c);
	if (rc < 0)
		check_pack_free(p);
	else
		pool_put(c->pool, &p->job);
	return rc;
}

static int check_pack_kind(struct check *c, enum store_kind kind,
			   const struct strv *names)
{
	uint64_t unlisted = 0;
	struct oid name;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < names->n; i++) {
		if ((rc = cancel_check(c->o->cancel, c->e)) < 0)
			break;
		if (!oid_parse(&name, names->v[i]))
			continue;
		if (map_get(&c->condemned, name.b)) {
			c->res->packs_condemned++;
			continue;
		}
		c->res->packs_there++;
		if (c->repo && !map_get(&c->listed, name.b))
			unlisted++;
		if (check_pack_turn(c, kind, names->v[i], &name))
			rc = check_pack_put(c, kind, names->v[i],
				*map_get(&c->there, name.b));
	}
	c->unlisted += unlisted;
	if (unlisted)
		check_say(c, CHECK_NOTE, NULL, NULL, NULL, "%" PRIu64 " files "
			"of %s/ belong to no finished run: compact will remove "
			"them", unlisted, store_kind_name(kind));
	return rc;
}

static void check_changed(struct check *c)
{
	if (c->res->packs_condemned)
		check_say(c, CHECK_NOTE, NULL, NULL, NULL, "%" PRIu64 " packs "
			"are condemned and were not read: compact will remove "
			"them", c->res->packs_condemned);
	if (*c->from && c->then.n &&
	    (c->now.n != c->then.n || c->now.sum != c->then.sum))
		check_say(c, CHECK_NOTE, NULL, NULL, NULL, "the repository "
			"has changed since the last check stopped: of the "
			"packs before that place, which were %" PRIu64
			" and are %" PRIu64 ", those that came since are "
			"read in the next round", c->then.n, c->now.n);
}

static int check_named_cb(const struct segment_pack *p, void *ctx)
{
	uint64_t *value;
	bool was;

	return map_put(ctx, p->name.b, &value, &was, NULL);
}

/* What a backup of now relies upon.  Segments of a collector that was too late
 * are there, too, and name what the faster one removed. */
static int check_named(struct check *c, struct map *named)
{
	struct mark_generation g = { .number = 0 };
	struct idx *now = NULL;
	int rc;

	rc = generation_newest(c->repo, &g, c->e);
	if (rc == 0)
		rc = idx_open(&now, c->repo, IDX_READER, c->e);
	if (rc == 0)
		rc = idx_each_reused(now, &g, check_named_cb, named, c->e);
	if (rc == ERR_NOMEM)
		err_nomem(c->e);
	idx_close(now);
	mark_generation_release(&g);
	return rc;
}

/* One that went between listing and reading was collected, if nobody relies
 * upon it any more.  Without the key nobody can tell. */
static int check_vanished(struct check *c)
{
	struct map named = MAP_INIT;
	struct oid name;
	size_t i;
	int rc;

	if (c->vanished.n == 0 || !c->repo || c->generation_bad)
		return 0;
	rc = check_named(c, &named);
	for (i = 0; rc == 0 && i < c->vanished.n; i++) {
		const char *file = c->vanished.v[i];

		if (!oid_parse(&name, strchr(file, '/') + 1) ||
		    !map_get(&named, name.b))
			continue;
		check_say(c, CHECK_DAMAGE, file, NULL, NULL,
			"is missing, and the index names it");
		rc = sound_bad_pack(&c->sound, &name, c->e);
	}
	map_release(&named);
	return rc;
}

int check_packs(struct check *c)
{
	struct job *j;
	int rc;

	c->done = 0;
	c->total = c->data.n + c->meta.n;
	c->begun_nsec = clock_mono_nsec();
	check_resume(c);
	c->pool = pool_new(c->o->threads, c->o->threads + 1, check_pack_work,
		c);
	if (!c->pool)
		return err_nomem(c->e);
	rc = check_pack_kind(c, STORE_META, &c->meta);
	if (rc == 0)
		rc = check_pack_kind(c, STORE_DATA, &c->data);
	while (rc == 0 && !pool_empty(c->pool))
		rc = check_pack_take(c);
	while ((j = pool_take(c->pool)))
		check_pack_free((struct check_pack *)j);
	pool_free(c->pool);
	c->pool = NULL;
	if (rc == 0)
		rc = check_vanished(c);
	if (rc == 0)
		check_changed(c);
	return rc;
}
