/* SPDX-License-Identifier: BSD-2-Clause */
#include "maint/parity_repair.h"

#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "format/pack.h"
#include "format/record.h"
#include "maint/compact.h"
#include "repo/catalog.h"
#include "repo/parity_store.h"

struct parity_repair {
	struct repo *r;
	const struct parity_repair_opts *o;
	struct parity_repair_result *res;
	struct err *e;
	struct map have;		/* files that have parity, by name */
	struct map renew;		/* damaged packs that can be mended */
	struct strv names;		/* of a listing */
	struct buf file;
	uint64_t *bytes;		/* of a listing: counted there */
	uint64_t least;			/* smaller files do not count */
};

/* --- listings --- */

static int repair_name_cb(const char *name, uint64_t size, void *ctx)
{
	struct parity_repair *p = ctx;

	if (size < p->least)
		return 0;
	*p->bytes += size;
	return strv_add(&p->names, name, p->e);
}

static int repair_list(struct parity_repair *p, enum store_kind kind,
		       uint64_t *bytes)
{
	strv_release(&p->names);
	p->bytes = bytes;
	p->least = kind == STORE_ARCHIVES ? RECORD_PAD_BYTES : 0;
	return store_list(repo_store(p->r), kind, repair_name_cb, p, p->e);
}

/* What a map is asked with: 16 bytes of the name. */
static bool repair_key(uint8_t key[16], const char *name)
{
	struct oid oid;
	struct sid sid;

	if (oid_parse(&oid, name))
		memcpy(key, oid.b, 16);
	else if (sid_parse(&sid, name))
		memcpy(key, sid.b, 16);
	else
		return false;
	return true;
}

/* Which files have parity; when it is to be made, good parity. */
static int repair_have(struct parity_repair *p)
{
	char name[OID_HEX_BYTES];
	struct err why = { ERR_OK, "" };
	uint64_t *value;
	uint8_t key[16];
	unsigned number;
	bool was;
	size_t i;
	int rc;

	rc = repair_list(p, STORE_PARITY, &p->res->parity_bytes);
	for (i = 0; rc == 0 && i < p->names.n; i++) {
		if (!parity_store_owner(p->names.v[i], name, &number) ||
		    !repair_key(key, name))
			continue;
		p->res->parity_files++;
		if ((rc = cancel_check(p->o->cancel, p->e)) < 0)
			break;
		if (p->o->flags & PARITY_REPAIR_FILL)
			rc = parity_store_scrub(p->r, p->names.v[i], &why);
		if (rc == 0)
			rc = map_put(&p->have, key, &value, &was, &why);
		else if (rc != ERR_NOMEM)
			rc = 0;
		if (rc < 0)
			*p->e = why;
	}
	return rc;
}

/* --- files --- */

int parity_repair_look(struct repo *r, enum store_kind kind, const char *name,
		       struct buf *file, enum parity_repair_state *state,
		       struct err *why, struct err *e)
{
	struct err how = { ERR_OK, "" };
	struct oid pack;
	int rc;

	*state = PARITY_REPAIR_SOUND;
	buf_clear(file);
	if (!oid_parse(&pack, name))
		return err_set(e, ERR_CORRUPT, "'%s' is no name of a pack",
			name);
	rc = store_get_all(repo_store(r), kind, name, FMT_PACK_MAX_BYTES,
		file, why);
	if (rc == 0)
		rc = pack_scrub(&pack, file->p, file->len, why);
	if (rc == 0)
		return 0;
	if (rc != ERR_CORRUPT && rc != ERR_IO && rc != ERR_CONFIG) {
		if (e)
			*e = *why;
		return rc;
	}
	rc = parity_store_mend(repo_store(r), kind, name, file, NULL, &how);
	*state = rc == 0 ? PARITY_REPAIR_MENDABLE : PARITY_REPAIR_LOST;
	if (rc == ERR_NOMEM || (rc == ERR_IO && why->code == ERR_IO)) {
		if (e)
			*e = how;
		return rc;
	}
	if (rc < 0)
		err_set(why, ERR_CORRUPT, "%s; %s", why->msg, how.msg);
	return 0;
}

static void repair_say(struct parity_repair *p, enum store_kind kind,
		       const char *name, const char *text)
{
	char file[OID_HEX_BYTES + 16];

	snprintf(file, sizeof(file), "%s/%s", store_kind_name(kind), name);
	if (p->o->finding)
		p->o->finding(file, text, p->o->ctx);
}

/* A damaged pack is found, and noted if it can be replaced.  *good: p->file
 * has its right bytes. */
static int repair_pack(struct parity_repair *p, enum store_kind kind,
		       const char *name, bool *good)
{
	char text[ERR_MSG_BYTES + 64];
	enum parity_repair_state state;
	struct err why = { ERR_OK, "" };
	uint64_t *value;
	struct oid pack;
	bool was;
	int rc;

	rc = parity_repair_look(p->r, kind, name, &p->file, &state, &why,
		p->e);
	*good = rc == 0 && state != PARITY_REPAIR_LOST;
	if (rc == ERR_NOENT) {		/* collected meanwhile */
		err_clear(p->e);
		return 0;
	}
	if (rc < 0 || state == PARITY_REPAIR_SOUND)
		return rc;
	p->res->damaged++;
	snprintf(text, sizeof(text), "is damaged, and %s: %s",
		state == PARITY_REPAIR_LOST ? "cannot be mended" :
		"its parity mends it", why.msg);
	repair_say(p, kind, name, text);
	if (state == PARITY_REPAIR_LOST)
		return 0;
	p->res->mendable++;
	if (!oid_parse(&pack, name))
		return 0;
	return map_put(&p->renew, pack.b, &value, &was, p->e);
}

/* A record is taken only as one that can be opened. */
static int repair_record(struct parity_repair *p, const char *name,
			 bool *good)
{
	struct catalog_item it = { .deleted = false };
	struct err why = { ERR_OK, "" };
	struct sid sid;
	int rc;

	*good = false;
	if (!sid_parse(&sid, name))
		return 0;
	buf_clear(&p->file);
	rc = store_get_all(repo_store(p->r), STORE_ARCHIVES, name,
		RECORD_MAX_BYTES, &p->file, &why);
	if (rc == 0)
		rc = record_open_head(&it.rec, repo_ctx(p->r), &sid,
			p->file.p, p->file.len, &it.id, &why);
	record_release(&it.rec);
	*good = rc == 0;
	if (rc == ERR_NOMEM || rc == ERR_CANCEL) {
		*p->e = why;
		return rc;
	}
	if (rc == ERR_CORRUPT || rc == ERR_AUTH)
		repair_say(p, STORE_ARCHIVES, name, why.msg);
	return 0;		/* a fence, gone, damaged */
}

static int repair_fill(struct parity_repair *p, const char *name)
{
	struct iovec iov = { p->file.p, p->file.len };
	int rc;

	if (p->o->flags & PARITY_REPAIR_DRY_RUN)
		return 0;
	rc = parity_store_put(p->r, name, p->res->mille, &iov, 1, p->e);
	if (rc == 0)
		p->res->made++;
	return rc;
}

static int repair_file(struct parity_repair *p, enum store_kind kind,
		       const char *name)
{
	bool record = kind == STORE_ARCHIVES, has, good = false;
	unsigned flags = p->o->flags;
	uint8_t key[16];
	int rc;

	if (!repair_key(key, name))
		return 0;
	has = map_get(&p->have, key) != NULL;
	p->res->without += !has;
	if (record && (flags & PARITY_REPAIR_FILL) && !has)
		rc = repair_record(p, name, &good);
	else if (!record && ((flags & PARITY_REPAIR_RENEW) ||
			     ((flags & PARITY_REPAIR_FILL) && !has)))
		rc = repair_pack(p, kind, name, &good);
	else
		return 0;
	if (rc == 0 && good && !has && (flags & PARITY_REPAIR_FILL))
		rc = repair_fill(p, name);
	return rc;
}

static int repair_files(struct parity_repair *p, enum store_kind kind,
			uint64_t *count)
{
	size_t i;
	int rc;

	rc = repair_list(p, kind, &p->res->bytes);
	*count += p->names.n;
	for (i = 0; rc == 0 && i < p->names.n; i++) {
		rc = repair_file(p, kind, p->names.v[i]);
		if (rc == 0)
			rc = cancel_check(p->o->cancel, p->e);
		if (p->o->progress)
			p->o->progress(store_kind_name(kind), i, p->names.n,
				p->o->ctx);
	}
	return rc;
}

/* --- replacing --- */

static int repair_renew(struct parity_repair *p)
{
	struct compact_opts o = COMPACT_DEFAULT;
	struct compact_result res;
	int rc;

	if (p->renew.count == 0 || (p->o->flags & PARITY_REPAIR_DRY_RUN))
		return 0;
	o.renew = &p->renew;
	o.cancel = p->o->cancel;
	rc = compact_run(p->r, &o, &res, p->e);
	p->res->waiting = res.waiting;
	if (rc == 0 && res.waiting == 0)
		p->res->renewed = p->renew.count;
	return rc;
}

int parity_repair_run(struct repo *r, const struct parity_repair_opts *o,
		      struct parity_repair_result *res, struct err *e)
{
	struct err own = { ERR_OK, "" };
	struct parity_repair p = { .r = r, .o = o, .res = res,
				   .e = e ? e : &own };
	unsigned need = KEY_READ;
	int rc;

	memset(res, 0, sizeof(*res));
	if (o->flags & PARITY_REPAIR_FILL)
		need |= KEY_APPEND;
	if (o->flags & PARITY_REPAIR_RENEW)
		need |= KEY_APPEND | KEY_DELETE;
	if ((rc = repo_require(r, need, p.e)) < 0 ||
	    (rc = parity_store_level(r, &res->mille, p.e)) < 0)
		return rc;
	if ((o->flags & PARITY_REPAIR_FILL) && res->mille == 0)
		return err_set(p.e, ERR_CONFIG, "this repository keeps no "
			"parity, and nothing says how much it should be");
	if ((rc = repair_have(&p)) < 0 ||
	    (rc = repair_files(&p, STORE_META, &res->packs)) < 0 ||
	    (rc = repair_files(&p, STORE_DATA, &res->packs)) < 0 ||
	    (rc = repair_files(&p, STORE_ARCHIVES, &res->records)) < 0)
		goto out;
	if (res->made && (rc = store_sync(repo_store(r), p.e)) < 0)
		goto out;
	rc = repair_renew(&p);
	if (rc == 0 && res->damaged > res->mendable)
		rc = err_set(p.e, ERR_CORRUPT, "%llu damaged packs cannot be "
			"mended", (unsigned long long)(res->damaged -
			res->mendable));
out:
	map_release(&p.have);
	map_release(&p.renew);
	strv_release(&p.names);
	buf_release(&p.file);
	return rc;
}
