/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing tar: blocks, headers, pax records. */
#include "archive/tar_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#include "base/io.h"

#define OUT_BYTES (1u << 20)

static const uint8_t out_zero[TAR_RECORD];

uint32_t tar_sum(const uint8_t *block)
{
	uint32_t sum = 0;
	unsigned i;

	for (i = 0; i < TAR_BLOCK; i++)
		sum += block[i];
	for (i = TAR_SUM; i < TAR_SUM + 8; i++)
		sum += (uint32_t)' ' - block[i];
	return sum;
}

void tar_out_release(struct tar_out *o)
{
	buf_release(&o->buf);
	buf_release(&o->pax);
}

static int out_write(struct tar_out *o, const void *p, size_t len,
		     struct err *e)
{
	union { const void *c; void *v; } u = { .c = p };
	struct iovec iov[2] = { { o->buf.p, o->buf.len }, { u.v, len } };
	int rc = io_writev(o->fd, iov, 2, "the tar file", e);

	buf_clear(&o->buf);
	return rc;
}

int tar_out_flush(struct tar_out *o, struct err *e)
{
	return o->buf.len ? out_write(o, NULL, 0, e) : 0;
}

int tar_out_put(struct tar_out *o, const void *p, size_t len, struct err *e)
{
	int rc;

	o->bytes += len;
	if (o->buf.len + len > OUT_BYTES)
		return out_write(o, p, len, e);
	if (!o->buf.cap && (rc = buf_reserve(&o->buf, OUT_BYTES, e)) < 0)
		return rc;
	return buf_append(&o->buf, p, len, e);
}

int tar_out_pad(struct tar_out *o, unsigned unit, struct err *e)
{
	unsigned past = (unsigned)(o->bytes % unit);

	return past ? tar_out_put(o, out_zero, unit - past, e) : 0;
}

/* --- pax records --- */

int tar_out_record(struct tar_out *o, const char *key, const void *value,
		   size_t len, struct err *e)
{
	size_t body = 1 + strlen(key) + 1 + len + 1, all = body, digits;
	char number[24];
	int rc;

	/* The length counts its own digits. */
	do {
		digits = (size_t)snprintf(number, sizeof(number), "%zu", all);
		if (all == body + digits)
			break;
		all = body + digits;
	} while (1);
	if ((rc = buf_printf(&o->pax, e, "%s %s=", number, key)) < 0 ||
	    (rc = buf_append(&o->pax, value, len, e)) < 0)
		return rc;
	return buf_append(&o->pax, "\n", 1, e);
}

int tar_out_record_number(struct tar_out *o, const char *key, uint64_t n,
			  struct err *e)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%" PRIu64, n);

	return tar_out_record(o, key, text, (size_t)len, e);
}

int tar_out_record_time(struct tar_out *o, const char *key,
			const struct timespec *ts, struct err *e)
{
	int64_t sec = ts->tv_sec;
	long nsec = ts->tv_nsec;
	const char *sign = "";
	char text[48];
	int len;

	/* -2 s + 0.5 s is written -1.5 */
	if (sec < 0) {
		sign = "-";
		if (nsec) {
			sec++;
			nsec = 1000000000 - nsec;
		}
	}
	len = snprintf(text, sizeof(text), "%s%" PRIu64, sign,
		sec < 0 ? 0 - (uint64_t)sec : (uint64_t)sec);
	if (nsec)
		len += snprintf(text + len, sizeof(text) - (size_t)len,
			".%09ld", nsec);
	while (nsec && text[len - 1] == '0')
		len--;
	return tar_out_record(o, key, text, (size_t)len, e);
}

/* --- headers --- */

static void head_octal(uint8_t *field, unsigned bytes, uint64_t n)
{
	unsigned i = bytes - 1;

	field[i] = '\0';
	while (i > 0) {
		field[--i] = (uint8_t)('0' + (n & 7));
		n >>= 3;
	}
}

static void head_text(uint8_t *field, size_t bytes, const char *s)
{
	size_t len = s ? strlen(s) : 0;

	memcpy(field, s ? s : "", len < bytes ? len : bytes);
}

static bool head_time_fits(const struct timespec *ts)
{
	return ts->tv_sec >= 0 && (uint64_t)ts->tv_sec <= TAR_SIZE_MAX;
}

static void head_fill(uint8_t b[TAR_BLOCK], const struct tar_head *h)
{
	memset(b, 0, TAR_BLOCK);
	head_text(b + TAR_NAME, TAR_NAME_BYTES, h->path);
	head_text(b + TAR_LINK, TAR_NAME_BYTES, h->link);
	head_octal(b + TAR_MODE, 8, h->mode & 07777);
	head_octal(b + TAR_UID, 8, h->uid <= TAR_ID_MAX ? h->uid : 0);
	head_octal(b + TAR_GID, 8, h->gid <= TAR_ID_MAX ? h->gid : 0);
	head_octal(b + TAR_SIZE, 12, h->size <= TAR_SIZE_MAX ? h->size : 0);
	head_octal(b + TAR_MTIME, 12, head_time_fits(&h->mtime) ?
		(uint64_t)h->mtime.tv_sec : 0);
	b[TAR_TYPE] = (uint8_t)h->type;
	memcpy(b + TAR_MAGIC, "ustar\0" "00", 8);
	head_text(b + TAR_UNAME, TAR_OWNER_BYTES - 1, h->uname);
	head_text(b + TAR_GNAME, TAR_OWNER_BYTES - 1, h->gname);
	head_octal(b + TAR_MAJOR, 8,
		h->rdev_major <= TAR_ID_MAX ? h->rdev_major : 0);
	head_octal(b + TAR_MINOR, 8,
		h->rdev_minor <= TAR_ID_MAX ? h->rdev_minor : 0);
	head_octal(b + TAR_SUM, 7, tar_sum(b));
	b[TAR_SUM + 7] = ' ';
}

static bool text_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

/* As RFC 3629 has it. */
static bool text_utf8(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	uint32_t c, min;
	unsigned n, i;

	for (; *s; s += n) {
		n = *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2 :
			*s < 0xf0 ? 3 : *s < 0xf5 ? 4 : 0;
		if (n == 0)
			return false;
		c = n == 1 ? *s : *s & (0x7fu >> n);
		for (i = 1; i < n; i++) {
			if ((s[i] & 0xc0) != 0x80)
				return false;
			c = c << 6 | (s[i] & 0x3f);
		}
		min = n == 3 ? 0x800 : n == 4 ? 0x10000 : 0;
		if (c < min || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return false;
	}
	return true;
}

/* A text that its field has no room for, or that is not ASCII. */
static int head_record(struct tar_out *o, const char *key, const char *s,
		       size_t room, struct err *e)
{
	if (!s || (strlen(s) <= room && text_ascii(s)))
		return 0;
	return tar_out_record(o, key, s, strlen(s), e);
}

static int head_records(struct tar_out *o, const struct tar_head *h,
			struct err *e)
{
	int rc = 0;

	if ((rc = head_record(o, "path", h->path, TAR_NAME_BYTES, e)) < 0 ||
	    (rc = head_record(o, "linkpath", h->link, TAR_NAME_BYTES,
			      e)) < 0 ||
	    (rc = head_record(o, "uname", h->uname, TAR_OWNER_BYTES - 1,
			      e)) < 0 ||
	    (rc = head_record(o, "gname", h->gname, TAR_OWNER_BYTES - 1,
			      e)) < 0)
		return rc;
	if (h->mtime.tv_nsec || !head_time_fits(&h->mtime))
		rc = tar_out_record_time(o, "mtime", &h->mtime, e);
	if (rc == 0 && h->size > TAR_SIZE_MAX)
		rc = tar_out_record_number(o, "size", h->size, e);
	if (rc == 0 && h->uid > TAR_ID_MAX)
		rc = tar_out_record_number(o, "uid", h->uid, e);
	if (rc == 0 && h->gid > TAR_ID_MAX)
		rc = tar_out_record_number(o, "gid", h->gid, e);
	if (rc == 0 && h->rdev_major > TAR_ID_MAX)
		rc = tar_out_record_number(o, "SCHILY.devmajor",
			h->rdev_major, e);
	if (rc == 0 && h->rdev_minor > TAR_ID_MAX)
		rc = tar_out_record_number(o, "SCHILY.devminor",
			h->rdev_minor, e);
	return rc;
}

/* "PaxHeaders/NAME", as a file that a reader without pax would make. */
static void pax_name(char out[TAR_NAME_BYTES], const char *path)
{
	size_t len = strlen(path), i;
	const char *s;

	while (len > 1 && path[len - 1] == '/')
		len--;
	for (s = path + len; s > path && s[-1] != '/'; s--)
		;
	snprintf(out, TAR_NAME_BYTES, "PaxHeaders/%.*s",
		(int)(path + len - s < 80 ? path + len - s : 80), s);
	for (i = 0; out[i]; i++)
		if ((unsigned char)out[i] >= 0x80)
			out[i] = '_';
}

/* The standard wants names in UTF-8, and a word where they are not. */
static int pax_charset(struct tar_out *o, const struct tar_head *h,
		       struct err *e)
{
	struct buf rest = BUF_INIT;
	int rc;

	if (text_utf8(h->path) && (!h->link || text_utf8(h->link)) &&
	    text_utf8(h->uname) && text_utf8(h->gname))
		return 0;
	buf_swap(&rest, &o->pax);
	rc = tar_out_record(o, "hdrcharset", "BINARY", 6, e);
	if (rc == 0)
		rc = buf_append(&o->pax, rest.p, rest.len, e);
	buf_release(&rest);
	return rc;
}

int tar_out_member(struct tar_out *o, const struct tar_head *h,
		   struct err *e)
{
	uint8_t block[TAR_BLOCK];
	int rc;

	if ((rc = head_records(o, h, e)) < 0)
		return rc;
	if (o->pax.len) {
		char name[TAR_NAME_BYTES];
		struct tar_head x = { .type = 'x', .path = name,
				      .mode = 0644 };

		if ((rc = pax_charset(o, h, e)) < 0)
			return rc;
		pax_name(name, h->path);
		x.size = o->pax.len;
		head_fill(block, &x);
		if ((rc = tar_out_put(o, block, TAR_BLOCK, e)) < 0 ||
		    (rc = tar_out_put(o, o->pax.p, o->pax.len, e)) < 0 ||
		    (rc = tar_out_pad(o, TAR_BLOCK, e)) < 0)
			return rc;
		buf_clear(&o->pax);
	}
	head_fill(block, h);
	return tar_out_put(o, block, TAR_BLOCK, e);
}

int tar_out_end(struct tar_out *o, struct err *e)
{
	int rc;

	if ((rc = tar_out_put(o, out_zero, 2 * TAR_BLOCK, e)) < 0 ||
	    (rc = tar_out_pad(o, TAR_RECORD, e)) < 0)
		return rc;
	return tar_out_flush(o, e);
}

int tar_out_spoil(struct tar_out *o, struct err *e)
{
	static const char words[] = "THIS TAR FILE IS NOT COMPLETE: ITS SOURCE "
		"WAS DAMAGED\n";
	int rc = tar_out_put(o, words, sizeof(words) - 1, e);

	return rc < 0 ? rc : tar_out_flush(o, e);
}
