/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SFTP_CONN_PRIV_H
#define STORE_SFTP_CONN_PRIV_H

#include <pthread.h>

#include "store/rate.h"
#include "store/sftp_conn.h"

enum {
	CONN_SLOTS = 1024,		/* requests under way */
	CONN_OUT_BYTES = 256 << 10,
	CONN_IN_BYTES = 8 << 20
};

struct sftp_conn {
	struct wire *w;			/* the thread's, as all up to mtx */
	struct sftp_conn_opts o;
	struct rate rate;
	uint8_t *out, *in;
	size_t out_at, out_len, in_at, in_len;
	struct sftp_req *cur;		/* is being copied to out */
	size_t cur_at;
	uint32_t cur_id;
	int64_t moved_nsec;		/* when a byte last did */
	pthread_mutex_t caps_mtx;	/* order: before mtx */
	bool caps_known;		/* caps_mtx: then caps is fixed */
	struct sftp_caps caps;
	struct sftp_req limits;		/* caps_mtx: asked for on opening */
	int wake;			/* eventfd */
	pthread_t tid;
	bool running;

	pthread_mutex_t mtx;		/* a leaf, of all below */
	pthread_cond_t done_cv;		/* a request is done; a slot is free */
	struct sftp_req *head, **tail;	/* to be sent */
	/*
	 * A request is in the queue, is cur, or is in its slot; from cur on
	 * it has the slot.  Free slots are free_id[0..n_free).
	 */
	struct sftp_req *slot[CONN_SLOTS];
	uint16_t free_id[CONN_SLOTS];
	unsigned n_free, n_queued;
	unsigned refs;
	bool stop, dead, final;
	struct err why;			/* set when dead */
	struct store_traffic traffic;
	uint64_t seq;			/* of the last request */
	uint64_t trip_seq;		/* of the last that is in a trip that
					 * was counted */
};

/* sftp_conn_io.c */
void *sftp_conn_main(void *arg);
/* VERSION, before the thread runs. */
int sftp_conn_hello(struct sftp_conn *c, struct err *e);

#endif
