/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parity files go with what they belong to (G5).  parity/ is listed first, and
 * a parity file is put after its pack: so one whose pack cannot be found after
 * that has outlived it.  It goes if this collection removed the pack, or if no
 * segment names the pack any more; that of a record only if the archive was
 * deleted in the open.  No clock, no age.  This needs no generation, so it is
 * also done where there is nothing to collect.
 */
#include "base/strv.h"
#include "maint/compact_priv.h"
#include "repo/parity_store.h"

struct parity_sweep {
	struct collect *c;
	struct map named;		/* packs that a segment names */
	struct map buried;		/* deleted archives: session ids */
};

static int parity_name_cb(const char *name, uint64_t size, void *ctx)
{
	(void)size;
	return strv_add(ctx, name, NULL);
}

static int parity_named_cb(const struct segment_pack *sp, void *ctx)
{
	struct parity_sweep *s = ctx;
	uint64_t *value;
	bool was;

	return map_put(&s->named, sp->name.b, &value, &was, s->c->e);
}

static int parity_there(struct collect *c, enum store_kind kind,
			const char *name, bool *there)
{
	uint64_t bytes;
	int rc = store_stat(repo_store(c->r), kind, name, &bytes, c->e);

	*there = rc == 0;
	if (rc == ERR_NOENT) {
		err_clear(c->e);
		rc = 0;
	}
	return rc;
}

static int parity_of_pack(struct parity_sweep *s, const struct oid *pack,
			  const char *name, bool *goes)
{
	struct compact_pack *p = compact_pack(s->c, pack);
	bool there;
	int rc;

	*goes = p && (compact_in_x(p) || (p->state & PACK_OLD));
	if (p || map_get(&s->named, pack->b))
		return 0;
	rc = parity_there(s->c, STORE_DATA, name, &there);
	if (rc == 0 && !there)
		rc = parity_there(s->c, STORE_META, name, &there);
	*goes = rc == 0 && !there;
	return rc;
}

static int parity_of_record(struct parity_sweep *s, const struct sid *session,
			    const char *name, bool *goes)
{
	bool there;
	int rc;

	*goes = false;
	if (!map_get(&s->c->dead, session->b) &&
	    !map_get(&s->buried, session->b))
		return 0;
	rc = parity_there(s->c, STORE_ARCHIVES, name, &there);
	*goes = rc == 0 && !there;
	return rc;
}

static int parity_one(struct parity_sweep *s, const char *text)
{
	char name[OID_HEX_BYTES];
	struct collect *c = s->c;
	unsigned number;
	struct oid pack;
	struct sid sid;
	bool goes;
	int rc;

	if (!parity_store_owner(text, name, &number))
		return 0;
	if (oid_parse(&pack, name))
		rc = parity_of_pack(s, &pack, name, &goes);
	else if (sid_parse(&sid, name))
		rc = parity_of_record(s, &sid, name, &goes);
	else
		return 0;
	if (rc == 0 && goes) {
		rc = store_del(repo_store(c->r), STORE_PARITY, text, c->e);
		if (rc == ERR_NOENT) {
			err_clear(c->e);
			rc = 0;
		}
	}
	return rc;
}

static int parity_prepare(struct parity_sweep *s)
{
	struct collect *c = s->c;
	uint64_t *value;
	bool was;
	size_t i;
	int rc;

	rc = idx_census_each_pack(c->census, parity_named_cb, s, c->e);
	for (i = 0; rc == 0 && i < c->n_buried; i++)
		rc = map_put(&s->buried, c->buried[i].b, &value, &was, c->e);
	return rc;
}

int compact_parity(struct collect *c)
{
	struct parity_sweep s = { .c = c };
	struct strv names = STRV_INIT;
	size_t i;
	int rc;

	rc = store_list(repo_store(c->r), STORE_PARITY, parity_name_cb,
		&names, c->e);
	if (rc == ERR_NOMEM)
		err_nomem(c->e);
	if (rc == 0 && names.n > 0)
		rc = parity_prepare(&s);
	for (i = 0; rc == 0 && i < names.n; i++)
		rc = parity_one(&s, names.v[i]);
	map_release(&s.named);
	map_release(&s.buried);
	strv_release(&names);
	return rc;
}
