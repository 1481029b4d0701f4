/* SPDX-License-Identifier: BSD-2-Clause */
#include "fs/cursor.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define CURSOR_IDLE 16		/* kept; each holds a few tree nodes */
#define CURSOR_SKIP 64		/* further ahead than this, seek instead */

struct cursor {
	struct tree_iter it;
	const struct entry *cur;	/* NULL: before the first */
	uint64_t at;			/* ordinal of cur */
	uint64_t next;			/* ordinal that the iterator gives */
	uint64_t owner;
	unsigned layer;
	bool keep;			/* of use to others: large, and sound */
};

struct cursor_tab {
	struct reader *rd;
	pthread_mutex_t mtx;		/* a leaf */
	struct cursor *idle[CURSOR_IDLE];	/* mtx; newest first */
	unsigned n;				/* mtx */
};

struct cursor_tab *cursor_tab_new(struct reader *rd)
{
	struct cursor_tab *t = mem_zero(1, sizeof(*t));

	if (!t)
		return NULL;
	t->rd = rd;
	pthread_mutex_init(&t->mtx, NULL);
	return t;
}

static void cursor_free(struct cursor *c)
{
	if (!c)
		return;
	tree_iter_release(&c->it);
	free(c);
}

void cursor_tab_free(struct cursor_tab *t)
{
	unsigned i;

	if (!t)
		return;
	for (i = 0; i < t->n; i++)
		cursor_free(t->idle[i]);
	pthread_mutex_destroy(&t->mtx);
	free(t);
}

/* How many entries have to be skipped; UINT64_MAX: it is past that. */
static uint64_t cursor_distance(const struct cursor *c, uint64_t ordinal)
{
	if (c->cur && c->at == ordinal)
		return 0;
	return ordinal < c->next ? UINT64_MAX : ordinal - c->next;
}

static struct cursor *cursor_find(struct cursor_tab *t, uint64_t owner,
				  unsigned layer, uint64_t ordinal)
{
	uint64_t best = CURSOR_SKIP, d;
	struct cursor *c = NULL;
	unsigned i, hit = 0;

	pthread_mutex_lock(&t->mtx);
	for (i = 0; i < t->n && best; i++) {
		if (t->idle[i]->owner != owner || t->idle[i]->layer != layer)
			continue;
		d = cursor_distance(t->idle[i], ordinal);
		if (d < best) {
			best = d;
			hit = i;
			c = t->idle[i];
		}
	}
	if (c) {
		t->n--;
		memmove(&t->idle[hit], &t->idle[hit + 1],
			(t->n - hit) * sizeof(struct cursor *));
	}
	pthread_mutex_unlock(&t->mtx);
	return c;
}

int cursor_open(struct cursor **out, struct cursor_tab *t, uint64_t owner,
		const struct dir *d, unsigned layer, uint64_t ordinal,
		struct err *e)
{
	const struct dir_ref *ref = &d->layer[layer].ref;
	struct cursor *c;
	int rc;

	*out = NULL;
	if (ref->kind == DIR_ROOT) {
		*out = cursor_find(t, owner, layer, ordinal);
		if (*out)
			return 0;
	}
	c = mem_zero(1, sizeof(*c));
	if (!c)
		return err_nomem(e);
	rc = tree_iter_init(&c->it, t->rd, ref, ordinal, e);
	if (rc < 0) {
		cursor_free(c);
		return rc;
	}
	c->next = ordinal;
	c->owner = owner;
	c->layer = layer;
	/* An inlined listing is the directory's memory, which may go. */
	c->keep = ref->kind == DIR_ROOT;
	*out = c;
	return 0;
}

int cursor_get(struct cursor *c, uint64_t ordinal, const struct entry **out,
	       struct err *e)
{
	int rc;

	while (!c->cur || c->at != ordinal) {
		BUG_ON(c->next > ordinal);
		c->cur = NULL;
		rc = tree_iter_next(&c->it, &c->cur, e);
		if (rc <= 0) {
			c->cur = NULL;
			c->keep = false;
			return rc;
		}
		c->at = c->next++;
	}
	*out = c->cur;
	return 1;
}

void cursor_close(struct cursor_tab *t, struct cursor *c)
{
	struct cursor *victim = c;

	if (c && c->keep) {
		pthread_mutex_lock(&t->mtx);
		victim = t->n == CURSOR_IDLE ? t->idle[--t->n] : NULL;
		memmove(&t->idle[1], &t->idle[0],
			t->n * sizeof(struct cursor *));
		t->idle[0] = c;
		t->n++;
		pthread_mutex_unlock(&t->mtx);
	}
	cursor_free(victim);
}
