/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Room for 'more' bytes and then 'nul', which the limit does not count. */
static int buf_grow(struct buf *b, size_t more, size_t nul, struct err *e)
{
	size_t need, cap;
	uint8_t *p;

	if (__builtin_add_overflow(b->len, more, &need))
		return err_nomem(e);
	if (b->max && need > b->max)
		return err_set(e, ERR_CORRUPT,
			"%zu bytes where at most %zu are allowed", need,
			b->max);
	if (__builtin_add_overflow(need, nul, &need))
		return err_nomem(e);
	if (need <= b->cap)
		return 0;
	cap = b->cap + b->cap / 2;
	if (cap < need)
		cap = need;
	if (cap < 64)
		cap = 64;
	if (b->max && cap > b->max)
		cap = need > b->max ? need : b->max;
	p = mem_resize(b->p, cap, 1);
	if (!p)
		return err_nomem(e);
	b->p = p;
	b->cap = cap;
	return 0;
}

int buf_reserve(struct buf *b, size_t more, struct err *e)
{
	return buf_grow(b, more, 0, e);
}

int buf_append(struct buf *b, const void *p, size_t len, struct err *e)
{
	int rc = buf_reserve(b, len, e);

	if (rc < 0)
		return rc;
	if (len)
		memcpy(b->p + b->len, p, len);
	b->len += len;
	return 0;
}

int buf_printf(struct buf *b, struct err *e, const char *fmt, ...)
{
	va_list ap;
	int n, rc;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return err_nomem(e);
	if ((rc = buf_grow(b, (size_t)n, 1, e)) < 0)
		return rc;
	va_start(ap, fmt);
	vsnprintf((char *)b->p + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

int buf_resize(struct buf *b, size_t len, struct err *e)
{
	int rc;

	if (len > b->len && (rc = buf_reserve(b, len - b->len, e)) < 0)
		return rc;
	b->len = len;
	return 0;
}

int buf_cstr(struct buf *b, struct err *e)
{
	int rc = buf_grow(b, 0, 1, e);

	if (rc < 0)
		return rc;
	b->p[b->len] = '\0';
	return 0;
}

uint8_t *buf_take(struct buf *b, size_t *len)
{
	uint8_t *p = b->p;

	if (len)
		*len = b->len;
	b->p = NULL;
	b->len = b->cap = 0;
	return p;
}

void buf_swap(struct buf *a, struct buf *b)
{
	struct buf t = *a;

	*a = *b;
	*b = t;
}

void buf_clear(struct buf *b)
{
	b->len = 0;
}

void buf_release(struct buf *b)
{
	if (!b)
		return;
	free(b->p);
	b->p = NULL;
	b->len = b->cap = 0;
}
