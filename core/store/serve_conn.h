/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SERVE_CONN_H
#define STORE_SERVE_CONN_H

#include <sys/uio.h>

#include "store/line.h"
#include "store/serve_msg.h"

/*
 * A line to "muniment serve".  Nothing that the server says is trusted: an
 * answer that was not asked for, or is longer than what was, ends the
 * connection for good.  Safe from any thread.
 */
struct serve_conn;

struct serve_req;
/* A frame that is not the end of the request: 0, or an error, in words, which
 * ends the connection.  Called by the connection's thread. */
typedef int serve_answer_fn(struct serve_req *r, const struct serve_frame *f,
			    const uint8_t *p, struct err *e);

/* A request.  Zeroed, then filled. */
struct serve_req {
	struct line_req line;
	struct buf head;		/* its frame */
	serve_answer_fn *answer;	/* NULL: STATUS is all there is */
	void *ctx;			/* the answer's */
	/* What follows in DATA frames, from byte 'at' on; with 'ask' only
	 * after the server has said HAVE, which moves 'at'. */
	const struct iovec *iov;
	int iov_n;
	uint64_t load, at;
	bool ask;
	struct serve_req *turn;		/* the connection's: whose is next */
	/* The answer. */
	enum err_code code;
	char text[SERVE_TEXT_MAX + 1];
};

/*
 * Say hello over w (not owned) and read the answer.  *answered: it was
 * serve's; if not, something else is there, or nothing.  A refusal is in
 * wl->code, and the words in wl->text.
 */
int serve_conn_hello(struct wire *w, const struct serve_hello *h,
		     struct serve_welcome *wl, bool *answered, struct err *e);
/* After that.  Owns w, also on failure. */
int serve_conn_open(struct line **out, struct wire *w,
		    const struct line_opts *o, struct err *e);
struct serve_conn *serve_conn_of(struct line *l);	/* one that is open */

/* As those of a line. */
void serve_conn_send(struct serve_conn *c, struct serve_req *r);
int serve_conn_wait(struct serve_conn *c, struct serve_req *r);
int serve_conn_call(struct serve_conn *c, struct serve_req *r);	/* both */
int serve_conn_nonsense(struct err *e, const char *what);

#endif
