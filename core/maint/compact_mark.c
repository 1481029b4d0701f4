/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Marking (G1, and for archives that came since G4): every object that a live
 * archive reaches, each node read and authenticated once.  One that cannot be
 * read ends the collection before anything is condemned.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "maint/compact_priv.h"
#include "maint/refs.h"

#define MARK_CACHE_BYTES (4u << 20)

struct mark_todo {
	struct oid id;
	enum obj_type type;
};
struct marking {
	struct collect *c;
	struct reader *rd;
	struct refs refs;
	const char *archive;		/* for messages */
	struct mark_todo *todo;		/* nodes and lists still to read */
	size_t n, cap;
	uint64_t read;
};

/* Tables of packs that no segment lists: a segment may have been lost. */
static int mark_adopt_pack(struct collect *c, const struct compact_pack *p)
{
	struct segment_pack sp = { .name = p->name,
		.bytes = (uint32_t)p->bytes, .kind = p->kind };
	struct err why = { ERR_OK, "" };
	struct pack_table t = { 0 };
	int rc;

	rc = compact_table(c, p, &t, &why);
	if (rc == 0)
		rc = idx_census_adopt(c->census, &sp, &t, &why);
	pack_table_release(&t);
	if (rc == ERR_NOMEM || rc == ERR_IO) {
		*c->e = why;
		return rc;
	}
	return 0;		/* a damaged one has nothing to give */
}

static int mark_adopt(struct collect *c)
{
	uint32_t i;
	int rc = 0;

	c->adopted = true;
	for (i = 0; rc == 0 && i < c->n_pack; i++)
		if (!(c->pack[i].state & PACK_LISTED))
			rc = mark_adopt_pack(c, &c->pack[i]);
	return rc;
}

static int mark_lost(struct marking *m, const char *what,
		     const struct oid *id)
{
	char hex[OID_HEX_BYTES];

	return err_set(m->c->e, ERR_CORRUPT, "archive '%s' cannot be read in "
		"full, so nothing was removed: %s %.16s is missing; 'muniment "
		"check' says what is damaged, and compaction goes on once that "
		"archive is deleted", m->archive, what, oid_hex(id, hex));
}

/* One object is needed.  *was: it, and all below it, was known to be. */
static int mark_one(struct marking *m, const struct oid *id, bool *was,
		    const char *what)
{
	struct collect *c = m->c;
	int rc = idx_census_mark(c->census, id, was, c->e);

	if (rc == ERR_NOENT && (rc = idx_census_refresh(c->census, c->e)) == 0)
		rc = idx_census_mark(c->census, id, was, c->e);
	if (rc == ERR_NOENT && !c->adopted && (rc = mark_adopt(c)) == 0)
		rc = idx_census_mark(c->census, id, was, c->e);
	return rc == ERR_NOENT ? mark_lost(m, what, id) : rc;
}

static int mark_data(const struct oid *id, void *ctx)
{
	bool was;

	return mark_one(ctx, id, &was, "data object");
}

/* A node or a list: to be read, unless it was. */
static int mark_inner(enum obj_type type, const struct oid *id, void *ctx)
{
	struct marking *m = ctx;
	bool was;
	int rc = mark_one(m, id, &was, fmt_type_name(type));

	if (rc < 0 || was)
		return rc;
	if (m->n == m->cap) {
		size_t cap = m->cap ? m->cap * 2 : 256;
		struct mark_todo *p = mem_resize(m->todo, cap, sizeof(*p));

		if (!p)
			return err_nomem(m->c->e);
		m->todo = p;
		m->cap = cap;
	}
	m->todo[m->n++] = (struct mark_todo) { *id, type };
	return 0;
}

static int mark_read(struct marking *m, const struct mark_todo *t)
{
	struct obj *o = NULL;
	int rc;

	if ((rc = cancel_check(m->c->o->cancel, m->c->e)) < 0)
		return rc;
	rc = reader_get(m->rd, t->type, &t->id, &o, m->c->e);
	if (rc == 0)
		rc = refs_each(&m->refs, t->type, o->p, o->len, m->c->e);
	else if (rc == ERR_CORRUPT || rc == ERR_NOENT)
		err_ctx(m->c->e, "archive '%s' cannot be read in full, so "
			"nothing was removed", m->archive);
	reader_release(m->rd, o);
	if (++m->read % 1024 == 0)
		compact_tell(m->c, "reading folders", m->read, 0);
	return rc;
}

static int mark_archive(struct marking *m, const struct record *rec)
{
	struct mark_todo t;
	int rc;

	m->archive = rec->name;
	rc = refs_each_dir(&m->refs, &rec->root, m->c->e);
	while (rc == 0 && m->n > 0) {
		t = m->todo[--m->n];
		rc = mark_read(m, &t);
	}
	return rc;
}

int compact_mark(struct collect *c, bool late)
{
	struct marking m = { .c = c, .refs = { mark_data, mark_inner, &m } };
	char hex[SID_HEX_BYTES];
	struct catalog *cat = c->cat;
	size_t i;
	int rc = 0;

	if (cat->n_bad)
		return err_set(c->e, ERR_CORRUPT, "nothing was removed, "
			"because archives/%s cannot be read: %s",
			sid_hex(&cat->bad[0]->rec.session, hex),
			cat->bad[0]->bad.msg);
	if ((rc = reader_open(&m.rd, c->r, MARK_CACHE_BYTES, c->e)) < 0)
		return rc;
	if (!late)
		c->res->archives = 0;
	for (i = 0; rc == 0 && i < cat->n; i++) {
		if (compact_deleted(c, cat->item[i]))
			continue;
		compact_tell(c, "reading archives", i, cat->n);
		rc = mark_archive(&m, &cat->item[i]->rec);
		if (rc == ERR_CORRUPT && cat->item[i]->deleted)
			c->rounds->unreadable = cat->item[i]->rec.session;
		if (!late)
			c->res->archives++;
	}
	free(m.todo);
	reader_close(m.rd);
	return rc;
}
