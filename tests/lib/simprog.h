/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_LIB_SIMPROG_H
#define TESTS_LIB_SIMPROG_H

#include <stdatomic.h>

#include "tests/lib/sim.h"

/*
 * What programs of a sim do: real writers, collectors, deletions, readers and
 * checks, each through a repository of its own.  Whatever must not happen is
 * told to the sim.
 */
struct simprog_counts {
	atomic_uint commits, fenced, removed, reads, checks;
};
struct simprog {
	struct sim *sim;
	struct store *from;		/* what each run begins with */
	struct repo *repo[SIM_MAX];
	unsigned n;			/* the last repo is of no program */
	int verdict;			/* alive_pretend's */
	struct simprog_counts *count;	/* of all processes of a test */
};

/* A new repository, opened for n programs, and once more. */
void simprog_open(struct simprog *p, unsigned n);
void simprog_close(struct simprog *p);
/* A run begins.  1: all are taken for alive, -1: for dead. */
void simprog_begin(struct simprog *p, uint64_t seed, int verdict);

/* One archive of a small folder (simtree.h). */
int simprog_write_once(struct simprog *p, unsigned who, const char *name,
		       unsigned tree, struct err *e);
/* The same, again if it was fenced, at most so many times. */
void simprog_write(struct simprog *p, unsigned who, const char *name,
		   unsigned tree, unsigned tries);
void simprog_collect(struct simprog *p, unsigned who, bool fence_all);
/* It may be gone already. */
void simprog_delete(struct simprog *p, unsigned who,
		    const struct catalog_item *it);
/* As a mount: pins archives, and reads what it has pinned. */
void simprog_read(struct simprog *p, unsigned who, unsigned archives);
void simprog_check(struct simprog *p, unsigned who);

/* Every archive is read by one who knows nothing. */
void simprog_read_all(struct simprog *p);
/* When all have ended, or stopped: another collection clears up behind them,
 * and harms nobody. */
void simprog_finish(struct simprog *p);

#endif
