/* SPDX-License-Identifier: BSD-2-Clause */

/* The part of maildisk.h that makes a mailbox with all its mail. */
#include "tests/lib/maildisk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pool.h"

#define MAILBOX_JOBS 256
#define MAILBOX_THREADS 16

struct mailbox_job {
	struct job job;
	const struct folder *folder;
	struct mail *mail;
};

struct mailbox_work {
	struct mailstore *store;
	unsigned user;
	struct buf scratch[MAILBOX_THREADS];	/* one per worker */
};

static void mailbox_write_one(struct job *j, unsigned worker, void *ctx)
{
	struct mailbox_job *mj = (struct mailbox_job *)j;
	struct mailbox_work *w = ctx;

	maildisk_deliver(w->store, w->user, mj->folder, mj->mail,
		&w->scratch[worker], &j->err);
}

static void mailbox_take(struct pool *p, int *rc, struct err *e)
{
	struct job *j = pool_take(p);

	if (j && j->err.code != ERR_OK && *rc == 0)
		*rc = err_set(e, j->err.code, "%s", j->err.msg);
}

/* Files for the rows that come first for their message; first[msg] is set. */
static int mailbox_files(struct mailstore *s, unsigned user, unsigned threads,
	struct mail **first, struct err *e)
{
	struct mailbox_job *job = mem_zero(MAILBOX_JOBS, sizeof(*job));
	struct mailbox_work *w = mem_zero(1, sizeof(*w));
	struct pool *p = NULL;
	size_t next = 0;
	int rc = job && w ? 0 : err_nomem(e);

	if (rc == 0) {
		w->store = s;
		w->user = user;
		p = pool_new(threads < MAILBOX_THREADS ? threads :
			MAILBOX_THREADS, MAILBOX_JOBS, mailbox_write_one, w);
		rc = p ? 0 : err_nomem(e);
	}
	for (size_t k = 0; rc == 0 && k < s->box[user].n; k++) {
		struct folder *f = &s->box[user].folder[k];

		for (size_t i = 0; rc == 0 && i < f->n; i++) {
			struct mailbox_job *j = &job[next % MAILBOX_JOBS];

			if (first[f->mail[i].msg])
				continue;
			first[f->mail[i].msg] = &f->mail[i];
			if (pool_full(p))
				mailbox_take(p, &rc, e);
			memset(j, 0, sizeof(*j));
			j->folder = f;
			j->mail = &f->mail[i];
			pool_put(p, &j->job);
			next++;
		}
	}
	while (p && !pool_empty(p))
		mailbox_take(p, &rc, e);
	pool_free(p);
	for (unsigned k = 0; w && k < MAILBOX_THREADS; k++)
		buf_release(&w->scratch[k]);
	free(w);
	free(job);
	return rc;
}

static int mailbox_links(struct mailstore *s, unsigned user,
	struct mail **first, struct err *e)
{
	struct mailbox *b = &s->box[user];
	char from[MAILSTORE_PATH_BYTES], to[MAILSTORE_PATH_BYTES];
	int rc = 0;

	/* Copies are of mail in INBOX. */
	for (size_t k = 1; rc == 0 && k < b->n; k++) {
		struct folder *f = &b->folder[k];

		for (size_t i = 0; rc == 0 && i < f->n; i++) {
			struct mail *m = &f->mail[i], *of = first[m->msg];

			if (of == m)
				continue;
			m->size_bytes = of->size_bytes;
			m->wire_bytes = of->wire_bytes;
			mailstore_mail_path(s, user, &b->folder[0], of, from);
			mailstore_mail_path(s, user, f, m, to);
			rc = maildisk_link(s, from, to, e);
		}
	}
	return rc;
}

int maildisk_make_folder(struct mailstore *s, unsigned user,
	const struct folder *f, struct err *e)
{
	static const char keywords[] = "0 $Label1\n1 $Forwarded\n2 NonJunk\n"
		"3 Junk\n4 $MDNSent\n";
	static const char *const dir[] = { "", "cur", "new", "tmp" };
	char path[MAILSTORE_PATH_BYTES];
	int rc = 0;

	for (unsigned k = 0; rc == 0 && k < 4; k++) {
		mailstore_folder_path(&s->box[user], f, dir[k], path);
		rc = maildisk_dir(s, path, 0700, 0, e);
	}
	if (rc == 0) {
		mailstore_folder_path(&s->box[user], f, "dovecot-keywords",
			path);
		rc = maildisk_put(s, path, 0600, 0, keywords,
			sizeof(keywords) - 1, e);
	}
	if (rc == 0 && *f->name) {
		mailstore_folder_path(&s->box[user], f, "maildirfolder", path);
		rc = maildisk_put(s, path, 0600, 0, "", 0, e);
	}
	return rc;
}

static int mailbox_root(struct mailstore *s, unsigned user, struct err *e)
{
	const struct mailbox *b = &s->box[user];
	char path[MAILSTORE_PATH_BYTES], text[64];
	struct buf subs = BUF_INIT;
	int rc;

	/* The domain's folder is there already when it has a user. */
	snprintf(path, sizeof(path), "%s", b->home);
	*strrchr(path, '/') = 0;
	if ((rc = maildisk_dir(s, path, 0700, 0, e)) < 0 ||
	    (rc = maildisk_dir(s, b->home, 0700, 0, e)) < 0)
		return rc;
	if ((rc = maildisk_make_folder(s, user, &b->folder[0], e)) < 0)
		return rc;
	snprintf(text, sizeof(text), "%08x", b->folder[0].validity);
	mailstore_folder_path(b, &b->folder[0], "dovecot-uidvalidity", path);
	if ((rc = maildisk_put(s, path, 0600, 0, text, 8, e)) < 0)
		return rc;
	snprintf(path, sizeof(path), "%s/Maildir/dovecot-uidvalidity.%s",
		b->home, text);
	if ((rc = maildisk_put(s, path, 0444, 0, "", 0, e)) < 0)
		return rc;
	rc = buf_printf(&subs, e, "V\t2\n\n");
	for (size_t k = 1; rc == 0 && k < b->n; k++)
		rc = buf_printf(&subs, e, "%s\n", b->folder[k].name + 1);
	mailstore_folder_path(b, &b->folder[0], "subscriptions", path);
	if (rc == 0)
		rc = maildisk_put(s, path, 0600, 0, subs.p, subs.len, e);
	buf_release(&subs);
	return rc;
}

int maildisk_make_box(struct mailstore *s, unsigned user, unsigned threads,
	struct err *e)
{
	struct mailbox *b = &s->box[user];
	struct mail **first = mem_zero(b->next_msg + 1, sizeof(struct mail *));
	int rc = first ? mailbox_root(s, user, e) : err_nomem(e);

	for (size_t k = 1; rc == 0 && k < b->n; k++)
		rc = maildisk_make_folder(s, user, &b->folder[k], e);
	if (rc == 0)
		rc = mailbox_files(s, user, threads, first, e);
	if (rc == 0)
		rc = mailbox_links(s, user, first, e);
	for (size_t k = 0; rc == 0 && k < b->n; k++)
		rc = maildisk_uidlist(s, user, &b->folder[k], e);
	free(first);
	return rc;
}
