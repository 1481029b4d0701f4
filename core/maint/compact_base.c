/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base(n): every live object at a place that stays, as base segments; and
 * base'(n), what archives that came meanwhile need.  That is put as a session
 * segment of generation n: like one it is closed, together with base(n), and
 * names nothing that is condemned.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "maint/compact_priv.h"

/* Entries of one segment: they are in memory three times for a moment. */
#define BASE_ENTRIES 200000u

struct base_out {
	struct collect *c;
	bool late;			/* base'(n) */
	enum segment_kind kind;
	uint32_t max;			/* entries of a segment */
	struct segment s;
	uint32_t cap_packs, cap_sessions;
	struct map packs, sessions;	/* name or id -> place */
	uint64_t done;
};

static int base_note(struct collect *c, const struct segment_name *name)
{
	if (c->n_base == c->cap_base) {
		uint32_t cap = c->cap_base ? c->cap_base * 2 : 16;
		struct segment_name *p = mem_resize(c->base, cap, sizeof(*p));

		if (!p)
			return err_nomem(c->e);
		c->base = p;
		c->cap_base = cap;
	}
	c->base[c->n_base++] = *name;
	return 0;
}

static int base_entry_cmp(const void *a, const void *b)
{
	return memcmp(a, b, SEGMENT_PREFIX_BYTES);
}

/* Sorted, none twice. */
static void base_sort(struct segment *s)
{
	uint8_t *p = s->entries;
	uint32_t i, keep = 0;

	qsort(p, s->n_entries, SEGMENT_ENTRY_BYTES, base_entry_cmp);
	for (i = 0; i < s->n_entries; i++) {
		const uint8_t *en = p + (size_t)i * SEGMENT_ENTRY_BYTES;

		if (keep && base_entry_cmp(p + (size_t)(keep - 1) *
					   SEGMENT_ENTRY_BYTES, en) == 0)
			continue;
		memmove(p + (size_t)keep++ * SEGMENT_ENTRY_BYTES, en,
			SEGMENT_ENTRY_BYTES);
	}
	s->n_entries = keep;
}

static int base_flush(struct base_out *o)
{
	struct collect *c = o->c;
	struct segment_name name;
	char text[SEGMENT_NAME_BYTES];
	struct buf file = BUF_INIT;
	struct iovec iov;
	int rc;

	if (o->s.n_entries == 0)
		return 0;
	if (o->late)
		base_sort(&o->s);
	o->s.kind = o->kind;
	o->s.generation = c->n;
	rc = segment_seal(repo_ctx(c->r), &o->s, &file, &name, c->e);
	if (rc == 0) {
		iov = (struct iovec) { file.p, file.len };
		rc = compact_put(c, STORE_INDEX, segment_name_put(&name, text),
			&iov, 1, 0);
	}
	if (rc == ERR_EXIST) {		/* the same, by somebody else */
		err_clear(c->e);
		rc = 0;
	}
	if (rc == 0)
		rc = base_note(c, &name);
	buf_release(&file);
	free(o->s.filter);
	o->s.filter = NULL;
	o->s.n_entries = o->s.n_packs = 0;
	o->s.n_sessions = 0;
	map_clear(&o->packs);
	map_clear(&o->sessions);
	return rc;
}

static int base_pack(struct base_out *o, const struct segment_pack *sp,
		     uint32_t *no)
{
	uint64_t *place;
	bool was;
	int rc;

	rc = map_put(&o->packs, sp->name.b, &place, &was, o->c->e);
	if (rc < 0)
		return rc;
	*no = (uint32_t)*place;
	if (was)
		return 0;
	if (o->s.n_packs == o->cap_packs) {
		uint32_t cap = o->cap_packs ? o->cap_packs * 2 : 64;
		struct segment_pack *p = mem_resize(o->s.packs, cap,
			sizeof(*p));

		if (!p)
			return err_nomem(o->c->e);
		o->s.packs = p;
		o->cap_packs = cap;
	}
	*place = *no = o->s.n_packs;
	o->s.packs[o->s.n_packs++] = *sp;
	return 0;
}

static int base_session(struct base_out *o, const struct pack_session *ps,
			uint16_t *no)
{
	uint64_t *place;
	bool was;
	int rc;

	rc = map_put(&o->sessions, ps->id.b, &place, &was, o->c->e);
	if (rc < 0)
		return rc;
	*no = (uint16_t)*place;
	if (was)
		return 0;
	if (o->s.n_sessions == o->cap_sessions) {
		uint32_t cap = o->cap_sessions ? o->cap_sessions * 2 : 64;
		struct pack_session *p = mem_resize(o->s.sessions, cap,
			sizeof(*p));

		if (!p)
			return err_nomem(o->c->e);
		o->s.sessions = p;
		o->cap_sessions = cap;
	}
	*place = *no = o->s.n_sessions;
	o->s.sessions[o->s.n_sessions++] = *ps;
	return 0;
}

/* The entry's places of pack and session are found here. */
static int base_add(struct base_out *o, struct segment_entry *en,
		    const struct segment_pack *sp,
		    const struct pack_session *ps)
{
	int rc;

	if (o->s.n_entries == o->max ||
	    o->s.n_sessions == SEGMENT_MAX_SESSIONS) {
		/* Two halves are not closed: for readers only. */
		o->kind = SEGMENT_BASE;
		if ((rc = base_flush(o)) < 0)
			return rc;
	}
	if ((rc = base_pack(o, sp, &en->pack)) < 0 ||
	    (rc = base_session(o, ps, &en->session)) < 0)
		return rc;
	segment_entry_put(o->s.entries + (size_t)o->s.n_entries++ *
		SEGMENT_ENTRY_BYTES, en);
	return 0;
}

static int base_add_place(struct base_out *o, const uint8_t *prefix,
			  const struct idx_loc *loc)
{
	const struct compact_pack *p = compact_pack(o->c, &loc->pack);
	struct segment_pack sp = { .name = loc->pack,
		.bytes = (uint32_t)p->bytes, .kind = loc->kind };
	struct segment_entry en = {
		.off = loc->off, .stored_len = loc->obj.stored_len,
		.plain_len = loc->obj.plain_len, .type = loc->obj.type,
		.codec = loc->obj.codec,
	};

	memcpy(en.prefix, prefix, sizeof(en.prefix));
	return base_add(o, &en, &sp, loc->session);
}

static int base_moved(struct collect *c)
{
	return err_set(c->e, ERR_RETRY,
		"the repository changed while it was looked at");
}

static int base_cb(const struct census_group *g, void *ctx)
{
	struct base_out *o = ctx;
	struct collect *c = o->c;
	const struct idx_loc *loc;
	int rc;

	if (++o->done % 65536 == 0) {
		compact_tell(c, "writing the index", o->done, 0);
		if ((rc = cancel_check(c->o->cancel, c->e)) < 0)
			return rc;
	}
	if (!g->live || (o->late && !g->late))
		return 0;
	loc = compact_place(c, g->loc, g->n);
	if (loc)
		return base_add_place(o, g->prefix, loc);
	return map_get(&c->have, g->prefix) ? 0 : base_moved(c);
}

static int base_copy_cmp(const void *a, const void *b)
{
	const struct compact_copy *x = a, *y = b;

	return memcmp(x->prefix, y->prefix, SEGMENT_PREFIX_BYTES);
}

static int base_copies(struct base_out *o, bool late)
{
	struct collect *c = o->c;
	uint32_t i;
	int rc = 0;

	if (c->n_copy > 1)
		qsort(c->copy, c->n_copy, sizeof(*c->copy), base_copy_cmp);
	for (i = 0; rc == 0 && i < c->n_copy; i++) {
		const struct compact_copy *k = &c->copy[i];
		struct segment_entry en = {
			.off = k->off, .stored_len = k->stored_len,
			.plain_len = k->plain_len, .type = k->type,
			.codec = k->codec,
		};

		if (k->late != late)
			continue;
		memcpy(en.prefix, k->prefix, sizeof(en.prefix));
		rc = base_add(o, &en, &c->copy_pack[k->pack],
			&c->copy_sessions[k->session]);
	}
	return rc;
}

static int base_run(struct base_out *o)
{
	struct collect *c = o->c;
	int rc = 0;

	o->s.entries = mem_array(o->max, SEGMENT_ENTRY_BYTES);
	if (!o->s.entries)
		rc = err_nomem(c->e);
	if (rc == 0)
		rc = idx_census_sweep(c->census, base_cb, o, c->e);
	if (rc == 0 && !o->late)
		rc = base_flush(o);
	if (rc == 0)
		rc = base_copies(o, o->late);
	if (rc == 0)
		rc = base_flush(o);
	segment_release(&o->s);
	map_release(&o->packs);
	map_release(&o->sessions);
	return rc;
}

int compact_base(struct collect *c)
{
	struct base_out o = { .c = c, .kind = SEGMENT_BASE,
			      .max = BASE_ENTRIES };
	int rc;

	rc = base_run(&o);
	return rc < 0 ? rc : store_sync(repo_store(c->r), c->e);
}

/* --- repair: what no segment lists --- */

static int base_table(struct base_out *o, const struct compact_pack *p,
		      const struct pack_table *t)
{
	const struct segment_pack sp = { .name = p->name,
		.bytes = (uint32_t)p->bytes, .kind = p->kind };
	uint32_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < t->n_entries; i++) {
		const struct pack_entry *pe = &t->entries[i];
		struct segment_entry en = {
			.off = pe->off, .stored_len = pe->obj.stored_len,
			.plain_len = pe->obj.plain_len, .type = pe->obj.type,
			.codec = pe->obj.codec,
		};

		memcpy(en.prefix, pe->obj.id.b, sizeof(en.prefix));
		rc = base_add(o, &en, &sp, &t->sessions[pe->session]);
	}
	return rc;
}

int compact_relist(struct collect *c, uint64_t *packs)
{
	struct base_out o = { .c = c, .late = true, .kind = SEGMENT_BASE,
			      .max = BASE_ENTRIES };
	struct pack_table t;
	uint32_t i;
	int rc = 0;

	*packs = 0;
	o.s.entries = mem_array(o.max, SEGMENT_ENTRY_BYTES);
	if (!o.s.entries)
		rc = err_nomem(c->e);
	for (i = 0; rc == 0 && i < c->n_pack; i++) {
		if (c->pack[i].state & (PACK_LISTED | PACK_OLD | PACK_SPARSE))
			continue;
		compact_tell(c, "reading tables", i, c->n_pack);
		if ((rc = cancel_check(c->o->cancel, c->e)) < 0 ||
		    (rc = compact_table(c, &c->pack[i], &t, c->e)) < 0)
			break;
		rc = base_table(&o, &c->pack[i], &t);
		pack_table_release(&t);
		++*packs;
	}
	if (rc == 0)
		rc = base_flush(&o);
	if (rc == 0)
		rc = store_sync(repo_store(c->r), c->e);
	c->n_base = 0;			/* for readers only */
	segment_release(&o.s);
	map_release(&o.packs);
	map_release(&o.sessions);
	return rc;
}

/* --- G4 --- */

struct base_late {
	struct collect *c;
	uint64_t n;
};

/* Where a late object is, and that this stays. */
static int base_rescue_cb(const struct census_group *g, void *ctx)
{
	struct base_late *l = ctx;
	struct collect *c = l->c;
	struct compact_pack *p, *old = NULL;
	char hex[OID_HEX_BYTES];
	unsigned i;

	if (!g->late)
		return 0;
	l->n++;
	if (compact_place(c, g->loc, g->n) || map_get(&c->have, g->prefix))
		return 0;
	for (i = 0; i < g->n; i++) {
		p = compact_pack(c, &g->loc[i].pack);
		if (p && !(p->state & PACK_OLD)) {
			p->state |= PACK_RESCUED;
			return 0;
		}
		if (p && !old)
			old = p;
	}
	if (!old)
		return err_set(c->e, ERR_CORRUPT, "nothing was removed, "
			"because a new archive needs pack %s, which is "
			"missing: 'muniment check' says what is damaged",
			oid_hex(&g->loc[0].pack, hex));
	old->state |= PACK_SOURCE;
	return 0;
}

int compact_rescue(struct collect *c)
{
	struct base_late l = { c, 0 };
	uint32_t i;
	int rc;

	for (i = 0; i < c->n_pack; i++)
		c->pack[i].state &= ~(unsigned)PACK_SOURCE;
	rc = idx_census_sweep(c->census, base_rescue_cb, &l, c->e);
	c->n_late = l.n;
	return rc;
}

int compact_addition(struct collect *c)
{
	struct base_out o = { .c = c, .late = true, .kind = SEGMENT_SESSION,
			      .max = (uint32_t)c->n_late };
	int rc;

	if (c->n_late == 0)
		return 0;
	if (c->n_late > BASE_ENTRIES) {
		o.max = BASE_ENTRIES;
		o.kind = SEGMENT_BASE;
	}
	rc = base_run(&o);
	return rc < 0 ? rc : store_sync(repo_store(c->r), c->e);
}
