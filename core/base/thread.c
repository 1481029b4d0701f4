/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/thread.h"

#include <errno.h>
#include <signal.h>

static bool thread_refused;

void thread_none(void)
{
	thread_refused = true;
}

int thread_start(pthread_t *tid, void *(*fn)(void *), void *arg)
{
	sigset_t all, was;
	int errnum;

	if (thread_refused)
		return EAGAIN;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	errnum = pthread_create(tid, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	return errnum;
}

static void *thread_aside_main(void *arg)
{
	struct thread_aside *a = arg;

	a->rc = a->fn(a->arg, &a->e);
	return NULL;
}

void thread_aside(struct thread_aside *a, bool beside, thread_fn *fn,
		  void *arg)
{
	*a = (struct thread_aside){ .fn = fn, .arg = arg };
	a->running = beside && thread_start(&a->tid, thread_aside_main, a) == 0;
	if (!a->running)
		thread_aside_main(a);
}

int thread_aside_end(struct thread_aside *a, struct err *e)
{
	if (a->running)
		pthread_join(a->tid, NULL);
	a->running = false;
	if (a->rc < 0 && e)
		*e = a->e;
	return a->rc;
}
