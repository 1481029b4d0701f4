/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is whole: an object that lies in a pack that stays, and with it, for a
 * node or a list, all that is below it.  Only that may be in base(n), since a
 * backup that finds a list there does not look at its pieces.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "maint/refs.h"
#include "maint/repair_priv.h"

#define MARK_CACHE_BYTES (4u << 20)

enum mark_step { MARK_ENTER, MARK_LEAVE };
/* Still to do; the last first. */
struct mark_item {
	struct oid id;
	uint32_t up;			/* place of the frame it belongs to */
	uint8_t type;			/* enum obj_type */
	uint8_t step;			/* enum mark_step */
};
/* A node or list on the way down; frame 0 is the archive. */
struct mark_frame {
	bool holed;
};
struct repair_marking {
	struct repair *x;
	struct refs refs;
	struct reader *rd;
	struct mark_item *todo;
	size_t n, cap;
	struct mark_frame *frame;
	uint32_t depth, frame_cap;
	uint64_t read;
};

enum mark_place { MARK_UNLISTED, MARK_BAD, MARK_STAYS };

static enum mark_place mark_place(struct collect *c, const struct oid *id)
{
	enum mark_place p = MARK_UNLISTED;
	struct idx_loc loc;
	unsigned at = 0;

	while (idx_census_find(c->census, id, &at, &loc)) {
		if (compact_place(c, &loc, 1))
			return MARK_STAYS;
		p = MARK_BAD;
	}
	return p;
}

static int mark_data(const struct oid *id, void *ctx)
{
	struct repair_marking *m = ctx;
	struct repair *x = m->x;
	enum mark_place p = mark_place(&x->c, id);
	bool was;

	if (p == MARK_STAYS)
		return idx_census_mark(x->c.census, id, &was, x->e);
	x->unlisted = x->unlisted || p == MARK_UNLISTED;
	m->frame[m->depth - 1].holed = true;
	return 0;
}

static int mark_push(struct repair_marking *m, const struct mark_item *it)
{
	if (m->n == m->cap) {
		size_t cap = m->cap ? m->cap * 2 : 256;
		struct mark_item *p = mem_resize(m->todo, cap, sizeof(*p));

		if (!p)
			return err_nomem(m->x->e);
		m->todo = p;
		m->cap = cap;
	}
	m->todo[m->n++] = *it;
	return 0;
}

static int mark_inner(enum obj_type type, const struct oid *id, void *ctx)
{
	struct repair_marking *m = ctx;
	const struct mark_item it = { *id, m->depth - 1, (uint8_t)type,
				      MARK_ENTER };

	return mark_push(m, &it);
}

static int mark_frame(struct repair_marking *m)
{
	if (m->depth == m->frame_cap) {
		uint32_t cap = m->frame_cap ? m->frame_cap * 2 : 64;
		struct mark_frame *p = mem_resize(m->frame, cap, sizeof(*p));

		if (!p)
			return err_nomem(m->x->e);
		m->frame = p;
		m->frame_cap = cap;
	}
	m->frame[m->depth++].holed = false;
	return 0;
}

/* Read it, and mark or push what it needs, in a frame of its own. */
static int mark_read(struct repair_marking *m, const struct mark_item *it)
{
	struct err why = { ERR_OK, "" };
	struct obj *o = NULL;
	int rc;

	rc = reader_get(m->rd, it->type, &it->id, &o, &why);
	if (rc == 0)
		rc = refs_each(&m->refs, it->type, o->p, o->len, &why);
	reader_release(m->rd, o);
	if (rc == ERR_CORRUPT || rc == ERR_NOENT) {
		m->frame[m->depth - 1].holed = true;
		return 0;
	}
	if (rc < 0 && why.code)
		*m->x->e = why;
	return rc;
}

static int mark_enter(struct repair_marking *m, struct mark_item *it)
{
	struct repair *x = m->x;
	enum mark_place p;
	int rc;

	if (map_get(&x->holed, it->id.b)) {
		m->frame[it->up].holed = true;
		return 0;
	}
	if (idx_census_live(x->c.census, &it->id))
		return 0;
	p = mark_place(&x->c, &it->id);
	x->unlisted = x->unlisted || p == MARK_UNLISTED;
	it->step = MARK_LEAVE;
	if ((rc = mark_push(m, it)) < 0 || (rc = mark_frame(m)) < 0)
		return rc;
	m->frame[m->depth - 1].holed = p != MARK_STAYS;
	if (++m->read % 1024 == 0)
		compact_tell(&x->c, "folders", m->read, 0);
	return mark_read(m, it);
}

/* All below it is done. */
static int mark_leave(struct repair_marking *m, const struct mark_item *it)
{
	struct repair *x = m->x;
	bool holed = m->frame[--m->depth].holed, was;
	uint64_t *value;

	if (!holed)
		return idx_census_mark(x->c.census, &it->id, &was, x->e);
	m->frame[it->up].holed = true;
	return map_put(&x->holed, it->id.b, &value, &was, x->e);
}

static int mark_archive(struct repair_marking *m, const struct record *rec)
{
	struct err why = { ERR_OK, "" };
	struct mark_item it;
	int rc;

	m->depth = 0;
	rc = mark_frame(m);
	if (rc == 0)
		rc = refs_each_dir(&m->refs, &rec->root, &why);
	while (rc == 0 && m->n > 0) {
		if ((rc = cancel_check(m->x->o->cancel, m->x->e)) < 0)
			break;
		it = m->todo[--m->n];
		rc = it.step == MARK_ENTER ? mark_enter(m, &it) :
			mark_leave(m, &it);
	}
	m->n = 0;
	return rc;
}

int repair_mark(struct repair *x)
{
	struct repair_marking m = { .x = x,
		.refs = { mark_data, mark_inner, &m } };
	const struct catalog *cat = x->c.cat;
	size_t i;
	int rc;

	map_clear(&x->holed);
	if ((rc = reader_open(&m.rd, x->r, MARK_CACHE_BYTES, x->e)) < 0)
		return rc;
	reader_past_local(m.rd);
	for (i = 0; rc == 0 && i < cat->n; i++) {
		x->k.done = i;
		x->k.total = cat->n;
		check_tick(&x->k, "archives");
		rc = mark_archive(&m, &cat->item[i]->rec);
	}
	free(m.todo);
	free(m.frame);
	reader_close(m.rd);
	return rc;
}
