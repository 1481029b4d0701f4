/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/rate.h"

#define RATE_SEC 1000000000
#define RATE_PARTS 10

static uint64_t rate_room(const struct rate *r)
{
	uint64_t room = r->per_sec / RATE_PARTS;

	return room ? room : 1;
}

void rate_init(struct rate *r, uint64_t per_sec, int64_t now_nsec)
{
	r->per_sec = per_sec;
	r->bucket = rate_room(r);
	r->at_nsec = now_nsec;
}

size_t rate_allow(struct rate *r, size_t want, int64_t now_nsec)
{
	uint64_t room = rate_room(r);
	double fill;

	if (r->per_sec == 0)
		return want;
	fill = (double)(now_nsec - r->at_nsec) / RATE_SEC *
		(double)r->per_sec;
	if (fill >= 1) {
		r->bucket = fill > (double)room ? room :
			r->bucket + (uint64_t)fill;
		if (r->bucket > room)
			r->bucket = room;
		r->at_nsec = now_nsec;
	}
	return want < r->bucket ? want : (size_t)r->bucket;
}

void rate_take(struct rate *r, size_t n)
{
	if (r->per_sec)
		r->bucket -= n < r->bucket ? n : r->bucket;
}
