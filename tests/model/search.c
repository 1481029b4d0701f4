/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/model/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#define SEARCH_FIRST_SLOTS (1u << 16)
#define SEARCH_DEPTH 1024

struct seen {
	uint64_t *slot, mask, n;
};
struct frame {
	struct steps steps;
	unsigned next;
};

static void *search_alloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p) {
		fputs("no memory\n", stderr);
		exit(1);
	}
	return p;
}

static bool seen_put(struct seen *s, uint64_t key)
{
	uint64_t i;

	for (i = key & s->mask; s->slot[i]; i = (i + 1) & s->mask)
		if (s->slot[i] == key)
			return false;
	s->slot[i] = key;
	s->n++;
	return true;
}

/* True: it is new. */
static bool seen_add(struct seen *s, const struct state *st)
{
	uint64_t key = XXH3_64bits(st, sizeof(*st)), i;
	struct seen grown;

	if (s->n * 4 >= s->mask * 3) {
		grown = (struct seen) { search_alloc(2 * (s->mask + 1), 8),
					2 * s->mask + 1, 0 };
		for (i = 0; i <= s->mask; i++)
			if (s->slot[i])
				seen_put(&grown, s->slot[i]);
		free(s->slot);
		*s = grown;
	}
	return seen_put(s, key ? key : 1);
}

static void search_found(struct search *s, const struct frame *f, unsigned n)
{
	unsigned i;

	s->lost = true;
	for (i = 0; i < n; i++)
		s->path[i] = f[i].steps.step[f[i].next - 1].label;
	s->n_path = n;
}

bool search_all(const struct model *m, struct search *s)
{
	struct frame *f = search_alloc(SEARCH_DEPTH, sizeof(*f));
	struct seen seen = { search_alloc(SEARCH_FIRST_SLOTS, 8),
			     SEARCH_FIRST_SLOTS - 1, 0 };
	struct state first;
	unsigned n = 1;

	memset(s, 0, offsetof(struct search, limit));
	s->lost = s->limited = false;
	model_begin(m, &first);
	seen_add(&seen, &first);
	model_steps(m, &first, &f[0].steps);
	f[0].next = 0;
	while (n > 0 && !s->lost && !s->limited) {
		struct frame *top = &f[n - 1];
		const struct state *to;

		if (top->next == top->steps.n) {
			n--;
			continue;
		}
		to = &top->steps.step[top->next++].to;
		s->steps++;
		if (!seen_add(&seen, to))
			continue;
		if (model_lost(m, to)) {
			search_found(s, f, n);
			continue;
		}
		s->limited = s->limit && seen.n >= s->limit;
		if (n == SEARCH_DEPTH) {
			fputs("a path is too long\n", stderr);
			exit(1);
		}
		model_steps(m, to, &f[n].steps);
		f[n++].next = 0;
	}
	s->states = seen.n;
	free(seen.slot);
	free(f);
	return !s->lost;
}

static uint64_t search_random(uint64_t *rng)
{
	*rng ^= *rng << 13;
	*rng ^= *rng >> 7;
	*rng ^= *rng << 17;
	return *rng * 0x2545f4914f6cdd1dull >> 11;
}

/* One of the steps, none of a program that has stopped if others can. */
static const struct step *search_choose(const struct steps *all,
					unsigned stopped, uint64_t *rng)
{
	unsigned i, n = 0, can[MAX_STEPS];

	for (i = 0; i < all->n; i++)
		if (all->step[i].label.program != stopped)
			can[n++] = i;
	if (n == 0)
		return &all->step[search_random(rng) % all->n];
	return &all->step[can[search_random(rng) % n]];
}

bool search_walk(const struct model *m, uint64_t steps, uint64_t seed,
		 struct search *s)
{
	struct steps *all = search_alloc(1, sizeof(*all));
	uint64_t rng = seed * 0x9e3779b97f4a7c15ull + 1;
	struct state now;

	memset(s, 0, offsetof(struct search, limit));
	s->lost = false;
	while (s->steps < steps && !s->lost) {
		bool stops = search_random(&rng) % 2;
		unsigned who = (unsigned)(search_random(&rng) % PROGRAMS);
		uint64_t when = search_random(&rng) % 60;

		model_begin(m, &now);
		for (s->n_path = 0; !s->lost; s->n_path++) {
			const struct step *st;

			model_steps(m, &now, all);
			if (all->n == 0 || s->n_path == 4096)
				break;
			st = search_choose(all, stops && s->n_path >= when ?
				who : PROGRAMS, &rng);
			s->path[s->n_path] = st->label;
			now = st->to;
			s->steps++;
			s->lost = model_lost(m, &now);
		}
		s->states++;
	}
	free(all);
	return !s->lost;
}
