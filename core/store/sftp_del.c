/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/sftp_priv.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

struct del {
	enum store_kind k;
	const char *name;
	bool tried;		/* on a connection that was lost */
};

/* Its bytes go first, then the folder that is the name. */
static int del_folder(struct sftp_conn *c, const char *path, uint32_t *code)
{
	char inner[SFTP_PATH_BYTES + sizeof(LAYOUT_INNER)];
	uint32_t ignored;
	int rc;

	snprintf(inner, sizeof(inner), "%s" LAYOUT_INNER, path);
	rc = sftp_remove(c, SFTP_REMOVE, inner, code);
	if (rc == 0 && (*code == SFTP_OK || *code == SFTP_NO_SUCH_FILE))
		rc = sftp_remove(c, SFTP_RMDIR, path, &ignored);
	return rc;
}

static int del_op(struct sftp *s, struct sftp_conn *c, void *arg,
		  struct err *e)
{
	char rel[LAYOUT_PATH_BYTES], path[SFTP_PATH_BYTES];
	struct sftp_attrs at;
	struct del *d = arg;
	uint32_t code, seen;
	bool before = d->tried;
	uint64_t no = reach_no(&s->reach);
	int rc;

	sftp_path(s, layout_path(d->k, d->name, rel), path);
	if (d->k == STORE_DATA || d->k == STORE_META) {
		sftp_files_drop(s->files, no, c, d->k, d->name);
		pack_ahead_drop(s->ahead, d->k, d->name);
	}
	sftp_ready_tmp_drop(s, c);
	d->tried = true;
	if ((rc = sftp_remove(c, SFTP_REMOVE, path, &code)) < 0)
		return rc;
	if (code != SFTP_OK && code != SFTP_NO_SUCH_FILE) {
		if ((rc = sftp_lstat(c, path, &at, &seen)) < 0)
			return rc;
		if (seen == SFTP_NO_SUCH_FILE)
			code = seen;
		else if (seen == SFTP_OK && at.has_mode && S_ISDIR(at.mode) &&
			 (rc = del_folder(c, path, &code)) < 0)
			return rc;
	}
	barrier_touch(&s->barrier, layout_folder(d->k, d->name), no, NULL,
		NULL);
	if (code == SFTP_OK || (code == SFTP_NO_SUCH_FILE && before))
		return 0;
	if (code == SFTP_NO_SUCH_FILE)
		return sftp_say_noent(d->k, d->name, e);
	return sftp_say(code, e, "cannot delete '%s'", rel);
}

int sftp_del(struct store *store, enum store_kind k, const char *name,
	     struct err *e)
{
	struct del d = { .k = k, .name = name };
	struct sftp *s = (struct sftp *)(void *)store;
	char rel[LAYOUT_PATH_BYTES];

	sftp_early_forget(s->early, k);
	layout_path(k, name, rel);
	barrier_forget(&s->barrier, rel);
	return sftp_do(s, del_op, &d, e);
}

void sftp_tmp_remove(struct sftp_conn *c, const char *path)
{
	uint32_t code;

	if (sftp_remove(c, SFTP_REMOVE, path, &code) == 0 &&
	    code != SFTP_OK && code != SFTP_NO_SUCH_FILE)
		del_folder(c, path, &code);
}

struct tidying {
	struct sftp *s;
	struct strv dead;		/* paths below the repository */
};

static int tidy_entry(const struct sftp_name *name, void *ctx)
{
	int64_t now = clock_wall_nsec() / 1000000000;
	char text[LAYOUT_PATH_BYTES] = "tmp/";
	struct tidying *t = ctx;
	struct proc_id writer;

	if (name->len >= sizeof(text) - 4 ||
	    memchr(name->name, '\0', name->len))
		return 0;
	memcpy(text + 4, name->name, name->len);
	text[4 + name->len] = '\0';
	if (layout_tmp_parse(text + 4, &writer) &&
	    layout_tmp_dead(&t->s->self, &writer, name->at.has_mtime ?
		now - (int64_t)name->at.mtime : 0))
		strv_add(&t->dead, text, NULL);
	return 0;
}

static int tidy_op(struct sftp *s, struct sftp_conn *c, void *arg,
		   struct err *e)
{
	struct tidying t = { .s = s };
	char path[SFTP_PATH_BYTES];
	uint32_t code;
	size_t i;
	int rc;

	(void)arg;
	(void)e;
	rc = sftp_each(c, sftp_path(s, "tmp", path), tidy_entry, &t, &code);
	for (i = 0; rc == 0 && i < t.dead.n; i++) {
		log_debug("ssh", "removing '%s/%s', whose writer is dead",
			s->store.url, t.dead.v[i]);
		sftp_tmp_remove(c, sftp_path(s, t.dead.v[i], path));
	}
	strv_release(&t.dead);
	return rc;
}

static void *tidy_main(void *arg)
{
	sftp_do(arg, tidy_op, NULL, NULL);
	return NULL;
}

/* Nobody waits for it but the closing of the store. */
void sftp_tmp_tidy(struct sftp *s)
{
	pthread_mutex_lock(&s->tidy_mtx);
	if (!s->tidied)
		s->tidying = thread_start(&s->tidier, tidy_main, s) == 0;
	s->tidied = true;
	pthread_mutex_unlock(&s->tidy_mtx);
}

void sftp_tmp_tidied(struct sftp *s)
{
	if (s->tidying)
		pthread_join(s->tidier, NULL);
	s->tidying = false;
}
