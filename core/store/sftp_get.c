/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/sftp_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

/* Read along with the question for the size. */
#define GET_AHEAD (64u << 10)
/* The most that is looked for among what was read ahead. */
#define GET_CACHED (16u << 20)

struct get {
	enum store_kind k;
	const char *name;
	uint64_t off;
	size_t len, max;
	bool all;			/* off 0, len is the size, up to max */
	bool part;			/* fewer than len, at the end */
	struct buf *out;
	struct sftp_file file;
	struct buf ahead;		/* the bytes from off on */
	size_t done;			/* a pack's bytes that came before the
					 * connection was lost; behind out */
};

/* FSTAT and the first READ, at once.  *dir: that was no file. */
static int get_look(struct get *g, struct sftp_conn *c, bool *dir,
		    struct err *e)
{
	struct sftp_req st = { .want = SFTP_ATTRS }, rd = { .want = SFTP_DATA };
	size_t n = g->all ? g->max : g->len;
	struct sftp_attrs at;
	int rc;

	if (n > GET_AHEAD)
		n = GET_AHEAD;
	if (n > sftp_conn_caps(c)->read_max)
		n = sftp_conn_caps(c)->read_max;
	buf_clear(&g->ahead);
	if ((rc = buf_reserve(&g->ahead, n + 1, e)) < 0 ||
	    (rc = sftp_put_handle(&st.head, SFTP_FSTAT, &g->file.h, e)) < 0 ||
	    (rc = sftp_put_read(&rd.head, &g->file.h, g->off, (uint32_t)n,
	    e)) < 0)
		goto out;
	rd.dst = g->ahead.p;
	rd.dst_len = n;
	sftp_conn_send(c, &st);
	if (n > 0)
		sftp_conn_send(c, &rd);
	rc = sftp_conn_wait(c, &st);
	if (n > 0 && sftp_conn_wait(c, &rd) < 0)
		rc = ERR_RETRY;
	if (rc < 0)
		goto out;
	if (!st.good || !sftp_get_attrs(st.body.p, st.body.len, &at) ||
	    !at.has_size) {
		rc = sftp_say(st.code, e, "cannot look at '%s/%s'",
			store_kind_name(g->k), g->name);
		goto out;
	}
	*dir = at.has_mode && S_ISDIR(at.mode);
	g->file.size = at.size;
	g->ahead.len = rd.good ? rd.got : 0;
out:
	sftp_req_release(&st);
	sftp_req_release(&rd);
	return rc;
}

static int get_open_path(struct get *g, struct sftp_conn *c,
			 const char *path, bool *dir, struct err *e)
{
	uint32_t code;
	int rc = sftp_open(c, path, SFTP_O_READ, &g->file.h, &code);

	*dir = false;
	if (rc < 0)
		return rc;
	if (code == SFTP_NO_SUCH_FILE)
		return sftp_say_noent(g->k, g->name, e);
	/* Some servers open no folders, and do not say that it is one. */
	if (code == SFTP_FAILURE) {
		*dir = true;
		return 0;
	}
	if (code != SFTP_OK)
		return sftp_say(code, e, "cannot open '%s/%s'",
			store_kind_name(g->k), g->name);
	rc = get_look(g, c, dir, e);
	if (rc < 0 || *dir)
		sftp_close_later(c, &g->file.h);
	return rc;
}

static int get_open(struct get *g, struct sftp *s, struct sftp_conn *c,
		    struct err *e)
{
	char rel[LAYOUT_PATH_BYTES + sizeof(LAYOUT_INNER)];
	char path[SFTP_PATH_BYTES];
	bool dir;
	int rc;

	layout_path(g->k, g->name, rel);
	rc = get_open_path(g, c, sftp_path(s, rel, path), &dir, e);
	if (rc == 0 && dir) {
		memcpy(rel + strlen(rel), LAYOUT_INNER, sizeof(LAYOUT_INNER));
		rc = get_open_path(g, c, sftp_path(s, rel, path), &dir, e);
		if (rc == 0 && dir)
			rc = sftp_say(SFTP_FAILURE, e, "cannot open '%s/%s'",
				store_kind_name(g->k), g->name);
	}
	g->file.slot = SFTP_FILE_LOOSE;
	return rc;
}

static int get_bytes(struct get *g, struct sftp_conn *c, struct err *e)
{
	struct sftp_want want;
	size_t ahead = g->ahead.len;
	int rc;

	if (g->all && g->file.size > g->max)
		return err_set(e, ERR_CORRUPT, "'%s/%s' has %" PRIu64
			" bytes, more than the %zu it may have",
			store_kind_name(g->k), g->name, g->file.size, g->max);
	if (g->all)
		g->len = (size_t)g->file.size;
	if (g->off > g->file.size || g->len > g->file.size - g->off)
		return sftp_say_short(g->k, g->name, e);
	if ((rc = buf_reserve(g->out, g->len, e)) < 0)
		return rc;
	if (ahead > g->len)
		ahead = g->len;
	want = (struct sftp_want){ g->out->p + g->out->len, g->len, g->done };
	if (ahead > g->done) {
		memcpy(want.dst, g->ahead.p, ahead);
		want.done = ahead;
	}
	if (want.done < g->len)
		rc = sftp_read_bytes(c, &g->file.h, g->off, &want, e);
	/* A pack never changes. */
	if (g->k == STORE_DATA || g->k == STORE_META)
		g->done = want.done;
	if (rc == 0)
		g->out->len += g->len;
	else if (rc != ERR_RETRY)
		rc = err_ctx(e, "'%s/%s'", store_kind_name(g->k), g->name);
	return rc;
}

static int get_op(struct sftp *s, struct sftp_conn *c, void *arg,
		  struct err *e)
{
	struct get *g = arg;
	bool keep = g->k == STORE_DATA || g->k == STORE_META;
	uint64_t no = reach_no(&s->reach);
	int rc;

	buf_clear(&g->ahead);
	if (!keep || !sftp_files_find(s->files, no, g->k, g->name,
	    &g->file)) {
		if ((rc = get_open(g, s, c, e)) < 0)
			return rc;
		if (keep)
			sftp_files_add(s->files, no, c, g->k, g->name,
				&g->file);
	}
	if (g->part && g->off < g->file.size &&
	    g->len > g->file.size - g->off)
		g->len = (size_t)(g->file.size - g->off);
	rc = get_bytes(g, c, e);
	sftp_files_done(s->files, c, &g->file);
	return rc;
}

int sftp_get_ahead(void *ctx, enum store_kind k, const char *name,
		   uint64_t off, size_t len, struct buf *out)
{
	struct get g = { .k = k, .name = name, .off = off, .len = len,
		.part = true, .out = out };
	int rc = sftp_do(ctx, get_op, &g, NULL);

	buf_release(&g.ahead);
	return rc;
}

/* Bytes of packs go through what is read ahead. */
static int get_packed(struct sftp *s, struct get *g, struct err *e)
{
	struct pack_ahead_plan plan = { NULL, 0 };
	struct buf *want = g->out, more = BUF_INIT;
	size_t len = g->len;
	int rc;

	/* Only bytes that were once read are found, so len is no nonsense. */
	if ((rc = buf_reserve(want, len, e)) < 0)
		return rc;
	if (pack_ahead_begin(s->ahead, g->k, g->name, g->off, len, want,
	    &plan))
		return 0;
	g->out = &more;
	g->len = plan.len;
	g->part = plan.len > len;
	rc = sftp_do(s, get_op, g, e);
	if (rc == 0 && more.len < len)
		rc = sftp_say_short(g->k, g->name, e);
	if (rc == 0)
		rc = buf_append(want, more.p, len, e);
	pack_ahead_end(s->ahead, &plan, rc == 0 ? &more : NULL);
	buf_release(&more);
	return rc;
}

int sftp_get(struct store *store, enum store_kind k, const char *name,
	     uint64_t off, size_t len, struct buf *out, struct err *e)
{
	struct get g = { .k = k, .name = name, .off = off, .len = len,
		.out = out };
	struct sftp *s = (struct sftp *)(void *)store;
	int rc;

	if ((k == STORE_DATA || k == STORE_META) && len > 0 &&
	    len <= GET_CACHED)
		rc = get_packed(s, &g, e);
	else
		rc = sftp_do(s, get_op, &g, e);
	buf_release(&g.ahead);
	return rc;
}

int sftp_get_all(struct store *store, enum store_kind k, const char *name,
		 size_t max, struct buf *out, struct err *e)
{
	struct get g = { .k = k, .name = name, .max = max, .all = true,
		.out = out };
	struct sftp *s = (struct sftp *)(void *)store;
	struct buf marker = BUF_INIT;
	int rc;

	if (k == STORE_ROOT && strcmp(name, "REPOSITORY") == 0) {
		pthread_mutex_lock(&s->mtx);
		buf_swap(&s->marker, &marker);
		pthread_mutex_unlock(&s->mtx);
	}
	if (marker.len > 0 && marker.len <= max)
		rc = buf_append(out, marker.p, marker.len, e);
	else
		rc = sftp_do(s, get_op, &g, e);
	buf_release(&marker);
	buf_release(&g.ahead);
	return rc;
}

struct look {
	enum store_kind k;
	const char *name;
	uint64_t size;
};

static int look_op(struct sftp *s, struct sftp_conn *c, void *arg,
		   struct err *e)
{
	char rel[LAYOUT_PATH_BYTES], path[SFTP_PATH_BYTES];
	struct look *l = arg;
	uint32_t code;
	bool inner;
	int rc;

	sftp_path(s, layout_path(l->k, l->name, rel), path);
	rc = sftp_size(c, path, &l->size, &inner, &code);
	if (rc < 0 || code == SFTP_OK)
		return rc;
	if (code == SFTP_NO_SUCH_FILE)
		return sftp_say_noent(l->k, l->name, e);
	return sftp_say(code, e, "cannot look at '%s'", rel);
}

int sftp_stat(struct store *store, enum store_kind k, const char *name,
	      uint64_t *size, struct err *e)
{
	struct look l = { .k = k, .name = name };
	int rc = sftp_do((struct sftp *)(void *)store, look_op, &l, e);

	if (rc == 0)
		*size = l.size;
	return rc;
}
