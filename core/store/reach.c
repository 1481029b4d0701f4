/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/reach.h"

#include <time.h>

#include "base/clock.h"
#include "base/log.h"

#define REACH_SEC ((int64_t)1000000000)
#define REACH_TIMEOUT_SECS 300
/* A line that lived this long was a good one. */
#define REACH_GOOD_SECS 5
#define REACH_NAP_FIRST (REACH_SEC / 5)
#define REACH_NAP_MOST (30 * REACH_SEC)
/* Where a server answers, but not for long, naps grow to this step only. */
#define REACH_FAILS_SHORT 3
/* One operation on ever new lines that break in it. */
#define REACH_TRIES 1000
#define REACH_SECONDS 8

void reach_init(struct reach *r, struct store *store, reach_dial_fn *try,
		const struct store_opts *o)
{
	*r = (struct reach){ .store = store, .try = try,
		.opts = { .timeout_secs = REACH_TIMEOUT_SECS } };
	if (o && o->timeout_secs)
		r->opts.timeout_secs = o->timeout_secs;
	r->opts.upload_rate = o ? o->upload_rate : 0;
	r->cancel = o ? o->cancel : NULL;
	pthread_mutex_init(&r->aside_mtx, NULL);
	pthread_mutex_init(&r->dial_mtx, NULL);
	pthread_mutex_init(&r->mtx, NULL);
}

void reach_close(struct reach *r)
{
	atomic_store(&r->closing, true);
	pthread_mutex_lock(&r->mtx);
	if (r->line)
		line_stop(r->line);
	if (r->second)
		line_stop(r->second);
	pthread_mutex_unlock(&r->mtx);
}

void reach_release(struct reach *r)
{
	thread_aside_end(&r->aside, NULL);
	line_unref(r->line);
	line_unref(r->second);
	wire_close(r->first);
	wire_dial_free(r->dial);
	pthread_mutex_destroy(&r->aside_mtx);
	pthread_mutex_destroy(&r->dial_mtx);
	pthread_mutex_destroy(&r->mtx);
}

uint64_t reach_no(struct reach *r)
{
	uint64_t no;

	pthread_mutex_lock(&r->mtx);
	no = r->no;
	pthread_mutex_unlock(&r->mtx);
	return no;
}

/* The one at *at, if it lives; a reference is the caller's. */
static struct line *reach_living(struct reach *r, struct line *const *at)
{
	struct line *l;

	pthread_mutex_lock(&r->mtx);
	l = *at;
	if (l && line_dead(l))
		l = NULL;
	if (l)
		line_ref(l);
	pthread_mutex_unlock(&r->mtx);
	return l;
}

struct line *reach_current(struct reach *r)
{
	return reach_living(r, &r->line);
}

static void reach_add_traffic(struct store_traffic *to, struct line *l)
{
	struct store_traffic t;

	line_traffic(l, &t);
	to->up += t.up;
	to->down += t.down;
	to->requests += t.requests;
	to->trips += t.trips;
}

void reach_traffic(struct reach *r, struct store_traffic *t)
{
	pthread_mutex_lock(&r->mtx);
	*t = r->gone;
	if (r->line)
		reach_add_traffic(t, r->line);
	if (r->second)
		reach_add_traffic(t, r->second);
	pthread_mutex_unlock(&r->mtx);
}

static void reach_replace(struct reach *r, struct line *l)
{
	struct line *old;

	pthread_mutex_lock(&r->mtx);
	old = r->line;
	if (old)
		reach_add_traffic(&r->gone, old);
	r->line = l;
	line_ref(l);
	r->no++;
	pthread_mutex_unlock(&r->mtx);
	line_unref(old);
}

static int reach_closed(struct err *e)
{
	return err_set(e, ERR_CANCEL, "the repository is being closed");
}

static int reach_nap(struct reach *r, int64_t nsec, struct err *e)
{
	const struct timespec tick = { 0, 50000000 };
	int64_t end = clock_mono_nsec() + nsec;

	while (clock_mono_nsec() < end) {
		if (atomic_load(&r->closing))
			return reach_closed(e);
		if (cancel_wanted(r->cancel))
			return cancel_check(r->cancel, e);
		nanosleep(&tick, NULL);
	}
	return 0;
}

static int64_t reach_backoff(unsigned fails)
{
	int64_t nap = REACH_NAP_FIRST;

	while (fails-- > 1 && nap < REACH_NAP_MOST)
		nap *= 2;
	return nap < REACH_NAP_MOST ? nap : REACH_NAP_MOST;
}

/* Until there is one, or the time is up.  Under dial_mtx. */
static int reach_dial(struct reach *r, struct line **out, struct err *e)
{
	int64_t limit = r->opts.timeout_secs * REACH_SEC;
	int64_t begin = clock_mono_nsec();
	bool first = reach_no(r) == 0;
	int rc;

	if (begin - r->dialed_nsec > REACH_GOOD_SECS * REACH_SEC)
		r->fails = 0;
	else if (!first && r->fails < REACH_FAILS_SHORT)
		r->fails++;
	for (;;) {
		if (r->fails > 0 && !r->gave_up &&
		    (rc = reach_nap(r, reach_backoff(r->fails), e)) < 0)
			return rc;
		rc = r->try(r, out, e);
		r->dialed_nsec = clock_mono_nsec();
		if (rc == 0 || first || rc != ERR_IO)
			break;
		r->fails++;
		if (r->gave_up || clock_mono_nsec() - begin > limit)
			break;
		log_info("ssh", "%s: %s; trying again", r->store->url,
			e ? e->msg : "no connection");
	}
	if (rc == ERR_IO && !first) {
		r->gave_up = true;
		return err_ctx(e, "the server was lost and did not come back "
			"within %u seconds", r->opts.timeout_secs);
	}
	if (rc == 0) {
		r->gave_up = false;
		if (r->fails > REACH_FAILS_SHORT)
			r->fails = REACH_FAILS_SHORT;
	}
	return rc;
}

/* A line, and a reference to it. */
static int reach_connect(struct reach *r, struct line **out, struct err *e)
{
	struct err mine;
	int rc = 0;

	err_clear(&mine);
	if ((*out = reach_current(r)) != NULL)
		return 0;
	pthread_mutex_lock(&r->dial_mtx);
	*out = reach_current(r);
	if (!*out) {
		rc = reach_dial(r, out, &mine);
		if (rc == 0) {
			if (reach_no(r) > 0)
				log_info("ssh", "connected to %s again",
					r->store->url);
			reach_replace(r, *out);
		}
	}
	pthread_mutex_unlock(&r->dial_mtx);
	return rc < 0 ? err_set(e, mine.code, "%s", mine.msg) : 0;
}

int reach_begin(struct reach *r, struct err *e)
{
	struct line *l;
	int rc = reach_connect(r, &l, e);

	if (rc == 0)
		line_unref(l);
	return rc;
}

/* Under dial_mtx. */
static void reach_dial_second(struct reach *r)
{
	struct line *l = NULL, *old;
	struct err why;

	err_clear(&why);
	if (r->seconds >= REACH_SECONDS || r->gave_up || !r->dial ||
	    wire_dial_runs(r->dial) || atomic_load(&r->closing))
		return;
	r->seconds++;
	if (r->try(r, &l, &why) < 0) {
		log_debug("ssh", "%s: no second connection: %s",
			r->store->url, why.msg);
		r->seconds = REACH_SECONDS;
		return;
	}
	pthread_mutex_lock(&r->mtx);
	old = r->second;
	if (old)
		reach_add_traffic(&r->gone, old);
	r->second = l;
	if (atomic_load(&r->closing))
		line_stop(l);
	pthread_mutex_unlock(&r->mtx);
	line_unref(old);
}

static int reach_dial_aside(void *arg, struct err *e)
{
	struct reach *r = arg;

	(void)e;
	pthread_mutex_lock(&r->dial_mtx);
	reach_dial_second(r);
	pthread_mutex_unlock(&r->dial_mtx);
	atomic_store(&r->dialing, false);
	return 0;
}

struct line *reach_second(struct reach *r)
{
	struct line *l;

	if (r->opts.upload_rate > 0)
		return NULL;
	if ((l = reach_living(r, &r->second)) != NULL)
		return l;
	pthread_mutex_lock(&r->aside_mtx);
	if (!atomic_load(&r->dialing)) {
		thread_aside_end(&r->aside, NULL);
		atomic_store(&r->dialing, true);
		thread_aside(&r->aside, true, reach_dial_aside, r);
	}
	pthread_mutex_unlock(&r->aside_mtx);
	return NULL;
}

/* The line broke.  0: another one may do better. */
static int reach_broke(struct reach *r, struct line *l, struct err *e)
{
	struct err why;
	bool again;

	err_clear(&why);
	again = line_why(l, &why);
	if (!again)
		return err_set(e, why.code, "%s", why.msg);
	log_debug("ssh", "%s: %s", r->store->url, why.msg);
	return 0;
}

int reach_do(struct reach *r, reach_op_fn *fn, void *arg, struct err *e)
{
	struct line *l;
	unsigned tries;
	int rc;

	for (tries = 0; tries < REACH_TRIES; tries++) {
		if (atomic_load(&r->closing))
			return reach_closed(e);
		if ((rc = reach_connect(r, &l, e)) < 0)
			return rc;
		rc = fn(l, arg, e);
		if (rc != ERR_RETRY) {
			line_unref(l);
			return rc;
		}
		rc = reach_broke(r, l, e);
		line_unref(l);
		if (rc < 0)
			return rc;
	}
	return err_set(e, ERR_IO, "the connection breaks again and again");
}
