/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/sftp_msg.h"

#include <string.h>

#include "base/wr.h"

enum {
	ATTR_SIZE = 1, ATTR_OWNER = 2, ATTR_MODE = 4, ATTR_TIMES = 8
};
#define ATTR_EXTENDED 0x80000000u

/* SFTP is big-endian, the cursors are not. */
static void msg_u32(struct wr *w, uint32_t v)
{
	wr_le32(w, __builtin_bswap32(v));
}

static void msg_u64(struct wr *w, uint64_t v)
{
	wr_le64(w, __builtin_bswap64(v));
}

static uint32_t msg_get32(struct rd *r)
{
	return __builtin_bswap32(rd_le32(r));
}

static uint64_t msg_get64(struct rd *r)
{
	return __builtin_bswap64(rd_le64(r));
}

static void msg_bytes(struct wr *w, const void *p, size_t len)
{
	msg_u32(w, (uint32_t)len);
	wr_bytes(w, p, len);
}

static void msg_text(struct wr *w, const char *s)
{
	msg_bytes(w, s, strlen(s));
}

static void msg_begin(struct wr *w, struct buf *b, enum sftp_type t)
{
	wr_init(w, b);
	wr_zero(w, 4);
	wr_u8(w, (uint8_t)t);
	wr_zero(w, 4);
}

/* 'more' bytes follow that are not in the buffer. */
static int msg_end(struct wr *w, size_t more, struct err *e)
{
	uint32_t len;

	if (wr_done(w, e) < 0)
		return err_nomem(e);
	len = __builtin_bswap32((uint32_t)(w->b->len - 4 + more));
	memcpy(w->b->p, &len, 4);
	return 0;
}

int sftp_put_init(struct buf *b, struct err *e)
{
	struct wr w;

	wr_init(&w, b);
	msg_u32(&w, 5);
	wr_u8(&w, SFTP_INIT);
	msg_u32(&w, 3);
	return wr_done(&w, e);
}

int sftp_put_path(struct buf *b, enum sftp_type t, const char *path,
		  struct err *e)
{
	struct wr w;

	msg_begin(&w, b, t);
	msg_text(&w, path);
	return msg_end(&w, 0, e);
}

int sftp_put_open(struct buf *b, const char *path, unsigned flags,
		  uint32_t mode, struct err *e)
{
	struct wr w;

	msg_begin(&w, b, SFTP_OPEN);
	msg_text(&w, path);
	msg_u32(&w, flags);
	msg_u32(&w, flags & SFTP_O_CREAT ? ATTR_MODE : 0);
	if (flags & SFTP_O_CREAT)
		msg_u32(&w, mode);
	return msg_end(&w, 0, e);
}

int sftp_put_mkdir(struct buf *b, const char *path, uint32_t mode,
		   struct err *e)
{
	struct wr w;

	msg_begin(&w, b, SFTP_MKDIR);
	msg_text(&w, path);
	msg_u32(&w, ATTR_MODE);
	msg_u32(&w, mode);
	return msg_end(&w, 0, e);
}

int sftp_put_rename(struct buf *b, const char *from, const char *to,
		    struct err *e)
{
	struct wr w;

	msg_begin(&w, b, SFTP_RENAME);
	msg_text(&w, from);
	msg_text(&w, to);
	return msg_end(&w, 0, e);
}

int sftp_put_handle(struct buf *b, enum sftp_type t,
		    const struct sftp_handle *h, struct err *e)
{
	struct wr w;

	msg_begin(&w, b, t);
	msg_bytes(&w, h->b, h->len);
	return msg_end(&w, 0, e);
}

int sftp_put_read(struct buf *b, const struct sftp_handle *h, uint64_t off,
		  uint32_t len, struct err *e)
{
	struct wr w;

	msg_begin(&w, b, SFTP_READ);
	msg_bytes(&w, h->b, h->len);
	msg_u64(&w, off);
	msg_u32(&w, len);
	return msg_end(&w, 0, e);
}

int sftp_put_write(struct buf *b, const struct sftp_handle *h, uint64_t off,
		   uint32_t len, struct err *e)
{
	struct wr w;

	msg_begin(&w, b, SFTP_WRITE);
	msg_bytes(&w, h->b, h->len);
	msg_u64(&w, off);
	msg_u32(&w, len);
	return msg_end(&w, len, e);
}

int sftp_put_ext(struct buf *b, const char *name, struct err *e)
{
	struct wr w;

	msg_begin(&w, b, SFTP_EXTENDED);
	msg_text(&w, name);
	return msg_end(&w, 0, e);
}

int sftp_put_ext_handle(struct buf *b, const char *name,
			const struct sftp_handle *h, struct err *e)
{
	struct wr w;

	msg_begin(&w, b, SFTP_EXTENDED);
	msg_text(&w, name);
	msg_bytes(&w, h->b, h->len);
	return msg_end(&w, 0, e);
}

int sftp_put_ext_paths(struct buf *b, const char *name, const char *from,
		       const char *to, struct err *e)
{
	struct wr w;

	msg_begin(&w, b, SFTP_EXTENDED);
	msg_text(&w, name);
	msg_text(&w, from);
	if (to)
		msg_text(&w, to);
	return msg_end(&w, 0, e);
}

static const uint8_t *msg_get_bytes(struct rd *r, size_t *len)
{
	*len = msg_get32(r);
	return rd_bytes(r, *len);
}

/* The words after the code are the server's, and wanted by nobody. */
bool sftp_get_status(const void *p, size_t len, uint32_t *code)
{
	struct rd r;

	rd_init(&r, p, len);
	*code = msg_get32(&r);
	return !r.bad;
}

bool sftp_get_handle(const void *p, size_t len, struct sftp_handle *h)
{
	const uint8_t *bytes;
	struct rd r;
	size_t n;

	rd_init(&r, p, len);
	bytes = msg_get_bytes(&r, &n);
	if (!rd_done(&r) || n > SFTP_HANDLE_MAX)
		return false;
	h->len = (uint32_t)n;
	if (n > 0)
		memcpy(h->b, bytes, n);
	return true;
}

bool sftp_get_data(const void *p, size_t len, const uint8_t **data, size_t *n)
{
	struct rd r;

	rd_init(&r, p, len);
	*data = msg_get_bytes(&r, n);
	return rd_done(&r);
}

static void msg_get_attrs(struct rd *r, struct sftp_attrs *at)
{
	uint32_t flags = msg_get32(r), n;
	size_t len;

	memset(at, 0, sizeof(*at));
	at->has_size = flags & ATTR_SIZE;
	if (at->has_size)
		at->size = msg_get64(r);
	if (flags & ATTR_OWNER)
		rd_bytes(r, 8);
	at->has_mode = flags & ATTR_MODE;
	if (at->has_mode)
		at->mode = msg_get32(r);
	at->has_mtime = flags & ATTR_TIMES;
	if (at->has_mtime) {
		rd_bytes(r, 4);
		at->mtime = msg_get32(r);
	}
	/* Each takes 8 bytes at least, so this ends. */
	for (n = flags & ATTR_EXTENDED ? msg_get32(r) : 0; n > 0 && !r->bad;
	     n--) {
		msg_get_bytes(r, &len);
		msg_get_bytes(r, &len);
	}
}

bool sftp_get_attrs(const void *p, size_t len, struct sftp_attrs *at)
{
	struct rd r;

	rd_init(&r, p, len);
	msg_get_attrs(&r, at);
	return rd_done(&r);
}

bool sftp_get_limits(const void *p, size_t len, struct sftp_limits *l)
{
	struct rd r;

	rd_init(&r, p, len);
	l->packet = msg_get64(&r);
	l->read = msg_get64(&r);
	l->write = msg_get64(&r);
	l->handles = msg_get64(&r);
	return rd_done(&r);
}

/* statvfs(3)'s members, each 64 bits wide. */
bool sftp_get_space(const void *p, size_t len, struct sftp_space *s)
{
	uint64_t unit, blocks, avail;
	struct rd r;

	rd_init(&r, p, len);
	rd_bytes(&r, 8);			/* f_bsize */
	unit = msg_get64(&r);
	blocks = msg_get64(&r);
	rd_bytes(&r, 8);			/* f_bfree */
	avail = msg_get64(&r);
	rd_bytes(&r, 6 * 8);
	return rd_done(&r) && avail <= blocks &&
		!__builtin_mul_overflow(unit, blocks, &s->total_bytes) &&
		!__builtin_mul_overflow(unit, avail, &s->free_bytes);
}

bool sftp_get_names(struct rd *r, const void *p, size_t len, uint32_t *n)
{
	rd_init(r, p, len);
	*n = msg_get32(r);
	return !r->bad;
}

bool sftp_get_name(struct rd *r, struct sftp_name *name)
{
	size_t len;

	name->name = msg_get_bytes(r, &name->len);
	msg_get_bytes(r, &len);			/* as ls -l */
	msg_get_attrs(r, &name->at);
	return !r->bad;
}

bool sftp_get_version(struct rd *r, const void *p, size_t len, uint32_t *v)
{
	rd_init(r, p, len);
	*v = msg_get32(r);
	return !r->bad;
}

bool sftp_get_extension(struct rd *r, struct sftp_name *name)
{
	size_t len;

	if (rd_left(r) == 0)
		return false;
	name->name = msg_get_bytes(r, &name->len);
	msg_get_bytes(r, &len);
	return !r->bad;
}
