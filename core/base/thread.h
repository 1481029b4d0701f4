/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

#include "base/err.h"

/*
 * Start a thread of the program's own, which gets no signals: those are for
 * the threads that know them.  0, or an errno.
 */
int thread_start(pthread_t *tid, void *(*fn)(void *), void *arg);

/*
 * One call beside others, for waits that can be had at the same time.  Begun
 * with 'beside' false, or where no thread can be had, it is done at once.
 * aside_end gives what it returned, and may be called again.
 */
typedef int aside_fn(void *arg, struct err *e);
struct aside {
	aside_fn *fn;
	void *arg;
	pthread_t tid;
	bool running;
	int rc;
	struct err e;
};
void aside_begin(struct aside *a, bool beside, aside_fn *fn, void *arg);
int aside_end(struct aside *a, struct err *e);

#endif
