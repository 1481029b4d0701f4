/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CODEC_BASE64_H
#define CODEC_BASE64_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* RFC 4648's base64, with padding, in constant time. */

/* Appended to out, without line ends. */
int base64_put(struct buf *out, const void *p, size_t len, struct err *e);
/* Appended to out; blanks are passed over.  ERR_CORRUPT: it is none. */
int base64_get(struct buf *out, const char *text, size_t len, struct err *e);

#endif
