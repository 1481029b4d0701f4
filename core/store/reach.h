/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_REACH_H
#define STORE_REACH_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/cancel.h"
#include "base/thread.h"
#include "store/line.h"

/*
 * A server that is reached over one line after the other: where one breaks,
 * what was under way is done again on the next.  Safe from any thread; no lock
 * is held during an operation.
 */
struct reach;
/* One try to connect, under dial_mtx: says what is wrong with ERR_IO if
 * another may succeed.  Takes 'first' if there is one, else opens 'dial'. */
typedef int reach_dial_fn(struct reach *r, struct line **out, struct err *e);
/* ERR_RETRY: the line was lost.  So it must be made that it can be done again
 * after having been done in part or as a whole. */
typedef int reach_op_fn(struct line *l, void *arg, struct err *e);

struct reach {
	struct store *store;		/* whose it is */
	reach_dial_fn *try;
	struct line_opts opts;
	struct cancel *cancel;
	atomic_bool closing;		/* nobody waits any more */

	pthread_mutex_t aside_mtx;	/* of 'aside'; order: before dial_mtx */
	struct thread_aside aside;	/* opens the second line */
	atomic_bool dialing;		/* and has not ended */

	pthread_mutex_t dial_mtx;	/* order: before mtx */
	struct wire_dial *dial;		/* dial_mtx, as all below; owned */
	struct wire *first;		/* an open one; owned */
	bool gave_up;
	unsigned fails;			/* in a row */
	int64_t dialed_nsec;

	pthread_mutex_t mtx;		/* of all below; before the line's */
	struct line *line;		/* NULL: none yet */
	uint64_t no;			/* counts them, from 1 */
	struct store_traffic gone;	/* of earlier ones */
	struct line *second;		/* NULL: none */
	unsigned seconds;		/* how often one was opened */
};

/* Nothing fails here.  dial and first are set afterwards; o may be NULL. */
void reach_init(struct reach *r, struct store *store, reach_dial_fn *try,
		const struct store_opts *o);
/* Who waits, or begins to, gets ERR_CANCEL. */
void reach_close(struct reach *r);
/* After that, when nobody uses it any more. */
void reach_release(struct reach *r);

/* The first line, with no second try, which the first reach_do() is, too. */
int reach_begin(struct reach *r, struct err *e);
/* Do it, and again as often as it returns ERR_RETRY because the line was lost;
 * never returns that.  A server that is gone is waited for. */
int reach_do(struct reach *r, reach_op_fn *fn, void *arg, struct err *e);
/* The line, if it lives; a reference is the caller's.  Connects nobody. */
struct line *reach_current(struct reach *r);
uint64_t reach_no(struct reach *r);	/* the line's number; 0: none yet */
void reach_traffic(struct reach *r, struct store_traffic *t);
/*
 * One more line to the same server, for more bytes on their way than one has
 * room for; a reference is the caller's.  When it is not there it is being
 * opened, and nobody waits for that.  NULL: there is none yet, and the first
 * has to do; or ever: where a command runs ssh, where uploads are limited,
 * after the server refused it or it broke several times.
 */
struct line *reach_second(struct reach *r);

#endif
