/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SERVE_CONN_PRIV_H
#define STORE_SERVE_CONN_PRIV_H

#include <assert.h>
#include <pthread.h>

#include "store/rate.h"
#include "store/serve_conn.h"

enum {
	CONN_SLOTS = 512,		/* requests under way */
	CONN_OUT_BYTES = 512 << 10,
	CONN_IN_BYTES = 4 << 20
};
static_assert(CONN_OUT_BYTES > SERVE_PIECE + SERVE_FRAME_BYTES,
	"a piece fits");
static_assert(CONN_IN_BYTES > 2 * (SERVE_BODY_MAX + SERVE_FRAME_BYTES),
	"a frame fits behind what was used");

struct serve_conn {
	struct wire *w;			/* the thread's, as all up to mtx */
	struct serve_conn_opts o;
	struct rate rate;
	uint8_t *out, *in;
	size_t out_at, out_len, in_at, in_len;
	struct serve_req *cur;		/* its frame is being copied to out */
	size_t cur_at;
	struct serve_req *load;		/* those with bytes to send, by next */
	uint16_t stop_id[CONN_SLOTS];	/* of files that were refused */
	unsigned n_stop;
	int64_t moved_nsec;		/* when a byte last did */
	int wake;			/* eventfd */
	pthread_t tid;
	bool running;

	pthread_mutex_t mtx;		/* a leaf, of all below */
	pthread_cond_t done_cv;		/* a request is done */
	struct serve_req *head, **tail;	/* to be sent */
	/* A request is in the queue or has its slot; from cur on the latter.
	 * Free slots are free_id[0..n_free). */
	struct serve_req *slot[CONN_SLOTS];
	uint16_t free_id[CONN_SLOTS];
	unsigned n_free;
	unsigned refs;
	bool stop, dead, final;
	struct err why;			/* set when dead */
	struct store_traffic traffic;
	uint64_t seq;			/* of the last request */
	uint64_t trip_seq;		/* of the last that is in a trip that
					 * was counted */
};

/* serve_conn_io.c */
void *serve_conn_main(void *arg);
/* false: the connection is lost, and 'r' with it. */
bool serve_conn_queue(struct serve_conn *c, struct serve_req *r);

#endif
