/* SPDX-License-Identifier: BSD-2-Clause */
/* Batches of events: filled, sealed by workers, finished in order. */
#include "archive/create_priv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "repo/repo.h"

static void batch_free(struct batch *b)
{
	if (!b)
		return;
	free(b->event);
	free(b->strings);
	buf_release(&b->data);
	buf_release(&b->arena);
	free(b);
}

static struct batch *batch_new(struct create *c)
{
	struct batch *b = c->spare;

	if (b) {
		c->spare = b->next;
	} else {
		b = mem_zero(1, sizeof(*b));
		if (!b)
			return NULL;
		b->event = mem_array(BATCH_EVENTS, sizeof(*b->event));
		b->strings = mem_alloc(BATCH_STRINGS);
		if (!b->event || !b->strings) {
			batch_free(b);
			return NULL;
		}
	}
	b->n = 0;
	b->strings_len = 0;
	buf_clear(&b->data);
	buf_clear(&b->arena);
	return b;
}

static void batch_recycle(struct create *c, struct batch *b)
{
	/* A chunk of the largest size must not stay for ever. */
	if (b->data.cap > 2 * BATCH_DATA)
		buf_release(&b->data);
	if (b->arena.cap > 2 * BATCH_DATA)
		buf_release(&b->arena);
	b->next = c->spare;
	c->spare = b;
}

/* Worker: seal what has data. */
static void batch_work(struct job *j, unsigned worker, void *ctx)
{
	struct batch *b = (struct batch *)j;
	struct create *c = ctx;
	unsigned i;

	for (i = 0; i < b->n; i++) {
		struct event *ev = &b->event[i];

		if (ev->type != EVENT_FILE && ev->type != EVENT_PIECE)
			continue;
		if (session_seal(c->session, c->worker[worker], OBJ_DATA,
				 b->data.p + ev->data, ev->data_len, &b->arena,
				 &ev->sealed, &j->err) < 0)
			return;
	}
}

int create_batch_start(struct create *c)
{
	unsigned n = c->o->threads, i;
	long cpus;

	if (c->o->threads_auto) {
		cpus = sysconf(_SC_NPROCESSORS_ONLN);
		n = cpus > 0 && cpus < 64 ? (unsigned)cpus : 1;
	}
	c->n_worker = n ? n : 1;
	c->worker = mem_zero(c->n_worker, sizeof(struct session_worker *));
	if (!c->worker)
		return err_nomem(c->e);
	for (i = 0; i < c->n_worker; i++)
		if (!(c->worker[i] = session_worker_new(c->session)))
			return err_nomem(c->e);
	c->pool = pool_new(n, 2 * c->n_worker + 2, batch_work, c);
	return c->pool ? 0 : err_nomem(c->e);
}

void create_batch_stop(struct create *c)
{
	struct batch *b;
	unsigned i;

	if (c->pool)
		while ((b = (struct batch *)pool_take(c->pool)))
			batch_free(b);
	pool_free(c->pool);
	c->pool = NULL;
	for (i = 0; c->worker && i < c->n_worker; i++)
		session_worker_free(c->worker[i]);
	free(c->worker);
	c->worker = NULL;
	batch_free(c->batch);
	c->batch = NULL;
	while ((b = c->spare)) {
		c->spare = b->next;
		batch_free(b);
	}
}

/* --- finishing --- */

void create_link_state(struct wr *w, const struct stat *st)
{
	wr_le64(w, (uint64_t)st->st_size);
	wr_le64(w, (uint64_t)st->st_mtim.tv_sec);
	wr_le32(w, (uint32_t)st->st_mtim.tv_nsec);
	wr_le64(w, (uint64_t)st->st_ctim.tv_sec);
	wr_le32(w, (uint32_t)st->st_ctim.tv_nsec);
}

static int finish_enter(struct create *c, const struct event *ev)
{
	struct create_dir *d = mem_zero(1, sizeof(*d));

	if (!d)
		return err_nomem(c->e);
	d->self = tree_entry_copy(&ev->en);
	if (!d->self) {
		free(d);
		return err_nomem(c->e);
	}
	d->up = c->dir;
	c->dir = d;
	return build_enter(c->build, c->e);
}

static int finish_leave(struct create *c)
{
	struct create_dir *d = c->dir;
	int rc;

	rc = build_leave(c->build, &d->self->e.dir, c->e);
	if (rc == 0)
		rc = build_add(c->build, &d->self->e, c->e);
	c->dir = d->up;
	tree_entry_free(d->self);
	free(d);
	c->rec->stats.dirs++;
	return rc;
}

/* The content of a hard link, for the next link to it; with what the inode
 * was when it was read, as it may change between the two. */
static int finish_link(struct create *c, const struct event *ev)
{
	const struct entry *en = &ev->en;
	uint8_t key[16] = { 1 };
	uint64_t *place;
	struct wr w;
	bool was;
	int rc;

	if (!en->link_group || en->size != (uint64_t)ev->st.st_size)
		return 0;
	memcpy(key + 8, &en->link_group, 8);
	if ((rc = map_put(&c->links, key, &place, &was, c->e)) < 0)
		return rc;
	if (was)
		return 0;
	*place = c->link_contents.len + 1;
	wr_init(&w, &c->link_contents);
	create_link_state(&w, &ev->st);
	wr_le32(&w, en->fsflags);
	content_put(&w, &en->content);
	return wr_done(&w, c->e);
}

/* What the content takes up in the repository.  Of a piece list that was not
 * made just now, its plain size: close enough for a figure. */
static uint64_t finish_stored(struct create *c, const struct entry *en)
{
	const struct content *k = &en->content;
	uint64_t sum = 0;
	uint32_t len, i;

	switch (k->kind) {
	case CONTENT_NONE:
		return 0;
	case CONTENT_INLINE:
		return k->data_len;
	case CONTENT_ONE:
		return session_find(c->session, &k->id, &len) ? len : 0;
	case CONTENT_PIECES:
		for (i = 0; i < k->n_pieces; i++)
			if (k->piece[i].transform != PIECE_HOLE &&
			    session_find(c->session, &k->piece[i].id, &len))
				sum += len;
		return sum;
	case CONTENT_LIST:
		break;
	}
	return c->list_stored ? c->list_stored : en->size;
}

static int finish_entry(struct create *c, struct event *ev)
{
	int rc;

	if (c->other)
		return c->other->placed(c, ev, c->other->ctx);
	if (ev->cookie)
		create_stream_stored(c, ev);
	if (ev->cookie && ev->type == EVENT_END)
		return 0;
	rc = build_add(c->build, &ev->en, c->e);
	if (rc == 0 && S_ISREG(ev->en.mode))
		rc = finish_link(c, ev);
	if (rc == 0 && ev->remember && c->fstate)
		rc = fstate_add(c->fstate, &ev->st, ev->message,
			(const char *)ev->en.name, &ev->en, ev->read_nsec,
			c->e);
	c->rec->stats.files++;
	if (S_ISREG(ev->en.mode)) {
		c->rec->stats.bytes += ev->en.size;
		c->rec->stats.comp_bytes += finish_stored(c, &ev->en);
	}
	c->list_stored = 0;
	return rc;
}

static int finish_piece(struct create *c, struct batch *b, struct event *ev)
{
	struct piece p = { .transform = PIECE_HOLE, .len = ev->hole };
	uint32_t stored;
	int rc;

	if (ev->type == EVENT_PIECE) {
		if ((rc = session_add(c->session, &ev->sealed, &b->arena,
				      c->e)) < 0)
			return rc;
		p.transform = PIECE_RAW;
		p.len = ev->data_len;
		p.id = ev->sealed.head.id;
		if (session_find(c->session, &p.id, &stored))
			c->list_stored += stored;
	}
	return build_list_add(c->list, &p, c->e);
}

static int finish_event(struct create *c, struct batch *b, struct event *ev)
{
	int rc;

	switch (ev->type) {
	case EVENT_ENTER:
		return finish_enter(c, ev);
	case EVENT_LEAVE:
		return finish_leave(c);
	case EVENT_ITEM:
		return finish_entry(c, ev);
	case EVENT_FILE:
		if ((rc = session_add(c->session, &ev->sealed, &b->arena,
				      c->e)) < 0)
			return rc;
		ev->en.content.kind = CONTENT_ONE;
		ev->en.content.id = ev->sealed.head.id;
		return finish_entry(c, ev);
	case EVENT_BEGIN:
		c->list = build_list_new(c->session);
		return c->list ? 0 : err_nomem(c->e);
	case EVENT_PIECE:
	case EVENT_HOLE:
		return finish_piece(c, b, ev);
	case EVENT_DROP:
		build_list_free(c->list);
		c->list = NULL;
		return 0;
	case EVENT_END:
		break;
	}
	rc = build_list_end(c->list, &ev->en.content, c->e);
	build_list_free(c->list);
	c->list = NULL;
	return rc < 0 ? rc : finish_entry(c, ev);
}

/* Take the oldest batch back and finish its events. */
static int create_take(struct create *c)
{
	struct batch *b = (struct batch *)pool_take(c->pool);
	int rc = b->job.err.code;
	unsigned i;

	c->in_flight -= b->data.len;
	if (rc < 0 && c->e)
		*c->e = b->job.err;
	for (i = 0; rc == 0 && i < b->n; i++)
		rc = finish_event(c, b, &b->event[i]);
	batch_recycle(c, b);
	return rc;
}

static int create_put(struct create *c)
{
	struct batch *b = c->batch;
	int rc;

	if (!b || b->n == 0)
		return 0;
	while (pool_full(c->pool) || (!pool_empty(c->pool) &&
	       c->in_flight + b->data.len > CREATE_IN_FLIGHT))
		if ((rc = create_take(c)) < 0)
			return rc;
	c->batch = NULL;
	c->in_flight += b->data.len;
	pool_put(c->pool, &b->job);
	while (pool_ready(c->pool))
		if ((rc = create_take(c)) < 0)
			return rc;
	return 0;
}

int create_drain(struct create *c)
{
	int rc;

	if ((rc = create_put(c)) < 0)
		return rc;
	while (!pool_empty(c->pool))
		if ((rc = create_take(c)) < 0)
			return rc;
	return 0;
}

int create_flush(struct create *c)
{
	int rc;

	if ((rc = session_tick(c->session, c->e)) < 0 ||
	    !session_flush_due(c->session))
		return rc;
	if ((rc = create_drain(c)) < 0)
		return rc;
	return session_flush(c->session, c->e);
}

/* --- filling --- */

struct event *create_event(struct create *c, enum event_type type)
{
	struct event *ev;

	if (!c->batch && !(c->batch = batch_new(c))) {
		err_nomem(c->e);
		return NULL;
	}
	ev = &c->batch->event[c->batch->n];
	memset(ev, 0, sizeof(*ev));
	ev->type = type;
	ev->data = c->batch->data.len;
	return ev;
}

const uint8_t *create_keep(struct create *c, const void *p, size_t len)
{
	struct batch *b = c->batch;
	uint8_t *to = b->strings + b->strings_len;

	if (!p)
		return NULL;
	BUG_ON(b->strings_len + len + 1 > BATCH_STRINGS);
	memcpy(to, p, len);
	to[len] = '\0';
	b->strings_len += len + 1;
	return to;
}

int create_event_done(struct create *c)
{
	struct batch *b = c->batch;

	b->n++;
	if (b->n < BATCH_EVENTS && b->data.len < BATCH_DATA &&
	    b->strings_len + BATCH_STRINGS_ROOM < BATCH_STRINGS)
		return 0;
	return create_put(c);
}
