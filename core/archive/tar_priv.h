/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_TAR_PRIV_H
#define ARCHIVE_TAR_PRIV_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "archive/tar.h"
#include "archive/tar_read.h"
#include "base/buf.h"

/*
 * The header block of ustar (POSIX) and what GNU puts in place of the prefix.
 *
 *   0 100 name     100 8 mode    108 8 uid      116 8 gid    124 12 size
 * 136  12 mtime    148 8 sum     156 1 type     157 100 link
 * 257   8 magic and version      265 32 user    297 32 group
 * 329   8 major    337 8 minor   345 155 prefix
 * GNU: 386 4 x { 12 offset, 12 bytes }  482 1 more  483 12 real size; a block
 * of more has 21 of them and at 504 the same flag.
 */
#define TAR_BLOCK 512u
#define TAR_RECORD (20 * TAR_BLOCK)	/* streams are a multiple of it */
enum tar_at {
	TAR_NAME = 0, TAR_MODE = 100, TAR_UID = 108, TAR_GID = 116,
	TAR_SIZE = 124, TAR_MTIME = 136, TAR_SUM = 148, TAR_TYPE = 156,
	TAR_LINK = 157, TAR_MAGIC = 257, TAR_UNAME = 265, TAR_GNAME = 297,
	TAR_MAJOR = 329, TAR_MINOR = 337, TAR_PREFIX = 345,
	TAR_GNU_SPARSE = 386, TAR_GNU_MORE = 482, TAR_GNU_REAL = 483,
	TAR_GNU_MORE2 = 504, TAR_XSTAR = 508
};
#define TAR_NAME_BYTES 100
#define TAR_OWNER_BYTES 32
#define TAR_PREFIX_BYTES 155
#define TAR_PREFIX_XSTAR 131
#define TAR_ID_MAX 2097151u		/* seven octal digits */
#define TAR_SIZE_MAX 8589934591u	/* eleven */
#define TAR_SECS_MAX ((int64_t)1 << 55)

/* The sum of a header block, its own field as blanks. */
uint32_t tar_sum(const uint8_t *block);

/* --- tar_out.c: writing --- */

struct tar_head {
	char type;
	const char *path, *link;	/* link: NULL, none */
	const char *uname, *gname;
	uint32_t mode, uid, gid, rdev_major, rdev_minor;
	uint64_t size;			/* stored */
	struct timespec mtime;
};
struct tar_out {
	int fd;
	struct buf buf;
	struct buf pax;			/* records of the next member */
	uint64_t bytes;			/* written so far */
};
void tar_out_release(struct tar_out *o);
/* Bytes of content; flushes in large writes. */
int tar_out_put(struct tar_out *o, const void *p, size_t len, struct err *e);
/* Zeroes up to a multiple of 'unit'. */
int tar_out_pad(struct tar_out *o, unsigned unit, struct err *e);
int tar_out_flush(struct tar_out *o, struct err *e);
/* A pax record of the next member. */
int tar_out_record(struct tar_out *o, const char *key, const void *value,
		   size_t len, struct err *e);
int tar_out_record_number(struct tar_out *o, const char *key, uint64_t n,
			  struct err *e);
int tar_out_record_time(struct tar_out *o, const char *key,
			const struct timespec *ts, struct err *e);
/* The header, before it a pax header with the records so far and those that
 * the header's fields are too small for. */
int tar_out_member(struct tar_out *o, const struct tar_head *h,
		   struct err *e);
/* The end of the archive. */
int tar_out_end(struct tar_out *o, struct err *e);
/* Something that no reader takes for a good end. */
int tar_out_spoil(struct tar_out *o, struct err *e);

/* --- tar_meta.c: text and bytes of metadata --- */

/* POSIX ACLs: system.posix_acl_* of Linux, and "user::rwx,group:5:r-x,...".
 * Appended.  ERR_CORRUPT: it is none. */
int tar_meta_acl_text(struct buf *out, const uint8_t *acl, size_t len,
		      struct err *e);
/* 'access': an ACL that says no more than the mode gives nothing.
 * ERR_NOENT: it names an owner that this machine does not know. */
int tar_meta_acl_parse(struct buf *out, const char *text, size_t len,
		       bool access, struct err *e);
/* "nodump,schg": false: there is nothing to say. */
bool tar_meta_flags_text(char out[64], uint32_t fsflags);
uint32_t tar_meta_flags_parse(const char *text, size_t len);

/* --- tar_pax.c: records of pax headers, for tar_read --- */

struct tar_text {
	const char *p;		/* NULL: not given */
	size_t len;
};
enum tar_pax_has {
	PAX_SIZE = 1 << 0, PAX_UID = 1 << 1, PAX_GID = 1 << 2,
	PAX_MTIME = 1 << 3, PAX_ATIME = 1 << 4, PAX_CTIME = 1 << 5,
	PAX_MAJOR = 1 << 6, PAX_MINOR = 1 << 7, PAX_FFLAGS = 1 << 8,
	PAX_SOCKET = 1 << 9, PAX_CHANGED = 1 << 10,
	PAX_SPARSE_SIZE = 1 << 11, PAX_SPARSE_MAJOR = 1 << 12,
	PAX_SPARSE_MINOR = 1 << 13, PAX_SPARSE_MAP = 1 << 14
};
/* An extended attribute; name and value are places in 'bytes'. */
struct tar_attr {
	size_t name, value;
	uint32_t name_len, value_len, order;
};
struct tar_extent {
	uint64_t off, len;
};
struct tar_map {
	struct tar_extent *x;
	size_t n, cap;
};
int tar_map_add(struct tar_map *m, uint64_t off, uint64_t len, struct err *e);

struct tar_pax {
	unsigned has;			/* enum tar_pax_has */
	struct tar_text path, link, uname, gname, sparse_name;
	uint64_t size, uid, gid, major, minor;
	uint64_t sparse_size, sparse_major, sparse_minor;
	uint64_t sparse_off;		/* format 0.0: waits for its length */
	bool sparse_half;
	uint32_t fsflags;
	struct timespec mtime, atime, ctime;
	struct tar_map *map;		/* formats 0.0 and 0.1 */
	struct tar_attr *attr;
	size_t n_attr, cap_attr;
	struct buf bytes;		/* of attributes */
	bool lost;			/* an attribute could not be kept */
};
void tar_pax_reset(struct tar_pax *x);
void tar_pax_release(struct tar_pax *x);
/* Apply the records; they must outlive x.  ERR_CORRUPT. */
int tar_pax_apply(struct tar_pax *x, const struct buf *records,
		  struct err *e);
int tar_pax_attr(struct tar_pax *x, const void *name, size_t name_len,
		 const void *value, size_t value_len, struct err *e);
/* The attributes as an encoded set (entry.h) into 'out', empty for none. */
int tar_pax_set(struct tar_pax *x, struct buf *out, struct err *e);
/* Decimal digits and nothing else. */
bool tar_pax_number(const char *p, size_t len, uint64_t *out);

/* --- tar_read.c: the stream --- */

#define TAR_READ_WINDOW (1u << 20)

struct tar_read {
	tar_read_fn *fn;
	void *ctx;
	bool ignore_zeros, any, ended;
	uint8_t *window;
	size_t head, len;	/* unread part of the window */
	bool eof;
	uint64_t pos;		/* of the head in the stream */
	uint64_t left;		/* stored bytes of the member's content */
	unsigned pad;		/* behind them */
	struct tar_map map;	/* of its data; where it is: */
	size_t at;
	uint64_t off;
	struct tar_pax pax;
	struct buf global, local;	/* pax records */
	struct buf long_name, long_link;	/* GNU's 'L' and 'K' */
	bool has_local, has_name, has_link;
	struct buf path, link, xattrs;
	char uname[256], gname[256];
	struct tar_member m;
};

/* At least 'want' bytes in the window, or all there are. */
int tar_read_need(struct tar_read *t, size_t want, struct err *e);
void tar_read_used(struct tar_read *t, size_t n);
/* A block; *p NULL: the stream ends here. */
int tar_read_block(struct tar_read *t, const uint8_t **p, struct err *e);
int tar_read_skip(struct tar_read *t, uint64_t n, struct err *e);
int tar_read_early(const struct tar_read *t, struct err *e);

/* --- tar_member.c: headers --- */

bool tar_member_zero(const uint8_t *block);
bool tar_member_sum_ok(const uint8_t *block);
/* Octal between blanks, or base-256 if the first bit is set; blank: 0. */
bool tar_member_number(const uint8_t *field, unsigned len, int64_t *out);
int tar_member_bad(const struct tar_read *t, const char *what,
		   struct err *e);
/* t->m and where its data is, from its header and what came before it. */
int tar_member_make(struct tar_read *t, const uint8_t *block, struct err *e);

#endif
