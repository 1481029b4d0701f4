/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_LIB_TARKIT_H
#define TESTS_LIB_TARKIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Tar streams under construction, right or wrong. */

/* Octal with a NUL at its end. */
void tarkit_number(uint8_t *at, unsigned len, uint64_t n);
/* A header at the end of the stream, valid until the next call; seal it after
 * changing it. */
uint8_t *tarkit_head(struct buf *s, char type, const char *name,
		     uint64_t size);
void tarkit_seal(uint8_t *block);
/* Content, to a whole block. */
void tarkit_body(struct buf *s, const void *p, size_t len);
/* A pax header of "key=value" records, up to a NULL. */
void tarkit_pax(struct buf *s, char type, ...);
/* One of this text, and a file behind it. */
void tarkit_pax_raw(struct buf *s, const char *text, size_t len);
void tarkit_end(struct buf *s);

#endif
