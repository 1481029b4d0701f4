/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_LINE_H
#define STORE_LINE_H

#include "store/store.h"
#include "store/wire.h"

/*
 * One connection to a server, with many requests under way: a thread of its
 * own moves the bytes and matches answers to requests by their number.  What
 * the bytes are is a protocol's (sftp_conn, serve_conn).  Safe from any
 * thread.
 */
struct line;

enum line_state { LINE_IDLE, LINE_OUT, LINE_DONE, LINE_LOST };

/*
 * What a request begins with, zeroed before the first time.  The request and
 * what it points to belong to the line from send to wait.
 */
struct line_req {
	_Atomic int state;
	bool loose;			/* nobody waits; it is freed */
	uint32_t id;			/* its number, while it has one */
	uint64_t seq;			/* counts them */
	struct line_req *next;
};

struct line_opts {
	unsigned timeout_secs;		/* without a byte, then it is dead */
	uint64_t upload_rate;		/* bytes a second; 0: no limit */
};
void line_ref(struct line *l);
void line_unref(struct line *l);	/* NULL ok; the last closes */
void line_stop(struct line *l);		/* all that waits is lost */
void line_traffic(struct line *l, struct store_traffic *t);
bool line_dead(struct line *l);
/* Why; and is there a use in connecting again? */
bool line_why(struct line *l, struct err *e);

void line_send(struct line *l, struct line_req *r);
/* 0: there is an answer.  ERR_RETRY: the connection was lost before, and
 * whether the server has done it nobody knows. */
int line_wait(struct line *l, struct line_req *r);
/* One that nobody waits for: allocated, and owned from here on. */
void line_loose(struct line *l, struct line_req *r);

#endif
