/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SERVE_CONN_H
#define STORE_SERVE_CONN_H

#include <sys/uio.h>

#include "store/serve_msg.h"
#include "store/wire.h"

/*
 * One connection to "muniment serve", with many requests under way: a thread
 * of its own moves the bytes and matches answers to requests by their number.
 * Nothing that the server says is trusted: an answer that was not asked for,
 * or is longer than what was, ends the connection for good.  Safe from any
 * thread.
 */
struct serve_conn;

enum { SERVE_REQ_IDLE, SERVE_REQ_OUT, SERVE_REQ_DONE, SERVE_REQ_LOST };

struct serve_req;
/* A frame that is not the end of the request: 0, or an error, in words, which
 * ends the connection.  Called by the connection's thread. */
typedef int serve_answer_fn(struct serve_req *r, const struct serve_frame *f,
			    const uint8_t *p, struct err *e);

/*
 * A request.  Zeroed, then filled.  It and what it points to belong to the
 * connection from send to wait.
 */
struct serve_req {
	struct buf head;		/* its frame */
	serve_answer_fn *answer;	/* NULL: STATUS is all there is */
	void *ctx;			/* the answer's */
	/* What follows in DATA frames, from byte 'at' on; with 'ask' only
	 * after the server has said HAVE, which moves 'at'. */
	const struct iovec *iov;
	int iov_n;
	uint64_t load, at;
	bool ask;
	/* The answer. */
	enum err_code code;
	char text[SERVE_TEXT_MAX + 1];
	/* The connection's. */
	_Atomic int state;
	bool loose;			/* nobody waits; it is freed */
	uint32_t id;
	uint64_t seq;			/* counts them */
	struct serve_req *next;
};

struct serve_conn_opts {
	unsigned timeout_secs;		/* without a byte, then it is dead */
	uint64_t upload_rate;
};

/*
 * Say hello over w (not owned) and read the answer.  *answered: it was
 * serve's; if not, something else is there, or nothing.  A refusal is in
 * wl->code, and the words in wl->text.
 */
int serve_conn_hello(struct wire *w, const struct serve_hello *h,
		     struct serve_welcome *wl, bool *answered, struct err *e);
/* After that.  Owns w, also on failure. */
int serve_conn_open(struct serve_conn **out, struct wire *w,
		    const struct serve_conn_opts *o, struct err *e);
/* Nobody wants anything of it any more. */
void serve_conn_stop(struct serve_conn *c);
void serve_conn_ref(struct serve_conn *c);
void serve_conn_unref(struct serve_conn *c);	/* NULL ok; the last closes */
void serve_conn_traffic(struct serve_conn *c, struct store_traffic *t);

void serve_conn_send(struct serve_conn *c, struct serve_req *r);
/* 0: there is an answer.  ERR_RETRY: the connection was lost before, and
 * whether the server has done it nobody knows. */
int serve_conn_wait(struct serve_conn *c, struct serve_req *r);
int serve_conn_call(struct serve_conn *c, struct serve_req *r);	/* both */
bool serve_conn_dead(struct serve_conn *c);
/* Why; and is there a use in connecting again? */
bool serve_conn_why(struct serve_conn *c, struct err *e);
int serve_conn_nonsense(struct err *e, const char *what);

#endif
