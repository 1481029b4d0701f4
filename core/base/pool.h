/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Ordered, bounded worker pool.
 *
 * One owner thread puts and takes; jobs come back in the order they were put,
 * each exactly once, failed ones included.  The pool never fails a job: work()
 * records trouble in job->err.  With nthread == 0 work() runs inside
 * pool_take(): same order, same results, one thread (used by tests).
 */
struct job {
	uint64_t ticket;		/* set by pool_put */
	bool done;			/* the pool's */
	struct err err;			/* set by work(); code 0: good */
};
typedef void pool_work_fn(struct job *j, unsigned worker, void *ctx);

/* At most 'max' jobs are in the pool.  Starting fewer threads than asked, even
 * none, is not an error: the pool is only slower.  work() is told the number
 * of its thread (0 <= worker < max(nthread, 1)).  NULL: no memory. */
struct pool *pool_new(unsigned nthread, unsigned max, pool_work_fn *work,
		      void *ctx);
bool pool_full(const struct pool *p);		/* owner only, as all below */
bool pool_empty(const struct pool *p);
void pool_put(struct pool *p, struct job *j);	/* keep j alive; bug if full */
struct job *pool_take(struct pool *p);		/* blocks; NULL: nothing put */
/* The oldest job is done: pool_take() would not block. */
bool pool_ready(struct pool *p);
void pool_free(struct pool *p);			/* NULL ok; bug if jobs left */

#endif
