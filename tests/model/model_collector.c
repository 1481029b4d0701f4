/* SPDX-License-Identifier: BSD-2-Clause */
/* G0 to G5. */
#include "tests/model/model.h"

#include <string.h>

static void collector_again(const struct model *m, struct collector *c)
{
	*c = (struct collector) { .pc = c->round + 1u < m->rounds ?
		G0_NUMBER : G_ENDED, .round = (uint8_t)(c->round + 1) };
	if (c->pc == G_ENDED)
		c->round = 0;
}

/* Tombstones whose record is gone for good go with this collection. */
static void collector_g1(const struct state *s, unsigned i, struct steps *out)
{
	const struct collector *c = &s->collector[i];
	struct state *to = model_step(out, s, (struct label) {
		(uint8_t)(PROGRAM_COLLECTOR + i), c->pc, c->n });
	struct collector *tc = &to->collector[i];

	if (c->pc == G1_ARCHIVES) {
		tc->seen = archives_there(s);
		tc->pc = G1_TOMBSTONES;
		return;
	}
	tc->tombs = s->tombs;
	tc->buried = (uint8_t)(s->tombs & ~c->seen & ~archives_there(s));
	tc->pc = G1_PINS;
}

static void collector_g2(const struct model *m, const struct state *s,
			 unsigned i, struct steps *out)
{
	const struct collector *c = &s->collector[i];
	struct state *to = model_step(out, s, (struct label) {
		(uint8_t)(PROGRAM_COLLECTOR + i), c->pc, c->n });
	struct collector *tc = &to->collector[i];

	if (m->mutant == MUTANT_LATE_N && c->n < s->n_generations)
		tc->n = s->n_generations;
	if (tc->n < s->n_generations && !s->generation[tc->n].gone) {
		collector_again(m, tc);		/* another was faster */
		return;
	}
	to->generation[tc->n] = (struct generation) { .base = c->base,
		.condemned = c->x | c->old };
	if (tc->n == s->n_generations)
		to->n_generations++;
	memset(&tc->base, 0, sizeof(tc->base));
	tc->live = 0;
	tc->pc = m->forget && m->mutant != MUTANT_NO_LOOK ? G2_LOOK : G3_LIST;
}

/* One that was removed may be put again by who is very late. */
static void collector_look(const struct model *m, const struct state *s,
			   unsigned i, struct steps *out)
{
	struct state *to = model_step(out, s, (struct label) {
		(uint8_t)(PROGRAM_COLLECTOR + i), G2_LOOK, 0 });

	if (s->collector[i].n + 1u < s->n_generations)
		collector_again(m, &to->collector[i]);
	else
		to->collector[i].pc = G3_LIST;
}

/* One session: its record is there, or it is gone, or it gets a fence; a
 * fenced one's mark goes. */
static void collector_wait(const struct model *m, const struct state *s,
			   unsigned i, struct steps *out)
{
	const struct collector *c = &s->collector[i];
	struct label l = { (uint8_t)(PROGRAM_COLLECTOR + i), c->pc, 0 };
	struct state *to;
	unsigned k;

	if (c->sessions == 0) {
		model_step(out, s, l)->collector[i].pc = G4_ARCHIVES;
		return;
	}
	for (k = 0; k < SESSIONS; k++) {
		if (!(c->sessions >> k & 1))
			continue;
		l.arg = (uint8_t)(1 + k);
		to = model_step(out, s, l);
		if (!(s->sessions >> k & 1) ||
		    s->archive[2 + k] == ARCHIVE_THERE) {
			to->collector[i].sessions &= (uint8_t)~bit8(k);
		} else if (s->archive[2 + k] == ARCHIVE_FENCE) {
			to->collector[i].sessions &= (uint8_t)~bit8(k);
			to->sessions &= (uint8_t)~bit8(k);
		} else if (m->mutant == MUTANT_NO_FENCE) {
			to->collector[i].sessions &= (uint8_t)~bit8(k);
		} else {
			to->archive[2 + k] = ARCHIVE_FENCE;
		}
	}
}

static void collector_g4(const struct model *m, const struct state *s,
			 unsigned i, struct steps *out)
{
	const struct collector *c = &s->collector[i];
	struct state *to = model_step(out, s, (struct label) {
		(uint8_t)(PROGRAM_COLLECTOR + i), c->pc, c->n });
	struct collector *tc = &to->collector[i];
	unsigned k;

	if (c->pc == G4_TOMBSTONES) {
		tc->tombs = s->tombs;
		tc->pc = G4_PINS;
		return;
	}
	tc->late = m->mutant == MUTANT_NO_G4 ? 0 :
		(uint8_t)(archives_there(s) & ~c->seen);
	for (k = 0; k < SEGMENTS; k++)
		if (s->segment[k].generation < c->n)
			tc->segments |= (uint16_t)(1u << k);
	tc->seen = 0;
	tc->pc = G4_TOMBSTONES;
}

/* Records and index first; then the packs, one a step. */
static void collector_g5(const struct model *m, const struct state *s,
			 unsigned i, struct steps *out)
{
	const struct collector *c = &s->collector[i];
	struct state *to = model_step(out, s, (struct label) {
		(uint8_t)(PROGRAM_COLLECTOR + i), c->pc, 0 });
	struct collector *tc = &to->collector[i];
	unsigned k;

	switch (c->pc) {
	case G5_PUBLISH:
		k = SESSIONS + i * MAX_ROUNDS + c->round;
		to->segment[k].generation = c->n;
		to->segment[k].where = c->base;
		memset(&tc->base, 0, sizeof(tc->base));
		tc->pc = G5_RECORDS;
		return;
	case G5_RECORDS:
		for (k = 0; k < ARCHIVES; k++)
			if (c->dead >> k & 1)
				to->archive[k] = ARCHIVE_NONE;
		tc->dead = 0;
		tc->pc = G5_SEGMENTS;
		return;
	case G5_SEGMENTS:
		for (k = 0; k < SEGMENTS; k++)
			if (c->segments >> k & 1) {
				memset(&to->segment[k], 0,
				       sizeof(to->segment[k]));
				to->segment[k].generation = NO_SEGMENT;
			}
		for (k = 0; k < c->n; k++)
			to->generation[k].no_base = 1;
		tc->segments = 0;
		tc->pc = G5_PACKS;
		return;
	case G5_TOMBSTONES:
		to->tombs &= (uint8_t)~c->buried;
		for (k = 0; m->forget && k < c->n; k++)
			to->generation[k] = (struct generation) { .gone = 1 };
		collector_again(m, tc);
		return;
	default:
		break;
	}
	tc->x |= c->old;
	tc->old = 0;
	for (k = 0; k < PACKS; k++)
		if ((tc->x >> k & 1) && s->pack[k]) {
			to->pack[k] = 0;
			tc->x &= ~(1u << k);
			return;
		}
	tc->x = 0;
	tc->pc = G5_TOMBSTONES;
}

void model_collector(const struct model *m, const struct state *s, unsigned i,
		     struct steps *out)
{
	const struct collector *c = &s->collector[i];
	struct label l = { (uint8_t)(PROGRAM_COLLECTOR + i), c->pc, 0 };
	struct state *to;

	switch (c->pc) {
	case G0_NUMBER:
		to = model_step(out, s, l);
		to->collector[i].n = s->n_generations;
		to->collector[i].old = m->mutant == MUTANT_NO_RULE_C ? 0 :
			s->generation[s->n_generations - 1].condemned;
		to->collector[i].pc = G1_ARCHIVES;
		return;
	case G1_ARCHIVES:
	case G1_TOMBSTONES:
		collector_g1(s, i, out);
		return;
	case G1_PINS:
	case G1_PACKS:
		model_choose(m, s, i, out);
		return;
	case G2_CONDEMN:
		collector_g2(m, s, i, out);
		return;
	case G2_LOOK:
		collector_look(m, s, i, out);
		return;
	case G3_LIST:
		to = model_step(out, s, l);
		to->collector[i].sessions = m->mutant == MUTANT_NO_G3 ? 0 :
			s->sessions;
		to->collector[i].pc = G3_WAIT;
		return;
	case G3_WAIT:
		collector_wait(m, s, i, out);
		return;
	case G4_ARCHIVES:
	case G4_TOMBSTONES:
		collector_g4(m, s, i, out);
		return;
	case G4_PINS:
		model_rescue(m, s, i, out);
		return;
	case G_ENDED:
		return;
	default:
		collector_g5(m, s, i, out);
	}
}
