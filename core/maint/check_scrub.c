/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be told of a repository without its key. */
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "format/mark.h"
#include "format/record.h"
#include "maint/check_priv.h"

#define SCRUB_MARK_MAX_BYTES (64u << 20)

struct scrub_kind {
	enum store_kind store;
	enum fmt_kind kind;
	size_t max_bytes;
};
static const struct scrub_kind scrub_kinds[] = {
	{ STORE_ARCHIVES, FMT_RECORD, RECORD_MAX_BYTES },
	{ STORE_TOMBSTONES, FMT_TOMBSTONE, 1u << 20 },
	{ STORE_GENERATIONS, FMT_GENERATION, SCRUB_MARK_MAX_BYTES },
};

static int scrub_record(struct check *c, const struct sid *repo,
		      const struct scrub_kind *k, const char *name)
{
	struct err why = { ERR_OK, "" };
	struct buf b = BUF_INIT;
	char file[STORE_NAME_MAX + 16];
	struct sid sid;
	int rc;

	snprintf(file, sizeof(file), "%s/%s", store_kind_name(k->store), name);
	rc = store_get_all(c->store, k->store, name, k->max_bytes, &b, &why);
	if (rc == 0 && k->kind != FMT_RECORD)
		rc = mark_scrub(k->kind, repo, b.p, b.len, &why);
	else if (rc == 0 && sid_parse(&sid, name))
		rc = record_scrub(repo, &sid, b.p, b.len, &why);
	else if (rc == 0)
		check_say(c, CHECK_NOTE, file, NULL, NULL,
			"is no archive: ignored");
	buf_release(&b);
	if (rc == ERR_NOENT)		/* collected meanwhile */
		return 0;
	if (rc == ERR_CORRUPT || rc == ERR_CONFIG || rc == ERR_AUTH) {
		check_say(c, CHECK_DAMAGE, file, NULL, NULL, "%s", why.msg);
		return 0;
	}
	if (rc < 0)
		*c->e = why;
	c->res->archives += rc == 0 && k->kind == FMT_RECORD;
	return rc;
}

static int scrub_records(struct check *c, const struct sid *repo,
		       const struct scrub_kind *k)
{
	struct strv names = STRV_INIT;
	size_t i;
	int rc = check_list(c, k->store, &names, NULL);

	for (i = 0; rc == 0 && i < names.n; i++) {
		rc = cancel_check(c->o->cancel, c->e);
		if (rc == 0)
			rc = scrub_record(c, repo, k, names.v[i]);
	}
	strv_release(&names);
	return rc;
}

/* What the store itself has found, in its own thread; said afterwards. */
struct scrub_found {
	struct check *c;
	uint64_t files, bytes;
	struct strv bad;		/* a file, and why, by turns */
	struct strv strange;		/* no names of segments */
	struct err e;
};

static int scrub_found_add(struct scrub_found *f,
			   const struct store_scrubbed *x)
{
	char file[STORE_NAME_MAX + 16];
	struct segment_name name;
	int rc;

	snprintf(file, sizeof(file), "%s/%s", store_kind_name(x->kind),
		x->name);
	if (x->kind == STORE_INDEX && !segment_name_get(&name, x->name))
		return strv_add(&f->strange, file, &f->e);
	rc = strv_add(&f->bad, file, &f->e);
	return rc < 0 ? rc : strv_add(&f->bad, x->why, &f->e);
}

static int scrub_found_cb(const struct store_scrubbed *x, void *ctx)
{
	struct scrub_found *f = ctx;

	if (x->files < f->files) {	/* it began again */
		strv_release(&f->bad);
		strv_release(&f->strange);
	}
	f->files = x->files;
	f->bytes = x->bytes;
	f->c->done = x->files;
	check_tick(f->c, "packs");
	if (x->why && scrub_found_add(f, x) < 0)
		return ERR_NOMEM;
	return cancel_check(f->c->o->cancel, &f->e);
}

static int scrub_index_cb(const char *name, uint64_t size, void *ctx)
{
	struct scrub_found *f = ctx;
	struct segment_name segment;

	f->c->res->segments += segment_name_get(&segment, name);
	f->bytes += size;
	return 0;
}

/* Segments are counted apart from packs, by a listing. */
static int scrub_said(struct scrub_found *f)
{
	struct check *c = f->c;
	uint64_t bytes = f->bytes, other;
	size_t i;
	int rc;

	for (i = 0; i + 1 < f->bad.n; i += 2)
		check_say(c, CHECK_DAMAGE, f->bad.v[i], NULL, NULL, "%s",
			f->bad.v[i + 1]);
	for (i = 0; i < f->strange.n; i++)
		check_say(c, CHECK_NOTE, f->strange.v[i], NULL, NULL,
			"is no index segment: ignored");
	f->bytes = 0;
	rc = store_list(c->store, STORE_INDEX, scrub_index_cb, f, c->e);
	other = c->res->segments + f->strange.n;
	c->res->packs = f->files > other ? f->files - other : 0;
	c->res->packs_there = c->res->packs;
	c->res->stored_bytes = bytes > f->bytes ? bytes - f->bytes : 0;
	return rc;
}

/* 1: the store cannot, or not for a part of it. */
static int scrub_there(struct check *c)
{
	struct scrub_found f = { .c = c };
	int rc;

	if (c->o->sample > 0 || c->o->max_secs || c->o->position)
		return 1;
	err_clear(&f.e);
	rc = store_scrub(c->store, scrub_found_cb, &f, c->e);
	if (rc < 0 && f.e.code != ERR_OK)
		*c->e = f.e;
	if (rc == 0)
		rc = scrub_said(&f);
	strv_release(&f.bad);
	strv_release(&f.strange);
	return rc;
}

static int scrub_here(struct check *c)
{
	int rc = check_segments(c);

	if (rc == 0)
		rc = check_list(c, STORE_META, &c->meta, &c->there);
	if (rc == 0)
		rc = check_list(c, STORE_DATA, &c->data, &c->there);
	if (rc < 0)
		return rc;
	strv_sort(&c->data);
	strv_sort(&c->meta);
	return check_packs(c);
}

int check_scrub(struct store *st, const struct sid *repo,
		const struct check_opts *o, struct check_result *res,
		struct err *e)
{
	struct check_opts whole = *o;
	struct err own = { ERR_OK, "" };
	struct check c = { .store = st, .o = &whole, .res = res,
			   .e = e ? e : &own };
	size_t i;
	int rc = 0;

	memset(res, 0, sizeof(*res));
	whole.flags = CHECK_PACKS;
	for (i = 0; rc == 0 && i < sizeof(scrub_kinds) /
	     sizeof(scrub_kinds[0]); i++)
		rc = scrub_records(&c, repo, &scrub_kinds[i]);
	if (rc == 0 && (rc = scrub_there(&c)) == 1)
		rc = scrub_here(&c);
	if (rc == 0 && res->damage)
		rc = err_set(c.e, ERR_CORRUPT, "the repository is damaged: "
			"%llu findings", (unsigned long long)res->damage);
	check_end(&c);
	return rc;
}
