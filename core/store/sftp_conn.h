/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SFTP_CONN_H
#define STORE_SFTP_CONN_H

#include "store/sftp_msg.h"
#include "store/wire.h"

/*
 * One connection to an sftp server, with many requests under way: a thread of
 * its own moves the bytes and matches replies to requests by their number.
 * Safe from any thread.
 */
struct sftp_conn;

/* What the server has told of itself. */
struct sftp_caps {
	bool hardlink, fsync, statvfs;
	uint32_t read_max, write_max;	/* bytes a request */
	uint32_t handles;		/* that may be open at once */
};

enum { SFTP_REQ_IDLE, SFTP_REQ_OUT, SFTP_REQ_DONE, SFTP_REQ_LOST };

/*
 * A request.  Zeroed, then filled: 'head' by sftp_put_*, 'want' the type of
 * the good reply (SFTP_STATUS: one that says OK).  It and what it points to
 * belong to the connection from send to wait.
 */
struct sftp_req {
	struct buf head;
	enum sftp_type want;
	const void *load;		/* a WRITE's bytes */
	size_t load_len;
	uint8_t *dst;			/* a READ's */
	size_t dst_len;
	/* The reply. */
	bool good;			/* what was wanted */
	uint32_t code;			/* else: the server's */
	size_t got;			/* bytes in dst */
	struct buf body;		/* of other good replies */
	/* The connection's. */
	_Atomic int state;
	bool loose;			/* nobody waits; it is freed */
	uint64_t seq;			/* counts them */
	struct sftp_req *next;
};
void sftp_req_release(struct sftp_req *r);	/* its buffers */

struct sftp_conn_opts {
	unsigned timeout_secs;		/* without a byte, then it is dead */
	uint64_t upload_rate;
};
/* Owns w, also on failure.  ERR_IO: it hung up; ERR_CONFIG: what answers is
 * no sftp server. */
int sftp_conn_open(struct sftp_conn **out, struct wire *w,
		   const struct sftp_conn_opts *o, struct err *e);
void sftp_conn_ref(struct sftp_conn *c);
void sftp_conn_unref(struct sftp_conn *c);	/* NULL ok; the last closes */
void sftp_conn_stop(struct sftp_conn *c);	/* all that waits is lost */
/* The first call may have to wait for the server. */
const struct sftp_caps *sftp_conn_caps(struct sftp_conn *c);
void sftp_conn_traffic(struct sftp_conn *c, struct store_traffic *t);

void sftp_conn_send(struct sftp_conn *c, struct sftp_req *r);
/* 0: there is a reply.  ERR_RETRY: the connection was lost before, and
 * whether the server has done it nobody knows. */
int sftp_conn_wait(struct sftp_conn *c, struct sftp_req *r);
int sftp_conn_call(struct sftp_conn *c, struct sftp_req *r);	/* both */
/* For what nobody waits for: sends a copy of the request, which is released.
 * Without memory it is not sent. */
void sftp_conn_loose(struct sftp_conn *c, struct sftp_req *r);
bool sftp_conn_dead(struct sftp_conn *c);
/* Why; and is there a use in connecting again? */
bool sftp_conn_why(struct sftp_conn *c, struct err *e);

#endif
