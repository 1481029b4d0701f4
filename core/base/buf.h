/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * A growing byte buffer.  Zeroed storage is an empty buffer without a limit.
 * Invariant: len <= cap, and len <= max when max is not 0; cap may be one
 * more than max, for a NUL that is not counted.
 */
struct buf {
	uint8_t *p;
	size_t len, cap;
	size_t max;		/* growth past it fails; 0: no limit */
};
#define BUF_INIT { NULL, 0, 0, 0 }

/* Room for 'more' bytes past len.  ERR_NOMEM, or ERR_CORRUPT past max (the
 * length came from outside, or the caller's limit is wrong). */
int buf_reserve(struct buf *b, size_t more, struct err *e);
/* 'p' must not point into b. */
int buf_append(struct buf *b, const void *p, size_t len, struct err *e);
int buf_printf(struct buf *b, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* len becomes 'len'; new bytes are not initialised. */
int buf_resize(struct buf *b, size_t len, struct err *e);
/* Make the bytes a C string without counting the NUL. */
int buf_cstr(struct buf *b, struct err *e);
/* Hand the bytes over; the buffer is empty again.  Free with free(3).  NULL if
 * nothing ever was in it. */
uint8_t *buf_take(struct buf *b, size_t *len);
void buf_swap(struct buf *a, struct buf *b);
void buf_clear(struct buf *b);		/* len = 0, keeps the room */
void buf_release(struct buf *b);	/* NULL-safe, leaves it empty */

#endif
