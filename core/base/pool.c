/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/thread.h"

struct pool;

struct pool_thread {
	struct pool *pool;
	pthread_t tid;
	unsigned number;
};

struct pool {
	pthread_mutex_t mtx;		/* a leaf: nothing is called under it */
	pthread_cond_t work_cv;		/* run < put, or stop */
	pthread_cond_t done_cv;		/* the job with ticket 'take' is done */
	/*
	 * Whenever mtx is not held:
	 * 1. take <= run <= put <= take + max.
	 * 2. for take <= t < put, slot[t % max] is the job with ticket t.
	 * 3. a job with ticket >= run is not done.
	 */
	uint64_t put, run, take;	/* mtx; put and take: owner writes */
	bool stop;			/* mtx */
	struct job **slot;		/* mtx */
	unsigned max, nthread;		/* fixed by pool_new, as is all below */
	pool_work_fn *work;
	void *ctx;
	struct pool_thread thread[];
};

static void *pool_main(void *arg)
{
	struct pool_thread *t = arg;
	struct pool *p = t->pool;
	struct job *j;

	pthread_mutex_lock(&p->mtx);
	for (;;) {
		while (p->run == p->put && !p->stop)
			pthread_cond_wait(&p->work_cv, &p->mtx);
		if (p->run == p->put)
			break;
		j = p->slot[p->run++ % p->max];
		pthread_mutex_unlock(&p->mtx);
		p->work(j, t->number, p->ctx);
		pthread_mutex_lock(&p->mtx);
		j->done = true;
		if (j->ticket == p->take)
			pthread_cond_signal(&p->done_cv);
	}
	pthread_mutex_unlock(&p->mtx);
	return NULL;
}

struct pool *pool_new(unsigned nthread, unsigned max, pool_work_fn *work,
		      void *ctx)
{
	struct pool *p;
	unsigned i;

	BUG_ON(max == 0);
	p = mem_zero(1, sizeof(*p) + nthread * sizeof(p->thread[0]));
	if (!p)
		return NULL;
	p->slot = mem_zero(max, sizeof(struct job *));
	if (!p->slot) {
		free(p);
		return NULL;
	}
	p->max = max;
	p->work = work;
	p->ctx = ctx;
	pthread_mutex_init(&p->mtx, NULL);
	pthread_cond_init(&p->work_cv, NULL);
	pthread_cond_init(&p->done_cv, NULL);
	for (i = 0; i < nthread; i++) {
		p->thread[i].pool = p;
		p->thread[i].number = i;
		if (thread_start(&p->thread[i].tid, pool_main,
				 &p->thread[i]) != 0)
			break;
		p->nthread++;
	}
	return p;
}

bool pool_full(const struct pool *p)
{
	return p->put - p->take == p->max;
}

bool pool_empty(const struct pool *p)
{
	return p->put == p->take;
}

void pool_put(struct pool *p, struct job *j)
{
	pthread_mutex_lock(&p->mtx);
	BUG_ON(p->put - p->take == p->max);
	j->ticket = p->put;
	j->done = false;
	err_clear(&j->err);
	p->slot[p->put++ % p->max] = j;
	pthread_cond_signal(&p->work_cv);
	pthread_mutex_unlock(&p->mtx);
}

/* The serial twin calls work() under mtx: no second thread exists then. */
struct job *pool_take(struct pool *p)
{
	struct job *j = NULL;

	pthread_mutex_lock(&p->mtx);
	if (p->take == p->put)
		goto out;
	j = p->slot[p->take % p->max];
	if (p->nthread == 0) {
		p->run++;
		p->work(j, 0, p->ctx);
		j->done = true;
	}
	while (!j->done)
		pthread_cond_wait(&p->done_cv, &p->mtx);
	p->take++;
out:
	pthread_mutex_unlock(&p->mtx);
	return j;
}

bool pool_ready(struct pool *p)
{
	bool ready;

	pthread_mutex_lock(&p->mtx);
	ready = p->take != p->put &&
		(p->nthread == 0 || p->slot[p->take % p->max]->done);
	pthread_mutex_unlock(&p->mtx);
	return ready;
}

void pool_free(struct pool *p)
{
	unsigned i;

	if (!p)
		return;
	BUG_ON(p->take != p->put);
	pthread_mutex_lock(&p->mtx);
	p->stop = true;
	pthread_cond_broadcast(&p->work_cv);
	pthread_mutex_unlock(&p->mtx);
	for (i = 0; i < p->nthread; i++)
		pthread_join(p->thread[i].tid, NULL);
	pthread_cond_destroy(&p->done_cv);
	pthread_cond_destroy(&p->work_cv);
	pthread_mutex_destroy(&p->mtx);
	free(p->slot);
	free(p);
}
