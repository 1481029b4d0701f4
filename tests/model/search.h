/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_MODEL_SEARCH_H
#define TESTS_MODEL_SEARCH_H

#include "tests/model/model.h"

/*
 * Looks for a state in which something is lost.  States are told apart by 64
 * bits of a hash: at 100 million of them one is missed with a chance of 1 in
 * 3,700.  A program that stops for ever needs no step of its own here: every
 * path without its steps is looked at.
 */
struct search {
	uint64_t states, steps;
	uint64_t limit;		/* of states; 0: none */
	bool limited;		/* it was reached */
	bool lost;
	unsigned n_path;	/* how it came to be lost */
	struct label path[4096];
};

/* Every state.  false: something is lost. */
bool search_all(const struct model *m, struct search *s);
/*
 * At least so many random steps, each walk from the beginning to its end.  In
 * every second walk one program stops somewhere, and goes on when nobody else
 * can.
 */
bool search_walk(const struct model *m, uint64_t steps, uint64_t seed,
		 struct search *s);

#endif
