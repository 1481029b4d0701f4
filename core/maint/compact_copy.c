/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying (G1, G4): the live objects of packs that go, and of those that an
 * older collection condemned (RULE C), are put into new packs as they are
 * sealed (or sealed anew, where a master key goes), each opened and compared
 * before.  What was copied is durable, and
 * was read back, before anything relies on it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "maint/compact_priv.h"
#include "repo/parity_store.h"

/* Objects side by side are read at once, over gaps of so many bytes. */
#define COPY_RUN_BYTES (4u << 20)
#define COPY_GAP_BYTES (64u << 10)

/* A pack that is being filled. */
struct copy_out {
	enum pack_kind kind;
	struct buf objects;
	struct pack_entry *entries;
	uint32_t n, cap;
	struct pack_session *sessions;
	uint16_t n_sessions, cap_sessions;
	struct map by_sid;
};
/* A pack that is copied from. */
struct copy_in {
	struct compact_pack *p;
	struct pack_table t;
	struct object_keys **keys;	/* per session, when first needed */
	struct buf run, scratch, plain, fresh;
	uint64_t run_off;
	bool mended;			/* 'run' is all of it, by its parity */
};
struct copying {
	struct collect *c;
	bool late;
	/* A session that seals nothing, in every new pack.  Without it the same
	 * objects would give the same name again, and that name may be
	 * condemned: what is put must never be what goes. */
	struct pack_session own;
	/* It seals all copies, if older master keys are to open none. */
	struct object_keys *keys;
	struct copy_out out[2];		/* data, meta */
};

/* --- out --- */

/* The objects of the pack that was put become known as copies. */
static int copy_note(struct copying *k, struct copy_out *o,
		     const struct segment_pack *sp)
{
	struct collect *c = k->c;
	uint32_t i, j, need = c->n_copy + o->n;

	if (need > c->cap_copy) {
		struct compact_copy *p = mem_resize(c->copy, need + need / 2,
			sizeof(*p));

		if (!p)
			return err_nomem(c->e);
		c->copy = p;
		c->cap_copy = need + need / 2;
	}
	if (c->n_copy_pack == c->cap_copy_pack) {
		uint32_t cap = c->cap_copy_pack ? c->cap_copy_pack * 2 : 16;
		struct segment_pack *p = mem_resize(c->copy_pack, cap,
			sizeof(*p));

		if (!p)
			return err_nomem(c->e);
		c->copy_pack = p;
		c->cap_copy_pack = cap;
	}
	for (i = 0; i < o->n; i++) {
		const struct pack_entry *pe = &o->entries[i];
		struct compact_copy *to = &c->copy[c->n_copy++];
		const struct pack_session *s = &o->sessions[pe->session];
		uint64_t *no = map_get(&c->copy_session, s->id.b);

		BUG_ON(!no);
		j = (uint32_t)*no;
		*to = (struct compact_copy) {
			.pack = c->n_copy_pack, .session = j, .off = pe->off,
			.stored_len = pe->obj.stored_len,
			.plain_len = pe->obj.plain_len, .type = pe->obj.type,
			.codec = pe->obj.codec, .late = k->late,
		};
		memcpy(to->prefix, pe->obj.id.b, sizeof(to->prefix));
	}
	c->copy_pack[c->n_copy_pack++] = *sp;
	return 0;
}

static int copy_flush(struct copying *k, struct copy_out *o)
{
	struct pack_table t = {
		.sessions = o->sessions, .n_sessions = o->n_sessions,
		.entries = o->entries, .n_entries = o->n,
	};
	const struct iovec objects = { o->objects.p, o->objects.len };
	struct segment_pack sp;
	int rc;

	if (o->n == 0)
		return 0;
	rc = compact_put_pack(k->c, o->kind, &t, &objects, &sp);
	if (rc == 0)
		rc = copy_note(k, o, &sp);
	o->n = o->n_sessions = 0;
	buf_clear(&o->objects);
	map_clear(&o->by_sid);
	return rc;
}

/* The place of a session in the pack's table; and among all copies'. */
static int copy_session(struct collect *c, struct copy_out *o,
			const struct pack_session *s, uint16_t *no)
{
	uint64_t *place;
	bool was;
	int rc;

	if ((rc = map_put(&c->copy_session, s->id.b, &place, &was, c->e)) < 0)
		return rc;
	if (!was) {
		struct pack_session *p = mem_resize(c->copy_sessions,
			c->n_copy_sessions + 1, sizeof(*p));

		if (!p)
			return err_nomem(c->e);
		c->copy_sessions = p;
		*place = c->n_copy_sessions;
		p[c->n_copy_sessions++] = *s;
	}
	if ((rc = map_put(&o->by_sid, s->id.b, &place, &was, c->e)) < 0)
		return rc;
	if (!was) {
		if (o->n_sessions == o->cap_sessions) {
			uint16_t cap = (uint16_t)(o->cap_sessions ?
				o->cap_sessions * 2 : 16);
			struct pack_session *p = mem_resize(o->sessions, cap,
				sizeof(*p));

			if (!p)
				return err_nomem(c->e);
			o->sessions = p;
			o->cap_sessions = cap;
		}
		*place = o->n_sessions;
		o->sessions[o->n_sessions++] = *s;
	}
	*no = (uint16_t)*place;
	return 0;
}

static int copy_append(struct copying *k, struct copy_out *o,
		       const struct pack_entry *pe, const uint8_t *sealed,
		       const struct pack_session *s)
{
	struct collect *c = k->c;
	uint32_t target = o->kind == PACK_META ? FMT_PACK_META_BYTES :
		FMT_PACK_DATA_BYTES;
	struct pack_entry en = { .obj = pe->obj };
	int rc;

	if (o->n == o->cap) {
		uint32_t cap = o->cap ? o->cap * 2 : 256;
		struct pack_entry *p = mem_resize(o->entries, cap, sizeof(*p));

		if (!p)
			return err_nomem(c->e);
		o->entries = p;
		o->cap = cap;
	}
	if ((rc = copy_session(c, o, &k->own, &en.session)) < 0 ||
	    (rc = copy_session(c, o, s, &en.session)) < 0 ||
	    (rc = buf_append(&o->objects, sealed, pe->obj.stored_len,
			     c->e)) < 0)
		return rc;
	o->entries[o->n++] = en;
	if (o->objects.len < target && o->n < PACK_MAX_OBJECTS &&
	    o->n_sessions < PACK_MAX_SESSIONS)
		return 0;
	return copy_flush(k, o);
}

/* --- in --- */

static void copy_in_release(struct copy_in *in)
{
	uint16_t i;

	for (i = 0; in->keys && i < in->t.n_sessions; i++)
		key_free(in->keys[i]);
	free(in->keys);
	pack_table_release(&in->t);
	buf_release(&in->run);
	buf_release(&in->scratch);
	buf_release(&in->plain);
	buf_release(&in->fresh);
}

/* Is there something else than what was written?  A damaged head seems to be
 * of another version. */
static bool copy_damage(int rc)
{
	return rc == ERR_CORRUPT || rc == ERR_AUTH || rc == ERR_CONFIG ||
		rc == ERR_IO;
}

/* All bytes of a damaged pack, by its parity. */
static int copy_mend(struct copy_in *in, struct collect *c)
{
	enum store_kind kind = in->p->kind == PACK_META ? STORE_META :
		STORE_DATA;
	struct err why = { ERR_OK, "" };
	char hex[OID_HEX_BYTES];
	uint32_t damaged;
	int rc;

	rc = parity_store_mend(repo_store(c->r), kind,
		oid_hex(&in->p->name, hex), &in->run, &damaged, &why);
	in->run_off = 0;
	in->mended = rc == 0;
	if (rc == 0) {
		log_info("compact", "%s/%s: %u damaged blocks were mended by "
			"its parity", store_kind_name(kind), hex, damaged);
		c->res->packs_mended++;
	} else if (rc != ERR_NOENT) {
		log_warn("compact", "%s/%s: its parity is of no help: %s",
			store_kind_name(kind), hex, why.msg);
	}
	return rc;
}

static int copy_in_open(struct copy_in *in, struct collect *c,
			struct compact_pack *p, struct err *e)
{
	int rc;

	memset(in, 0, sizeof(*in));
	in->p = p;
	rc = compact_table(c, p, &in->t, e);
	if (copy_damage(rc) && copy_mend(in, c) == 0)
		rc = compact_table_of(c, &p->name, &in->run, &in->t, e);
	if (rc < 0)
		return rc;
	in->keys = mem_zero(in->t.n_sessions, sizeof(struct object_keys *));
	return in->keys ? 0 : err_nomem(e);
}

static int copy_keys(struct copy_in *in, struct collect *c, uint16_t no,
		     struct err *e)
{
	const struct pack_session *s = &in->t.sessions[no];
	struct key secret;
	int rc = 0;

	if (in->keys[no])
		return 0;
	rc = repo_unseal(c->r, s, &secret, e);
	if (rc == 0 && !(in->keys[no] = key_alloc(sizeof(struct object_keys))))
		rc = err_nomem(e);
	if (rc == 0)
		object_keys(in->keys[no], &secret, repo_psk(c->r), &s->id);
	key_wipe(&secret, sizeof(secret));
	return rc;
}

/* Sealed bytes from entry i on, as many objects of 'want' as lie together. */
static int copy_run(struct copy_in *in, struct collect *c, const bool *want,
		    uint32_t i, struct err *e)
{
	const struct pack_entry *pe = in->t.entries;
	char hex[OID_HEX_BYTES];
	uint64_t end = pe[i].off + pe[i].obj.stored_len;
	uint32_t k;

	if (in->run.len && pe[i].off >= in->run_off &&
	    end <= in->run_off + in->run.len)
		return 0;
	in->run_off = pe[i].off;
	for (k = i + 1; k < in->t.n_entries; k++) {
		if (pe[k].off - end > COPY_GAP_BYTES ||
		    pe[k].off + (uint64_t)pe[k].obj.stored_len - in->run_off >
		    COPY_RUN_BYTES)
			break;
		if (want[k])
			end = pe[k].off + (uint64_t)pe[k].obj.stored_len;
	}
	buf_clear(&in->run);
	return store_get(repo_store(c->r), in->p->kind == PACK_META ?
		STORE_META : STORE_DATA, oid_hex(&in->p->name, hex),
		in->run_off, (size_t)(end - in->run_off), &in->run, e);
}

static int copy_get_once(struct copy_in *in, struct collect *c,
			 const bool *want, uint32_t i, const uint8_t **sealed,
			 struct err *e)
{
	const struct pack_entry *pe = &in->t.entries[i];
	int rc;

	if ((rc = copy_keys(in, c, pe->session, e)) < 0 ||
	    (rc = copy_run(in, c, want, i, e)) < 0)
		return rc;
	*sealed = in->run.p + (pe->off - in->run_off);
	buf_clear(&in->plain);
	if ((rc = buf_resize(&in->plain, pe->obj.plain_len, e)) < 0)
		return rc;
	return object_open(&pe->obj, repo_ctx(c->r), in->keys[pe->session],
		repo_id_key(c->r, pe->obj.type), *sealed, &in->scratch,
		in->plain.p, e);
}

/* Read and open one object: *sealed points to its bytes. */
static int copy_get(struct copy_in *in, struct collect *c, const bool *want,
		    uint32_t i, const uint8_t **sealed, struct err *e)
{
	int rc = copy_get_once(in, c, want, i, sealed, e);

	if (copy_damage(rc) && !in->mended && copy_mend(in, c) == 0)
		rc = copy_get_once(in, c, want, i, sealed, e);
	return rc;
}

/* Live, and nowhere that stays, and not copied yet. */
static bool copy_wanted(struct collect *c, const struct oid *id)
{
	struct idx_loc loc;
	unsigned at = 0;

	if (map_get(&c->have, id->b) || !idx_census_live(c->census, id))
		return false;
	while (idx_census_find(c->census, id, &at, &loc))
		if (compact_place(c, &loc, 1))
			return false;
	return true;
}

/* Does not open here.  If it is found nowhere else, a pack of ours stays as it
 * is; one that was condemned before cannot. */
static int copy_spoilt(struct collect *c, struct compact_pack *p,
		       const struct err *why)
{
	char hex[OID_HEX_BYTES];

	if (why->code != ERR_CORRUPT && why->code != ERR_AUTH &&
	    why->code != ERR_NOENT) {
		*c->e = *why;
		return why->code;
	}
	oid_hex(&p->name, hex);
	if (p->state & PACK_OLD)
		return err_set(c->e, ERR_CORRUPT, "nothing was removed, "
			"because an object of %s/%s that an archive needs is "
			"damaged: %s", p->kind == PACK_META ? "meta" : "data",
			hex, why->msg);
	log_warn("compact", "%s/%s has damaged objects and is left as it is: "
		"%s", p->kind == PACK_META ? "meta" : "data", hex, why->msg);
	p->state &= ~(unsigned)PACK_SPARSE;
	p->state |= PACK_SPOILT;
	return 0;
}

/* The same compressed bytes under the key of this copying's own session; into
 * in->fresh. */
static int copy_reseal(struct copying *k, struct copy_in *in,
		       const struct pack_entry *pe)
{
	const struct buf *from = pe->obj.codec == COMP_RAW ? &in->plain :
		&in->scratch;
	struct object_head head = pe->obj;
	int rc = buf_resize(&in->fresh, pe->obj.stored_len, k->c->e);

	if (rc == 0)
		object_seal(&head, repo_ctx(k->c->r), k->keys, from->p,
			pe->obj.stored_len - AEAD_TAG_BYTES, in->fresh.p);
	return rc;
}

static int copy_object(struct copying *k, struct copy_in *in,
		       const bool *want, uint32_t i)
{
	struct collect *c = k->c;
	const struct pack_entry *pe = &in->t.entries[i];
	struct err why = { ERR_OK, "" };
	const uint8_t *sealed;
	uint64_t *value;
	bool was;
	int rc;

	if ((rc = cancel_check(c->o->cancel, c->e)) < 0)
		return rc;
	if (copy_get(in, c, want, i, &sealed, &why) < 0)
		return copy_spoilt(c, in->p, &why);
	if ((rc = map_put(&c->have, pe->obj.id.b, &value, &was, c->e)) < 0 ||
	    was)
		return rc;
	if (!k->keys)
		return copy_append(k, &k->out[in->p->kind == PACK_META], pe,
			sealed, &in->t.sessions[pe->session]);
	if ((rc = copy_reseal(k, in, pe)) < 0)
		return rc;
	return copy_append(k, &k->out[in->p->kind == PACK_META], pe,
		in->fresh.p, &k->own);
}

static int copy_pack(struct copying *k, struct compact_pack *p)
{
	struct collect *c = k->c;
	struct err why = { ERR_OK, "" };
	struct copy_in in;
	bool *want = NULL;
	uint32_t i;
	int rc;

	if (copy_in_open(&in, c, p, &why) < 0) {
		rc = copy_spoilt(c, p, &why);
		goto out;
	}
	want = mem_zero(in.t.n_entries, sizeof(*want));
	rc = want ? 0 : err_nomem(c->e);
	for (i = 0; rc == 0 && i < in.t.n_entries; i++)
		want[i] = copy_wanted(c, &in.t.entries[i].obj.id);
	for (i = 0; rc == 0 && i < in.t.n_entries; i++)
		if (want[i] && !(p->state & PACK_SPOILT))
			rc = copy_object(k, &in, want, i);
out:
	free(want);
	copy_in_release(&in);
	return rc;
}

/* No room for copies: the packs stay as they are, this time. */
static void copy_give_up(struct collect *c)
{
	uint32_t i;

	for (i = 0; i < c->n_pack; i++)
		c->pack[i].state &= ~(unsigned)PACK_SPARSE;
	c->full = true;
}

static bool copy_source(const struct compact_pack *p, bool must)
{
	return must ? (p->state & PACK_SOURCE) != 0 :
		(p->state & (PACK_SPARSE | PACK_RESCUED)) == PACK_SPARSE;
}

static int copy_packs(struct copying *k, bool must)
{
	struct collect *c = k->c;
	uint32_t i, n = 0, done = 0;
	int rc = 0;

	for (i = 0; i < c->n_pack; i++)
		n += copy_source(&c->pack[i], must);
	for (i = 0; rc == 0 && i < c->n_pack; i++) {
		if (!copy_source(&c->pack[i], must))
			continue;
		compact_tell(c, "copying", done++, n);
		rc = copy_pack(k, &c->pack[i]);
	}
	for (i = 0; rc == 0 && i < 2; i++)
		rc = copy_flush(k, &k->out[i]);
	return rc;
}

static void copy_out_release(struct copy_out *o)
{
	buf_release(&o->objects);
	free(o->entries);
	free(o->sessions);
	map_release(&o->by_sid);
}

int compact_copy(struct collect *c, bool late)
{
	struct copying k = { .c = c, .late = late };
	uint32_t before = c->n_copy_pack;
	int rc;

	if (c->o->reseal && !(k.keys = key_alloc(sizeof(*k.keys))))
		return err_nomem(c->e);
	compact_own_session(&k.own, k.keys, c->r);
	k.out[0].kind = PACK_DATA;
	k.out[1].kind = PACK_META;
	rc = copy_packs(&k, true);
	c->must = false;
	if (rc == 0 && !late && (rc = copy_packs(&k, false)) == ERR_FULL) {
		copy_give_up(c);
		err_clear(c->e);
		rc = 0;
	}
	c->must = true;
	copy_out_release(&k.out[0]);
	copy_out_release(&k.out[1]);
	key_free(k.keys);
	if (rc == 0 && c->n_copy_pack != before)
		rc = store_sync(repo_store(c->r), c->e);
	return rc;
}
