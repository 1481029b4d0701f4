/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/thread.h"

#include <signal.h>

int thread_start(pthread_t *tid, void *(*fn)(void *), void *arg)
{
	sigset_t all, was;
	int errnum;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	errnum = pthread_create(tid, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	return errnum;
}
