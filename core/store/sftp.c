/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/sftp_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/ops.h"

#define SFTP_SEC ((int64_t)1000000000)
#define SFTP_TIMEOUT_SECS 300
/* A connection that lived this long was a good one. */
#define SFTP_GOOD_SECS 5
#define SFTP_NAP_FIRST (SFTP_SEC / 5)
#define SFTP_NAP_MOST (30 * SFTP_SEC)
/* Where a server answers, but not for long, naps grow to this step only. */
#define SFTP_FAILS_SHORT 3
/* One operation on ever new connections that break in it. */
#define SFTP_TRIES 1000

static struct sftp *sftp_of(struct store *s)
{
	return (struct sftp *)(void *)s;
}

const char *sftp_path(const struct sftp *s, const char *rel,
		      char out[SFTP_PATH_BYTES])
{
	if (strcmp(rel, ".") == 0)
		snprintf(out, SFTP_PATH_BYTES, "%s", s->root);
	else if (strcmp(s->root, ".") == 0)
		snprintf(out, SFTP_PATH_BYTES, "%s", rel);
	else
		snprintf(out, SFTP_PATH_BYTES, "%s%s%s", s->root,
			strcmp(s->root, "/") == 0 ? "" : "/", rel);
	return out;
}

uint64_t sftp_no(struct sftp *s)
{
	uint64_t no;

	pthread_mutex_lock(&s->mtx);
	no = s->conn_no;
	pthread_mutex_unlock(&s->mtx);
	return no;
}

/* The connection, if it lives; a reference is the caller's. */
static struct sftp_conn *sftp_current(struct sftp *s)
{
	struct sftp_conn *c;

	pthread_mutex_lock(&s->mtx);
	c = s->conn;
	if (c && sftp_conn_dead(c))
		c = NULL;
	if (c)
		sftp_conn_ref(c);
	pthread_mutex_unlock(&s->mtx);
	return c;
}

static void sftp_add_traffic(struct store_traffic *to, struct sftp_conn *c)
{
	struct store_traffic t;

	sftp_conn_traffic(c, &t);
	to->up += t.up;
	to->down += t.down;
	to->requests += t.requests;
	to->trips += t.trips;
}

/* 'c' may be NULL: only the old one goes. */
static void sftp_replace(struct sftp *s, struct sftp_conn *c)
{
	struct sftp_conn *old;

	pthread_mutex_lock(&s->mtx);
	old = s->conn;
	if (old)
		sftp_add_traffic(&s->gone, old);
	s->conn = c;
	if (c) {
		sftp_conn_ref(c);
		s->conn_no++;
	}
	pthread_mutex_unlock(&s->mtx);
	sftp_conn_unref(old);
}

static int sftp_nap(struct sftp *s, int64_t nsec, struct err *e)
{
	const struct timespec tick = { 0, 50000000 };
	int64_t end = clock_mono_nsec() + nsec;

	while (clock_mono_nsec() < end) {
		if (atomic_load(&s->closing))
			return err_set(e, ERR_CANCEL, "the repository is "
				"being closed");
		if (cancel_wanted(s->cancel))
			return cancel_check(s->cancel, e);
		nanosleep(&tick, NULL);
	}
	return 0;
}

static int64_t sftp_backoff(unsigned fails)
{
	int64_t nap = SFTP_NAP_FIRST;

	while (fails-- > 1 && nap < SFTP_NAP_MOST)
		nap *= 2;
	return nap < SFTP_NAP_MOST ? nap : SFTP_NAP_MOST;
}

/* One try.  Under dial_mtx. */
static int sftp_dial_once(struct sftp *s, struct sftp_conn **out,
			  struct err *e)
{
	struct wire *w = s->first;
	int rc = w ? 0 : wire_open(&w, s->dial, e);

	s->first = NULL;
	if (rc == 0)
		rc = sftp_conn_open(out, w, &s->co, e);
	s->dialed_nsec = clock_mono_nsec();
	return rc;
}

/* Until there is one, or the time is up.  Under dial_mtx. */
static int sftp_dial(struct sftp *s, struct sftp_conn **out, struct err *e)
{
	int64_t limit = s->co.timeout_secs * SFTP_SEC;
	int64_t begin = clock_mono_nsec();
	bool first = sftp_no(s) == 0;
	int rc;

	if (begin - s->dialed_nsec > SFTP_GOOD_SECS * SFTP_SEC)
		s->fails = 0;
	else if (!first && s->fails < SFTP_FAILS_SHORT)
		s->fails++;
	for (;;) {
		if (s->fails > 0 && !s->gave_up &&
		    (rc = sftp_nap(s, sftp_backoff(s->fails), e)) < 0)
			return rc;
		rc = sftp_dial_once(s, out, e);
		if (rc == 0 || first || rc != ERR_IO)
			break;
		s->fails++;
		if (s->gave_up || clock_mono_nsec() - begin > limit)
			break;
		log_info("ssh", "%s: %s; trying again", s->store.url,
			e ? e->msg : "no connection");
	}
	if (rc == ERR_IO && !first) {
		s->gave_up = true;
		return err_ctx(e, "the server was lost and did not come back "
			"within %u seconds", s->co.timeout_secs);
	}
	if (rc == 0) {
		s->gave_up = false;
		if (s->fails > SFTP_FAILS_SHORT)
			s->fails = SFTP_FAILS_SHORT;
	}
	return rc;
}

static int sftp_connect(struct sftp *s, struct sftp_conn **out,
			struct err *e)
{
	struct err mine;
	int rc = 0;

	err_clear(&mine);
	if ((*out = sftp_current(s)) != NULL)
		return 0;
	pthread_mutex_lock(&s->dial_mtx);
	*out = sftp_current(s);
	if (!*out) {
		rc = sftp_dial(s, out, &mine);
		if (rc == 0) {
			if (sftp_no(s) > 0)
				log_info("ssh", "connected to %s again",
					s->store.url);
			sftp_replace(s, *out);
		}
	}
	pthread_mutex_unlock(&s->dial_mtx);
	return rc < 0 ? err_set(e, mine.code, "%s", mine.msg) : 0;
}

/* The connection broke.  0: another one may do better. */
static int sftp_broke(struct sftp *s, struct sftp_conn *c, struct err *e)
{
	struct err why;
	bool again;

	err_clear(&why);
	again = sftp_conn_why(c, &why);
	if (!again)
		return err_set(e, why.code, "%s", why.msg);
	log_debug("ssh", "%s: %s", s->store.url, why.msg);
	return 0;
}

int sftp_do(struct sftp *s, sftp_op_fn *fn, void *arg, struct err *e)
{
	struct sftp_conn *c;
	unsigned tries;
	int rc;

	for (tries = 0; tries < SFTP_TRIES; tries++) {
		if (atomic_load(&s->closing))
			return err_set(e, ERR_CANCEL, "the repository is "
				"being closed");
		if ((rc = sftp_connect(s, &c, e)) < 0)
			return rc;
		rc = fn(s, c, arg, e);
		if (rc != ERR_RETRY) {
			sftp_conn_unref(c);
			return rc;
		}
		rc = sftp_broke(s, c, e);
		sftp_conn_unref(c);
		if (rc < 0)
			return rc;
	}
	return err_set(e, ERR_IO, "the connection breaks again and again");
}

static int sftp_space_op(struct sftp *s, struct sftp_conn *c, void *arg,
			 struct err *e)
{
	struct sftp_req r = { .want = SFTP_EXTENDED_REPLY };
	char path[SFTP_PATH_BYTES];
	uint32_t code;
	int rc;

	if (!sftp_conn_caps(c)->statvfs)
		return err_set(e, ERR_IO, "the server does not tell how much "
			"space it has");
	rc = sftp_call(c, &r, sftp_put_ext_paths(&r.head,
		"statvfs@openssh.com", sftp_path(s, ".", path), NULL, NULL),
		&code);
	if (rc == 0 && (code != SFTP_OK ||
	    !sftp_get_space(r.body.p, r.body.len, arg)))
		rc = sftp_say(code, e, "cannot ask for the free space");
	sftp_req_release(&r);
	return rc;
}

static int sftp_space(struct store *store, uint64_t *free_bytes,
		      uint64_t *total_bytes, struct err *e)
{
	struct sftp_space space = { 0, 0 };
	int rc = sftp_do(sftp_of(store), sftp_space_op, &space, e);

	*free_bytes = space.free_bytes;
	*total_bytes = space.total_bytes;
	return rc;
}

static void sftp_traffic(struct store *store, struct store_traffic *t)
{
	struct sftp *s = sftp_of(store);

	pthread_mutex_lock(&s->mtx);
	*t = s->gone;
	if (s->conn)
		sftp_add_traffic(t, s->conn);
	pthread_mutex_unlock(&s->mtx);
}

static void sftp_free(struct store *store)
{
	struct sftp *s = sftp_of(store);

	sftp_tmp_tidied(s);
	/* What is being read ahead nobody wants any more. */
	atomic_store(&s->closing, true);
	if (s->conn)
		sftp_conn_stop(s->conn);
	sftp_ahead_free(s->ahead);
	sftp_early_free(s->early);
	sftp_conn_unref(s->conn);
	wire_close(s->first);
	wire_dial_free(s->dial);
	sftp_files_free(s->files);
	buf_release(&s->marker);
	strv_release(&s->fresh);
	strv_release(&s->syncing);
	pthread_mutex_destroy(&s->dial_mtx);
	pthread_mutex_destroy(&s->tidy_mtx);
	pthread_mutex_destroy(&s->sync_mtx);
	pthread_mutex_destroy(&s->mtx);
	free(s->root);
	free(s->store.url);
	free(s);
}

static const struct store_ops sftp_ops = {
	.put = sftp_put,
	.get = sftp_get,
	.get_all = sftp_get_all,
	.stat = sftp_stat,
	.list = sftp_list,
	.get_many = sftp_get_many,
	.stat_many = sftp_stat_many,
	.list_many = sftp_list_many,
	.list_opened = sftp_list_opened,
	.del = sftp_del,
	.sync = sftp_sync,
	.space = sftp_space,
	.unmake = sftp_unmake,
	.close = sftp_free,
	.traffic = sftp_traffic,
	.far = true,
};

static int sftp_new(struct sftp **out, const char *url,
		    const struct store_opts *o, struct err *e)
{
	struct sftp *s = mem_zero(1, sizeof(*s));
	struct sshurl u;
	int rc;

	if (!s)
		return err_nomem(e);
	s->store.ops = &sftp_ops;
	s->co.timeout_secs = o && o->timeout_secs ? o->timeout_secs :
		SFTP_TIMEOUT_SECS;
	s->co.upload_rate = o ? o->upload_rate : 0;
	s->cancel = o ? o->cancel : NULL;
	proc_self(&s->self);
	atomic_init(&s->way, SFTP_WAY_LINK);
	atomic_init(&s->sync_bytes, UINT64_MAX);
	atomic_init(&s->closing, false);
	pthread_mutex_init(&s->dial_mtx, NULL);
	pthread_mutex_init(&s->tidy_mtx, NULL);
	pthread_mutex_init(&s->sync_mtx, NULL);
	pthread_mutex_init(&s->mtx, NULL);
	s->store.url = mem_str(url);
	s->files = sftp_files_new();
	s->ahead = sftp_ahead_new(sftp_get_ahead, s);
	rc = s->store.url && s->files && s->ahead ? sshurl_parse(&u, url, e) :
		err_nomem(e);
	if (rc == 0) {
		s->root = mem_str(u.path);
		rc = s->root ? 0 : err_nomem(e);
		sshurl_release(&u);
	}
	if (rc < 0)
		sftp_free(&s->store);
	else
		*out = s;
	return rc;
}

static int sftp_nothing(struct sftp *s, struct sftp_conn *c, void *arg,
			struct err *e)
{
	(void)s;
	(void)c;
	(void)arg;
	(void)e;
	return 0;
}

static int sftp_attach_old(struct sftp *s, struct err *e)
{
	int rc = sftp_do(s, sftp_nothing, NULL, e);

	if (rc == 0) {
		s->early = sftp_early_new(s);
		rc = sftp_open_old(s, e);
	}
	return rc;
}

int sftp_attach(struct store **out, const char *url, unsigned flags,
		const struct sftp_start *st, struct err *e)
{
	struct sftp *s = NULL;
	int rc;

	*out = NULL;
	rc = sftp_new(&s, url, st->o, e);
	if (!s) {
		wire_close(st->first);
		wire_dial_free(st->dial);
		return rc;
	}
	s->dial = st->dial;
	s->first = st->first;
	rc = flags & STORE_CREATE ? sftp_make(s, flags, e) :
		sftp_attach_old(s, e);
	if (rc < 0)
		sftp_free(&s->store);
	else
		*out = &s->store;
	return rc;
}
