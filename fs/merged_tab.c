/* SPDX-License-Identifier: BSD-2-Clause */
#include "fs/merged_tab.h"

#include <stdlib.h>
#include <string.h>

void merged_tab_init(struct merged_tab *t)
{
	pthread_mutex_init(&t->build, NULL);
	pthread_mutex_init(&t->mtx, NULL);
}

static void merged_slot_free(struct merged_slot *s)
{
	merged_free(s->md);
	free(s);
}

void merged_tab_release(struct merged_tab *t)
{
	while (t->n > 0)
		merged_slot_free(t->slot[--t->n]);
	pthread_mutex_destroy(&t->mtx);
	pthread_mutex_destroy(&t->build);
}

/* Under mtx. */
static void merged_tab_first(struct merged_tab *t, unsigned i)
{
	struct merged_slot *s = t->slot[i];

	memmove(&t->slot[1], &t->slot[0], i * sizeof(struct merged_slot *));
	t->slot[0] = s;
}

struct merged_slot *merged_tab_find(struct merged_tab *t, uint64_t owner,
				    uint64_t generation)
{
	struct merged_slot *s = NULL;
	unsigned i;

	pthread_mutex_lock(&t->mtx);
	for (i = 0; i < t->n && !s; i++)
		if (t->slot[i]->owner == owner &&
		    t->slot[i]->generation == generation) {
			s = t->slot[i];
			s->users++;
			merged_tab_first(t, i);
		}
	pthread_mutex_unlock(&t->mtx);
	return s;
}

/* Under mtx: the last one used longest ago. */
static void merged_tab_drop(struct merged_tab *t)
{
	struct merged_slot *s = t->slot[--t->n];

	t->bytes -= s->md->bytes;
	s->dropped = true;
	if (s->users == 0)
		merged_slot_free(s);
}

struct merged_slot *merged_tab_put(struct merged_tab *t, uint64_t owner,
				   uint64_t generation, struct merged *md)
{
	struct merged_slot *s = mem_zero(1, sizeof(*s));

	if (!s) {
		merged_free(md);
		return NULL;
	}
	s->md = md;
	s->owner = owner;
	s->generation = generation;
	s->users = 1;
	pthread_mutex_lock(&t->mtx);
	while (t->n > 0 && (t->n == MERGED_TAB_SLOTS ||
			    t->bytes + md->bytes > MERGED_TAB_BYTES))
		merged_tab_drop(t);
	t->slot[t->n++] = s;
	t->bytes += md->bytes;
	merged_tab_first(t, t->n - 1);
	pthread_mutex_unlock(&t->mtx);
	return s;
}

void merged_tab_leave(struct merged_tab *t, struct merged_slot *s)
{
	bool last;

	if (!s)
		return;
	pthread_mutex_lock(&t->mtx);
	last = --s->users == 0 && s->dropped;
	pthread_mutex_unlock(&t->mtx);
	if (last)
		merged_slot_free(s);
}
