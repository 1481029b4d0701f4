/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/tarkit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "archive/tar_priv.h"
#include "tests/lib/check.h"

void tarkit_number(uint8_t *at, unsigned len, uint64_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "%0*llo", (int)len - 1,
		(unsigned long long)n);
	memcpy(at, text, len);
}

void tarkit_seal(uint8_t *b)
{
	tarkit_number(b + TAR_SUM, 7, tar_sum(b));
	b[TAR_SUM + 7] = ' ';
}

uint8_t *tarkit_head(struct buf *s, char type, const char *name, uint64_t size)
{
	size_t at = s->len;
	uint8_t *b;

	assert_int_equal(buf_resize(s, at + TAR_BLOCK, NULL), 0);
	b = s->p + at;
	memset(b, 0, TAR_BLOCK);
	memcpy(b, name, strlen(name) < 100 ? strlen(name) : 100);
	tarkit_number(b + TAR_MODE, 8, 0640);
	tarkit_number(b + TAR_UID, 8, 10);
	tarkit_number(b + TAR_GID, 8, 20);
	tarkit_number(b + TAR_SIZE, 12, size);
	tarkit_number(b + TAR_MTIME, 12, 1000);
	b[TAR_TYPE] = (uint8_t)type;
	memcpy(b + TAR_MAGIC, "ustar\0" "00", 8);
	memcpy(b + TAR_UNAME, "joe", 3);
	tarkit_seal(b);
	return b;
}

void tarkit_body(struct buf *s, const void *p, size_t len)
{
	static const uint8_t zero[TAR_BLOCK];

	buf_append(s, p, len, NULL);
	if (len % TAR_BLOCK)
		buf_append(s, zero, TAR_BLOCK - len % TAR_BLOCK, NULL);
}

void tarkit_pax(struct buf *s, char type, ...)
{
	struct tar_out o = { .fd = -1 };
	const char *r, *eq;
	va_list ap;

	va_start(ap, type);
	while ((r = va_arg(ap, const char *))) {
		char key[64];

		eq = strchr(r, '=');
		snprintf(key, sizeof(key), "%.*s", (int)(eq - r), r);
		tar_out_record(&o, key, eq + 1, strlen(eq + 1), NULL);
	}
	va_end(ap);
	tarkit_head(s, type, "PaxHeaders/x", o.pax.len);
	tarkit_body(s, o.pax.p, o.pax.len);
	tar_out_release(&o);
}

void tarkit_pax_raw(struct buf *s, const char *text, size_t len)
{
	tarkit_head(s, 'x', "PaxHeaders/x", len);
	tarkit_body(s, text, len);
	tarkit_head(s, '0', "a", 0);
}

void tarkit_end(struct buf *s)
{
	assert_int_equal(buf_resize(s, s->len + 2 * TAR_BLOCK, NULL), 0);
	memset(s->p + s->len - 2 * TAR_BLOCK, 0, 2 * TAR_BLOCK);
}
