/* SPDX-License-Identifier: BSD-2-Clause */

/* The part of mailhour.h that goes wrong. */
#include "tests/lib/mailhour.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/maildisk.h"
#include "tests/lib/mailhour_priv.h"
#include "tests/lib/prng.h"

enum { SPACE_INCIDENT = 0x800 };

static unsigned mailincident_user(const struct mailstore *s)
{
	uint64_t key = prng_key(prng_key(s->seed, SPACE_INCIDENT), s->hour);
	unsigned user = (unsigned)prng_below(key, 0, s->pool.users);

	for (unsigned k = 0; k < s->pool.users; k++)
		if (s->box[(user + k) % s->pool.users].state == MAILBOX_LIVE)
			return (user + k) % s->pool.users;
	return user;
}

static int mailincident_hacked(struct mailhour *h, unsigned user,
	struct err *e)
{
	static const size_t emptied[] = { FOLDER_INBOX, FOLDER_SENT };
	int rc = 0;

	for (size_t k = 0; k < 2; k++) {
		struct folder *f = &h->s->box[user].folder[emptied[k]];

		for (size_t i = 0; rc == 0 && i < f->n; i++)
			rc = mailhour_expunge(h, user, f, &f->mail[i], e);
	}
	for (unsigned n = 0; rc == 0 && n < 300; n++)
		rc = mailhour_deliver(h, user, FOLDER_SENT, MAIL_SEEN, e);
	return rc;
}

static int mailincident_client_bug(struct mailhour *h, unsigned user,
	struct err *e)
{
	struct mailbox *b = &h->s->box[user];
	int rc = 0;

	for (size_t k = 0; k < b->n; k++) {
		if (k == FOLDER_ARCHIVE || b->folder[k].dead)
			continue;
		for (size_t i = 0; rc == 0 && i < b->folder[k].n; i++)
			rc = mailhour_move(h, user, k, i, FOLDER_ARCHIVE, e);
	}
	return rc;
}

static int mailincident_imapsync(struct mailhour *h, unsigned user,
	struct err *e)
{
	uint64_t n = h->s->pool.mails / 20;
	int rc = 0;

	for (n = n > 10000 ? 10000 : n; rc == 0 && n > 0; n--)
		rc = mailhour_deliver(h, user, FOLDER_ARCHIVE,
			MAIL_SEEN | MAIL_BARE, e);
	return rc;
}

/* A new file with the same bytes and times takes the name. */
static int mailincident_renew(struct mailhour *h, unsigned user,
	const struct folder *f, struct mail *m, struct err *e)
{
	char path[MAILSTORE_PATH_BYTES], old[MAILSTORE_PATH_BYTES + 8];
	int rc;

	mailstore_mail_path(h->s, user, f, m, path);
	snprintf(old, sizeof(old), "%s.old", path);
	if ((rc = maildisk_rename(h->s, path, old, e)) < 0)
		return rc;
	if ((rc = maildisk_deliver(h->s, user, f, m, &h->scratch, e)) < 0)
		return rc;
	return maildisk_unlink(h->s, old, e);
}

/* Hard links are not kept: rsync without -H, and scripts, break them. */
static int mailincident_renew_box(struct mailhour *h, unsigned user,
	struct err *e)
{
	struct mailbox *b = &h->s->box[user];
	int rc = 0;

	for (size_t k = 0; k < b->n; k++)
		for (size_t i = 0; rc == 0 && i < b->folder[k].n; i++)
			rc = mailincident_renew(h, user, &b->folder[k],
				&b->folder[k].mail[i], e);
	return rc;
}

static int mailincident_rsync(struct mailhour *h, unsigned user,
	struct err *e)
{
	int rc = 0;

	(void)user;
	for (unsigned u = 0; rc == 0 && u < h->s->n; u++)
		if (h->s->box[u].state == MAILBOX_LIVE)
			rc = mailincident_renew_box(h, u, e);
	return rc;
}

/*
 * INBOX as it was before it was read, extracted over the live one: a second
 * name of each message, with other flags, as a file of its own.
 */
static int mailincident_extract(struct mailhour *h, unsigned user,
	struct err *e)
{
	struct folder *f = &h->s->box[user].folder[FOLDER_INBOX];
	size_t n = f->n;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct mail row = f->mail[i], *m;

		if (row.bits & (MAIL_GONE | MAIL_NEW | MAIL_TWIN))
			continue;
		/* P, which nothing else uses, keeps the names apart. */
		f->mail[i].bits |= MAIL_TWIN;
		row.bits &= ~(uint32_t)MAIL_SEEN;
		row.bits |= MAIL_TWIN | MAIL_PASSED;
		rc = mailstore_add_mail(f, &row, &m, e);
		if (rc == 0)
			rc = maildisk_deliver(h->s, user, f, m, &h->scratch,
				e);
	}
	return rc;
}

int mailhour_incident(struct mailstore *s, const char *name,
	struct mailhour_stats *st, struct err *e)
{
	static const struct {
		const char *name;
		int (*run)(struct mailhour *h, unsigned user, struct err *e);
	} incident[] = {
		{ "hacked", mailincident_hacked },
		{ "client-bug", mailincident_client_bug },
		{ "imapsync", mailincident_imapsync },
		{ "rsync", mailincident_rsync },
		{ "extract", mailincident_extract },
		{ "rewrite", mailincident_renew_box }
	};
	struct mailhour h = { .s = s, .st = st };
	unsigned user = mailincident_user(s);
	int rc = err_set(e, ERR_CONFIG, "no incident is called '%s'", name);

	for (size_t k = 0; k < sizeof(incident) / sizeof(*incident); k++) {
		if (strcmp(incident[k].name, name) != 0)
			continue;
		err_clear(e);
		rc = incident[k].run(&h, user, e);
		if (rc == 0)
			rc = mailhour_finish(&h, user, e);
		if (rc == 0)
			rc = maildisk_settle(s, e);
	}
	buf_release(&h.scratch);
	return rc;
}
