/* SPDX-License-Identifier: BSD-2-Clause */
/* Small files, many at once: while those of one batch are read, those of the
 * next are opened. */
#include "store/sftp_priv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

enum {
	MANY_FILES = 64,		/* a batch */
	MANY_READ = 32 << 10		/* what is larger is read by itself */
};

struct many_file {
	struct sftp_req open, stat, read, close;
	struct sftp_handle h;
	uint8_t *p;
	bool opened;
};

struct many {
	enum store_kind k;
	char *const *name;
	size_t n, max;
	size_t done;			/* names that fn has had */
	store_got_fn *fn;
	void *ctx;
	struct buf one;
};

static int many_open(struct sftp *s, struct sftp_conn *c,
		     const struct many *m, size_t at, struct many_file *f,
		     struct err *e)
{
	char rel[LAYOUT_PATH_BYTES], path[SFTP_PATH_BYTES];
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < MANY_FILES && at + i < m->n; i++) {
		f[i].open.want = SFTP_HANDLE;
		sftp_path(s, layout_path(m->k, m->name[at + i], rel), path);
		rc = sftp_put_open(&f[i].open.head, path, SFTP_O_READ, 0, e);
		if (rc == 0)
			sftp_conn_send(c, &f[i].open);
	}
	return rc;
}

static int many_wait(struct sftp_conn *c, struct sftp_req *r)
{
	return r->line.state == LINE_IDLE ? 0 : sftp_conn_wait(c, r);
}

/* Its size, its first bytes, and the end of it, in one go. */
static int many_ask(struct sftp_conn *c, struct many_file *f, size_t len,
		    struct err *e)
{
	int rc;

	f->p = mem_alloc(len);
	if (!f->p)
		return err_nomem(e);
	f->stat.want = SFTP_ATTRS;
	f->read.want = SFTP_DATA;
	f->read.dst = f->p;
	f->read.dst_len = len;
	f->close.want = SFTP_STATUS;
	if ((rc = sftp_put_handle(&f->stat.head, SFTP_FSTAT, &f->h, e)) < 0 ||
	    (rc = sftp_put_read(&f->read.head, &f->h, 0, (uint32_t)len,
	    e)) < 0 ||
	    (rc = sftp_put_handle(&f->close.head, SFTP_CLOSE, &f->h, e)) < 0)
		return rc;
	sftp_conn_send(c, &f->stat);
	sftp_conn_send(c, &f->read);
	sftp_conn_send(c, &f->close);
	return 0;
}

static int many_read(struct sftp_conn *c, struct many_file *f, size_t n,
		     struct err *e)
{
	size_t i, len = sftp_conn_caps(c)->read_max;
	int rc = 0;

	if (len > MANY_READ)
		len = MANY_READ;
	for (i = 0; rc == 0 && i < n; i++) {
		if (many_wait(c, &f[i].open) < 0)
			return ERR_RETRY;
		f[i].opened = f[i].open.good && sftp_get_handle(
			f[i].open.body.p, f[i].open.body.len, &f[i].h);
		if (f[i].opened)
			rc = many_ask(c, &f[i], len, e);
	}
	return rc;
}

/* Is what came the whole of a file? */
static bool many_whole(const struct many *m, const struct many_file *f)
{
	struct sftp_attrs at;

	if (!f->opened || !f->stat.good || !sftp_get_attrs(f->stat.body.p,
	    f->stat.body.len, &at) || !at.has_size || at.size > m->max ||
	    (at.has_mode && !S_ISREG(at.mode)))
		return false;
	return at.size == (f->read.good ? f->read.got : 0);
}

static int many_give(struct sftp *s, struct many *m, struct many_file *f)
{
	struct err why = { ERR_OK, "" };
	size_t i = m->done;
	int rc;

	buf_clear(&m->one);
	if (!f->open.good && f->open.code == SFTP_NO_SUCH_FILE)
		rc = sftp_say_noent(m->k, m->name[i], &why);
	else if (many_whole(m, f))
		rc = buf_append(&m->one, f->p, f->read.got, &why);
	else
		rc = sftp_get_all(&s->store, m->k, m->name[i], m->max,
			&m->one, &why);
	m->done++;
	return m->fn(i, rc, &m->one, &why, m->ctx);
}

/* All of them have come, or will not. */
static int many_settle(struct sftp_conn *c, struct many_file *f, size_t n)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < n; i++)
		if (many_wait(c, &f[i].open) < 0 ||
		    many_wait(c, &f[i].stat) < 0 ||
		    many_wait(c, &f[i].read) < 0 ||
		    many_wait(c, &f[i].close) < 0)
			rc = ERR_RETRY;
	return rc;
}

static void many_clear(struct sftp_conn *c, struct many_file *f)
{
	size_t i;

	/* One that was lost does not mean that the others are back. */
	for (i = 0; i < MANY_FILES; i++) {
		many_settle(c, &f[i], 1);
		if (f[i].open.good && f[i].close.line.state == LINE_IDLE &&
		    sftp_get_handle(f[i].open.body.p, f[i].open.body.len,
		    &f[i].h))
			sftp_close_later(c, &f[i].h);
		sftp_req_release(&f[i].open);
		sftp_req_release(&f[i].stat);
		sftp_req_release(&f[i].read);
		sftp_req_release(&f[i].close);
		free(f[i].p);
	}
	memset(f, 0, MANY_FILES * sizeof(*f));
}

static size_t many_batch(const struct many *m, size_t at)
{
	size_t left = at < m->n ? m->n - at : 0;

	return left < MANY_FILES ? left : MANY_FILES;
}

static int many_op(struct sftp *s, struct sftp_conn *c, void *arg,
		   struct err *e)
{
	struct many *m = arg;
	struct many_file *f = mem_zero(2 * MANY_FILES, sizeof(*f));
	struct many_file *now = f, *next = f + MANY_FILES, *swap;
	size_t at = m->done, n, i;
	int rc = f ? many_open(s, c, m, at, now, e) : err_nomem(e);

	for (; rc == 0 && (n = many_batch(m, at)) > 0; at += n) {
		rc = many_read(c, now, n, e);
		if (rc == 0)
			rc = many_open(s, c, m, at + n, next, e);
		if (rc == 0)
			rc = many_settle(c, now, n);
		for (i = 0; rc == 0 && i < n; i++)
			rc = many_give(s, m, &now[i]);
		many_clear(c, now);
		swap = now;
		now = next;
		next = swap;
	}
	if (f) {
		many_clear(c, now);
		many_clear(c, next);
	}
	free(f);
	return rc;
}

int sftp_get_many(struct store *store, enum store_kind k, char *const *name,
		  size_t n, size_t max, store_got_fn *fn, void *ctx,
		  struct err *e)
{
	struct many m = { .k = k, .name = name, .n = n, .max = max, .fn = fn,
		.ctx = ctx };
	int rc = n ? sftp_do((struct sftp *)(void *)store, many_op, &m, e) : 0;

	buf_release(&m.one);
	return rc;
}

struct many_looks {
	struct store_look *look;
	size_t n;
};

static int looks_op(struct sftp *s, struct sftp_conn *c, void *arg,
		    struct err *e)
{
	char rel[LAYOUT_PATH_BYTES], path[SFTP_PATH_BYTES];
	struct many_looks *m = arg;
	struct sftp_look *l = mem_zero(m->n, sizeof(*l));
	size_t i;
	int rc = l ? 0 : err_nomem(e);

	for (i = 0; rc == 0 && i < m->n; i++) {
		layout_path(m->look[i].kind, m->look[i].name, rel);
		l[i].path = mem_str(sftp_path(s, rel, path));
		rc = l[i].path ? 0 : err_nomem(e);
	}
	if (rc == 0)
		rc = sftp_sizes(c, l, m->n, e);
	for (i = 0; rc == 0 && i < m->n; i++) {
		m->look[i].size = l[i].size;
		m->look[i].rc = l[i].code == SFTP_OK ? 0 : ERR_NOENT;
		if (l[i].code != SFTP_OK && l[i].code != SFTP_NO_SUCH_FILE)
			rc = sftp_say(l[i].code, e, "cannot look at '%s/%s'",
				store_kind_name(m->look[i].kind),
				m->look[i].name);
	}
	for (i = 0; l && i < m->n; i++)
		free(l[i].path);
	free(l);
	return rc;
}

int sftp_stat_many(struct store *store, struct store_look *look, size_t n,
		   struct err *e)
{
	struct many_looks m = { look, n };

	return n ? sftp_do((struct sftp *)(void *)store, looks_op, &m, e) : 0;
}
