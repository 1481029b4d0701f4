/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_MODEL_MODEL_H
#define TESTS_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The collector's protocol (DESIGN section 5) as a model of states: writers,
 * collectors, deletions and one reader with a pin, one operation of the store
 * a step.  Where the code goes beyond that page (core/README.md, "The
 * collector") the model follows the code: base'(n) is a session segment of
 * generation n, a generation names what older ones condemned and deletes it,
 * records and tombstones go, too.  Where the code condemns less (packs of
 * sessions at work), the model condemns more.
 *
 * Four objects: R, which needs C; C; Q, which needs C; X.  Archive B has the
 * root Q where there is one, else R, if the layout has R; archive K has X;
 * writers make archives with the root R, or undelete B.
 *
 * What must hold in every state: an archive that is there and has no tombstone
 * has all its objects in packs, and each is listed there by a segment; what a
 * reader has pinned, and found without a tombstone, has them in packs.
 */
#define OBJ_R 1u
#define OBJ_C 2u
#define OBJ_X 4u
#define OBJ_Q 8u
#define OBJECTS 4

#define MAX_WRITERS 3
#define MAX_ATTEMPTS 2
#define MAX_COLLECTORS 2
#define MAX_ROUNDS 2
#define SESSIONS (MAX_WRITERS * MAX_ATTEMPTS)
#define ARCHIVE_B 0
#define ARCHIVE_K 1
#define ARCHIVES (2 + SESSIONS)
#define ROUNDS (MAX_COLLECTORS * MAX_ROUNDS)
#define GENERATIONS (1 + ROUNDS)
#define FIRST_PACKS 3
#define PACKS (FIRST_PACKS + 2 * SESSIONS + 3 * ROUNDS)
#define SEGMENTS (SESSIONS + ROUNDS)
#define NO_SEGMENT 0xff
#define MAX_STEPS 64

enum mutant {
	MUTANT_NONE,
	MUTANT_PACK_LEVEL,	/* base(n) lists whole packs */
	MUTANT_NO_W0,
	MUTANT_NO_W1,		/* a writer believes the first generation */
	MUTANT_OLD_SEGMENTS,	/* a writer believes segments of any */
	MUTANT_OPEN_SEGMENT,	/* lists R before C is there */
	MUTANT_NO_EXCL,		/* a commit replaces a fence */
	MUTANT_LATE_N,		/* n is chosen after marking */
	MUTANT_NO_RULE_C,
	MUTANT_NO_G3,
	MUTANT_NO_FENCE,
	MUTANT_NO_G4,
	MUTANT_NO_PINS,
	MUTANT_NO_RECORD,	/* a reader looks for a tombstone only */
	MUTANT_NO_LOOK,		/* with 'forget' only */
	MUTANTS
};

/* One deployment; what the model's programs may do. */
struct model {
	unsigned writers, attempts, collectors, rounds, prunes;
	bool reader, undelete;
	bool rewrite;		/* sparse packs are copied, maybe */
	/* Not what the code does: names of older generations are removed (G5),
	 * and who has put one looks whether it is the newest (G2). */
	bool forget;
	enum mutant mutant;
	uint8_t layout[FIRST_PACKS];	/* objects of the first packs */
};

/* Where objects are: for each a bit a pack. */
struct where {
	uint32_t at[OBJECTS];
};

enum archive_state { ARCHIVE_NONE, ARCHIVE_FENCE, ARCHIVE_THERE };
enum writer_pc { W_START, W1_GENERATION, W1_INDEX, W2_PACK, W2_SECOND,
		 W3_SEGMENT, W3_OPEN, W4_COMMIT, W5_END, W_ENDED };
enum collector_pc {
	G0_NUMBER, G1_ARCHIVES, G1_TOMBSTONES, G1_PINS, G1_PACKS, G2_CONDEMN,
	G2_LOOK, G3_LIST, G3_WAIT, G4_ARCHIVES, G4_TOMBSTONES, G4_PINS,
	G5_PUBLISH, G5_RECORDS, G5_SEGMENTS, G5_PACKS, G5_TOMBSTONES, G_ENDED
};
enum reader_pc { R_LIST, R_PIN, R_LOOK, R_RECORD, R_READ, R_UNPIN, R_ENDED };

struct writer {
	uint8_t pc, attempt, generation, need, root;
};
struct collector {
	uint8_t pc, round, n;
	uint8_t seen, dead, buried;	/* archives, a bit each */
	uint8_t tombs;			/* as listed last */
	uint8_t live;			/* objects */
	uint8_t late;			/* archives that came meanwhile */
	uint8_t sessions;		/* G3's */
	uint16_t segments;		/* that go */
	uint32_t x, old;		/* packs */
	struct where base;		/* base(n); later base'(n) */
};
struct reader {
	uint8_t pc, archive;
};
struct generation {
	struct where base;
	uint32_t condemned;
	uint8_t no_base;		/* its segments are deleted */
	uint8_t gone;			/* it is itself */
};
struct segment {
	uint8_t generation;
	struct where where;
};

/* Zeroed where nothing is said, so that states can be compared as bytes. */
struct state {
	uint8_t pack[PACKS];		/* objects in it; 0: not there */
	uint8_t archive[ARCHIVES];	/* enum archive_state */
	uint8_t root[ARCHIVES];
	uint8_t tombs, pins, sessions;	/* a bit each */
	uint8_t n_generations, prunes;
	struct generation generation[GENERATIONS];
	struct segment segment[SEGMENTS];
	struct writer writer[MAX_WRITERS];
	struct collector collector[MAX_COLLECTORS];
	struct reader reader;
};

/* What a step did, to tell a path. */
struct label {
	uint8_t program;	/* writers, collectors, reader, pruner */
	uint8_t pc, arg;
};
struct step {
	struct state to;
	struct label label;
};
struct steps {
	unsigned n;
	struct step step[MAX_STEPS];
};

#define PROGRAM_COLLECTOR MAX_WRITERS
#define PROGRAM_READER (MAX_WRITERS + MAX_COLLECTORS)
#define PROGRAM_PRUNER (PROGRAM_READER + 1)
#define PROGRAMS (PROGRAM_PRUNER + 1)

void model_begin(const struct model *m, struct state *s);
/* Every step that a program can take in s. */
void model_steps(const struct model *m, const struct state *s,
		 struct steps *out);
/* Is it lost: an archive, or what is read? */
bool model_lost(const struct model *m, const struct state *s);
const char *model_mutant_name(enum mutant m);
void model_tell(const struct label *l);		/* a word, to stdout */

/* The parts; each adds the steps of one program. */
struct state *model_step(struct steps *out, const struct state *from,
			 struct label label);
void model_writer(const struct model *m, const struct state *s, unsigned i,
		  struct steps *out);
void model_collector(const struct model *m, const struct state *s, unsigned i,
		     struct steps *out);
/* G1, G4: what its listings say. */
void model_choose(const struct model *m, const struct state *s, unsigned i,
		  struct steps *out);
void model_rescue(const struct model *m, const struct state *s, unsigned i,
		  struct steps *out);

/* --- what the parts share --- */

static inline uint8_t bit8(unsigned i)
{
	return (uint8_t)(1u << i);
}

static inline uint8_t closure_of(uint8_t root)
{
	return root == OBJ_R || root == OBJ_Q ? (uint8_t)(root | OBJ_C) : root;
}

static inline unsigned session_of(unsigned writer, unsigned attempt)
{
	return writer * MAX_ATTEMPTS + attempt;
}

/* part 0, 1: a session's packs. */
static inline unsigned session_pack(unsigned session, unsigned part)
{
	return FIRST_PACKS + session * 2 + part;
}

/* part 0: copies of RULE C, 1: of a sparse pack, 2: of G4. */
static inline unsigned copy_pack(unsigned i, unsigned round, unsigned part)
{
	return FIRST_PACKS + 2 * SESSIONS + (i * MAX_ROUNDS + round) * 3 +
		part;
}

/* The packs that hold object o, of those in 'among'. */
static inline uint32_t packs_with(const struct state *s, unsigned o,
				  uint32_t among)
{
	uint32_t found = 0;
	unsigned p;

	for (p = 0; p < PACKS; p++)
		if ((s->pack[p] >> o & 1) && (among >> p & 1))
			found |= 1u << p;
	return found;
}

static inline uint8_t objects_in(const struct state *s, uint32_t among)
{
	uint8_t objects = 0;
	unsigned p;

	for (p = 0; p < PACKS; p++)
		if (among >> p & 1)
			objects |= s->pack[p];
	return objects;
}

/* Everything that these archives reach. */
static inline uint8_t objects_of(const struct state *s, uint8_t archives)
{
	uint8_t objects = 0;
	unsigned a;

	for (a = 0; a < ARCHIVES; a++)
		if (archives >> a & 1)
			objects |= closure_of(s->root[a]);
	return objects;
}

static inline uint8_t archives_there(const struct state *s)
{
	uint8_t there = 0;
	unsigned a;

	for (a = 0; a < ARCHIVES; a++)
		if (s->archive[a] == ARCHIVE_THERE)
			there |= bit8(a);
	return there;
}

#endif
