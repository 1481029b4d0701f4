/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

/*
 * Start a thread of the program's own, which gets no signals: those are for
 * the threads that know them.  0, or an errno.
 */
int thread_start(pthread_t *tid, void *(*fn)(void *), void *arg);

#endif
