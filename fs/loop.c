/* SPDX-License-Identifier: BSD-2-Clause */
#include "fs/loop.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/*
 * A worker waits in a blocking read, of which the kernel wakes exactly one
 * per request.  It is woken up to stop by a signal that only workers let in;
 * as the signal may come just before the read, it is sent until all have
 * ended.
 */
#define LOOP_WAKE SIGRTMIN
#define LOOP_LOOK_MSEC 500	/* how late cancel may be seen if no signal
				 * interrupts the wait */

struct loop {
	struct fuse_session *se;
	atomic_bool stop;
	atomic_uint running;
	atomic_int failed;	/* errno of a worker */
	int ended;		/* eventfd: a worker has ended */
	unsigned n;
	pthread_t tid[];
};

static void loop_woken(int sig)
{
	(void)sig;
}

static void *loop_work(void *arg)
{
	struct loop *l = arg;
	struct fuse_buf buf;
	uint64_t one = 1;
	sigset_t set;
	int n;

	memset(&buf, 0, sizeof(buf));
	sigfillset(&set);
	sigdelset(&set, LOOP_WAKE);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	while (!atomic_load(&l->stop) && !fuse_session_exited(l->se)) {
		n = fuse_session_receive_buf(l->se, &buf);
		if (n == -EINTR || n == -EAGAIN)
			continue;
		if (n < 0)
			atomic_store(&l->failed, -n);
		if (n <= 0)
			break;
		fuse_session_process_buf(l->se, &buf);
	}
	free(buf.mem);
	atomic_fetch_sub(&l->running, 1);
	if (write(l->ended, &one, sizeof(one)) < 0)
		return NULL;	/* the waiting thread looks now and then */
	return NULL;
}

static int loop_start(struct loop *l, unsigned threads, struct err *e)
{
	int rc = 0;

	while (l->n < threads) {
		atomic_fetch_add(&l->running, 1);
		rc = thread_start(&l->tid[l->n], loop_work, l);
		if (rc) {
			atomic_fetch_sub(&l->running, 1);
			break;
		}
		l->n++;
	}
	if (l->n)
		return 0;	/* fewer are only slower */
	return err_errno(e, rc, "cannot start a thread");
}

static void loop_wait(struct loop *l, const struct cancel *cancel,
		      const struct loop_owner *o)
{
	struct pollfd p = { l->ended, POLLIN, 0 };

	while (atomic_load(&l->running) == l->n && !cancel_wanted(cancel)) {
		(void)poll(&p, 1, LOOP_LOOK_MSEC);
		o->idle(o->ctx);
	}
}

static void loop_stop(struct loop *l)
{
	struct timespec pause = { 0, 2000000 };
	unsigned i;

	atomic_store(&l->stop, true);
	while (atomic_load(&l->running)) {
		for (i = 0; i < l->n; i++)
			pthread_kill(l->tid[i], LOOP_WAKE);
		nanosleep(&pause, NULL);
	}
	for (i = 0; i < l->n; i++)
		pthread_join(l->tid[i], NULL);
}

int loop_run(struct fuse_session *se, unsigned threads, struct cancel *cancel,
	     const struct loop_owner *o, struct err *e)
{
	struct sigaction wake, old;
	struct loop *l;
	int rc;

	l = mem_zero(1, sizeof(*l) + threads * sizeof(l->tid[0]));
	if (!l)
		return err_nomem(e);
	memset(&wake, 0, sizeof(wake));
	wake.sa_handler = loop_woken;	/* without SA_RESTART */
	sigaction(LOOP_WAKE, &wake, &old);
	l->se = se;
	l->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->ended < 0) {
		rc = err_errno(e, errno, "cannot make an event fd");
		goto out;
	}
	rc = loop_start(l, threads, e);
	if (rc == 0) {
		loop_wait(l, cancel, o);
		o->ending(o->ctx);
		loop_stop(l);
		if (atomic_load(&l->failed))
			rc = err_errno(e, atomic_load(&l->failed),
				       "cannot read from /dev/fuse");
	}
	(void)close(l->ended);
out:
	sigaction(LOOP_WAKE, &old, NULL);
	free(l);
	return rc;
}
