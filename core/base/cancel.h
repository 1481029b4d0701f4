/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_CANCEL_H
#define BASE_CANCEL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"

/*
 * A wish to stop.  Set from any thread or from a signal handler; long work
 * looks at it between steps and ends with ERR_CANCEL, or, where it can
 * finish early with something useful (a partial archive), does that.
 */
struct cancel {
	atomic_int want;
};

void cancel_set(struct cancel *c);	/* async-signal-safe */
bool cancel_wanted(const struct cancel *c);	/* NULL: never */
int cancel_check(const struct cancel *c, struct err *e);

#endif
