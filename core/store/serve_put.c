/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * COMMIT POINT: the server's link or rename; the name is durable after the
 * next barrier.
 */
#include "store/serve_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct put {
	struct serve_put msg;
	const struct iovec *iov;
	int n;
	bool again;		/* it may have been done already */
};

/* So many files at once, and no more, are what a server takes. */
static void put_enter(struct serve *s, uint64_t bytes)
{
	pthread_mutex_lock(&s->put_mtx);
	while (s->puts >= SERVE_PUTS_MAX || (s->puts > 0 &&
	       s->put_bytes + bytes > SERVE_PUTS_BYTES))
		pthread_cond_wait(&s->put_cv, &s->put_mtx);
	s->puts++;
	s->put_bytes += bytes;
	pthread_mutex_unlock(&s->put_mtx);
}

static void put_leave(struct serve *s, uint64_t bytes)
{
	pthread_mutex_lock(&s->put_mtx);
	s->puts--;
	s->put_bytes -= bytes;
	pthread_cond_broadcast(&s->put_cv);
	pthread_mutex_unlock(&s->put_mtx);
}

enum { FRESH_BYTES = STORE_NAME_MAX + 8 };

static const char *fresh_text(const struct serve_name *n,
			      char out[FRESH_BYTES])
{
	snprintf(out, FRESH_BYTES, "%u/%s", (unsigned)n->kind, n->name);
	return out;
}

/* What changed waits for a barrier; which folders that are the server knows. */
static int put_fresh(struct serve *s, const struct serve_name *n, uint64_t no,
		     struct err *e)
{
	char text[FRESH_BYTES];

	return barrier_touch(&s->barrier, 0, no, n ? fresh_text(n, text) :
		NULL, e);
}

static int put_op(struct serve *s, struct serve_conn *c, void *arg,
		  struct err *e)
{
	struct serve_req r = { .code = ERR_OK };
	struct put *p = arg;
	uint64_t no = reach_no(&s->reach);
	int rc, fresh;

	p->msg.flags = p->again ? SERVE_PUT_AGAIN : 0;
	if (p->again && p->msg.size >= SERVE_PART_MIN)
		p->msg.flags |= SERVE_PUT_RESUME;
	r.ask = (p->msg.flags & SERVE_PUT_RESUME) != 0;
	r.iov = p->iov;
	r.iov_n = p->n;
	r.load = p->msg.size;
	rc = serve_put_put(&r.head, &p->msg, e);
	if (rc == 0) {
		p->again = true;
		rc = serve_ask(c, &r, e);
	}
	buf_release(&r.head);
	if (rc == ERR_RETRY)
		return rc;
	/* Another's name, too, is durable after a barrier. */
	fresh = put_fresh(s, rc == 0 || rc == ERR_EXIST ? &p->msg.n : NULL,
		no, rc < 0 ? NULL : e);
	return rc < 0 ? rc : fresh;
}

static void put_name(struct serve_name *n, enum store_kind k,
		     const char *name)
{
	n->kind = k;
	snprintf(n->name, sizeof(n->name), "%s", name);
}

int serve_put(struct store *store, enum store_kind k, const char *name,
	      const struct iovec *iov, int n, unsigned flags, struct err *e)
{
	struct serve *s = (struct serve *)(void *)store;
	struct put p = { .iov = iov, .n = n };
	int i, rc;

	(void)flags;		/* every put there wins or loses as a whole */
	put_name(&p.msg.n, k, name);
	for (i = 0; i < n; i++)
		p.msg.size += iov[i].iov_len;
	if (p.msg.size > SERVE_FILE_MAX)
		return err_set(e, ERR_CONFIG, "'%s/%s' is larger than a file "
			"may be over 'muniment serve'", store_kind_name(k),
			name);
	put_enter(s, p.msg.size);
	rc = serve_do(s, put_op, &p, e);
	put_leave(s, p.msg.size);
	return rc;
}

struct del {
	struct serve_name n;
	bool again;
};

static int del_op(struct serve *s, struct serve_conn *c, void *arg,
		  struct err *e)
{
	struct serve_req r = { .code = ERR_OK };
	struct del *d = arg;
	uint64_t no = reach_no(&s->reach);
	bool again = d->again;
	struct wr w;
	int rc;

	serve_begin(&w, &r.head, SERVE_DELETE);
	serve_put_name(&w, d->n.kind, d->n.name);
	rc = serve_end(&w, 0, e);
	if (rc == 0) {
		d->again = true;
		rc = serve_ask(c, &r, e);
	}
	buf_release(&r.head);
	if (rc == ERR_RETRY)
		return rc;
	if (rc == ERR_NOENT && again)
		rc = 0;
	put_fresh(s, NULL, no, NULL);
	return rc;
}

int serve_del(struct store *store, enum store_kind k, const char *name,
	      struct err *e)
{
	struct serve *s = (struct serve *)(void *)store;
	struct del d = { .again = false };
	char text[FRESH_BYTES];

	put_name(&d.n, k, name);
	pack_ahead_drop(s->ahead, k, name);
	barrier_forget(&s->barrier, fresh_text(&d.n, text));
	return serve_do(s, del_op, &d, e);
}

struct syncing {
	uint64_t no;			/* of the first change's connection */
	bool tried;
};

static int sync_verify(struct serve *s, struct serve_conn *c, struct err *e)
{
	struct strv names = STRV_INIT;
	struct store_look *look = NULL;
	size_t i;
	int rc = barrier_names(&s->barrier, &names, e);

	if (rc == 0 && names.n > 0) {
		look = mem_zero(names.n, sizeof(*look));
		rc = look ? 0 : err_nomem(e);
	}
	for (i = 0; rc == 0 && i < names.n; i++) {
		look[i].kind = (enum store_kind)strtoul(names.v[i], NULL, 10);
		look[i].name = strchr(names.v[i], '/') + 1;
	}
	if (rc == 0)
		rc = serve_looks(c, look, names.n, e);
	for (i = 0; rc == 0 && i < names.n; i++)
		/* Another thread may have deleted it meanwhile. */
		if (look[i].rc < 0 &&
		    barrier_wants(&s->barrier, names.v[i]))
			rc = err_set(e, ERR_IO, "'%s/%s' was stored, and "
				"after the connection was lost it is not "
				"there", store_kind_name(look[i].kind),
				look[i].name);
	free(look);
	strv_release(&names);
	return rc;
}

static int sync_op(struct serve *s, struct serve_conn *c, void *arg,
		   struct err *e)
{
	struct serve_req r = { .code = ERR_OK };
	struct syncing *g = arg;
	bool other = g->tried || g->no != reach_no(&s->reach);
	struct wr w;
	int rc;

	serve_begin(&w, &r.head, SERVE_SYNC);
	/* A new server does not know what the one before has changed. */
	wr_u8(&w, other);
	rc = serve_end(&w, 0, e);
	g->tried = true;
	if (rc == 0)
		rc = serve_ask(c, &r, e);
	buf_release(&r.head);
	if (rc == 0 && other)
		rc = sync_verify(s, c, e);
	return rc;
}

static int sync_run(const struct barrier_todo *todo, void *ctx,
		    struct err *e)
{
	struct syncing g = { .no = todo->no };

	return serve_do(ctx, sync_op, &g, e);
}

int serve_sync(struct store *store, struct err *e)
{
	struct serve *s = (struct serve *)(void *)store;

	return barrier_run(&s->barrier, sync_run, s, e);
}

static int unmake_op(struct serve *s, struct serve_conn *c, void *arg,
		     struct err *e)
{
	struct serve_req r = { .code = ERR_OK };
	struct wr w;
	int rc;

	(void)s;
	serve_begin(&w, &r.head, SERVE_UNMAKE);
	rc = serve_end(&w, 0, e);
	if (rc == 0) {
		*(bool *)arg = true;
		rc = serve_ask(c, &r, e);
	}
	buf_release(&r.head);
	return rc;
}

int serve_unmake(struct store *store, struct err *e)
{
	struct serve *s = (struct serve *)(void *)store;
	struct err why = { ERR_OK, "" };
	bool asked = false;
	int rc = serve_do(s, unmake_op, &asked, &why);

	/* Without its answer: what was a repository can be opened no more. */
	if (rc == ERR_NOREPO && asked)
		return 0;
	return rc < 0 ? err_set(e, why.code, "%s", why.msg) : 0;
}
