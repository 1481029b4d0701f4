/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The barrier.  A file's bytes are durable before it has its name; here the
 * folders are, by opening them as files, which servers on Unix allow.
 */
#include "store/sftp_priv.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

struct folder_sync {
	struct sftp_req open, sync;
	struct sftp_handle h;
	bool opened;
};

static int sync_open(struct sftp *s, struct sftp_conn *c,
		     struct folder_sync *f, char **rel, size_t n, bool *can,
		     struct err *e)
{
	char path[SFTP_PATH_BYTES];
	size_t i, sent;
	int rc = 0;

	for (sent = 0; rc == 0 && sent < n; sent++) {
		f[sent].opened = sftp_ready_take_folder(s, c, rel[sent],
			&f[sent].h);
		if (f[sent].opened)
			continue;
		f[sent].open.want = SFTP_HANDLE;
		rc = sftp_put_open(&f[sent].open.head,
			sftp_path(s, rel[sent], path), SFTP_O_READ, 0, e);
		if (rc == 0)
			sftp_conn_send(c, &f[sent].open);
	}
	for (i = 0; i < sent; i++) {
		struct sftp_req *r = &f[i].open;

		if (r->line.state == LINE_IDLE)
			continue;
		if (sftp_conn_wait(c, r) < 0)
			rc = ERR_RETRY;
		f[i].opened = r->good &&
			sftp_get_handle(r->body.p, r->body.len, &f[i].h);
		if (rc == 0 && !r->good && r->code == SFTP_NO_SUCH_FILE)
			rc = sftp_say(r->code, e, "cannot open folder '%s'",
				rel[i]);
		*can &= f[i].opened;
	}
	return rc;
}

/* What servers say of a folder on a file system that has no fsync for it. */
static bool sync_cannot(uint32_t code)
{
	return code == SFTP_OP_UNSUPPORTED || code == SFTP_BAD_MESSAGE;
}

static int sync_some(struct sftp *s, struct sftp_conn *c,
		     struct folder_sync *f, char **rel, size_t n, bool *can,
		     struct err *e)
{
	int rc = sync_open(s, c, f, rel, n, can, e);
	size_t i;

	for (i = 0; i < n; i++) {
		struct sftp_req *r = &f[i].sync;

		r->want = SFTP_STATUS;
		if (rc != 0 || !f[i].opened)
			continue;
		rc = sftp_put_ext_handle(&r->head, "fsync@openssh.com",
			&f[i].h, e);
		if (rc == 0)
			sftp_conn_send(c, r);
	}
	for (i = 0; i < n; i++) {
		struct sftp_req *r = &f[i].sync;

		if (f[i].opened)
			sftp_close_later(c, &f[i].h);
		if (r->line.state == LINE_IDLE)
			continue;
		if (sftp_conn_wait(c, r) < 0)
			rc = ERR_RETRY;
		else if (!r->good && sync_cannot(r->code))
			*can = false;
		else if (!r->good && rc == 0)
			rc = sftp_say(r->code, e, "cannot write folder '%s'",
				rel[i]);
	}
	for (i = 0; i < n; i++) {
		sftp_req_release(&f[i].open);
		sftp_req_release(&f[i].sync);
	}
	return rc;
}

int sftp_sync_paths(struct sftp *s, struct sftp_conn *c,
		    const struct strv *rel, bool *can, struct err *e)
{
	size_t at, n, most = sftp_conn_caps(c)->handles / 2;
	struct folder_sync *f;
	int rc = 0;

	*can = sftp_conn_caps(c)->fsync;
	if (!*can || rel->n == 0)
		return 0;
	for (at = 0; rc == 0 && at < rel->n; at += n) {
		n = rel->n - at < most ? rel->n - at : most;
		f = mem_zero(n, sizeof(*f));
		if (!f)
			return err_nomem(e);
		rc = sync_some(s, c, f, rel->v + at, n, can, e);
		free(f);
	}
	return rc;
}

struct syncing {
	struct strv folders;
	uint64_t no;			/* of the first change's connection */
	bool can;
};

static int sync_look(struct sftp *s, struct sftp_conn *c,
		     const struct strv *names, struct sftp_look *look,
		     struct err *e)
{
	char path[SFTP_PATH_BYTES];
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < names->n; i++) {
		look[i].path = mem_str(sftp_path(s, names->v[i], path));
		if (!look[i].path)
			rc = err_nomem(e);
	}
	if (rc == 0)
		rc = sftp_sizes(c, look, names->n, e);
	for (i = 0; rc == 0 && i < names->n; i++)
		/* Another thread may have deleted it meanwhile. */
		if (look[i].code != SFTP_OK &&
		    barrier_wants(&s->barrier, names->v[i]))
			rc = sftp_say(look[i].code, e, "'%s' was stored, and "
				"after the connection was lost it is not "
				"there", names->v[i]);
	for (i = 0; i < names->n; i++)
		free(look[i].path);
	return rc;
}

static int sync_verify(struct sftp *s, struct sftp_conn *c, struct err *e)
{
	struct strv names = STRV_INIT;
	struct sftp_look *look;
	int rc = barrier_names(&s->barrier, &names, e);

	if (rc == 0 && names.n > 0) {
		look = mem_zero(names.n, sizeof(*look));
		rc = look ? sync_look(s, c, &names, look, e) : err_nomem(e);
		free(look);
	}
	strv_release(&names);
	return rc;
}

static int sync_op(struct sftp *s, struct sftp_conn *c, void *arg,
		   struct err *e)
{
	struct syncing *g = arg;
	int rc = sftp_sync_paths(s, c, &g->folders, &g->can, e);

	if (rc == 0 && g->no != reach_no(&s->reach))
		rc = sync_verify(s, c, e);
	return rc;
}

static void sync_say(struct sftp *s)
{
	if (!s->unconfirmed)
		log_warn("ssh", "%s: durability unconfirmed: the server does "
			"not say when files are on its disk (no fsync over "
			"sftp), so a power cut there may take away what was "
			"just stored", s->store.url);
	s->unconfirmed = true;
}

static int sync_run(const struct barrier_todo *todo, void *ctx,
		    struct err *e)
{
	struct syncing g = { .no = todo->no, .can = true };
	char path[LAYOUT_FOLDER_BYTES];
	struct sftp *s = ctx;
	unsigned i;
	int rc = 0;

	for (i = 0; rc == 0 && i < LAYOUT_FOLDERS; i++)
		if (todo->dirty[i / 64] >> i % 64 & 1)
			rc = strv_add(&g.folders, layout_folder_path(i, path),
				e);
	if (rc == 0)
		rc = sftp_do(s, sync_op, &g, e);
	if (rc == 0 && !g.can)
		sync_say(s);
	strv_release(&g.folders);
	return rc;
}

int sftp_sync(struct store *store, struct err *e)
{
	struct sftp *s = (struct sftp *)(void *)store;

	return barrier_run(&s->barrier, sync_run, s, e);
}
