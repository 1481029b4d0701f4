/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SERVE_MSG_H
#define STORE_SERVE_MSG_H

#include "base/rd.h"
#include "base/wr.h"
#include "store/store.h"

/*
 * The messages between a client and "muniment serve", as bytes;
 * muniment-protocol(5) is the law.  A frame is
 *
 *  0  4  bytes of the body, at most SERVE_BODY_MAX
 *  4  1  type       5  1  flags      6  2  item
 *  8  4  request   12  4  zero      16 ..  body
 *
 * Both sides parse what a stranger has sent: every count and length has a
 * limit below, and a message that is not exactly as long as it says is none.
 */
#define SERVE_MAGIC "MUSERVE\n"
#define SERVE_MAGIC_BYTES 8
#define SERVE_VERSION 1
#define SERVE_FRAME_BYTES 16
#define SERVE_BODY_MAX (1u << 20)
#define SERVE_PIECE (256u << 10)	/* of a file, in one frame */
#define SERVE_FILE_MAX ((uint64_t)1 << 30)
#define SERVE_PATH_MAX 4096
#define SERVE_TEXT_MAX 1000
#define SERVE_GETS_MAX 256		/* files in one request */
#define SERVE_STATS_MAX 1024
/* Files of one client on their way in, and their bytes if it is more than
 * one. */
#define SERVE_PUTS_MAX 8
#define SERVE_PUTS_BYTES ((uint64_t)128 << 20)
#define SERVE_PART_MIN (256u << 10)	/* what is worth going on with */

enum serve_type {
	SERVE_HELLO = 1, SERVE_PUT, SERVE_DATA, SERVE_STOP, SERVE_GET,
	SERVE_STAT, SERVE_LIST, SERVE_DELETE, SERVE_SYNC, SERVE_SPACE,
	SERVE_SCRUB, SERVE_PING, SERVE_UNMAKE, SERVE_ASKS,
	/* what a server says; STATUS ends a request */
	SERVE_WELCOME = 65, SERVE_STATUS, SERVE_BYTES, SERVE_FAIL, SERVE_SIZES,
	SERVE_NAMES, SERVE_ROOM, SERVE_FOUND, SERVE_HAVE
};
#define SERVE_LAST 1u			/* flag of BYTES: ends its item */

struct serve_frame {
	uint32_t len, id;
	uint16_t item;
	uint8_t type, flags;
};
void serve_put_frame(uint8_t out[SERVE_FRAME_BYTES],
		     const struct serve_frame *f);
/* false: too long, or what must be zero is not. */
bool serve_get_frame(struct serve_frame *f,
		     const uint8_t p[SERVE_FRAME_BYTES]);
/* Begin a frame in b, and end it: sets its length. */
void serve_begin(struct wr *w, struct buf *b, enum serve_type t);
int serve_end(struct wr *w, size_t from, struct err *e);

/* HELLO and WELCOME.  Texts are the caller's on writing; on reading they end
 * with a NUL and have no control characters. */
enum serve_hello_flags {
	SERVE_CREATE = 1 << 0, SERVE_PARENTS = 1 << 1
};
struct serve_hello {
	uint16_t oldest, newest;	/* versions */
	uint32_t must, may;		/* features; none is known yet */
	uint32_t flags;
	char path[SERVE_PATH_MAX + 1];
	char program[65];
};
enum serve_rights {
	SERVE_MAY_ALL = 1 << 0		/* else: append only */
};
enum serve_confined {
	SERVE_LANDLOCK = 1 << 0, SERVE_SECCOMP = 1 << 1
};
struct serve_welcome {
	enum err_code code;
	uint16_t version;
	uint32_t features, rights, confined;
	char text[SERVE_TEXT_MAX + 1];	/* why not, or the program */
};
int serve_put_hello(struct buf *b, const struct serve_hello *h, struct err *e);
bool serve_get_hello(struct serve_hello *h, const uint8_t *p, size_t len);
int serve_put_welcome(struct buf *b, const struct serve_welcome *w,
		      struct err *e);
bool serve_get_welcome(struct serve_welcome *w, const uint8_t *p, size_t len);

/* The end of a request, or of an item. */
void serve_put_code(struct wr *w, enum err_code code, const char *text);
bool serve_get_code(enum err_code *code, char text[SERVE_TEXT_MAX + 1],
		    const uint8_t *p, size_t len);

/* A file by kind and name; false: no such kind, or no name for a file of that
 * kind. */
struct serve_name {
	enum store_kind kind;
	char name[STORE_NAME_MAX + 1];
};
void serve_put_name(struct wr *w, enum store_kind k, const char *name);
bool serve_get_name(struct serve_name *n, struct rd *r);

enum serve_put_flags {
	SERVE_PUT_AGAIN = 1 << 0,	/* the same bytes there are no error */
	SERVE_PUT_RESUME = 1 << 1	/* say how many you HAVE */
};
struct serve_put {
	struct serve_name n;
	uint8_t flags;
	uint64_t size;
};
int serve_put_put(struct buf *b, const struct serve_put *p, struct err *e);
bool serve_get_put(struct serve_put *p, const uint8_t *bytes, size_t len);

/* One of the files that are asked for: 'len' bytes at 'off' and up to 'more'
 * behind them; or the whole, which has at most 'len'. */
struct serve_want {
	struct serve_name n;
	bool whole;
	uint64_t off, len;
	uint32_t more;
};
void serve_put_want(struct wr *w, const struct serve_want *x);
bool serve_get_want(struct serve_want *x, struct rd *r);

/* An entry of a listing: SERVE_NAMES is many. */
void serve_put_entry(struct wr *w, const char *name, uint64_t size);
bool serve_get_entry(enum store_kind k, char name[STORE_NAME_MAX + 1],
		     uint64_t *size, struct rd *r);

/* What a scrub has found: how far it is, and with bad a file that is not what
 * its name says. */
struct serve_found {
	uint64_t files, bytes;
	bool bad;
	struct serve_name n;
	char text[SERVE_TEXT_MAX + 1];
};
int serve_put_found(struct buf *b, const struct serve_found *f, struct err *e);
bool serve_get_found(struct serve_found *f, const uint8_t *p, size_t len);

/*
 * A forced command answers whatever was asked for.  A client that wants sftp
 * says SERVE_INIT; serve then calls itself an sftp server that has the
 * extension SERVE_EXTENSION, and goes on with its own frames.
 */
#define SERVE_INIT "\0\0\0\5\1\0\0\0\3"
#define SERVE_INIT_BYTES 9
#define SERVE_EXTENSION "muniment-serve"
/* The whole answer, as it is sent. */
extern const uint8_t serve_version[];
extern const size_t serve_version_bytes;
/* Is that packet (from its type on) such an answer? */
bool serve_is_version(const uint8_t *p, size_t len);

#endif
