/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Damaged packs that their parity mends.  Their objects go, sealed as they are,
 * into a pack with one session more, so that its name is another one: nothing
 * is put in the place of a file that is there.
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "maint/repair_priv.h"
#include "repo/parity_store.h"

static int rescue_put(struct repair *x, enum pack_kind kind,
		      struct pack_table *t, const struct buf *file)
{
	struct iovec objects = { file->p + t->entries[0].off, 0 };
	struct segment_pack sp;
	uint32_t i;
	int rc;

	for (i = 0; i < t->n_entries; i++)
		objects.iov_len += t->entries[i].obj.stored_len;
	rc = compact_put_pack(&x->c, kind, t, &objects, &sp);
	x->res->packs_rescued += rc == 0;
	return rc;
}

/* The table with a session more. */
static int rescue_session(struct repair *x, struct pack_table *t,
			  struct err *e)
{
	struct pack_session *s;

	if (t->n_sessions >= PACK_MAX_SESSIONS)
		return err_set(e, ERR_CORRUPT,
			"there is no room for one session more");
	s = mem_resize(t->sessions, (size_t)t->n_sessions + 1, sizeof(*s));
	if (!s)
		return err_nomem(e);
	t->sessions = s;
	compact_own_session(&s[t->n_sessions++], NULL, x->r);
	return 0;
}

static int rescue_pack(struct repair *x, enum pack_kind kind,
		       const struct oid *name, const char *hex)
{
	enum store_kind at = kind == PACK_META ? STORE_META : STORE_DATA;
	struct buf file = { .max = FMT_PACK_MAX_BYTES };
	struct err why = { ERR_OK, "" };
	struct pack_table t = { 0 };
	int rc;

	rc = parity_store_mend(repo_store(x->r), at, hex, &file, NULL, &why);
	if (rc == 0)
		rc = compact_table_of(&x->c, name, &file, &t, &why);
	if (rc == 0)
		rc = rescue_session(x, &t, &why);
	if (rc == 0) {
		rc = rescue_put(x, kind, &t, &file);
	} else if (rc == ERR_NOMEM || rc == ERR_IO) {
		*x->e = why;
	} else {
		log_info("repair", "%s/%s cannot be mended: %s",
			store_kind_name(at), hex, why.msg);
		rc = 0;
	}
	pack_table_release(&t);
	buf_release(&file);
	return rc;
}

static int rescue_packs(struct repair *x, enum pack_kind kind,
			const struct strv *names)
{
	struct oid name;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < names->n; i++) {
		if (!oid_parse(&name, names->v[i]) ||
		    sound_pack(&x->k.sound, &name) ||
		    map_get(&x->k.condemned, name.b))
			continue;
		rc = cancel_check(x->o->cancel, x->e);
		if (rc == 0)
			rc = rescue_pack(x, kind, &name, names->v[i]);
	}
	return rc;
}

int repair_rescue(struct repair *x)
{
	int rc;

	x->res->packs_rescued = 0;
	rc = rescue_packs(x, PACK_META, &x->k.meta);
	if (rc == 0)
		rc = rescue_packs(x, PACK_DATA, &x->k.data);
	if (rc == 0 && x->res->packs_rescued)
		rc = store_sync(repo_store(x->r), x->e);
	return rc;
}
