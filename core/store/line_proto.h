/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_LINE_PROTO_H
#define STORE_LINE_PROTO_H

#include <pthread.h>

#include "store/line.h"
#include "store/rate.h"

/* What a protocol sees of its lines; nobody else has a use for it. */
enum { LINE_SLOTS = 1024 };		/* requests under way, at most */

/* What a protocol does for its lines.  Called by the line's thread, but for
 * 'release' and 'end'. */
struct line_ops {
	size_t bytes;			/* of a struct that begins with one */
	size_t out_bytes, in_bytes;	/* of its buffers */
	unsigned slots;
	/* Put what is to be sent behind what 'out' has. */
	void (*fill)(struct line *l);
	/* Has it something to send beside requests?  NULL: never. */
	bool (*more)(const struct line *l);
	/* Take the message at p: its length; 0: it is not whole yet.  Whole
	 * ones have in_bytes / 2 at most.  An error ends the connection, and
	 * all but ERR_IO do it for good. */
	ssize_t (*take)(struct line *l, const uint8_t *p, size_t len,
			struct err *e);
	/* A loose request whose answer does not matter; NULL: no memory. */
	struct line_req *(*ping)(void);
	/* A loose one's buffers, on any thread, maybe under mtx. */
	void (*release)(struct line_req *r);
	void (*end)(struct line *l);		/* NULL: there is no more */
};

struct line {
	const struct line_ops *ops;
	struct wire *w;			/* the thread's, as all up to mtx */
	struct line_opts o;
	struct rate rate;
	uint8_t *out, *in;
	size_t out_at, out_len, in_at, in_len;
	struct line_req *cur;		/* is being copied to out */
	size_t cur_at;
	int64_t moved_nsec;		/* when a byte last did */
	int wake;			/* eventfd */
	pthread_t tid;
	bool running;

	pthread_mutex_t mtx;		/* a leaf, of all below */
	pthread_cond_t done_cv;		/* a request is done */
	struct line_req *head, **tail;	/* to be sent */
	/*
	 * A request is in the queue, is cur, or is in its slot; from cur on
	 * it has the slot.  Free slots are free_id[0..n_free).
	 */
	struct line_req *slot[LINE_SLOTS];
	uint16_t free_id[LINE_SLOTS];
	unsigned n_free;
	unsigned refs;
	bool stop, dead, final;
	struct err why;			/* set when dead */
	struct store_traffic traffic;
	uint64_t seq;			/* of the last request */
	uint64_t trip_seq;		/* of the last that is in a trip that
					 * was counted */
};

/* A struct of ops->bytes, whose rest is zeroed.  Owns w, also on failure, which
 * is NULL: no memory.  Before its thread is started, the protocol may use all
 * of the thread's. */
struct line *line_new(const struct line_ops *ops, struct wire *w,
		      const struct line_opts *o);
int line_start(struct line *l, struct err *e);

/* For fill and take. */
/* cur, else the first of the queue, which then is cur and has its number;
 * NULL: none, or no number is free. */
struct line_req *line_next(struct line *l);
/* What fits of the n bytes of cur at cur_at.  Once all are there, its answer
 * may come and it may go: then fill sets cur to NULL. */
void line_copy(struct line *l, const void *p, size_t n);
static inline size_t line_room(const struct line *l)
{
	return l->ops->out_bytes - l->out_len;
}
/* Whose answer it is; NULL: nobody's who was asked. */
struct line_req *line_find(struct line *l, uint32_t id);
/* It is answered, and its owner may free it at once.  LINE_ID_KEPT: its number
 * is not given to another one before line_id_free(). */
enum line_id { LINE_ID_FREE, LINE_ID_KEPT };
void line_done(struct line *l, struct line_req *r, enum line_id then);
void line_id_free(struct line *l, uint32_t id);

#endif
