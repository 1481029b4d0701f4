/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_LIB_SIM_H
#define TESTS_LIB_SIM_H

#include "core/core.h"

/*
 * Several programs at work on one store in memory, one at a time: before every
 * operation of the store another one may go on.  A program sees nothing that
 * differs from run to run but what others did to the store: it has no threads,
 * one wall time for ever, and its random numbers are counted from where the
 * run began, so that a run can be repeated.
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

/* The state of the store that a run begins with (a copy of it); seed 0: it is
 * 'from' itself, which is being made. */
void sim_begin(struct sim *s, struct store *from, uint64_t seed);
typedef void sim_fn(unsigned who, void *ctx);
/* All programs to their end, in an order that the seed chooses.  One of them
 * may stop anywhere, and goes on when the others have ended. */
void sim_run(struct sim *s, unsigned n, sim_fn *fn, void *ctx);
uint64_t sim_random(struct sim *s, uint64_t below);	/* in a run */
uint64_t sim_steps(const struct sim *s);		/* of the last run */

/* The archive of this session, should it come to be, needs these. */
void sim_expect(struct sim *s, const struct sid *session,
		const struct oid *id, unsigned n);
/* What this program will do depends on nothing that it has seen, but for
 * this, and on what others will do. */
void sim_forget(struct sim *s, unsigned who, const void *but, size_t len);
/* From now on this program reads what it has listed before another goes on. */
void sim_at_once(struct sim *s, unsigned who);
/* What is wrong so far, or NULL. */
const char *sim_violation(const struct sim *s);
void sim_wrong(struct sim *s, const char *what);	/* the first counts */

/*
 * Instead of a run: every order there is (sim_all.c).  Each program may stop
 * for ever before each of its operations: that is an order in which the others
 * go on.
 */
#define SIM_ALL_MAX 5			/* programs */
typedef void sim_look_fn(bool ended, void *ctx);
struct sim_all_opts {
	unsigned n;
	sim_fn *fn;
	/* For each content of the store that may hurt somebody: programs are
	 * where they are, or have ended.  Tells by sim_wrong; what it does is
	 * undone. */
	sim_look_fn *look;
	void *ctx;
	unsigned jobs;			/* processes at work, at least 1 */
	unsigned say;			/* after so many operations; 0: never */
	bool one_collector;		/* no more, among the programs */
	bool plain;			/* also what makes no difference */
};
struct sim_all_result {
	uint64_t states;		/* in which more than one may go on */
	uint64_t moves;			/* operations, of all ways */
	uint64_t stores;		/* contents that were looked at */
	uint64_t ends;			/* of them where all had ended */
	uint64_t ends_digest;
	unsigned passes;		/* until nothing new was learned */
};
void sim_all(struct sim *s, const struct sim_all_opts *o,
	     struct sim_all_result *res);

#endif
