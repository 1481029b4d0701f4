/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/serve_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/sshurl.h"

/* A forced command is asked for as sftp, and says that it is not that. */
static int serve_knock(struct wire *w, struct err *e)
{
	uint8_t in[64];
	struct wire_hello h = { .who = "'muniment serve'", .out = SERVE_INIT,
		.out_len = SERVE_INIT_BYTES, .in = in,
		.most = serve_version_bytes };
	int rc = 0;

	BUG_ON(serve_version_bytes > sizeof(in));
	while (rc == 0 && h.have < h.most)
		rc = wire_hello(w, &h, e);
	if (rc == 0 && !serve_is_version(in + 4, h.have - 4))
		rc = err_set(e, ERR_CONFIG, "there is another server than "
			"before");
	return rc;
}

static void serve_welcomed(struct serve *s, const struct serve_welcome *wl)
{
	atomic_store(&s->rights, wl->rights);
	if (reach_no(&s->reach) == 0)
		log_debug("ssh", "%s: %s%s%s", s->store.url, wl->text,
			wl->confined & SERVE_LANDLOCK ? ", landlock" : "",
			wl->confined & SERVE_SECCOMP ? ", seccomp" : "");
}

/* A wire on which nobody answers is put back before the first line is there:
 * there may be another server behind it. */
static int serve_dial_once(struct serve *s, struct line **out, struct err *e)
{
	struct reach *r = &s->reach;
	struct wire *w = r->first;
	struct serve_welcome wl;
	int rc = 0;

	s->answered = false;
	r->first = NULL;
	if (!w) {
		rc = wire_open(&w, r->dial, e);
		if (rc == 0 && s->door == SERVE_FORCED)
			rc = serve_knock(w, e);
	}
	if (rc == 0)
		rc = serve_conn_hello(w, &s->hello, &wl, &s->answered, e);
	if (rc == 0 && wl.code != ERR_OK)
		rc = err_set(e, wl.code, "%s", wl.text);
	if (rc == 0)
		rc = serve_conn_open(out, w, &r->opts, e);
	else if (!s->answered && reach_no(r) == 0)
		r->first = w;
	else
		wire_close(w);
	if (rc == 0)
		serve_welcomed(s, &wl);
	return rc;
}

static int serve_dial(struct reach *r, struct line **out, struct err *e)
{
	struct serve *s = (struct serve *)(void *)r->store;
	int rc = serve_dial_once(s, out, e);

	/* An init goes on in a new connection; after its end the repository
	 * is there. */
	if (rc == ERR_EXIST && s->hello.flags != 0 && reach_no(r) > 0) {
		s->hello.flags = 0;
		rc = serve_dial_once(s, out, e);
	}
	return rc;
}

struct serve_doing {
	struct serve *s;
	serve_op_fn *fn;
	void *arg;
};

static int serve_doing(struct line *l, void *arg, struct err *e)
{
	struct serve_doing *d = arg;

	return d->fn(d->s, serve_conn_of(l), d->arg, e);
}

int serve_do(struct serve *s, serve_op_fn *fn, void *arg, struct err *e)
{
	struct serve_doing d = { s, fn, arg };

	return reach_do(&s->reach, serve_doing, &d, e);
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
	reach_traffic(&((struct serve *)(void *)store)->reach, t);
}

static bool serve_appends(struct store *store)
{
	struct serve *s = (struct serve *)(void *)store;

	return !(atomic_load(&s->rights) & SERVE_MAY_ALL);
}

static void serve_free(struct store *store)
{
	struct serve *s = (struct serve *)(void *)store;

	/* What is being read ahead nobody wants any more. */
	reach_close(&s->reach);
	pack_ahead_free(s->ahead);
	reach_release(&s->reach);
	barrier_release(&s->barrier);
	pthread_mutex_destroy(&s->put_mtx);
	pthread_cond_destroy(&s->put_cv);
	free(s->store.url);
	free(s);
}

static const struct store_ops serve_ops = {
	.put = serve_put,
	.get = serve_get,
	.get_all = serve_get_all,
	.stat = serve_stat,
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
	reach_init(&s->reach, &s->store, serve_dial, o);
	barrier_init(&s->barrier);
	pthread_mutex_init(&s->put_mtx, NULL);
	pthread_cond_init(&s->put_cv, NULL);
	s->store.url = mem_str(url);
	s->ahead = pack_ahead_new(serve_get_ahead, s);
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

int serve_attach(struct store **out, const char *url, unsigned flags,
		 struct serve_start *st, struct err *e)
{
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
	s->reach.dial = st->dial;
	s->reach.first = st->first;
	s->door = st->door;
	rc = reach_begin(&s->reach, e);
	st->answered = s->answered;
	if (!st->answered) {
		st->first = s->reach.first;
		st->dial = s->reach.dial;
		s->reach.first = NULL;
		s->reach.dial = NULL;
	}
	if (rc < 0)
		serve_free(&s->store);
	else
		*out = &s->store;
	return rc;
}
