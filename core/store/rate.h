/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_RATE_H
#define STORE_RATE_H

#include <stddef.h>
#include <stdint.h>

/* A limit for bytes a second: a bucket that fills evenly and holds a tenth of
 * a second's. */
struct rate {
	uint64_t per_sec;		/* 0: no limit */
	uint64_t bucket;		/* bytes that may go now */
	int64_t at_nsec;		/* when that was so */
};

void rate_init(struct rate *r, uint64_t per_sec, int64_t now_nsec);
/* How many of 'want' bytes may go now. */
size_t rate_allow(struct rate *r, size_t want, int64_t now_nsec);
void rate_take(struct rate *r, size_t n);	/* they went */

#endif
