/* SPDX-License-Identifier: BSD-2-Clause */
/* What a collector finds live, condemns, copies and rescues. */
#include "tests/model/model.h"

#include <string.h>

static uint32_t choose_there(const struct state *s)
{
	uint32_t there = 0;
	unsigned p;

	for (p = 0; p < PACKS; p++)
		if (s->pack[p])
			there |= 1u << p;
	return there;
}

static void choose_base(const struct model *m, struct state *to, unsigned i,
			uint32_t stays)
{
	struct collector *c = &to->collector[i];
	unsigned o;

	memset(&c->base, 0, sizeof(c->base));
	for (o = 0; o < OBJECTS; o++)
		if ((c->live >> o & 1) || m->mutant == MUTANT_PACK_LEVEL)
			c->base.at[o] = packs_with(to, o, stays);
}

static void choose_pins(const struct model *m, const struct state *s,
			unsigned i, struct steps *out)
{
	struct state *to = model_step(out, s, (struct label) {
		(uint8_t)(PROGRAM_COLLECTOR + i), G1_PINS, 0 });
	struct collector *c = &to->collector[i];
	uint8_t pins = m->mutant == MUTANT_NO_PINS ? 0 : s->pins;

	c->dead = (uint8_t)(c->seen & c->tombs & ~pins);
	c->live = objects_of(s, (uint8_t)(c->seen & ~c->dead));
	c->tombs = 0;
	c->pc = G1_PACKS;
}

/* Each pack of which not all is needed may be copied from, or not. */
static void choose_sparse(const struct model *m, const struct state *s,
			  unsigned i, struct steps *out)
{
	const struct state from = out->step[out->n - 1].to;
	const struct collector *c = &from.collector[i];
	uint32_t stays = choose_there(&from) & ~(c->old | c->x);
	unsigned p;

	for (p = 0; p < PACKS; p++) {
		uint8_t keep = from.pack[p] & c->live;
		struct state *to;

		if (!(stays >> p & 1))
			continue;
		keep &= (uint8_t)~objects_in(&from, stays & ~(1u << p));
		if (keep == from.pack[p])
			continue;
		to = model_step(out, s, (struct label) {
			(uint8_t)(PROGRAM_COLLECTOR + i), G1_PACKS,
			(uint8_t)(1 + p) });
		*to = from;
		to->collector[i].x |= 1u << p;
		to->pack[copy_pack(i, c->round, 1)] = keep;
		choose_base(m, to, i, choose_there(to) &
			~(c->old | to->collector[i].x));
	}
}

static void choose_packs(const struct model *m, const struct state *s,
			 unsigned i, struct steps *out)
{
	struct state *to = model_step(out, s, (struct label) {
		(uint8_t)(PROGRAM_COLLECTOR + i), G1_PACKS, 0 });
	struct collector *c = &to->collector[i];
	uint32_t there = choose_there(s);
	uint8_t miss;
	unsigned p;

	if (m->mutant == MUTANT_LATE_N) {
		c->n = s->n_generations;
		c->old = s->generation[c->n - 1].condemned;
	}
	c->old &= there;	/* the newest names all that are condemned */
	miss = c->live & (uint8_t)~objects_in(s, there & ~c->old);
	if (miss & ~objects_in(s, there)) {	/* it looks again, from G0 on */
		*c = (struct collector) { .pc = c->round + 1u < m->rounds ?
			G0_NUMBER : G_ENDED, .round = c->round + 1u <
			m->rounds ? (uint8_t)(c->round + 1) : 0 };
		return;
	}
	to->pack[copy_pack(i, c->round, 0)] = miss;
	for (p = 0; p < PACKS; p++)
		if ((there & ~c->old) >> p & 1 && !(s->pack[p] & c->live))
			c->x |= 1u << p;
	choose_base(m, to, i, choose_there(to) & ~(c->old | c->x));
	c->pc = G2_CONDEMN;
	if (m->rewrite)
		choose_sparse(m, s, i, out);
}

void model_choose(const struct model *m, const struct state *s, unsigned i,
		  struct steps *out)
{
	if (s->collector[i].pc == G1_PINS)
		choose_pins(m, s, i, out);
	else
		choose_packs(m, s, i, out);
}

/* G4: what late archives need, and has no place that stays: its pack leaves X,
 * or it is copied. */
void model_rescue(const struct model *m, const struct state *s, unsigned i,
		  struct steps *out)
{
	struct state *to = model_step(out, s, (struct label) {
		(uint8_t)(PROGRAM_COLLECTOR + i), G4_PINS, 0 });
	struct collector *c = &to->collector[i];
	uint8_t pins = m->mutant == MUTANT_NO_PINS ? 0 : s->pins;
	uint8_t live, copy = 0;
	uint32_t there = choose_there(s), in;
	unsigned o;

	live = objects_of(s, (uint8_t)(c->late & ~(c->tombs & ~pins)));
	for (o = 0; o < OBJECTS; o++) {
		if (!(live >> o & 1) ||
		    packs_with(s, o, there & ~c->old & ~c->x))
			continue;
		in = packs_with(s, o, there & ~c->old);
		if (in)
			c->x &= ~(in & -in);
		else if (packs_with(s, o, there))
			copy |= bit8(o);
	}
	to->pack[copy_pack(i, c->round, 2)] = copy;
	c->live = live;
	choose_base(m, to, i, choose_there(to) & ~c->old & ~c->x);
	c->live = c->late = c->tombs = 0;
	c->pc = G5_PUBLISH;
}
