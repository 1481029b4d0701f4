/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The collector's protocol as a model (tests/model/model.h): in no state of
 * it something is lost, and with any one rule left out there is such a state.
 *
 * MODEL_LONG=1 ("make model"): every state of two writers, a collector, a
 * reader and two deletions; ten million random steps of three writers and two
 * collectors.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/model/search.h"

#define LAYOUTS 6
#define SHORT_STEPS 300000
#define LONG_STEPS 10000000

static const struct {
	const char *name;
	uint8_t pack[FIRST_PACKS];
} layouts[LAYOUTS] = {
	{ "c | r+x", { OBJ_C, OBJ_R | OBJ_X } },
	{ "r | c+x", { OBJ_R, OBJ_C | OBJ_X } },
	{ "r | c | x", { OBJ_R, OBJ_C, OBJ_X } },
	{ "r+c | x", { OBJ_R | OBJ_C, OBJ_X } },
	{ "c | q+x", { OBJ_C, OBJ_Q | OBJ_X } },
	{ "q+c | x", { OBJ_Q | OBJ_C, OBJ_X } },
};

static struct search search;
static struct timespec since;

static void result(const struct model *m, const char *layout)
{
	struct timespec now;
	unsigned i;

	clock_gettime(CLOCK_MONOTONIC, &now);
	printf("%u writers %u collectors %u prunes%s%s, %s: %s, %llu states, "
	       "%llu steps, %.1f s%s\n", m->writers, m->collectors, m->prunes,
	       m->reader ? " reader" : "", m->forget ? " forgetting" : "",
	       layout, search.lost ? "LOST" :
	       "nothing lost", (unsigned long long)search.states,
	       (unsigned long long)search.steps,
	       (double)(now.tv_sec - since.tv_sec) +
	       (double)(now.tv_nsec - since.tv_nsec) / 1e9,
	       search.limited ? ", not all" : "");
	fflush(stdout);
	if (search.lost || search.limited) {
		for (i = 0; search.lost && i < search.n_path; i++)
			model_tell(&search.path[i]);
		exit(1);
	}
	since = now;
}

static void every_state(struct model m, unsigned layout)
{
	memcpy(m.layout, layouts[layout].pack, FIRST_PACKS);
	search_all(&m, &search);
	result(&m, layouts[layout].name);
}

static void random_steps(struct model m, unsigned layout, uint64_t steps)
{
	memcpy(m.layout, layouts[layout].pack, FIRST_PACKS);
	search_walk(&m, steps, layout + 1, &search);
	result(&m, layouts[layout].name);
}

/* Found among all states of a small deployment; what needs a large one, on
 * random walks. */
static void caught(enum mutant mutant)
{
	const struct model m = { .writers = mutant == MUTANT_OPEN_SEGMENT ||
		mutant == MUTANT_OLD_SEGMENTS ? 2 : 1, .attempts = 2,
		.collectors = mutant == MUTANT_LATE_N ? 2 : 1, .rounds = 1,
		.prunes = 2, .reader = mutant == MUTANT_NO_PINS,
		.mutant = mutant };
	const struct model big = { .writers = 2, .attempts = 2,
		.collectors = 2, .rounds = 2, .prunes = 2, .rewrite = true,
		.reader = mutant == MUTANT_NO_RECORD,
		.forget = mutant == MUTANT_NO_LOOK, .mutant = mutant };
	bool walk = mutant == MUTANT_NO_RULE_C || mutant == MUTANT_NO_RECORD ||
		mutant == MUTANT_NO_LOOK;
	unsigned i;

	for (i = 0; i < LAYOUTS; i++) {
		struct model now = walk ? big : m;
		bool right;

		memcpy(now.layout, layouts[i].pack, FIRST_PACKS);
		right = walk ? search_walk(&now, 2000000, 5, &search) :
			search_all(&now, &search);
		if (!right) {
			printf("%s: caught after %llu steps, %s, in %u\n",
			       model_mutant_name(mutant),
			       (unsigned long long)search.steps,
			       layouts[i].name, search.n_path);
			return;
		}
	}
	printf("%s: not caught\n", model_mutant_name(mutant));
	exit(1);
}

int main(void)
{
	const bool all = getenv("MODEL_LONG") != NULL;
	const struct model small = { .writers = 1, .attempts = 2,
		.collectors = 1, .rounds = 1, .prunes = 2, .reader = true,
		.undelete = true, .rewrite = true };
	const struct model two = { .writers = 2, .attempts = 2,
		.collectors = 1, .rounds = 1, .prunes = 2, .reader = true,
		.undelete = true, .rewrite = true };
	const struct model many = { .writers = 3, .attempts = 2,
		.collectors = 2, .rounds = 2, .prunes = 4, .reader = true,
		.undelete = true, .rewrite = true };
	struct model forget = many;
	unsigned i;

	forget.forget = true;
	clock_gettime(CLOCK_MONOTONIC, &since);
	for (i = 0; i < LAYOUTS; i++)
		every_state(all ? two : small, i);
	for (i = 0; i < LAYOUTS; i++)
		random_steps(many, i, (all ? LONG_STEPS : SHORT_STEPS) /
			LAYOUTS + 1);
	for (i = 0; i < LAYOUTS; i++)
		random_steps(forget, i, (all ? LONG_STEPS : SHORT_STEPS) /
			LAYOUTS + 1);
	for (i = MUTANT_NONE + 1; i < MUTANTS; i++)
		caught((enum mutant)i);
	return 0;
}
