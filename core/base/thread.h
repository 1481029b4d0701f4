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
/* Tests: none can be had from now on, EAGAIN. */
void thread_none(void);

/*
 * One call beside others, for waits that can be had at the same time.  Begun
 * with 'beside' false, or where no thread can be had, it is done at once.
 * thread_aside_end gives what it returned, and may be called again.
 */
typedef int thread_fn(void *arg, struct err *e);
struct thread_aside {
	thread_fn *fn;
	void *arg;
	pthread_t tid;
	bool running;
	int rc;
	struct err e;
};
void thread_aside(struct thread_aside *a, bool beside, thread_fn *fn,
		  void *arg);
int thread_aside_end(struct thread_aside *a, struct err *e);

#endif
