/* SPDX-License-Identifier: BSD-2-Clause */
/* A store behind "muniment serve"; connecting again. */
#include "store/serve_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/sshurl.h"

#define SERVE_SEC ((int64_t)1000000000)
#define SERVE_TIMEOUT_SECS 300
/* A connection that lived this long was a good one. */
#define SERVE_GOOD_SECS 5
#define SERVE_NAP_FIRST (SERVE_SEC / 5)
#define SERVE_NAP_MOST (30 * SERVE_SEC)
/* Where a server answers, but not for long, naps grow to this step only. */
#define SERVE_FAILS_SHORT 3
/* One operation on ever new connections that break in it. */
#define SERVE_TRIES 1000

uint64_t serve_no(struct serve *s)
{
	uint64_t no;

	pthread_mutex_lock(&s->mtx);
	no = s->conn_no;
	pthread_mutex_unlock(&s->mtx);
	return no;
}

/* The connection, if it lives; a reference is the caller's. */
static struct serve_conn *serve_current(struct serve *s)
{
	struct serve_conn *c;

	pthread_mutex_lock(&s->mtx);
	c = s->conn;
	if (c && serve_conn_dead(c))
		c = NULL;
	if (c)
		serve_conn_ref(c);
	pthread_mutex_unlock(&s->mtx);
	return c;
}

static void serve_add_traffic(struct store_traffic *to, struct serve_conn *c)
{
	struct store_traffic t;

	serve_conn_traffic(c, &t);
	to->up += t.up;
	to->down += t.down;
	to->requests += t.requests;
	to->trips += t.trips;
}

static void serve_replace(struct serve *s, struct serve_conn *c,
			  const struct serve_welcome *wl)
{
	struct serve_conn *old;

	pthread_mutex_lock(&s->mtx);
	old = s->conn;
	if (old)
		serve_add_traffic(&s->gone, old);
	s->conn = c;
	s->rights = wl->rights;
	serve_conn_ref(c);
	s->conn_no++;
	pthread_mutex_unlock(&s->mtx);
	serve_conn_unref(old);
}

static int serve_nap(struct serve *s, int64_t nsec, struct err *e)
{
	const struct timespec tick = { 0, 50000000 };
	int64_t end = clock_mono_nsec() + nsec;

	while (clock_mono_nsec() < end) {
		if (cancel_wanted(s->cancel))
			return cancel_check(s->cancel, e);
		if (atomic_load(&s->closing))
			return err_set(e, ERR_CANCEL, "the repository is "
				"being closed");
		nanosleep(&tick, NULL);
	}
	return 0;
}

static int64_t serve_backoff(unsigned fails)
{
	int64_t nap = SERVE_NAP_FIRST;

	while (fails-- > 1 && nap < SERVE_NAP_MOST)
		nap *= 2;
	return nap < SERVE_NAP_MOST ? nap : SERVE_NAP_MOST;
}

/* A forced command is asked for as sftp, and says that it is not that. */
static int serve_knock(struct wire *w, struct err *e)
{
	static const char init[] = SERVE_INIT;
	uint8_t in[64];
	int64_t end = clock_mono_nsec() + 30 * SERVE_SEC;
	const struct timespec tick = { 0, 2000000 };
	size_t sent = 0, have = 0;
	ssize_t n;

	while (have < serve_version_bytes) {
		if (sent < SERVE_INIT_BYTES) {
			n = w->ops->write(w, init + sent,
				SERVE_INIT_BYTES - sent, e);
			if (n < 0)
				return (int)n;
			sent += (size_t)n;
		}
		n = w->ops->read(w, in + have, serve_version_bytes - have, e);
		if (n < 0)
			return (int)n;
		have += (size_t)n;
		if (n == 0)
			nanosleep(&tick, NULL);
		if (clock_mono_nsec() > end)
			return err_set(e, ERR_IO, "no 'muniment serve' "
				"answers");
	}
	if (!serve_is_version(in + 4, have - 4))
		return err_set(e, ERR_CONFIG, "there is another server than "
			"before");
	return 0;
}

/* One try.  Under dial_mtx. */
static int serve_dial_once(struct serve *s, struct serve_conn **out,
			   struct serve_welcome *wl, bool *answered,
			   struct err *e)
{
	struct wire *w = s->first;
	int rc = 0;

	s->first = NULL;
	*answered = false;
	if (!w) {
		rc = wire_open(&w, s->dial, e);
		if (rc == 0 && s->door == SERVE_FORCED)
			rc = serve_knock(w, e);
	}
	if (rc == 0)
		rc = serve_conn_hello(w, &s->hello, wl, answered, e);
	if (rc == 0 && wl->code != ERR_OK)
		rc = err_set(e, wl->code, "%s", wl->text);
	if (rc == 0)
		rc = serve_conn_open(out, w, &s->co, e);
	else if (!*answered && serve_no(s) == 0)
		s->first = w;
	else
		wire_close(w);
	s->dialed_nsec = clock_mono_nsec();
	return rc;
}

/* Until there is one, or the time is up.  Under dial_mtx. */
static int serve_dial(struct serve *s, struct serve_conn **out,
		      struct serve_welcome *wl, struct err *e)
{
	int64_t limit = s->co.timeout_secs * SERVE_SEC;
	int64_t begin = clock_mono_nsec();
	bool answered;
	int rc;

	if (begin - s->dialed_nsec > SERVE_GOOD_SECS * SERVE_SEC)
		s->fails = 0;
	else if (s->fails < SERVE_FAILS_SHORT)
		s->fails++;
	for (;;) {
		if (s->fails > 0 && !s->gave_up &&
		    (rc = serve_nap(s, serve_backoff(s->fails), e)) < 0)
			return rc;
		rc = serve_dial_once(s, out, wl, &answered, e);
		/* An init goes on in a new connection; after its end the
		 * repository is there. */
		if (rc == ERR_EXIST && s->hello.flags != 0) {
			s->hello.flags = 0;
			continue;
		}
		if (rc != ERR_IO)
			break;
		s->fails++;
		if (s->gave_up || clock_mono_nsec() - begin > limit)
			break;
		log_info("ssh", "%s: %s; trying again", s->store.url,
			e ? e->msg : "no connection");
	}
	if (rc == ERR_IO) {
		s->gave_up = true;
		return err_ctx(e, "the server was lost and did not come back "
			"within %u seconds", s->co.timeout_secs);
	}
	if (rc == 0) {
		s->gave_up = false;
		if (s->fails > SERVE_FAILS_SHORT)
			s->fails = SERVE_FAILS_SHORT;
	}
	return rc;
}

static int serve_connect(struct serve *s, struct serve_conn **out,
			 struct err *e)
{
	struct serve_welcome wl;
	struct err mine;
	int rc = 0;

	err_clear(&mine);
	if ((*out = serve_current(s)) != NULL)
		return 0;
	pthread_mutex_lock(&s->dial_mtx);
	*out = serve_current(s);
	if (!*out) {
		rc = serve_dial(s, out, &wl, &mine);
		if (rc == 0) {
			log_info("ssh", "connected to %s again", s->store.url);
			serve_replace(s, *out, &wl);
		}
	}
	pthread_mutex_unlock(&s->dial_mtx);
	return rc < 0 ? err_set(e, mine.code, "%s", mine.msg) : 0;
}

/* The connection broke.  0: another one may do better. */
static int serve_broke(struct serve *s, struct serve_conn *c, struct err *e)
{
	struct err why;
	bool again;

	err_clear(&why);
	again = serve_conn_why(c, &why);
	if (!again)
		return err_set(e, why.code, "%s", why.msg);
	log_debug("ssh", "%s: %s", s->store.url, why.msg);
	return 0;
}

int serve_do(struct serve *s, serve_op_fn *fn, void *arg, struct err *e)
{
	struct serve_conn *c;
	unsigned tries;
	int rc;

	for (tries = 0; tries < SERVE_TRIES; tries++) {
		if (atomic_load(&s->closing))
			return err_set(e, ERR_CANCEL, "the repository is "
				"being closed");
		if ((rc = serve_connect(s, &c, e)) < 0)
			return rc;
		rc = fn(s, c, arg, e);
		if (rc != ERR_RETRY) {
			serve_conn_unref(c);
			return rc;
		}
		rc = serve_broke(s, c, e);
		serve_conn_unref(c);
		if (rc < 0)
			return rc;
	}
	return err_set(e, ERR_IO, "the connection breaks again and again");
}

int serve_ask(struct serve_conn *c, struct serve_req *r, struct err *e)
{
	int rc = serve_conn_call(c, r);

	if (rc == 0 && r->code != ERR_OK)
		rc = err_set(e, r->code, "%s", r->text);
	return rc;
}

static void serve_traffic(struct store *store, struct store_traffic *t)
{
	struct serve *s = (struct serve *)(void *)store;

	pthread_mutex_lock(&s->mtx);
	*t = s->gone;
	if (s->conn)
		serve_add_traffic(t, s->conn);
	pthread_mutex_unlock(&s->mtx);
}

static bool serve_appends(struct store *store)
{
	struct serve *s = (struct serve *)(void *)store;
	bool only;

	pthread_mutex_lock(&s->mtx);
	only = !(s->rights & SERVE_MAY_ALL);
	pthread_mutex_unlock(&s->mtx);
	return only;
}

static void serve_free(struct store *store)
{
	struct serve *s = (struct serve *)(void *)store;

	/* What is being read ahead nobody wants any more. */
	atomic_store(&s->closing, true);
	if (s->conn)
		serve_conn_stop(s->conn);
	sftp_ahead_free(s->ahead);
	serve_conn_unref(s->conn);
	wire_close(s->first);
	wire_dial_free(s->dial);
	strv_release(&s->fresh);
	strv_release(&s->syncing);
	pthread_mutex_destroy(&s->dial_mtx);
	pthread_mutex_destroy(&s->put_mtx);
	pthread_cond_destroy(&s->put_cv);
	pthread_mutex_destroy(&s->sync_mtx);
	pthread_mutex_destroy(&s->mtx);
	free(s->store.url);
	free(s);
}

static const struct store_ops serve_ops = {
	.put = serve_put,
	.get = serve_get,
	.get_all = serve_get_all,
	.stat = serve_stat,
	.list = serve_list,
	.del = serve_del,
	.get_many = serve_get_many,
	.stat_many = serve_stat_many,
	.list_many = serve_list_many,
	.sync = serve_sync,
	.space = serve_space,
	.scrub = serve_scrub,
	.unmake = serve_unmake,
	.traffic = serve_traffic,
	.appends = serve_appends,
	.close = serve_free,
	.far = true,
};

static void serve_greet(struct serve_hello *h, const char *path,
			unsigned flags)
{
	h->oldest = h->newest = SERVE_VERSION;
	h->flags = (flags & STORE_CREATE ? SERVE_CREATE : 0u) |
		(flags & STORE_PARENTS ? SERVE_PARENTS : 0u);
	snprintf(h->path, sizeof(h->path), "%s", path);
	snprintf(h->program, sizeof(h->program), "muniment "
		MUNIMENT_VERSION);
}

static int serve_new(struct serve **out, const char *url, unsigned flags,
		     const struct store_opts *o, struct err *e)
{
	struct serve *s = mem_zero(1, sizeof(*s));
	struct sshurl u;
	int rc;

	if (!s)
		return err_nomem(e);
	s->store.ops = &serve_ops;
	s->co.timeout_secs = o && o->timeout_secs ? o->timeout_secs :
		SERVE_TIMEOUT_SECS;
	s->co.upload_rate = o ? o->upload_rate : 0;
	s->cancel = o ? o->cancel : NULL;
	pthread_mutex_init(&s->dial_mtx, NULL);
	pthread_mutex_init(&s->put_mtx, NULL);
	pthread_cond_init(&s->put_cv, NULL);
	pthread_mutex_init(&s->sync_mtx, NULL);
	pthread_mutex_init(&s->mtx, NULL);
	s->store.url = mem_str(url);
	s->ahead = sftp_ahead_new(serve_get_ahead, s);
	rc = s->store.url && s->ahead ? sshurl_parse(&u, url, e) :
		err_nomem(e);
	if (rc == 0) {
		serve_greet(&s->hello, u.path, flags);
		sshurl_release(&u);
	}
	if (rc < 0)
		serve_free(&s->store);
	else
		*out = s;
	return rc;
}

static void serve_say_confined(const struct serve *s,
			       const struct serve_welcome *wl)
{
	log_debug("ssh", "%s: %s%s%s", s->store.url, wl->text,
		wl->confined & SERVE_LANDLOCK ? ", landlock" : "",
		wl->confined & SERVE_SECCOMP ? ", seccomp" : "");
}

int serve_attach(struct store **out, const char *url, unsigned flags,
		 struct serve_start *st, struct err *e)
{
	struct serve_welcome wl;
	struct serve_conn *c;
	struct serve *s = NULL;
	int rc;

	*out = NULL;
	st->answered = true;
	rc = serve_new(&s, url, flags, st->o, e);
	if (!s) {
		wire_close(st->first);
		wire_dial_free(st->dial);
		return rc;
	}
	s->dial = st->dial;
	s->first = st->first;
	s->door = st->door;
	rc = serve_dial_once(s, &c, &wl, &st->answered, e);
	if (rc == 0) {
		serve_replace(s, c, &wl);
		serve_conn_unref(c);
		serve_say_confined(s, &wl);
		*out = &s->store;
		return 0;
	}
	if (!st->answered) {
		st->first = s->first;
		s->first = NULL;
		s->dial = NULL;
	}
	serve_free(&s->store);
	return rc;
}
