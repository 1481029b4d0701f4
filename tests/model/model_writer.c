/* SPDX-License-Identifier: BSD-2-Clause */
/* W0 to W5. */
#include "tests/model/model.h"

/* What a writer of this generation may reuse: base(n), and the segments of
 * generation n and later. */
static uint8_t writer_listed(const struct model *m, const struct state *s,
			     uint8_t n)
{
	uint8_t listed = 0;
	unsigned o, i;

	for (o = 0; o < OBJECTS; o++) {
		uint32_t at = s->generation[n].base.at[o];

		for (i = 0; i < SEGMENTS; i++)
			if (s->segment[i].generation != NO_SEGMENT &&
			    (s->segment[i].generation >= n ||
			     m->mutant == MUTANT_OLD_SEGMENTS))
				at |= s->segment[i].where.at[o];
		if (at)
			listed |= bit8(o);
	}
	return listed;
}

static void writer_publish(struct state *to, unsigned session, uint8_t objects,
			   unsigned pack)
{
	struct segment *g = &to->segment[session];
	unsigned o;

	for (o = 0; o < OBJECTS; o++)
		if (objects >> o & 1)
			g->where.at[o] |= 1u << pack;
}

/* Nothing of what it needs is read: a listed R is closed. */
static void writer_index(const struct model *m, const struct state *s,
			 unsigned i, struct steps *out)
{
	const struct writer *w = &s->writer[i];
	struct label l = { (uint8_t)i, w->pc, w->generation };
	uint8_t listed;
	struct state *to;

	if ((s->generation[w->generation].no_base ||
	     s->generation[w->generation].gone) &&
	    m->mutant != MUTANT_NO_W1) {	/* a newer one is there */
		model_step(out, s, l)->writer[i].pc = W1_GENERATION;
		return;
	}
	listed = writer_listed(m, s, w->generation);
	to = model_step(out, s, l);
	to->writer[i].root = OBJ_R;
	to->writer[i].need = listed & OBJ_R ? 0 :
		(uint8_t)(OBJ_R | (listed & OBJ_C ? 0 : OBJ_C));
	to->writer[i].pc = to->writer[i].need ? W2_PACK : W4_COMMIT;
	if (!m->undelete || s->archive[ARCHIVE_B] != ARCHIVE_THERE ||
	    !(s->tombs >> ARCHIVE_B & 1) || s->root[ARCHIVE_B] != OBJ_Q ||
	    !(listed & OBJ_Q))
		return;
	to = model_step(out, s, l);
	to->writer[i].root = OBJ_Q;
	to->writer[i].pc = W4_COMMIT;
}

/* The barrier is in it: what a step has put is there for all. */
static void writer_put(const struct model *m, const struct state *s,
		       unsigned i, struct steps *out)
{
	const struct writer *w = &s->writer[i];
	unsigned session = session_of(i, w->attempt);
	struct state *to = model_step(out, s, (struct label) { (uint8_t)i,
		w->pc, w->need });
	struct writer *tw = &to->writer[i];
	bool open = m->mutant == MUTANT_OPEN_SEGMENT &&
		w->need == (OBJ_R | OBJ_C);

	switch (w->pc) {
	case W2_PACK:
		to->pack[session_pack(session, 0)] = open ? OBJ_R : w->need;
		tw->pc = open ? W3_OPEN : W3_SEGMENT;
		return;
	case W3_OPEN:
		to->segment[session].generation = w->generation;
		writer_publish(to, session, OBJ_R, session_pack(session, 0));
		tw->pc = W2_SECOND;
		return;
	case W2_SECOND:
		to->pack[session_pack(session, 1)] = OBJ_C;
		tw->need = OBJ_C;
		tw->pc = W3_SEGMENT;
		return;
	default:
		to->segment[session].generation = w->generation;
		writer_publish(to, session, w->need, session_pack(session,
			s->pack[session_pack(session, 1)] ? 1 : 0));
		tw->pc = W4_COMMIT;
	}
}

/* Put-if-absent archives/S. */
static void writer_commit(const struct model *m, const struct state *s,
			  unsigned i, struct steps *out)
{
	const struct writer *w = &s->writer[i];
	unsigned a = 2 + session_of(i, w->attempt);
	struct state *to = model_step(out, s, (struct label) { (uint8_t)i,
		w->pc, (uint8_t)a });
	struct writer *tw = &to->writer[i];

	if (s->archive[a] == ARCHIVE_NONE || m->mutant == MUTANT_NO_EXCL) {
		to->archive[a] = ARCHIVE_THERE;
		to->root[a] = w->root;
		*tw = (struct writer) { .pc = W5_END, .attempt = w->attempt };
	} else if (w->attempt + 1u < m->attempts) {
		*tw = (struct writer) { .pc = W_START,
					.attempt = w->attempt + 1 };
	} else {
		*tw = (struct writer) { .pc = W_ENDED };
	}
}

void model_writer(const struct model *m, const struct state *s, unsigned i,
		  struct steps *out)
{
	const struct writer *w = &s->writer[i];
	struct label l = { (uint8_t)i, w->pc, w->attempt };
	unsigned session = session_of(i, w->attempt);
	struct state *to;

	switch (w->pc) {
	case W_START:
		to = model_step(out, s, l);
		if (m->mutant != MUTANT_NO_W0)
			to->sessions |= bit8(session);
		to->writer[i].pc = W1_GENERATION;
		return;
	case W1_GENERATION:
		to = model_step(out, s, l);
		to->writer[i].generation = m->mutant == MUTANT_NO_W1 ? 0 :
			(uint8_t)(s->n_generations - 1);
		to->writer[i].pc = W1_INDEX;
		return;
	case W1_INDEX:
		writer_index(m, s, i, out);
		return;
	case W2_PACK:
	case W2_SECOND:
	case W3_OPEN:
	case W3_SEGMENT:
		writer_put(m, s, i, out);
		return;
	case W4_COMMIT:
		writer_commit(m, s, i, out);
		return;
	case W5_END:
		to = model_step(out, s, l);
		to->sessions &= (uint8_t)~bit8(session);
		to->writer[i] = (struct writer) { .pc = W_ENDED };
		return;
	default:
		return;
	}
}
