/* SPDX-License-Identifier: BSD-2-Clause */
/* The first state, deletions, the reader, and what must hold. */
#include "tests/model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *model_mutant_name(enum mutant m)
{
	static const char *const name[MUTANTS] = {
		"everything right", "whole packs in base(n)", "no W0", "no W1",
		"segments of any generation", "a segment that is not closed",
		"a commit that replaces a fence", "n chosen after marking",
		"no RULE C", "no G3", "no fence", "no G4",
		"pins not looked at", "a record that is not looked for",
		"a generation that is not looked at again",
	};

	return name[m];
}

void model_tell(const struct label *l)
{
	static const char *const w[] = { "W0", "W1 generation", "W1 index",
		"W2 pack", "W2 second pack", "W3", "W3 not closed", "W4",
		"W5", "" };
	static const char *const g[] = { "G0", "G1 archives", "G1 tombstones",
		"G1 pins", "G1 packs", "G2", "G2 look", "G3 list", "G3 wait",
		"G4 archives", "G4 tombstones", "G4 rescue", "G5 publish",
		"G5 records", "G5 segments", "G5 delete pack",
		"G5 tombstones", "" };
	static const char *const r[] = { "list", "pin", "tombstone",
		"record", "read", "unpin", "" };

	if (l->program < PROGRAM_COLLECTOR)
		printf("writer%u %s (%u)\n", l->program, w[l->pc], l->arg);
	else if (l->program < PROGRAM_READER)
		printf("collector%u %s (%u)\n", l->program - PROGRAM_COLLECTOR,
		       g[l->pc], l->arg);
	else if (l->program == PROGRAM_READER)
		printf("reader %s (%u)\n", r[l->pc], l->arg);
	else
		printf("prune of archive %u\n", l->arg);
}

void model_begin(const struct model *m, struct state *s)
{
	unsigned p, o;

	memset(s, 0, sizeof(*s));
	s->n_generations = 1;
	for (p = 0; p < FIRST_PACKS; p++) {
		s->pack[p] = m->layout[p];
		for (o = 0; o < OBJECTS; o++)
			if (m->layout[p] >> o & 1)
				s->generation[0].base.at[o] |= 1u << p;
	}
	s->archive[ARCHIVE_B] = s->archive[ARCHIVE_K] = ARCHIVE_THERE;
	s->root[ARCHIVE_B] = objects_in(s, 7) & OBJ_Q ? OBJ_Q : OBJ_R;
	s->root[ARCHIVE_K] = OBJ_X;
	for (p = 0; p < SEGMENTS; p++)
		s->segment[p].generation = NO_SEGMENT;
}

struct state *model_step(struct steps *out, const struct state *from,
			 struct label label)
{
	struct step *st = &out->step[out->n++];

	if (out->n > MAX_STEPS)
		abort();
	st->to = *from;
	st->label = label;
	return &st->to;
}

static void model_prune(const struct model *m, const struct state *s,
			struct steps *out)
{
	struct state *to;
	unsigned a;

	for (a = 0; a < ARCHIVES && s->prunes < m->prunes; a++) {
		if (a == ARCHIVE_K || s->archive[a] != ARCHIVE_THERE ||
		    (s->tombs >> a & 1))
			continue;
		to = model_step(out, s, (struct label) { PROGRAM_PRUNER, 0,
							 (uint8_t)a });
		to->tombs |= bit8(a);
		to->prunes++;
	}
}

/* As a mount: put the pin, then look for a tombstone, then for the record: what
 * was listed long ago may be gone together with its tombstone. */
static void model_reader(const struct model *m, const struct state *s,
			 struct steps *out)
{
	struct label l = { PROGRAM_READER, s->reader.pc, s->reader.archive };
	const struct reader *r = &s->reader;
	struct state *to;
	unsigned a;

	switch (r->pc) {
	case R_LIST:
		for (a = 0; a < ARCHIVES; a++) {
			if (s->archive[a] != ARCHIVE_THERE ||
			    (s->tombs >> a & 1))
				continue;
			l.arg = (uint8_t)a;
			to = model_step(out, s, l);
			to->reader = (struct reader) { R_PIN, (uint8_t)a };
		}
		return;
	case R_PIN:
		to = model_step(out, s, l);
		to->pins = bit8(r->archive);
		to->reader.pc = R_LOOK;
		return;
	case R_LOOK:
		to = model_step(out, s, l);
		to->reader.pc = s->tombs >> r->archive & 1 ? R_UNPIN :
			R_RECORD;
		return;
	case R_RECORD:
		to = model_step(out, s, l);
		to->reader.pc = s->archive[r->archive] == ARCHIVE_THERE ||
			m->mutant == MUTANT_NO_RECORD ? R_READ : R_UNPIN;
		return;
	case R_READ:
		model_step(out, s, l)->reader.pc = R_UNPIN;
		return;
	case R_UNPIN:
		to = model_step(out, s, l);
		to->pins = 0;
		to->reader = (struct reader) { R_ENDED, 0 };
		return;
	default:
		return;
	}
}

void model_steps(const struct model *m, const struct state *s,
		 struct steps *out)
{
	unsigned i;

	out->n = 0;
	for (i = 0; i < m->writers; i++)
		model_writer(m, s, i, out);
	for (i = 0; i < m->collectors; i++)
		model_collector(m, s, i, out);
	if (m->reader)
		model_reader(m, s, out);
	model_prune(m, s, out);
}

/* The packs that segments list an object in. */
static uint32_t model_listed(const struct state *s, unsigned o)
{
	uint32_t listed = 0;
	unsigned i;

	for (i = 0; i < s->n_generations; i++)
		if (!s->generation[i].no_base)
			listed |= s->generation[i].base.at[o];
	for (i = 0; i < SEGMENTS; i++)
		if (s->segment[i].generation != NO_SEGMENT)
			listed |= s->segment[i].where.at[o];
	return listed;
}

bool model_lost(const struct model *m, const struct state *s)
{
	uint8_t live = archives_there(s) & (uint8_t)~s->tombs, objects;
	unsigned o;

	objects = objects_of(s, live);
	for (o = 0; o < OBJECTS; o++)
		if ((objects >> o & 1) && !packs_with(s, o,
				model_listed(s, o)))
			return true;
	if (!m->reader || s->reader.pc != R_READ)
		return false;
	objects = closure_of(s->root[s->reader.archive]);
	return objects & (uint8_t)~objects_in(s, UINT32_MAX);
}
