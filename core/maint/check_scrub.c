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

static int scrub_file(struct check *c, const struct sid *repo,
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

static int scrub_files(struct check *c, const struct sid *repo,
		       const struct scrub_kind *k)
{
	struct strv names = STRV_INIT;
	size_t i;
	int rc = check_list(c, k->store, &names, NULL);

	for (i = 0; rc == 0 && i < names.n; i++) {
		rc = cancel_check(c->o->cancel, c->e);
		if (rc == 0)
			rc = scrub_file(c, repo, k, names.v[i]);
	}
	strv_release(&names);
	return rc;
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
		rc = scrub_files(&c, repo, &scrub_kinds[i]);
	if (rc == 0)
		rc = check_segments(&c);
	if (rc == 0)
		rc = check_list(&c, STORE_META, &c.meta, &c.there);
	if (rc == 0)
		rc = check_list(&c, STORE_DATA, &c.data, &c.there);
	if (rc == 0) {
		strv_sort(&c.data);
		strv_sort(&c.meta);
		rc = check_packs(&c);
	}
	if (rc == 0 && res->damage)
		rc = err_set(c.e, ERR_CORRUPT, "the repository is damaged: "
			"%llu findings", (unsigned long long)res->damage);
	check_end(&c);
	return rc;
}
