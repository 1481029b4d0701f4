/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SFTP_CONN_H
#define STORE_SFTP_CONN_H

#include "store/line.h"
#include "store/sftp_msg.h"

/* A line to an sftp server.  Safe from any thread. */
struct sftp_conn;

/* What the server has told of itself. */
struct sftp_caps {
	bool hardlink, fsync, statvfs;
	uint32_t read_max, write_max;	/* bytes a request */
	uint32_t handles;		/* that may be open at once */
};

/*
 * A request.  Zeroed, then filled: 'head' by sftp_put_*, 'want' the type of
 * the good reply (SFTP_STATUS: one that says OK).
 */
struct sftp_req {
	struct line_req line;
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
};
void sftp_req_release(struct sftp_req *r);	/* its buffers */

/* Owns w, also on failure.  ERR_IO: it hung up; ERR_CONFIG: what answers is
 * no sftp server. */
int sftp_conn_open(struct line **out, struct wire *w,
		   const struct line_opts *o, struct err *e);
struct sftp_conn *sftp_conn_of(struct line *l);	/* one that is open */
struct line *sftp_conn_line(struct sftp_conn *c);
/* The first call may have to wait for the server. */
const struct sftp_caps *sftp_conn_caps(struct sftp_conn *c);

/* As those of a line. */
void sftp_conn_send(struct sftp_conn *c, struct sftp_req *r);
int sftp_conn_wait(struct sftp_conn *c, struct sftp_req *r);
int sftp_conn_call(struct sftp_conn *c, struct sftp_req *r);	/* both */
/* For what nobody waits for: sends a copy of the request, which is released.
 * Without memory it is not sent. */
void sftp_conn_loose(struct sftp_conn *c, struct sftp_req *r);

#endif
