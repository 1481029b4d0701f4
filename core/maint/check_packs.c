/* SPDX-License-Identifier: BSD-2-Clause */
/* Index segments and packs: are they what was written? */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/strv.h"
#include "format/pack.h"
#include "maint/check_priv.h"

#define CHECK_SEGMENT_MAX_BYTES (3ull << 30)

/* One pack: read, scrubbed, its table against the index, its objects. */
struct check_pack {
	struct job job;			/* first */
	enum store_kind kind;
	char name[OID_HEX_BYTES];
	uint64_t objects, bytes;
	struct strv bad;		/* sentences */
	struct oid *bad_id;		/* objects that do not open */
	size_t n_bad_id;
};

static void check_pack_free(struct check_pack *p)
{
	if (!p)
		return;
	strv_release(&p->bad);
	free(p->bad_id);
	free(p);
}

/* A finding that cannot be kept fails the pack: it must not look sound. */
static int check_pack_bad(struct check_pack *p, const char *text,
			  struct err *e)
{
	return strv_add(&p->bad, text, e);
}

static int check_pack_bad_id(struct check_pack *p, const struct oid *id,
			     struct err *e)
{
	struct oid *n = mem_resize(p->bad_id, p->n_bad_id + 1, sizeof(*n));

	if (!n)
		return err_nomem(e);
	p->bad_id = n;
	n[p->n_bad_id++] = *id;
	return 0;
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
	rc = check_pack_bad(p, text, e);
	return rc < 0 ? rc : check_pack_bad_id(p, &en->obj.id, e);
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
	rc = store_get_all(repo_store(c->repo), p->kind, p->name,
		FMT_PACK_MAX_BYTES, file, e);
	if (rc < 0 || (rc = pack_scrub(&name, file->p, file->len, e)) < 0)
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
	/* A damaged pack is a finding, not the end of the check. */
	if (rc == ERR_CORRUPT || rc == ERR_AUTH || rc == ERR_CONFIG ||
	    rc == ERR_NOENT) {
		struct err nomem = { ERR_OK, "" };

		check_pack_bad(p, j->err.msg, &nomem);
		if (check_parity_mends(ctx, p->kind, p->name, &file))
			check_pack_bad(p, "its parity mends it: 'muniment "
				"parity --repair' replaces it", &nomem);
		j->err = nomem;
	}
	buf_release(&file);
}

static int check_pack_take(struct check *c)
{
	struct check_pack *p = (struct check_pack *)pool_take(c->pool);
	char file[OID_HEX_BYTES + 16];
	uint64_t *value;
	bool was;
	size_t i;
	int rc = p->job.err.code;

	if (rc < 0 && c->e)
		*c->e = p->job.err;
	snprintf(file, sizeof(file), "%s/%s", store_kind_name(p->kind),
		p->name);
	for (i = 0; i < p->bad.n; i++)
		check_say(c, CHECK_DAMAGE, file, NULL, NULL, "%s",
			p->bad.v[i]);
	for (i = 0; rc == 0 && i < p->n_bad_id; i++)
		rc = map_put(&c->damaged, p->bad_id[i].b, &value, &was, c->e);
	c->res->packs++;
	c->res->objects += p->objects;
	c->res->bytes += p->bytes;
	c->done++;
	check_tick(c, "packs");
	check_pack_free(p);
	return rc;
}

struct check_names {
	struct strv *names;
	struct err *e;
};

static int check_name_cb(const char *name, uint64_t size, void *ctx)
{
	struct check_names *n = ctx;

	(void)size;
	return strv_add(n->names, name, n->e);
}

/* Is it this pack's turn, by where the last check stopped and by the time
 * there is?  At least one is read each time. */
static bool check_pack_turn(struct check *c, enum store_kind kind,
			    const char *name)
{
	char at[CHECK_POSITION_BYTES];
	int64_t secs = (clock_mono_nsec() - c->begun_nsec) / 1000000000;

	snprintf(at, sizeof(at), "%d/%s", kind == STORE_META ? 0 : 1, name);
	if ((c->o->position && strcmp(at, c->o->position) <= 0) ||
	    *c->res->position)
		return false;
	if (c->o->max_secs && secs >= c->o->max_secs && *c->last) {
		memcpy(c->res->position, c->last, sizeof(c->last));
		return false;
	}
	memcpy(c->last, at, sizeof(at));
	return true;
}

static int check_pack_kind(struct check *c, enum store_kind kind,
			   const struct strv *names, struct map *there)
{
	struct check_pack *p;
	uint64_t *value, unlisted = 0;
	struct oid name;
	size_t i;
	bool was;
	int rc = 0;

	for (i = 0; rc == 0 && i < names->n; i++) {
		if ((rc = cancel_check(c->o->cancel, c->e)) < 0)
			break;
		if (!oid_parse(&name, names->v[i])) {
			check_say(c, CHECK_NOTE, names->v[i], NULL, NULL,
				"is no pack: ignored");
			continue;
		}
		rc = map_put(there, name.b, &value, &was, c->e);
		if (!map_get(&c->listed, name.b))
			unlisted++;
		if (rc < 0 || !check_pack_turn(c, kind, names->v[i]))
			continue;
		p = mem_zero(1, sizeof(*p));
		if (!p)
			return err_nomem(c->e);
		p->kind = kind;
		snprintf(p->name, sizeof(p->name), "%s", names->v[i]);
		while (rc == 0 && pool_full(c->pool))
			rc = check_pack_take(c);
		if (rc < 0)
			check_pack_free(p);
		else
			pool_put(c->pool, &p->job);
	}
	if (unlisted)
		check_say(c, CHECK_NOTE, NULL, NULL, NULL, "%" PRIu64 " files "
			"of %s/ belong to no finished run: compact will remove "
			"them", unlisted, store_kind_name(kind));
	return rc;
}

/* Every pack of the index is there. */
struct check_missing {
	struct check *c;
	const struct map *there;
};

static int check_missing_cb(const struct segment_pack *p, void *ctx)
{
	const struct check_missing *m = ctx;
	char file[OID_HEX_BYTES + 16], hex[OID_HEX_BYTES];

	if (map_get(m->there, p->name.b))
		return 0;
	snprintf(file, sizeof(file), "%s/%s", p->kind == PACK_META ? "meta" :
		"data", oid_hex(&p->name, hex));
	check_say(m->c, CHECK_DAMAGE, file, NULL, NULL,
		"is missing, and the index names it");
	return 0;
}

static int check_listed_cb(const struct segment_pack *p, void *ctx)
{
	struct check *c = ctx;
	uint64_t *value;
	bool was;

	return map_put(&c->listed, p->name.b, &value, &was, c->e);
}

static int check_segment(struct check *c, const char *text)
{
	struct err why = { ERR_OK, "" };
	struct segment_name name;
	struct segment s = { 0 };
	struct buf file = BUF_INIT;
	char where[SEGMENT_NAME_BYTES + 16];
	int rc;

	snprintf(where, sizeof(where), "index/%.*s", SEGMENT_NAME_BYTES - 1,
		text);
	if (!segment_name_get(&name, text)) {
		check_say(c, CHECK_NOTE, where, NULL, NULL,
			"is no index segment: ignored");
		return 0;
	}
	rc = store_get_all(repo_store(c->repo), STORE_INDEX, text,
		CHECK_SEGMENT_MAX_BYTES, &file, &why);
	if (rc == 0)
		rc = segment_open(&s, repo_ctx(c->repo), &name, file.p,
			file.len, &why);
	if (rc == ERR_CORRUPT || rc == ERR_AUTH || rc == ERR_CONFIG) {
		check_say(c, CHECK_DAMAGE, where, NULL, NULL, "%s", why.msg);
		rc = 0;
	}
	if (rc == ERR_NOENT)		/* merged meanwhile */
		rc = 0;
	if (rc < 0 && c->e)
		*c->e = why;
	c->res->segments++;
	segment_release(&s);
	buf_release(&file);
	return rc;
}

static int check_list(struct check *c, enum store_kind kind,
		      struct strv *names)
{
	struct check_names n = { names, c->e };

	return store_list(repo_store(c->repo), kind, check_name_cb, &n, c->e);
}

static int check_segments(struct check *c)
{
	struct strv names = STRV_INIT;
	size_t i;
	int rc;

	rc = check_list(c, STORE_INDEX, &names);
	for (i = 0; rc == 0 && i < names.n; i++)
		rc = check_segment(c, names.v[i]);
	strv_release(&names);
	return rc;
}

int check_packs(struct check *c)
{
	struct strv data = STRV_INIT, meta = STRV_INIT;
	struct map there = MAP_INIT;
	struct check_missing missing = { c, &there };
	struct job *j;
	int rc;

	if ((rc = check_segments(c)) < 0 ||
	    (rc = idx_each_pack(c->idx, check_listed_cb, c, c->e)) < 0 ||
	    (rc = check_list(c, STORE_META, &meta)) < 0 ||
	    (rc = check_list(c, STORE_DATA, &data)) < 0)
		goto out;
	strv_sort(&data);
	strv_sort(&meta);
	c->done = 0;
	c->total = data.n + meta.n;
	c->begun_nsec = clock_mono_nsec();
	c->pool = pool_new(c->o->threads, c->o->threads + 1, check_pack_work,
		c);
	if (!c->pool) {
		rc = err_nomem(c->e);
		goto out;
	}
	rc = check_pack_kind(c, STORE_META, &meta, &there);
	if (rc == 0)
		rc = check_pack_kind(c, STORE_DATA, &data, &there);
	while (rc == 0 && !pool_empty(c->pool))
		rc = check_pack_take(c);
	while ((j = pool_take(c->pool)))
		check_pack_free((struct check_pack *)j);
	if (rc == 0)
		rc = idx_each_pack(c->idx, check_missing_cb, &missing, c->e);
out:
	pool_free(c->pool);
	c->pool = NULL;
	map_release(&there);
	strv_release(&data);
	strv_release(&meta);
	return rc;
}
