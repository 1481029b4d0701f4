/* SPDX-License-Identifier: BSD-2-Clause */
/* What a collection or a repair puts. */
#include "base/log.h"
#include "maint/compact_priv.h"
#include "repo/meta_local.h"
#include "repo/parity_store.h"
#include "repo/reserve.h"

int compact_put(struct collect *c, enum store_kind kind, const char *name,
		const struct iovec *iov, int n, unsigned flags)
{
	struct store *st = repo_store(c->r);
	uint64_t given;
	int rc;

	rc = store_put(st, kind, name, iov, n, flags, c->e);
	if (rc != ERR_FULL || !c->must)
		return rc;
	if ((rc = reserve_give(c->r, &given, c->e)) < 0)
		return rc;
	return store_put(st, kind, name, iov, n, flags, c->e);
}

static int put_read_back(struct collect *c, enum store_kind kind,
			 const char *hex, const struct oid *name)
{
	struct buf b = BUF_INIT;
	int rc;

	rc = store_get_all(repo_store(c->r), kind, hex, FMT_PACK_MAX_BYTES, &b,
		c->e);
	if (rc == 0)
		rc = pack_scrub(name, b.p, b.len, c->e);
	if (rc == ERR_NOENT)		/* to others it was garbage */
		rc = err_set(c->e, ERR_RETRY,
			"another compaction was faster");
	else if (rc < 0)
		err_ctx(c->e, "%s/%s, which was just written",
			store_kind_name(kind), hex);
	buf_release(&b);
	return rc;
}

/* Compaction gives room: that there is none for parity is no failure. */
static int put_parity(struct collect *c, const char *hex,
		      const struct iovec iov[3])
{
	unsigned mille = 0;
	int rc = 0;

	if (c->mille < 0 &&
	    (rc = parity_store_level(c->r, &mille, c->e)) == 0)
		c->mille = (int)mille;
	if (rc == 0 && c->mille > 0)
		rc = parity_store_put(c->r, hex, (unsigned)c->mille, iov, 3,
			c->e);
	if (rc == ERR_FULL) {
		log_warn("compact", "a pack has no parity: %s", c->e->msg);
		err_clear(c->e);
		rc = 0;
	}
	return rc;
}

int compact_put_pack(struct collect *c, enum pack_kind kind,
		     struct pack_table *t, const struct iovec *objects,
		     struct segment_pack *sp)
{
	enum store_kind at = kind == PACK_META ? STORE_META : STORE_DATA;
	struct buf head = BUF_INIT, pad = BUF_INIT;
	char hex[OID_HEX_BYTES];
	struct iovec iov[3];
	int rc;

	rc = pack_seal(repo_ctx(c->r), kind, t, objects->iov_base,
		objects->iov_len, &head, &pad, &sp->name, c->e);
	if (rc < 0)
		goto out;
	iov[0] = (struct iovec) { head.p, head.len };
	iov[1] = *objects;
	iov[2] = (struct iovec) { pad.p, pad.len };
	sp->kind = kind;
	sp->bytes = (uint32_t)(head.len + objects->iov_len + pad.len);
	rc = compact_put(c, at, oid_hex(&sp->name, hex), iov, 3, 0);
	if (rc == 0)
		rc = put_read_back(c, at, hex, &sp->name);
	if (rc == 0 && kind == PACK_META)
		meta_local_put(repo_meta_local(c->r), &sp->name, iov, 3);
	if (rc == 0)
		rc = put_parity(c, hex, iov);
	if (rc == 0) {
		c->res->packs_written++;
		c->res->bytes_written += sp->bytes;
	}
out:
	buf_release(&head);
	buf_release(&pad);
	return rc;
}
