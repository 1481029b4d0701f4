/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/serve_msg.h"

#include <string.h>

#include "base/mem.h"

/* The codes on the wire; both sides may grow other ones of their own. */
static const enum err_code serve_codes[] = {
	ERR_OK, ERR_NOENT, ERR_EXIST, ERR_CORRUPT, ERR_BUSY, ERR_FULL,
	ERR_DENIED, ERR_NOMEM, ERR_CONFIG, ERR_IO, ERR_NOREPO
};
#define SERVE_CODES (sizeof(serve_codes) / sizeof(*serve_codes))

static uint16_t serve_code_of(enum err_code code)
{
	uint16_t i;

	for (i = 0; i < SERVE_CODES; i++)
		if (serve_codes[i] == code)
			return i;
	return serve_code_of(ERR_IO);
}

static enum err_code serve_code(uint16_t n)
{
	return n < SERVE_CODES ? serve_codes[n] : ERR_IO;
}

static void serve_le(uint8_t *out, uint32_t v, unsigned n)
{
	while (n-- > 0) {
		*out++ = (uint8_t)v;
		v >>= 8;
	}
}

void serve_put_frame(uint8_t out[SERVE_FRAME_BYTES],
		     const struct serve_frame *f)
{
	serve_le(out, f->len, 4);
	out[4] = f->type;
	out[5] = f->flags;
	serve_le(out + 6, f->item, 2);
	serve_le(out + 8, f->id, 4);
	serve_le(out + 12, 0, 4);
}

bool serve_get_frame(struct serve_frame *f,
		     const uint8_t p[SERVE_FRAME_BYTES])
{
	struct rd r;

	rd_init(&r, p, SERVE_FRAME_BYTES);
	f->len = rd_le32(&r);
	f->type = rd_u8(&r);
	f->flags = rd_u8(&r);
	f->item = rd_le16(&r);
	f->id = rd_le32(&r);
	rd_zero(&r, 4);
	return rd_done(&r) && f->len <= SERVE_BODY_MAX;
}

void serve_begin(struct wr *w, struct buf *b, enum serve_type t)
{
	wr_init(w, b);
	wr_zero(w, 4);
	wr_u8(w, (uint8_t)t);
	wr_zero(w, SERVE_FRAME_BYTES - 5);
}

int serve_end(struct wr *w, size_t from, struct err *e)
{
	size_t len;
	int rc = wr_done(w, e);

	if (rc < 0)
		return rc;
	len = w->b->len - from - SERVE_FRAME_BYTES;
	BUG_ON(len > SERVE_BODY_MAX);
	serve_le(w->b->p + from, (uint32_t)len, 4);
	return 0;
}

static void serve_put_text(struct wr *w, const char *text, size_t max)
{
	size_t len = strnlen(text, max);

	wr_le16(w, (uint16_t)len);
	wr_bytes(w, text, len);
}

/* 'out' has max + 1 bytes. */
static void serve_get_text(struct rd *r, char *out, size_t max)
{
	size_t len = rd_le16(r), i;

	out[0] = '\0';
	if (len > max) {
		rd_fail(r);
		return;
	}
	rd_copy(r, out, len);
	out[len] = '\0';
	for (i = 0; i < len; i++)
		if ((unsigned char)out[i] < ' ' || out[i] == 0x7f)
			rd_fail(r);
}

/* Words are for people: what could move a cursor is not. */
static void serve_get_words(struct rd *r, char *out, size_t max)
{
	size_t len = rd_le16(r), i;

	out[0] = '\0';
	if (len > max) {
		rd_fail(r);
		return;
	}
	rd_copy(r, out, len);
	out[len] = '\0';
	for (i = 0; i < len; i++)
		if ((unsigned char)out[i] < ' ' || out[i] == 0x7f)
			out[i] = '?';
}

int serve_put_hello(struct buf *b, const struct serve_hello *h, struct err *e)
{
	size_t from = b->len;
	struct wr w;

	serve_begin(&w, b, SERVE_HELLO);
	wr_bytes(&w, SERVE_MAGIC, SERVE_MAGIC_BYTES);
	wr_le16(&w, h->oldest);
	wr_le16(&w, h->newest);
	wr_le32(&w, h->must);
	wr_le32(&w, h->may);
	wr_le32(&w, h->flags);
	serve_put_text(&w, h->path, SERVE_PATH_MAX);
	serve_put_text(&w, h->program, sizeof(h->program) - 1);
	return serve_end(&w, from, e);
}

static void serve_get_magic(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, SERVE_MAGIC_BYTES);

	if (p && memcmp(p, SERVE_MAGIC, SERVE_MAGIC_BYTES) != 0)
		rd_fail(r);
}

bool serve_get_hello(struct serve_hello *h, const uint8_t *p, size_t len)
{
	struct rd r;

	rd_init(&r, p, len);
	serve_get_magic(&r);
	h->oldest = rd_le16(&r);
	h->newest = rd_le16(&r);
	h->must = rd_le32(&r);
	h->may = rd_le32(&r);
	h->flags = rd_le32(&r);
	serve_get_text(&r, h->path, SERVE_PATH_MAX);
	serve_get_text(&r, h->program, sizeof(h->program) - 1);
	return rd_done(&r) && h->oldest <= h->newest && h->path[0] != '\0' &&
		(h->flags & ~(uint32_t)(SERVE_CREATE | SERVE_PARENTS)) == 0;
}

int serve_put_welcome(struct buf *b, const struct serve_welcome *x,
		      struct err *e)
{
	size_t from = b->len;
	struct wr w;

	serve_begin(&w, b, SERVE_WELCOME);
	wr_bytes(&w, SERVE_MAGIC, SERVE_MAGIC_BYTES);
	wr_le16(&w, serve_code_of(x->code));
	wr_le16(&w, x->version);
	wr_le32(&w, x->features);
	wr_le32(&w, x->rights);
	wr_le32(&w, x->confined);
	serve_put_text(&w, x->text, SERVE_TEXT_MAX);
	return serve_end(&w, from, e);
}

bool serve_get_welcome(struct serve_welcome *x, const uint8_t *p, size_t len)
{
	struct rd r;

	rd_init(&r, p, len);
	serve_get_magic(&r);
	x->code = serve_code(rd_le16(&r));
	x->version = rd_le16(&r);
	x->features = rd_le32(&r);
	x->rights = rd_le32(&r);
	x->confined = rd_le32(&r);
	serve_get_words(&r, x->text, SERVE_TEXT_MAX);
	return rd_done(&r);
}

void serve_put_code(struct wr *w, enum err_code code, const char *text)
{
	wr_le16(w, serve_code_of(code));
	serve_put_text(w, text, SERVE_TEXT_MAX);
}

bool serve_get_code(enum err_code *code, char text[SERVE_TEXT_MAX + 1],
		    const uint8_t *p, size_t len)
{
	struct rd r;

	rd_init(&r, p, len);
	*code = serve_code(rd_le16(&r));
	serve_get_words(&r, text, SERVE_TEXT_MAX);
	return rd_done(&r);
}

void serve_put_name(struct wr *w, enum store_kind k, const char *name)
{
	size_t len = strlen(name);

	BUG_ON(len > STORE_NAME_MAX);
	wr_u8(w, (uint8_t)k);
	wr_u8(w, (uint8_t)len);
	wr_bytes(w, name, len);
}

static bool serve_get_chars(enum store_kind k,
			    char out[STORE_NAME_MAX + 1], struct rd *r)
{
	size_t len = rd_u8(r);

	out[0] = '\0';
	if (len == 0 || len > STORE_NAME_MAX) {
		rd_fail(r);
		return false;
	}
	rd_copy(r, out, len);
	out[len] = '\0';
	if (r->bad || strlen(out) != len || !store_name_ok(k, out))
		rd_fail(r);
	return !r->bad;
}

bool serve_get_name(struct serve_name *n, struct rd *r)
{
	uint8_t kind = rd_u8(r);

	n->kind = STORE_ROOT;
	n->name[0] = '\0';
	if (kind >= STORE_KINDS) {
		rd_fail(r);
		return false;
	}
	n->kind = (enum store_kind)kind;
	return serve_get_chars(n->kind, n->name, r);
}

int serve_put_put(struct buf *b, const struct serve_put *p, struct err *e)
{
	size_t from = b->len;
	struct wr w;

	serve_begin(&w, b, SERVE_PUT);
	serve_put_name(&w, p->n.kind, p->n.name);
	wr_u8(&w, p->flags);
	wr_le64(&w, p->size);
	return serve_end(&w, from, e);
}

bool serve_get_put(struct serve_put *p, const uint8_t *bytes, size_t len)
{
	struct rd r;

	rd_init(&r, bytes, len);
	serve_get_name(&p->n, &r);
	p->flags = rd_u8(&r);
	p->size = rd_le64(&r);
	return rd_done(&r) && p->size <= SERVE_FILE_MAX &&
		(p->flags & ~(SERVE_PUT_AGAIN | SERVE_PUT_RESUME)) == 0;
}

void serve_put_want(struct wr *w, const struct serve_want *x)
{
	serve_put_name(w, x->n.kind, x->n.name);
	wr_u8(w, x->whole);
	wr_le64(w, x->off);
	wr_le64(w, x->len);
	wr_le32(w, x->more);
}

bool serve_get_want(struct serve_want *x, struct rd *r)
{
	uint8_t whole;

	serve_get_name(&x->n, r);
	whole = rd_u8(r);
	x->whole = whole != 0;
	x->off = rd_le64(r);
	x->len = rd_le64(r);
	x->more = rd_le32(r);
	if (whole > 1 || (whole && (x->off != 0 || x->more != 0)))
		rd_fail(r);
	return !r->bad;
}

void serve_put_entry(struct wr *w, const char *name, uint64_t size)
{
	size_t len = strlen(name);

	BUG_ON(len > STORE_NAME_MAX);
	wr_u8(w, (uint8_t)len);
	wr_bytes(w, name, len);
	wr_le64(w, size);
}

bool serve_get_entry(enum store_kind k, char name[STORE_NAME_MAX + 1],
		     uint64_t *size, struct rd *r)
{
	if (rd_left(r) == 0)
		return false;
	serve_get_chars(k, name, r);
	*size = rd_le64(r);
	return !r->bad;
}

int serve_put_found(struct buf *b, const struct serve_found *f, struct err *e)
{
	size_t from = b->len;
	struct wr w;

	serve_begin(&w, b, SERVE_FOUND);
	wr_le64(&w, f->files);
	wr_le64(&w, f->bytes);
	wr_u8(&w, f->bad);
	if (f->bad) {
		serve_put_name(&w, f->n.kind, f->n.name);
		serve_put_text(&w, f->text, SERVE_TEXT_MAX);
	}
	return serve_end(&w, from, e);
}

bool serve_get_found(struct serve_found *f, const uint8_t *p, size_t len)
{
	uint8_t bad;
	struct rd r;

	rd_init(&r, p, len);
	f->files = rd_le64(&r);
	f->bytes = rd_le64(&r);
	bad = rd_u8(&r);
	f->bad = bad == 1;
	f->text[0] = '\0';
	if (bad > 1)
		rd_fail(&r);
	if (f->bad) {
		serve_get_name(&f->n, &r);
		serve_get_words(&r, f->text, SERVE_TEXT_MAX);
	}
	return rd_done(&r);
}

/* VERSION 3, and one extension "1". */
const uint8_t serve_version[] = "\0\0\0\x1c" "\2" "\0\0\0\3"
	"\0\0\0\x0e" SERVE_EXTENSION "\0\0\0\1" "1";
const size_t serve_version_bytes = sizeof(serve_version) - 1;

bool serve_is_version(const uint8_t *p, size_t len)
{
	return len == serve_version_bytes - 4 &&
		memcmp(p, serve_version + 4, len) == 0;
}
