/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_LIB_SIM_PRIV_H
#define TESTS_LIB_SIM_PRIV_H

#include "store/ops.h"
#include "tests/lib/fiber.h"
#include "tests/lib/sim.h"

#define SIM_PACKS 512
#define SIM_ARCHIVES 64
#define SIM_SESSIONS 64
#define SIM_NAMES 2048			/* a power of two */
#define SIM_STAGE_OPS 256		/* more than are done in one */
#define SIM_AHEAD 64
#define SIM_BASE SIM_MAX		/* owner: there before the run */
#define SIM_NOBODY (SIM_MAX + 1)	/* owner: never put */

struct sim_name {			/* that somebody has asked for */
	uint64_t key, body;		/* digests; key 0: free */
	uint8_t owner;			/* who put it first, or its session */
	bool there;
};
enum sim_verb { SIM_LIST, SIM_READ, SIM_PUT, SIM_DEL };
/* What a program is about to do. */
struct sim_op {
	enum sim_verb verb;
	enum store_kind kind;
	const struct sim_name *name;	/* NULL: a listing */
};
struct sim_prog {
	struct fiber *fiber;
	struct sim_op next;
	bool ended;
	bool at_once;			/* what it lists it reads at once */
	/* Operations of it; it goes on at the next full stage when something is
	 * forgotten, so that what is the same has done as many. */
	unsigned done, stage;
	uint64_t seen;			/* a digest of all their results */
	uint64_t draws;			/* of random numbers */
	uint64_t knew;			/* when it last forgot the rest */
	uint64_t before_wait;		/* what it had seen at the end of G2 */
	/* All that it still does, whatever it sees: so many operations, and a
	 * digest of what is left before each but the first, the last first. */
	unsigned blind;
	uint64_t ahead[SIM_AHEAD];
};
struct sim_door {			/* the store of one program */
	struct store store;
	struct sim *s;
	unsigned who;
};
struct sim_pack {
	char name[OID_HEX_BYTES];
	bool there;
	uint32_t n;
	struct oid *id;
};
struct sim_need {
	char name[SID_HEX_BYTES];
	unsigned n;
	struct oid id[SIM_OBJECTS];
};
struct sim {
	struct store *below;
	bool copy;			/* it is the sim's */
	struct repo *keys;
	struct sim_door door[SIM_MAX];
	struct sim_pack pack[SIM_PACKS];
	unsigned n_packs, base_packs;
	struct sim_need need[SIM_ARCHIVES];
	unsigned n_needs, base_needs;
	struct sim_name name[SIM_NAMES];
	struct sim_session {		/* that was put in this run */
		uint64_t digest;
		uint8_t who;
	} session[SIM_SESSIONS];
	unsigned n_sessions;
	bool forgets;			/* in a search that leaves out */
	bool one_collector;		/* all segments have other names */
	uint64_t content;		/* a digest of what the store has */
	bool touched;			/* it may hurt somebody */
	char violation[256];

	pid_t pid;
	struct sim_prog prog[SIM_MAX];
	unsigned n, current;
	unsigned frozen;		/* SIM_MAX: nobody */
	uint64_t seed, draws, freeze_at, steps, rng;
	unsigned rarely;		/* one switch in so many steps */
	sim_fn *fn;
	void *ctx;
};

/* sim.c: programs begin, and stop before their first operation. */
void sim_start(struct sim *s, unsigned n, sim_fn *fn, void *ctx);
/* One goes on, to its next operation or its end. */
void sim_go(struct sim *s, unsigned who);
void sim_stop(struct sim *s);		/* no program is left */

/* sim_door.c */
/* Whoever puts one of these makes up its name, so two never put the same. */
bool sim_own_names(const struct sim *s, enum store_kind k);
/* Names of these are of the program that made them up, also where another may
 * put them. */
bool sim_owned(const struct sim *s, enum store_kind k);
extern const struct store_ops sim_door_ops;
void sim_names_begin(struct sim *s);	/* of what is there */
void sim_look(struct sim *s, const char *when);

#endif
