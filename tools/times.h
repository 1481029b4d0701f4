/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_TIMES_H
#define TOOLS_TIMES_H

#include "core/core.h"

/* Times as people write and read them, in borg's forms. */
enum times_zone { TIMES_LOCAL, TIMES_UTC };

/*
 * Append strftime(FORMAT) of 'nsec'; %f is microseconds, six digits.
 * ERR_CONFIG: the result is longer than 1,000 bytes.
 */
int times_format(struct buf *out, int64_t nsec, const char *format,
		 enum times_zone zone, struct err *e);

#define TIMES_BYTES 64
/* "Mon, 2026-11-23 14:00:00", local; 'out' is returned. */
char *times_human(char out[TIMES_BYTES], int64_t nsec);
/* "2026-11-23T14:00:00.123456", local, as in borg's JSON. */
char *times_json(char out[TIMES_BYTES], int64_t nsec);

/*
 * --timestamp: the mtime of a file that exists, or UTC in one of
 * 2026-11-23T14:00:00[Z|+00:00], 2026-11-23[T| ]14:00[:00], 2026-11-23,
 * 2026-327.
 */
int times_parse(int64_t *nsec, const char *text, struct err *e);

#endif
