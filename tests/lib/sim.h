/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_LIB_SIM_H
#define TESTS_LIB_SIM_H

#include "core/core.h"

/*
 * Several programs at work on one store in memory, one at a time: every store
 * operation is a point where another may go on, chosen by a seed, so that a
 * run can be repeated.  One of them may stop anywhere and go on when the
 * others have ended.
 *
 * After each put of an archive and each deletion of a pack it is looked
 * whether every object that an archive needs is still in some pack.  What an
 * archive needs the writers tell by sim_expect, before they commit.
 */
#define SIM_MAX 9
#define SIM_OBJECTS 16

struct sim;
struct sim *sim_new(void);
void sim_free(struct sim *s);
/* A store for program 'who', which is opened through it.  The sim's. */
struct store *sim_store(struct sim *s, unsigned who);
/* The keys, to look into packs. */
void sim_keys(struct sim *s, struct repo *r);

/* The state of the store that a run begins with (a copy of it). */
void sim_begin(struct sim *s, struct store *from, uint64_t seed);
typedef void sim_fn(unsigned who, void *ctx);
/*
 * Instead of at random, the next runs switch at these points only, and when a
 * program has ended: to the next one in 'order'.  Points are counted from 1 in
 * a run; what only reads a file whose name is known, or is a barrier, is none:
 * here such operations change nothing, and see nothing that others change, but
 * for deletions.  NULL: at random.
 */
#define SIM_SWITCHES 3
struct sim_plan {
	uint8_t order[SIM_MAX];
	unsigned n;
	struct {
		unsigned at;
		uint8_t to;
	} to[SIM_SWITCHES];
};
void sim_plan(struct sim *s, const struct sim_plan *plan);
unsigned sim_points(const struct sim *s);	/* of the last run */
unsigned sim_who(const struct sim *s, unsigned point);	/* was at it */
/* All programs to their end; sim_fn runs in a thread of each one. */
void sim_run(struct sim *s, unsigned n, sim_fn *fn, void *ctx);
uint64_t sim_random(struct sim *s, uint64_t below);	/* in a run */

/* The archive of this session, should it come to be, needs these. */
void sim_expect(struct sim *s, const struct sid *session,
		const struct oid *id, unsigned n);
/* What is wrong so far, or NULL. */
const char *sim_violation(const struct sim *s);
void sim_wrong(struct sim *s, const char *what);	/* the first counts */
uint64_t sim_steps(const struct sim *s);

#endif
