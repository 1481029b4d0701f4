/* SPDX-License-Identifier: BSD-2-Clause */
#include "fs/ahead.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/dir.h"

#define AHEAD_STREAMS 32	/* that are followed */
#define AHEAD_THREADS_MAX 8
#define AHEAD_WANTS 512		/* objects planned ahead in one stream */
#define AHEAD_BATCH 16		/* objects that a thread takes at once */
#define AHEAD_BATCH_BYTES (256u << 10)
#define AHEAD_SKIP_FILES 64	/* a step over so many is still in order */
#define AHEAD_SKIP_BYTES (2u << 20)
#define AHEAD_HITS 2		/* steps in order before anything is loaded */
#define AHEAD_FIRST_BYTES (1u << 20)	/* ahead at first; doubles */
#define AHEAD_MOST_BYTES (8u << 20)
#define AHEAD_PUSH_FILES 32	/* pushed in a row; below AHEAD_SKIP_FILES */
#define AHEAD_PUSH_SHARE 8	/* of the window, in a row */
#define AHEAD_CACHE_MIN (4u << 20)

/* An object of a stream.  It has served when the reader is at 'pos': the
 * ordinal of its file, or the offset behind its piece. */
struct ahead_want {
	uint64_t pos;
	uint64_t len;
	uint64_t group;		/* hard links of its file */
	struct oid id;
	bool push;		/* it is all of its file */
};

/* Where planning stands.  Whoever has it out of its stream owns it. */
struct ahead_plan {
	struct dir_ref ref;		/* a directory */
	struct tree_iter it;
	struct file *file;		/* or a file, open */
	uint64_t size;
	uint64_t at;			/* next ordinal or offset */
	bool begun, ended;
};

struct ahead_stream {
	/*
	 * Whenever mtx is not held:
	 * 1. head <= next <= tail <= head + AHEAD_WANTS; of the wants before
	 *    'next' somebody has taken care.
	 * 2. 'bytes' is the sum of the lengths of want[head..tail).
	 * 3. planning: the plan is out; else plan is NULL only if 'hits' is
	 *    below AHEAD_HITS.
	 */
	uint64_t owner;			/* 0: free */
	uint64_t used;			/* clock of the last read */
	uint64_t pos;			/* of the reader, as in a want */
	uint64_t bytes, window;
	uint64_t head, next, tail;
	uint64_t pushed_bytes;		/* since one that was not */
	unsigned pushed;
	struct ahead_plan *plan;
	struct ahead_want *want;	/* ring */
	unsigned layer, hits;
	bool planning;
	bool stale;			/* the plan that is out is not wanted */
};

struct ahead {
	struct reader *rd;		/* fixed, as the next three */
	ahead_push_fn *push;
	void *ctx;
	size_t total;			/* bytes ahead in all streams */
	pthread_mutex_t mtx;		/* a leaf */
	pthread_cond_t work;
	bool stop;			/* mtx, as all below */
	uint64_t clock;
	struct ahead_stream stream[AHEAD_STREAMS];
	unsigned n;			/* threads; fixed */
	unsigned joined;		/* of who stops them */
	pthread_t tid[AHEAD_THREADS_MAX];
};

static void ahead_plan_free(struct ahead_plan *p)
{
	if (!p)
		return;
	tree_iter_release(&p->it);
	file_close(p->file);
	free(p);
}

/* --- the streams; all of these under mtx --- */

/* Forget what was planned; the caller frees what is returned, without mtx. */
static struct ahead_plan *ahead_reset(struct ahead_stream *s, uint64_t pos)
{
	struct ahead_plan *old = s->plan;

	s->plan = NULL;
	s->stale = s->planning;
	s->head = s->next = s->tail;
	s->bytes = 0;
	s->hits = 0;
	s->window = AHEAD_FIRST_BYTES;
	s->pos = pos;
	return old;
}

/* The stream of 'owner', or the one that rests for longest, made his. */
static struct ahead_stream *ahead_find(struct ahead *a, uint64_t owner,
				       unsigned layer, uint64_t pos,
				       struct ahead_plan **old)
{
	struct ahead_stream *s, *oldest = NULL;
	unsigned i;

	a->clock++;
	for (i = 0; i < AHEAD_STREAMS; i++) {
		s = &a->stream[i];
		if (s->owner == owner && s->layer == layer) {
			s->used = a->clock;
			return s;
		}
		if (!s->planning && (!oldest || s->used < oldest->used))
			oldest = s;
	}
	if (!oldest)
		return NULL;
	*old = ahead_reset(oldest, pos);
	oldest->owner = owner;
	oldest->layer = layer;
	oldest->used = a->clock;
	return oldest;
}

static struct ahead_want *ahead_want(const struct ahead_stream *s, uint64_t i)
{
	return &s->want[i % AHEAD_WANTS];
}

/* The reader is at 'pos' now, in order. */
static void ahead_advance(struct ahead_stream *s, uint64_t pos)
{
	if (pos > s->pos) {
		s->pos = pos;
		s->hits += s->hits < AHEAD_HITS;
	}
	while (s->head < s->tail && ahead_want(s, s->head)->pos <= s->pos) {
		s->bytes -= ahead_want(s, s->head)->len;
		s->head++;
	}
	if (s->next < s->head)
		s->next = s->head;
}

static uint64_t ahead_window(const struct ahead *a,
			     const struct ahead_stream *s)
{
	unsigned i, active = 0;

	for (i = 0; i < AHEAD_STREAMS; i++)
		active += a->stream[i].tail > a->stream[i].head;
	if (active > 1 && s->window > a->total / active)
		return a->total / active;
	return s->window;
}

/* Half a window is free again, so that one plan is worth while. */
static bool ahead_may_plan(const struct ahead *a,
			   const struct ahead_stream *s)
{
	return s->plan && !s->plan->ended &&
	       s->tail - s->head <= AHEAD_WANTS / 2 &&
	       s->bytes <= ahead_window(a, s) / 2;
}

/* What to do next: the stream that was read last goes first. */
static struct ahead_stream *ahead_pick(struct ahead *a)
{
	struct ahead_stream *s, *best = NULL;
	unsigned i;

	for (i = 0; i < AHEAD_STREAMS; i++) {
		s = &a->stream[i];
		if ((s->next < s->tail || ahead_may_plan(a, s)) &&
		    (!best || s->used > best->used))
			best = s;
	}
	return best;
}

/* --- planning; without mtx --- */

static unsigned ahead_plan_entry(const struct entry *en, uint64_t ordinal,
				 struct ahead_want *out)
{
	const struct content *c = &en->content;
	unsigned i, n = 0;

	if (!S_ISREG(en->mode))
		return 0;
	if (c->kind == CONTENT_ONE) {
		*out = (struct ahead_want){
			.pos = ordinal, .len = en->size, .id = c->id,
			.group = en->link_group, .push = true
		};
		return 1;
	}
	if (c->kind != CONTENT_PIECES)
		return 0;
	for (i = 0; i < c->n_pieces; i++)
		if (c->piece[i].transform != PIECE_HOLE)
			out[n++] = (struct ahead_want){
				.pos = ordinal, .len = c->piece[i].len,
				.id = c->piece[i].id
			};
	return n;
}

static unsigned ahead_plan_dir(struct ahead *a, struct ahead_plan *p,
			       struct ahead_want *out)
{
	const struct entry *en;

	if (!p->begun) {
		p->begun = true;
		if (tree_iter_init(&p->it, a->rd, &p->ref, p->at, NULL) < 0) {
			p->ended = true;
			return 0;
		}
	}
	if (tree_iter_next(&p->it, &en, NULL) <= 0) {
		p->ended = true;
		return 0;
	}
	return ahead_plan_entry(en, p->at++, out);
}

static unsigned ahead_plan_file(struct ahead_plan *p, struct ahead_want *out)
{
	const struct piece *piece;
	uint64_t begin;

	if (p->at >= p->size ||
	    file_piece(p->file, p->at, &piece, &begin, NULL) < 0) {
		p->ended = true;
		return 0;
	}
	p->at = begin + piece->len;
	if (piece->transform == PIECE_HOLE)
		return 0;
	*out = (struct ahead_want){
		.pos = p->at, .len = piece->len, .id = piece->id
	};
	return 1;
}

/* Up to AHEAD_BATCH objects more, and 'bytes'. */
static unsigned ahead_plan_more(struct ahead *a, struct ahead_plan *p,
				uint64_t bytes,
				struct ahead_want out[AHEAD_BATCH])
{
	unsigned n = 0, at;
	uint64_t sum = 0;

	while (!p->ended && n + ENTRY_PIECES_MAX <= AHEAD_BATCH &&
	       sum < bytes) {
		at = n;
		n += p->file ? ahead_plan_file(p, out + n) :
			       ahead_plan_dir(a, p, out + n);
		for (; at < n; at++)
			sum += out[at].len;
	}
	return n;
}

/* --- the threads --- */

/*
 * Who finds all that he reads in the page cache asks for nothing, so that
 * nobody knows where he is: now and then one file is left for him to ask for.
 */
static bool ahead_may_push(struct ahead_stream *s, const struct ahead_want *w)
{
	if (!w->push || s->pushed >= AHEAD_PUSH_FILES ||
	    s->pushed_bytes + w->len > s->window / AHEAD_PUSH_SHARE) {
		s->pushed = 0;
		s->pushed_bytes = 0;
		return false;
	}
	s->pushed++;
	s->pushed_bytes += w->len;
	return true;
}

/* Takes and gives back mtx, as the next one. */
static void ahead_do_plan(struct ahead *a, struct ahead_stream *s)
{
	uint64_t bytes = ahead_window(a, s) - s->bytes;
	struct ahead_want more[AHEAD_BATCH];
	struct ahead_plan *p = s->plan;
	unsigned n, i;

	s->plan = NULL;
	s->planning = true;
	pthread_mutex_unlock(&a->mtx);
	n = ahead_plan_more(a, p, bytes, more);
	pthread_mutex_lock(&a->mtx);
	s->planning = false;
	if (s->stale) {
		s->stale = false;
		pthread_mutex_unlock(&a->mtx);
		ahead_plan_free(p);
		pthread_mutex_lock(&a->mtx);
		return;
	}
	s->plan = p;
	for (i = 0; i < n; i++) {
		more[i].push = ahead_may_push(s, &more[i]);
		*ahead_want(s, s->tail++) = more[i];
		s->bytes += more[i].len;
	}
	ahead_advance(s, s->pos);
}

static void ahead_push(struct ahead *a, const struct ahead_file *f,
		       const struct ahead_want *w)
{
	struct obj *o = reader_peek(a->rd, &w->id);

	if (o && o->len == w->len)
		a->push(a->ctx, f, o);
	reader_release_used(a->rd, o);
}

static void ahead_do_load(struct ahead *a, struct ahead_stream *s)
{
	struct ahead_want want[AHEAD_BATCH];
	struct ahead_file f = { .owner = s->owner };
	struct oid id[AHEAD_BATCH];
	unsigned layer = s->layer, n = 0, i;
	uint64_t bytes = 0;

	while (n < AHEAD_BATCH && s->next < s->tail &&
	       bytes < AHEAD_BATCH_BYTES) {
		want[n] = *ahead_want(s, s->next++);
		id[n] = want[n].id;
		bytes += want[n++].len;
	}
	if (ahead_pick(a))
		pthread_cond_signal(&a->work);
	pthread_mutex_unlock(&a->mtx);
	reader_ahead(a->rd, OBJ_DATA, id, n);
	for (i = 0; i < n; i++)
		if (want[i].push) {
			f.place = dir_place(layer, want[i].pos);
			f.group = want[i].group;
			ahead_push(a, &f, &want[i]);
		}
	pthread_mutex_lock(&a->mtx);
}

static void *ahead_work(void *arg)
{
	struct ahead *a = arg;
	struct ahead_stream *s;

	pthread_mutex_lock(&a->mtx);
	while (!a->stop) {
		s = ahead_pick(a);
		if (!s)
			pthread_cond_wait(&a->work, &a->mtx);
		else if (s->next < s->tail)
			ahead_do_load(a, s);
		else
			ahead_do_plan(a, s);
	}
	pthread_mutex_unlock(&a->mtx);
	return NULL;
}

static void ahead_start(struct ahead *a, unsigned threads)
{
	while (a->n < threads && a->n < AHEAD_THREADS_MAX) {
		if (thread_start(&a->tid[a->n], ahead_work, a))
			break;		/* fewer, or none, are only slower */
		a->n++;
	}
}

struct ahead *ahead_new(const struct ahead_opts *o)
{
	struct ahead *a = mem_zero(1, sizeof(*a));

	if (!a)
		return NULL;
	a->rd = o->rd;
	a->push = o->push;
	a->ctx = o->ctx;
	a->total = o->cache_bytes / 4;
	if (a->total > 2 * AHEAD_MOST_BYTES)
		a->total = 2 * AHEAD_MOST_BYTES;
	pthread_mutex_init(&a->mtx, NULL);
	pthread_cond_init(&a->work, NULL);
	if (o->cache_bytes >= AHEAD_CACHE_MIN)
		ahead_start(a, o->threads);
	return a;
}

void ahead_stop(struct ahead *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->mtx);
	a->stop = true;
	pthread_cond_broadcast(&a->work);
	pthread_mutex_unlock(&a->mtx);
	while (a->joined < a->n)
		pthread_join(a->tid[a->joined++], NULL);
}

void ahead_free(struct ahead *a)
{
	unsigned i;

	if (!a)
		return;
	ahead_stop(a);
	for (i = 0; i < AHEAD_STREAMS; i++) {
		ahead_plan_free(a->stream[i].plan);
		free(a->stream[i].want);
	}
	pthread_cond_destroy(&a->work);
	pthread_mutex_destroy(&a->mtx);
	free(a);
}

/* --- the readers --- */

/* A stream whose reader keeps its order: under mtx. */
static bool ahead_ready(struct ahead *a, struct ahead_stream *s)
{
	if (s->hits < AHEAD_HITS || s->planning)
		return false;
	if (!s->want)
		s->want = mem_array(AHEAD_WANTS, sizeof(*s->want));
	if (!s->want)
		return false;
	if (s->bytes <= s->window / 4 && s->window < AHEAD_MOST_BYTES &&
	    s->window < a->total)
		s->window *= 2;
	return true;
}

/*
 * The reader steps to 'pos', having begun at 'from' <= pos: in order if that
 * is no further than 'skip' from where it was.  Returns the stream if it
 * wants a plan.
 */
static struct ahead_stream *ahead_step(struct ahead *a, uint64_t owner,
				       unsigned layer, uint64_t from,
				       uint64_t pos, uint64_t skip,
				       struct ahead_plan **old)
{
	struct ahead_stream *s = ahead_find(a, owner, layer, pos, old);

	if (!s)
		return NULL;
	if (from > s->pos + skip || pos + skip < s->pos)
		*old = ahead_reset(s, pos);
	ahead_advance(s, pos);
	if (!ahead_ready(a, s))
		return NULL;
	if (ahead_pick(a))
		pthread_cond_signal(&a->work);
	return s->plan ? NULL : s;
}

void ahead_file(struct ahead *a, uint64_t owner, unsigned layer,
		const struct dir_ref *ref, uint64_t ordinal)
{
	struct ahead_plan *old = NULL;
	struct ahead_stream *s;

	/* An inlined listing is the directory's memory, which may go. */
	if (!a->n || ref->kind != DIR_ROOT)
		return;
	pthread_mutex_lock(&a->mtx);
	s = ahead_step(a, owner, layer, ordinal, ordinal, AHEAD_SKIP_FILES,
		       &old);
	if (s)
		s->plan = mem_zero(1, sizeof(*s->plan));
	if (s && s->plan) {
		s->plan->ref = *ref;
		s->plan->at = ordinal + 1;
		pthread_cond_signal(&a->work);
	}
	pthread_mutex_unlock(&a->mtx);
	ahead_plan_free(old);
}

void ahead_bytes(struct ahead *a, uint64_t owner, const struct content *c,
		 uint64_t size, uint64_t off, uint64_t end)
{
	struct ahead_plan *old = NULL;
	struct ahead_stream *s;

	if (!a->n)
		return;
	pthread_mutex_lock(&a->mtx);
	s = ahead_step(a, owner, 0, off, end, AHEAD_SKIP_BYTES, &old);
	if (s)
		s->plan = mem_zero(1, sizeof(*s->plan));
	if (s && s->plan && file_open(&s->plan->file, a->rd, c, size,
				      NULL) == 0) {
		s->plan->size = size;
		s->plan->at = end;
		pthread_cond_signal(&a->work);
	} else if (s) {
		free(s->plan);
		s->plan = NULL;
	}
	pthread_mutex_unlock(&a->mtx);
	ahead_plan_free(old);
}
