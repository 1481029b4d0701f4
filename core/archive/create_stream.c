/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams beside a walk.  They are read first, in the order given; their
 * entries wait, sorted as the tree is, for their places among the names of
 * the root.
 */
#include "archive/create_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/node.h"

/* As trees are sorted: part by part. */
static int compare_paths(const char *a, const char *b)
{
	size_t n, m;
	int cmp;

	for (;; a += n + 1, b += m + 1) {
		n = strcspn(a, "/");
		m = strcspn(b, "/");
		cmp = node_name_cmp(a, n, b, m);
		if (cmp || !a[n] || !b[m])
			return cmp ? cmp : (a[n] != 0) - (b[m] != 0);
	}
}

static int compare_held(const void *pa, const void *pb)
{
	const struct create_held *a = pa, *b = pb;

	return compare_paths(a->s->name, b->s->name);
}

/* Is 'below' the same path, or one below it? */
static bool covers(const char *path, const char *below)
{
	size_t n = strlen(path);

	return !strncmp(path, below, n) && (!below[n] || below[n] == '/');
}

/* Two files of one name, or a file that is also a folder. */
static int check_names(struct create *c)
{
	size_t i;

	for (i = 1; i < c->n_held; i++)
		if (covers(c->held[i - 1].s->name, c->held[i].s->name))
			return err_set(c->e, ERR_CONFIG, "two things to be "
				"archived would be '%s' in the archive",
				c->held[i - 1].s->name);
	return 0;
}

int create_stream_all(struct create *c)
{
	const struct create_opts *o = c->o;
	size_t i;
	int rc = 0;

	if (o->n_streams == 0)
		return 0;
	c->any_source = true;
	for (i = 0; i < o->n_streams && o->flags & CREATE_DRY_RUN; i++)
		create_status(c, '-', o->stream[i].name);
	if (o->flags & CREATE_DRY_RUN)
		return 0;
	c->held = mem_zero(o->n_streams, sizeof(*c->held));
	if (!c->held)
		return err_nomem(c->e);
	for (i = 0; rc == 0 && i < o->n_streams; i++) {
		c->held[i].s = &o->stream[i];
		rc = create_read_stream(c, &o->stream[i], i + 1);
	}
	if (rc < 0 || (rc = create_drain(c)) < 0)
		return rc;
	c->n_held = o->n_streams;
	qsort(c->held, c->n_held, sizeof(*c->held), compare_held);
	return check_names(c);
}

void create_stream_stored(struct create *c, const struct event *ev)
{
	struct create_held *h = &c->held[ev->cookie - 1];

	if (ev->type == EVENT_ITEM) {
		c->list_stored = h->stored;
		return;
	}
	h->en = ev->en;
	h->en.name = NULL;	/* the batch's */
	h->stored = c->list_stored;
	c->list_stored = 0;
}

static int emit_file(struct create *c, size_t i, const char *name)
{
	struct entry en = c->held[i].en;
	struct event *ev;
	int rc;

	en.name = (const uint8_t *)name;
	if ((rc = create_emit(c, EVENT_ITEM, &en, &ev)) < 0)
		return rc;
	ev->cookie = i + 1;
	return create_event_done(c);
}

static int emit_enter(struct create *c, const char *name, size_t len)
{
	struct entry en = { .name = (const uint8_t *)name,
		.name_len = (uint16_t)len, .mode = S_IFDIR | 0755,
		.flags = ENTRY_IMPLICIT };
	int rc = create_emit(c, EVENT_ENTER, &en, NULL);

	return rc < 0 ? rc : create_event_done(c);
}

/* Those from 'i' on that have the folder of held[i] at 'off' in common: all
 * below it.  Returns how many, or an error. */
static int emit_folder(struct create *c, size_t i, size_t off)
{
	const char *name = c->held[i].s->name;
	size_t len = strcspn(name + off, "/"), at = i;
	int rc;

	if (!name[off + len])
		return (rc = emit_file(c, i, name + off)) < 0 ? rc : 1;
	if ((rc = emit_enter(c, name + off, len)) < 0)
		return rc;
	len += off + 1;
	while (at < c->n_held && !strncmp(c->held[at].s->name, name, len)) {
		rc = emit_folder(c, at, len);
		if (rc < 0)
			return rc;
		at += (size_t)rc;
	}
	if (!create_event(c, EVENT_LEAVE))
		return ERR_NOMEM;
	rc = create_event_done(c);
	return rc < 0 ? rc : (int)(at - i);
}

int create_stream_turn(struct create *c, const char *name)
{
	int rc, cmp;

	while (c->at_held < c->n_held && !strchr(name, '/')) {
		const char *ours = c->held[c->at_held].s->name;

		cmp = node_name_cmp(ours, strcspn(ours, "/"), name,
				    strlen(name));
		if (cmp == 0)
			return err_set(c->e, ERR_CONFIG, "the name '%s' of "
				"what is read from a stream is also that of a "
				"source", ours);
		if (cmp > 0)
			break;
		if ((rc = emit_folder(c, c->at_held, 0)) < 0)
			return rc;
		c->at_held += (size_t)rc;
	}
	return 0;
}

int create_stream_rest(struct create *c)
{
	int rc;

	while (c->at_held < c->n_held) {
		if ((rc = emit_folder(c, c->at_held, 0)) < 0)
			return rc;
		c->at_held += (size_t)rc;
	}
	return 0;
}
