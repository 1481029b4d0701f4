/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/sftp_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/ops.h"

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

static int sftp_dial(struct reach *r, struct line **out, struct err *e)
{
	struct wire *w = r->first;
	int rc = w ? 0 : wire_open(&w, r->dial, e);

	r->first = NULL;
	return rc < 0 ? rc : sftp_conn_open(out, w, &r->opts, e);
}

struct sftp_doing {
	struct sftp *s;
	sftp_op_fn *fn;
	void *arg;
};

static int sftp_doing(struct line *l, void *arg, struct err *e)
{
	struct sftp_doing *d = arg;

	return d->fn(d->s, sftp_conn_of(l), d->arg, e);
}

int sftp_do(struct sftp *s, sftp_op_fn *fn, void *arg, struct err *e)
{
	struct sftp_doing d = { s, fn, arg };

	return reach_do(&s->reach, sftp_doing, &d, e);
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
	reach_traffic(&sftp_of(store)->reach, t);
}

static void sftp_free(struct store *store)
{
	struct sftp *s = sftp_of(store);

	sftp_tmp_tidied(s);
	sftp_ready_end(s);
	/* What is being read ahead nobody wants any more. */
	reach_close(&s->reach);
	pack_ahead_free(s->ahead);
	sftp_early_free(s->early);
	sftp_ready_free(s->ready);
	reach_release(&s->reach);
	sftp_files_free(s->files);
	buf_release(&s->marker);
	barrier_release(&s->barrier);
	pthread_mutex_destroy(&s->tidy_mtx);
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
	reach_init(&s->reach, &s->store, sftp_dial, o);
	barrier_init(&s->barrier);
	proc_self(&s->self);
	atomic_init(&s->way, SFTP_WAY_LINK);
	atomic_init(&s->sync_bytes, UINT64_MAX);
	atomic_init(&s->trip_nsec, INT64_MAX);
	atomic_init(&s->uploads[0], 0);
	atomic_init(&s->uploads[1], 0);
	pthread_mutex_init(&s->tidy_mtx, NULL);
	pthread_mutex_init(&s->mtx, NULL);
	s->store.url = mem_str(url);
	s->files = sftp_files_new();
	s->ahead = pack_ahead_new(sftp_get_ahead, s);
	s->ready = sftp_ready_new();
	rc = s->store.url && s->files && s->ahead && s->ready ?
		sshurl_parse(&u, url, e) : err_nomem(e);
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

static int sftp_attach_old(struct sftp *s, struct err *e)
{
	int rc = reach_begin(&s->reach, e);

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
	s->reach.dial = st->dial;
	s->reach.first = st->first;
	rc = flags & STORE_CREATE ? sftp_make(s, flags, e) :
		sftp_attach_old(s, e);
	if (rc < 0)
		sftp_free(&s->store);
	else
		*out = &s->store;
	return rc;
}
