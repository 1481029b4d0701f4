/* SPDX-License-Identifier: BSD-2-Clause */
/* The folder of a repository: making one, and knowing what another is. */
#include "store/sftp_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

struct making {
	unsigned flags;
	struct layout_found found;
};

static int make_see(const struct sftp_name *name, void *ctx)
{
	char text[STORE_NAME_MAX + 1];
	size_t n = name->len;

	if (n > STORE_NAME_MAX || memchr(name->name, '\0', n))
		n = 0;
	memcpy(text, name->name, n);
	text[n] = '\0';
	layout_see(ctx, text);
	return 0;
}

static int make_any(const struct sftp_name *name, void *ctx)
{
	(void)name;
	*(bool *)ctx = true;
	return 0;
}

/* mkdir -p of what is above. */
static int make_parents(struct sftp *s, struct sftp_conn *c)
{
	char path[SFTP_PATH_BYTES];
	uint32_t code;
	char *slash;
	int rc;

	sftp_path(s, ".", path);
	for (slash = strchr(path + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if ((rc = sftp_mkdir(c, path, &code)) < 0)
			return rc;
		*slash = '/';
	}
	return 0;
}

static int make_root(struct sftp *s, struct sftp_conn *c, struct err *e)
{
	char path[SFTP_PATH_BYTES];
	struct sftp_req r = { .want = SFTP_ATTRS };
	uint32_t code, seen;
	int rc;

	sftp_path(s, ".", path);
	if ((rc = sftp_mkdir(c, path, &code)) < 0)
		return rc;
	if (code == SFTP_NO_SUCH_FILE)
		return err_set(e, ERR_NOREPO, "cannot create '%s': the folder "
			"above it is missing", s->store.url);
	if (code == SFTP_OK)
		return 0;
	rc = sftp_call(c, &r, sftp_put_path(&r.head, SFTP_STAT, path, NULL),
		&seen);
	sftp_req_release(&r);
	if (rc == 0 && seen != SFTP_OK)
		rc = sftp_say(code, e, "cannot create folder '%s'",
			s->store.url);
	return rc;
}

/* Backups are here: then a lost REPOSITORY does not make the folder new. */
static int make_check_data(struct sftp *s, struct sftp_conn *c, struct err *e)
{
	static const enum store_kind plain[] = { STORE_ARCHIVES, STORE_INDEX,
		STORE_GENERATIONS };
	char path[SFTP_PATH_BYTES], name[LAYOUT_FOLDER_BYTES];
	bool any = false;
	uint32_t code;
	unsigned i;
	int rc = 0;

	for (i = 0; rc == 0 && !any && i < sizeof(plain) / sizeof(*plain); i++)
		rc = sftp_each(c, sftp_path(s, store_kind_name(plain[i]),
			path), make_any, &any, &code);
	for (i = LAYOUT_FAN_DATA; rc == 0 && !any && i < LAYOUT_FOLDERS; i++) {
		rc = sftp_each(c, sftp_path(s, layout_folder_path(i, name),
			path), make_any, &any, &code);
		/* It has not come that far. */
		if (rc == 0 && code == SFTP_NO_SUCH_FILE)
			break;
	}
	return rc == 0 && any ? layout_say_damaged(s->store.url, e) : rc;
}

static int make_check(struct sftp *s, struct sftp_conn *c,
		      struct making *m, struct err *e)
{
	char path[SFTP_PATH_BYTES];
	uint32_t code;
	int rc;

	memset(&m->found, 0, sizeof(m->found));
	rc = sftp_each(c, sftp_path(s, ".", path), make_see, &m->found,
		&code);
	if (rc < 0)
		return rc;
	if (code != SFTP_OK)
		return sftp_say(code, e, "cannot list '%s'", s->store.url);
	if ((rc = layout_judge_new(&m->found, s->store.url, e)) < 0)
		return rc;
	return m->found.ours ? make_check_data(s, c, e) : 0;
}

static int make_folder_failed(struct sftp *s, struct sftp_conn *c,
			      unsigned folder, uint32_t code, struct err *e)
{
	char name[LAYOUT_FOLDER_BYTES], path[SFTP_PATH_BYTES];
	struct sftp_attrs at;
	uint32_t seen;
	int rc;

	layout_folder_path(folder, name);
	rc = sftp_lstat(c, sftp_path(s, name, path), &at, &seen);
	if (rc < 0 || (seen == SFTP_OK && at.has_mode && S_ISDIR(at.mode)))
		return rc;
	return sftp_say(code, e, "cannot create folder '%s/%s'",
		s->store.url, name);
}

/* All of first..end at once. */
static int make_folders(struct sftp *s, struct sftp_conn *c, unsigned first,
			unsigned end, struct err *e)
{
	struct sftp_req *req = mem_zero(end - first, sizeof(*req));
	char name[LAYOUT_FOLDER_BYTES], path[SFTP_PATH_BYTES];
	unsigned i, sent;
	int rc = req ? 0 : err_nomem(e);

	for (sent = 0; rc == 0 && sent < end - first; sent++) {
		sftp_path(s, layout_folder_path(first + sent, name), path);
		rc = sftp_put_mkdir(&req[sent].head, path, 0700, e);
		req[sent].want = SFTP_STATUS;
		if (rc == 0)
			sftp_conn_send(c, &req[sent]);
	}
	for (i = 0; i < sent; i++) {
		if (req[i].line.state == LINE_IDLE)
			continue;
		if (sftp_conn_wait(c, &req[i]) < 0)
			rc = ERR_RETRY;
	}
	for (i = 0; i < sent; i++) {
		if (rc == 0 && !req[i].good)
			rc = make_folder_failed(s, c, first + i, req[i].code,
				e);
		sftp_req_release(&req[i]);
	}
	free(req);
	return rc;
}

static int make_sync(struct sftp *s, struct sftp_conn *c, const char *a,
		     const char *b, const char *d, struct err *e)
{
	struct strv v = STRV_INIT;
	bool can;
	int rc = strv_add(&v, a, e);

	if (rc == 0 && b)
		rc = strv_add(&v, b, e);
	if (rc == 0 && d)
		rc = strv_add(&v, d, e);
	if (rc == 0)
		rc = sftp_sync_paths(s, c, &v, &can, e);
	strv_release(&v);
	return rc;
}

/* tmp/ comes first, and surely: it marks the folder as ours, so that an init
 * that did not end can be begun again. */
static int make_op(struct sftp *s, struct sftp_conn *c, void *arg,
		   struct err *e)
{
	struct making *m = arg;
	int rc = 0;

	if (m->flags & STORE_PARENTS)
		rc = make_parents(s, c);
	if (rc < 0 || (rc = make_root(s, c, e)) < 0 ||
	    (rc = make_check(s, c, m, e)) < 0 ||
	    (rc = make_folders(s, c, LAYOUT_TMP, LAYOUT_TMP + 1, e)) < 0 ||
	    (rc = make_sync(s, c, ".", NULL, NULL, e)) < 0 ||
	    (rc = make_folders(s, c, STORE_ROOT + 1, LAYOUT_TMP, e)) < 0 ||
	    (rc = make_folders(s, c, LAYOUT_FAN_DATA, LAYOUT_FOLDERS,
	    e)) < 0)
		return rc;
	return make_sync(s, c, ".", "data", "meta", e);
}

int sftp_make(struct sftp *s, unsigned flags, struct err *e)
{
	struct making m = { .flags = flags };

	return sftp_do(s, make_op, &m, e);
}

/* Names that tell one program's repository from another's. */
struct other {
	bool config, keys, snapshots, data, tmp, tombstones, readme;
};

static int other_see(const struct sftp_name *name, void *ctx)
{
	struct other *o = ctx;
	const struct {
		const char *name;
		bool *has;
	} row[] = {
		{ "config", &o->config }, { "keys", &o->keys },
		{ "snapshots", &o->snapshots }, { "data", &o->data },
		{ "tmp", &o->tmp }, { "tombstones", &o->tombstones },
		{ "README", &o->readme },
	};
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(*row); i++)
		if (name->len == strlen(row[i].name) &&
		    memcmp(name->name, row[i].name, name->len) == 0)
			*row[i].has = true;
	return 0;
}

static int open_judge(struct sftp *s, struct sftp_conn *c, struct err *e)
{
	struct layout_other what = { false, false, false };
	struct other o = { .config = false };
	char path[SFTP_PATH_BYTES];
	uint32_t code;
	int rc;

	rc = sftp_each(c, sftp_path(s, ".", path), other_see, &o, &code);
	if (rc < 0)
		return rc;
	if (code == SFTP_NO_SUCH_FILE)
		return err_set(e, ERR_NOREPO, "there is no repository at "
			"'%s': no such folder", s->store.url);
	if (code != SFTP_OK)
		return sftp_say(code, e, "cannot open repository '%s'",
			s->store.url);
	what.restic = o.config && o.keys && o.snapshots;
	what.borg = o.config && o.data && !o.snapshots;
	what.unfinished = o.tmp && o.data && o.tombstones;
	return layout_judge_other(&what, s->store.url, e);
}

static int open_judge_op(struct sftp *s, struct sftp_conn *c, void *arg,
			 struct err *e)
{
	(void)arg;
	return open_judge(s, c, e);
}

/* It is read at once: whoever opens a store wants it next. */
int sftp_open_old(struct sftp *s, struct err *e)
{
	struct buf b = BUF_INIT;
	int rc = sftp_get_all(&s->store, STORE_ROOT, "REPOSITORY",
		SFTP_MARKER_MAX, &b, e);

	if (rc == ERR_NOENT) {
		err_clear(e);
		rc = sftp_do(s, open_judge_op, NULL, e);
	}
	if (rc == 0) {
		pthread_mutex_lock(&s->mtx);
		buf_swap(&s->marker, &b);
		pthread_mutex_unlock(&s->mtx);
	}
	buf_release(&b);
	return rc;
}

static int unmake_tmp(const struct sftp_name *name, void *ctx)
{
	char text[LAYOUT_PATH_BYTES] = "tmp/";
	struct proc_id writer;

	if (name->len >= sizeof(text) - 4 ||
	    memchr(name->name, '\0', name->len))
		return 0;
	memcpy(text + 4, name->name, name->len);
	text[4 + name->len] = '\0';
	return layout_tmp_parse(text, &writer) &&
		strv_add(ctx, text, NULL) < 0 ? ERR_NOMEM : 0;
}

static int unmake_op(struct sftp *s, struct sftp_conn *c, void *arg,
		     struct err *e)
{
	char path[SFTP_PATH_BYTES], name[LAYOUT_FOLDER_BYTES];
	struct strv left = STRV_INIT;
	uint32_t code;
	unsigned i;
	size_t k;
	int rc;

	(void)arg;
	rc = sftp_each(c, sftp_path(s, "tmp", path), unmake_tmp, &left,
		&code);
	for (k = 0; rc == 0 && k < left.n; k++)
		sftp_tmp_remove(c, sftp_path(s, left.v[k], path));
	strv_release(&left);
	/* What is below goes first. */
	for (i = LAYOUT_FOLDERS; rc == 0 && i-- > STORE_ROOT + 1;)
		rc = sftp_remove(c, SFTP_RMDIR, sftp_path(s,
			layout_folder_path(i, name), path), &code);
	if (rc == 0)
		rc = sftp_remove(c, SFTP_RMDIR, sftp_path(s, ".", path),
			&code);
	if (rc < 0 || code == SFTP_OK || code == SFTP_NO_SUCH_FILE)
		return rc;
	return err_set(e, ERR_EXIST, "the repository is gone, but not its "
		"folder '%s': something else is in it, or it may not be "
		"removed", s->store.url);
}

int sftp_unmake(struct store *store, struct err *e)
{
	return sftp_do((struct sftp *)(void *)store, unmake_op, NULL, e);
}
