/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/*
 * Time, in nanoseconds.  Wall time is UTC since 1970 and is a label on things,
 * never a reason to delete; monotonic time measures.
 */
int64_t clock_wall_nsec(void);
int64_t clock_mono_nsec(void);

/* Tests: wall time comes from here (NULL: from the system again). */
void clock_set_wall(int64_t (*fn)(void));

#endif
