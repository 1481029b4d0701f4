/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/clock.h"

#include <stddef.h>
#include <time.h>

static int64_t (*clock_wall_fn)(void);

static int64_t clock_read(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t clock_wall_nsec(void)
{
	return clock_wall_fn ? clock_wall_fn() : clock_read(CLOCK_REALTIME);
}

int64_t clock_mono_nsec(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

void clock_set_wall(int64_t (*fn)(void))
{
	clock_wall_fn = fn;
}
