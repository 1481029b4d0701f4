/* SPDX-License-Identifier: BSD-2-Clause */
/* Parity: is it there, and is it what was written? */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "format/record.h"
#include "maint/check_priv.h"
#include "repo/parity_store.h"

/* Of a file that parity belongs to: none is good, or at least one is. */
enum { PARITY_BAD, PARITY_GOOD };

/* Fences are smaller than records, and have no parity. */
#define PARITY_RECORD_LEAST RECORD_PAD_BYTES

struct check_parity {
	struct check *c;
	struct map state;		/* by the first half of the name */
	enum store_kind kind;		/* that is being listed */
	uint64_t without;
};

static int parity_name_cb(const char *name, uint64_t size, void *ctx)
{
	(void)size;
	return strv_add(ctx, name, NULL);
}

static bool parity_key(struct oid *key, const char *name)
{
	struct sid sid;

	memset(key, 0, sizeof(*key));
	if (oid_parse(key, name))
		return true;
	if (!sid_parse(&sid, name))
		return false;
	memcpy(key->b, sid.b, sizeof(sid.b));
	return true;
}

static int parity_one(struct check_parity *p, const char *text)
{
	struct check *c = p->c;
	struct err why = { ERR_OK, "" };
	char name[OID_HEX_BYTES];
	unsigned number;
	struct oid key;
	uint64_t *state;
	bool was;
	int rc, got;

	if (!parity_store_owner(text, name, &number) ||
	    !parity_key(&key, name))
		return 0;
	if ((rc = cancel_check(c->o->cancel, c->e)) < 0)
		return rc;
	got = parity_store_scrub(c->repo, text, &why);
	if (got == ERR_NOMEM)
		return err_nomem(c->e);
	if (got == ERR_NOENT)		/* it went with its pack */
		return 0;
	rc = map_put(&p->state, key.b, &state, &was, c->e);
	if (rc == 0 && got == 0)
		*state = PARITY_GOOD;
	return rc;
}

/* A file that should have parity. */
static int parity_owner_cb(const char *name, uint64_t size, void *ctx)
{
	struct check_parity *p = ctx;
	char file[OID_HEX_BYTES + 16];
	struct oid key;
	uint64_t *state;

	if ((p->kind == STORE_ARCHIVES && size < PARITY_RECORD_LEAST) ||
	    !parity_key(&key, name))
		return 0;
	state = map_get(&p->state, key.b);
	p->without += !state;
	if (!state || *state == PARITY_GOOD)
		return 0;
	snprintf(file, sizeof(file), "%s/%s", store_kind_name(p->kind), name);
	check_say(p->c, CHECK_DAMAGE, file, NULL, NULL, "its parity is "
		"damaged: 'muniment parity --fill' makes it again");
	return 0;
}

static int parity_owners(struct check_parity *p)
{
	struct check *c = p->c;
	static const enum store_kind kind[] = { STORE_META, STORE_DATA,
						STORE_ARCHIVES };
	unsigned mille, i;
	int rc = 0;

	for (i = 0; rc == 0 && i < 3; i++) {
		p->kind = kind[i];
		rc = store_list(repo_store(c->repo), kind[i], parity_owner_cb,
			p, c->e);
	}
	if (rc < 0 || (rc = parity_store_level(c->repo, &mille, c->e)) < 0)
		return rc;
	if (mille && p->without)
		check_say(c, CHECK_NOTE, NULL, NULL, NULL, "%" PRIu64 " packs "
			"and archives have no parity: 'muniment parity --fill' "
			"makes it", p->without);
	return 0;
}

int check_parity(struct check *c)
{
	struct check_parity p = { .c = c };
	struct strv names = STRV_INIT;
	size_t i;
	int rc;

	rc = store_list(repo_store(c->repo), STORE_PARITY, parity_name_cb,
		&names, c->e);
	if (rc == ERR_NOMEM)
		err_nomem(c->e);
	c->done = 0;
	c->total = names.n;
	for (i = 0; rc == 0 && i < names.n; i++) {
		rc = parity_one(&p, names.v[i]);
		c->done++;
		check_tick(c, "parity");
	}
	if (rc == 0)
		rc = parity_owners(&p);
	map_release(&p.state);
	strv_release(&names);
	return rc;
}

bool check_parity_mends(struct check *c, enum store_kind kind,
			const char *name, struct buf *file)
{
	return c->repo && parity_store_mend(c->repo, kind, name, file, NULL,
		NULL) == 0;
}
