/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_LIB_FIBER_H
#define TESTS_LIB_FIBER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A function with a stack of its own, which stops where it wants and goes on
 * there: programs take turns in one thread.
 */
struct fiber;
typedef void fiber_fn(void *arg);

/* Nothing of it has run.  Ends the process where there is no memory. */
struct fiber *fiber_new(fiber_fn *fn, void *arg);
/* Until it stops (true) or has returned (false).  Not from within a fiber. */
bool fiber_go(struct fiber *f);
/* The one that runs; NULL: none does. */
struct fiber *fiber_current(void);
void fiber_stop(void);			/* of the one that runs */
/* What its stack holds while it is stopped.  Put back together with what
 * malloc() gave, it goes on from there once more (snap.h). */
void fiber_stack(const struct fiber *f, void **from, size_t *len);
/* With all that its stack may still hold.  NULL ok. */
void fiber_free(struct fiber *f);

#endif
