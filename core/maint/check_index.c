/* SPDX-License-Identifier: BSD-2-Clause */
/* Index segments; the packs of the store against those that they name. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/pack.h"
#include "maint/check_priv.h"
#include "maint/scrub.h"

#define CHECK_SEGMENT_MAX_BYTES (3ull << 30)

struct check_names {
	struct check *c;
	struct strv *names;
	struct map *there;		/* packs; NULL: the names are none */
	const char *kind;
};

static int check_name_cb(const char *name, uint64_t size, void *ctx)
{
	struct check_names *n = ctx;
	struct oid id;
	uint64_t *value;
	bool was;
	int rc;

	if (!n->there)
		return strv_add(n->names, name, n->c->e);
	if (!oid_parse(&id, name)) {
		check_say(n->c, CHECK_NOTE, name, NULL, NULL,
			"is no pack: ignored");
		return 0;
	}
	if ((rc = map_put(n->there, id.b, &value, &was, n->c->e)) < 0)
		return rc;
	*value = size;
	return was ? 0 : strv_add(n->names, name, n->c->e);
}

int check_list(struct check *c, enum store_kind kind, struct strv *names,
	       struct map *there)
{
	struct check_names n = { c, names, there, store_kind_name(kind) };

	return store_list(c->store, kind, check_name_cb, &n, c->e);
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
	rc = store_get_all(c->store, STORE_INDEX, text,
		CHECK_SEGMENT_MAX_BYTES, &file, &why);
	if (rc == 0)
		rc = c->repo ? segment_open(&s, repo_ctx(c->repo), &name,
			file.p, file.len, &why) :
			scrub_file(STORE_INDEX, text, file.p, file.len, &why);
	if (rc == ERR_CORRUPT || rc == ERR_AUTH || rc == ERR_CONFIG) {
		bool old = name.generation < c->g.number;

		/* A newer generation has listed anew what it listed. */
		check_say(c, old ? CHECK_NOTE : CHECK_DAMAGE, where, NULL,
			NULL, "%s%s", why.msg, old ? " (it is no longer "
			"needed: compact will remove it)" : "");
		c->bad_segments += !old;
		rc = 0;
	}
	if (rc == ERR_NOENT)		/* merged meanwhile */
		rc = 0;
	if (rc < 0)
		*c->e = why;
	c->res->segments++;
	segment_release(&s);
	buf_release(&file);
	return rc;
}

int check_segments(struct check *c)
{
	struct strv names = STRV_INIT;
	size_t i;
	int rc;

	rc = check_list(c, STORE_INDEX, &names, NULL);
	for (i = 0; rc == 0 && i < names.n; i++) {
		rc = cancel_check(c->o->cancel, c->e);
		if (rc == 0)
			rc = check_segment(c, names.v[i]);
	}
	strv_release(&names);
	return rc;
}

/* --- packs that are missing --- */

static int check_listed_cb(const struct segment_pack *p, void *ctx)
{
	struct check *c = ctx;
	uint64_t *value;
	bool was;
	int rc = map_put(&c->listed, p->name.b, &value, &was, c->e);

	if (rc == 0 && !map_get(&c->there, p->name.b))
		rc = sound_bad_pack(&c->sound, &p->name, c->e);
	return rc;
}

/* Named by what a backup of now relies upon, and not there as it should be. */
static bool check_is_missing(const struct check *c,
			     const struct segment_pack *p)
{
	const uint64_t *size = map_get(&c->there, p->name.b);

	return !(size && *size == p->bytes) &&
		!map_get(&c->condemned, p->name.b);
}

static int check_count_cb(const struct segment_pack *p, void *ctx)
{
	struct check *c = ctx;

	c->missing += check_is_missing(c, p);
	return 0;
}

static int check_missing_cb(const struct segment_pack *p, void *ctx)
{
	struct check *c = ctx;
	char file[OID_HEX_BYTES + 16], hex[OID_HEX_BYTES];
	const uint64_t *size = map_get(&c->there, p->name.b);

	if (!check_is_missing(c, p))
		return 0;
	snprintf(file, sizeof(file), "%s/%s", p->kind == PACK_META ? "meta" :
		"data", oid_hex(&p->name, hex));
	if (size)
		check_say(c, CHECK_DAMAGE, file, NULL, NULL, "has %" PRIu64
			" bytes where the index says %" PRIu32, *size,
			p->bytes);
	else
		check_say(c, CHECK_DAMAGE, file, NULL, NULL,
			"is missing, and the index names it");
	return sound_bad_pack(&c->sound, &p->name, c->e);
}

int check_look(struct check *c)
{
	int rc;

	c->missing = 0;
	if ((rc = check_list(c, STORE_META, &c->meta, &c->there)) < 0 ||
	    (rc = check_list(c, STORE_DATA, &c->data, &c->there)) < 0 ||
	    (rc = idx_each_pack(c->idx, check_listed_cb, c, c->e)) < 0 ||
	    (rc = idx_each_reused(c->idx, &c->g, check_count_cb, c,
				  c->e)) < 0)
		return rc;
	strv_sort(&c->data);
	strv_sort(&c->meta);
	return 0;
}

int check_index(struct check *c)
{
	int rc = 0;

	if (c->o->flags & CHECK_INDEX)
		rc = check_segments(c);
	return rc < 0 ? rc : idx_each_reused(c->idx, &c->g, check_missing_cb,
		c, c->e);
}
