/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Damaged and missing packs that can be had from elsewhere.  Their objects go,
 * sealed as they are, into a pack with one session more, so that its name is
 * another one: nothing is put in the place of a file that is there.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/pack.h"
#include "maint/repair_priv.h"

static int rescue_put(struct repair *x, const struct pack_head *h,
		      struct pack_table *t, const struct buf *file)
{
	enum store_kind kind = h->kind == PACK_META ? STORE_META : STORE_DATA;
	size_t at = PACK_HEADER_BYTES + h->table_bytes, len = 0;
	struct buf head = BUF_INIT, pad = BUF_INIT;
	char hex[OID_HEX_BYTES];
	struct iovec iov[3];
	struct oid name;
	uint32_t i;
	int rc;

	for (i = 0; i < t->n_entries; i++)
		len += t->entries[i].obj.stored_len;
	rc = pack_seal(repo_ctx(x->r), h->kind, t, file->p + at, len, &head,
		&pad, &name, x->e);
	if (rc == 0) {
		iov[0] = (struct iovec) { head.p, head.len };
		iov[1] = (struct iovec) { file->p + at, len };
		iov[2] = (struct iovec) { pad.p, pad.len };
		rc = store_put(repo_store(x->r), kind, oid_hex(&name, hex),
			iov, 3, 0, x->e);
	}
	if (rc == 0)
		x->res->packs_rescued++;
	buf_release(&head);
	buf_release(&pad);
	return rc;
}

/* The table with a session more. */
static int rescue_session(struct repair *x, struct pack_table *t)
{
	struct pack_session *s;

	if (t->n_sessions >= PACK_MAX_SESSIONS)
		return err_set(x->e, ERR_CORRUPT,
			"a pack has no room for one session more");
	s = mem_resize(t->sessions, (size_t)t->n_sessions + 1, sizeof(*s));
	if (!s)
		return err_nomem(x->e);
	t->sessions = s;
	compact_own_session(&s[t->n_sessions++], NULL, x->r);
	return 0;
}

static int rescue_pack(struct repair *x, enum store_kind kind,
		       const struct oid *name)
{
	struct err why = { ERR_OK, "" };
	struct pack_table t = { 0 };
	struct pack_head h;
	struct buf file = { .max = FMT_PACK_MAX_BYTES };
	int rc;

	rc = x->o->elsewhere(x->r, kind, name, &file, x->o->ctx, &why);
	if (rc == 0)
		rc = pack_scrub(name, file.p, file.len, &why);
	if (rc == 0)
		rc = pack_open_head(&h, repo_ctx(x->r), name, file.p,
			PACK_HEADER_BYTES, &why);
	if (rc == 0)
		rc = pack_open_table(&t, &h, repo_ctx(x->r),
			file.p + PACK_HEADER_BYTES, h.table_bytes, &why);
	if (rc == 0) {
		rc = rescue_session(x, &t);
		if (rc == 0)
			rc = rescue_put(x, &h, &t, &file);
	} else if (rc == ERR_NOENT || rc == ERR_CORRUPT || rc == ERR_AUTH) {
		rc = 0;			/* it is not to be had */
	} else {
		*x->e = why;
	}
	pack_table_release(&t);
	buf_release(&file);
	return rc;
}

static int rescue_cb(const struct segment_pack *p, void *ctx)
{
	struct repair *x = ctx;

	if (sound_pack(&x->k.sound, &p->name) ||
	    map_get(&x->k.condemned, p->name.b))
		return 0;
	return rescue_pack(x, p->kind == PACK_META ? STORE_META : STORE_DATA,
		&p->name);
}

int repair_rescue(struct repair *x)
{
	int rc;

	if (!x->o->elsewhere)
		return 0;
	rc = idx_each_pack(x->k.idx, rescue_cb, x, x->e);
	return rc < 0 ? rc : store_sync(repo_store(x->r), x->e);
}
