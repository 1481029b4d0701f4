/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/mailhour.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/lib/maildisk.h"
#include "tests/lib/mailhour_priv.h"
#include "tests/lib/mailplan.h"
#include "tests/lib/mailside.h"
#include "tests/lib/prng.h"

enum { SPACE_HOUR = 0x600, SPACE_HABIT, SPACE_MOVE, SPACE_ALL };

enum {
	F_INBOX, F_JUNK, F_SENT, F_ONLINE, F_MOVES, F_COPIES, F_TRASHED,
	F_EXPUNGED, F_REFLAGGED, F_RENAMES, F_DELETES, F_EMPTY, F_SECOND,
	F_HEAVY, F_DRAIN, F_TRASH_HOUR, F_BOX_RENAME, F_BOX_DELETE, F_WHICH,
	F_OLD_NAME
};

/* Per user and working day. */
static const double inbox_rate = 40, junk_rate = 8, sent_rate = 8;
static const double move_share = 0.15, copy_share = 0.02, trash_share = 0.25,
	expunge_share = 0.05, reflag_share = 0.10;
static const double folder_rename_rate = 0.02, folder_delete_rate = 0.005;
static const unsigned garbage_hours = 120;

/* The part of a working day's mail that belongs to this hour. */
static double mailhour_weight(const struct mailstore *s, bool *office)
{
	int64_t hour = mailstore_now_secs(s) / 3600 - 1;
	unsigned of_day = (unsigned)(hour % 24);
	unsigned of_week = (unsigned)((hour / 24 + 3) % 7);	/* Monday: 0 */

	*office = of_day >= 7 && of_day < 19 && of_week < 5;
	return (of_day >= 7 && of_day < 19 ? 6.0 : 1.0) / 84.0 *
		(of_week >= 5 ? 0.25 : 1.0);
}

static uint64_t mailhour_key(const struct mailhour *h, unsigned user)
{
	return mailstore_key(h->s, user, h->s->hour, SPACE_HOUR);
}

int mailhour_deliver(struct mailhour *h, unsigned user, size_t folder,
	uint32_t bits, struct err *e)
{
	struct mailbox *b = &h->s->box[user];
	struct mail row = { .msg = b->next_msg++, .bits = bits }, *m;
	int rc;

	row.arrived_secs = mailstore_now_secs(h->s) - 3600 + (int64_t)
		prng_below(prng_key(mailhour_key(h, user), row.msg), F_SECOND,
			3600);
	row.named_secs = row.arrived_secs;
	rc = mailstore_add_mail(&b->folder[folder], &row, &m, e);
	if (rc == 0)
		rc = maildisk_deliver(h->s, user, &b->folder[folder], m,
			&h->scratch, e);
	if (rc == 0) {
		h->st->delivered++;
		h->st->delivered_bytes += h->scratch.len;
	}
	return rc;
}

int mailhour_flag(struct mailhour *h, unsigned user, struct folder *f,
	struct mail *m, uint32_t bits, struct err *e)
{
	char from[MAILSTORE_PATH_BYTES], to[MAILSTORE_PATH_BYTES];

	if (bits == m->bits)
		return 0;
	mailstore_mail_path(h->s, user, f, m, from);
	m->bits = bits;
	mailstore_mail_path(h->s, user, f, m, to);
	return maildisk_rename(h->s, from, to, e);
}

int mailhour_expunge(struct mailhour *h, unsigned user, struct folder *f,
	struct mail *m, struct err *e)
{
	char path[MAILSTORE_PATH_BYTES];

	mailstore_mail_path(h->s, user, f, m, path);
	m->bits |= MAIL_GONE;
	f->stale++;
	h->st->expunged++;
	return maildisk_unlink(h->s, path, e);
}

static bool mailhour_has(const struct folder *f, uint32_t msg)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->mail[i].msg == msg)
			return true;
	return false;
}

int mailhour_copy(struct mailhour *h, unsigned user, size_t from, size_t i,
	size_t to, struct err *e)
{
	struct mailbox *b = &h->s->box[user];
	char old[MAILSTORE_PATH_BYTES], new[MAILSTORE_PATH_BYTES];
	struct mail row = b->folder[from].mail[i], *m;
	uint64_t key = mailstore_key(h->s, user, row.msg, SPACE_MOVE);
	int rc;

	if (mailhour_has(&b->folder[to], row.msg))
		return 0;
	mailstore_mail_path(h->s, user, &b->folder[from], &row, old);
	if (!prng_chance(key, F_OLD_NAME + row.gen, 0.2)) {
		row.gen = h->s->hour + 1;
		row.named_secs = mailstore_now_secs(h->s) - 1;
	}
	rc = mailstore_add_mail(&b->folder[to], &row, &m, e);
	if (rc < 0)
		return rc;
	mailstore_mail_path(h->s, user, &b->folder[to], m, new);
	return maildisk_link(h->s, old, new, e);
}

int mailhour_move(struct mailhour *h, unsigned user, size_t from, size_t i,
	size_t to, struct err *e)
{
	struct folder *f;
	int rc = mailhour_copy(h, user, from, i, to, e);

	if (rc < 0)
		return rc;
	h->st->moved++;
	h->st->expunged--;
	f = &h->s->box[user].folder[from];
	return mailhour_expunge(h, user, f, &f->mail[i], e);
}

int mailhour_finish(struct mailhour *h, unsigned user, struct err *e)
{
	struct mailbox *b = &h->s->box[user];
	int rc = 0;

	for (size_t k = 0; rc == 0 && k < b->n; k++) {
		if (b->folder[k].dead)
			continue;
		mailstore_sweep(&b->folder[k]);
		rc = maildisk_uidlist(h->s, user, &b->folder[k], e);
	}
	return rc;
}

/* A mail of INBOX, recent ones more likely; false if there is none. */
static bool mailhour_pick(const struct folder *f, uint64_t key, size_t *i)
{
	double u = prng_unit(key, F_WHICH);

	if (f->n == 0)
		return false;
	*i = f->n - 1 - (size_t)(u * u * u * u * (double)f->n);
	return !(f->mail[*i].bits & (MAIL_GONE | MAIL_NEW));
}

static int mailhour_look(struct mailhour *h, unsigned user, size_t folder,
	struct err *e)
{
	struct folder *f = &h->s->box[user].folder[folder];
	int64_t now = mailstore_now_secs(h->s);
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < f->n; i++) {
		struct mail *m = &f->mail[i];
		uint64_t key = prng_key(mailhour_key(h, user), m->msg);
		uint32_t bits = m->bits & ~(uint32_t)MAIL_NEW;

		if (m->bits & MAIL_NEW)
			h->st->seen++;
		/* Half of the fresh ones are read in this very session. */
		if (folder == FOLDER_INBOX && !(bits & MAIL_SEEN) &&
		    now - m->arrived_secs < 7 * 86400 &&
		    prng_chance(key, 0, 0.45)) {
			bits |= MAIL_SEEN;
			bits |= prng_chance(key, 1, 0.12) ? MAIL_REPLIED : 0;
			bits |= prng_chance(key, 2, 0.03) ? MAIL_FLAGGED : 0;
			bits |= prng_chance(key, 3, 0.02) ? MAIL_KEYWORD_A : 0;
			h->st->flagged++;
		}
		rc = mailhour_flag(h, user, f, m, bits, e);
	}
	return rc;
}

enum mailhour_deed { DEED_MOVE, DEED_COPY, DEED_TRASH, DEED_EXPUNGE,
	DEED_REFLAG };

static int mailhour_do(struct mailhour *h, unsigned user,
	enum mailhour_deed deed, uint64_t key, struct err *e)
{
	struct mailbox *b = &h->s->box[user];
	struct folder *f = &b->folder[FOLDER_INBOX];
	size_t i, to = mailplan_pick_folder(b, key);
	struct mail *m;

	if (!mailhour_pick(f, key, &i))
		return 0;
	m = &f->mail[i];
	switch (deed) {
	case DEED_MOVE:
		return mailhour_move(h, user, FOLDER_INBOX, i, to, e);
	case DEED_COPY:
		h->st->copied++;
		return mailhour_copy(h, user, FOLDER_INBOX, i, to, e);
	case DEED_TRASH:
		return mailhour_move(h, user, FOLDER_INBOX, i, FOLDER_TRASH, e);
	case DEED_EXPUNGE:
		return mailhour_expunge(h, user, f, m, e);
	case DEED_REFLAG:
		h->st->flagged++;
		return mailhour_flag(h, user, f, m, m->bits ^ MAIL_FLAGGED, e);
	}
	return 0;
}

static int mailhour_deeds(struct mailhour *h, unsigned user, double arrivals,
	struct err *e)
{
	static const struct {
		enum mailhour_deed deed;
		unsigned field;
		const double *share;
	} row[] = {
		{ DEED_MOVE, F_MOVES, &move_share },
		{ DEED_COPY, F_COPIES, &copy_share },
		{ DEED_TRASH, F_TRASHED, &trash_share },
		{ DEED_EXPUNGE, F_EXPUNGED, &expunge_share },
		{ DEED_REFLAG, F_REFLAGGED, &reflag_share }
	};
	uint64_t key = mailhour_key(h, user);
	int rc = 0;

	for (size_t k = 0; rc == 0 && k < sizeof(row) / sizeof(*row); k++) {
		unsigned n = prng_poisson(key, row[k].field,
			arrivals * *row[k].share);

		for (unsigned j = 0; rc == 0 && j < n; j++)
			rc = mailhour_do(h, user, row[k].deed, prng_key(key,
				row[k].field * 1000 + j), e);
	}
	return rc;
}

/* Everything since the start, when a POP3 client comes by; or the trash. */
static int mailhour_empty(struct mailhour *h, unsigned user, size_t folder,
	int64_t since_secs, struct err *e)
{
	struct folder *f = &h->s->box[user].folder[folder];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < f->n; i++)
		if (!(f->mail[i].bits & MAIL_GONE) &&
		    f->mail[i].arrived_secs >= since_secs)
			rc = mailhour_expunge(h, user, f, &f->mail[i], e);
	return rc;
}

static int mailhour_session(struct mailhour *h, unsigned user, double arrivals,
	struct err *e)
{
	uint64_t habit = mailstore_key(h->s, user, 0, SPACE_HABIT);
	int rc = mailhour_look(h, user, FOLDER_INBOX, e);

	if (rc == 0)
		rc = mailhour_look(h, user, FOLDER_JUNK, e);
	if (rc == 0)
		rc = mailhour_deeds(h, user, arrivals, e);
	if (rc == 0 && prng_chance(habit, F_DRAIN, 0.10))
		rc = mailhour_empty(h, user, FOLDER_INBOX,
			MAILSTORE_START_SECS, e);
	if (rc == 0 && prng_chance(habit, F_EMPTY, 0.30) &&
	    h->s->hour % 168 == prng_below(habit, F_TRASH_HOUR, 168))
		rc = mailhour_empty(h, user, FOLDER_TRASH, 0, e);
	return rc;
}

static int mailhour_rename_folder(struct mailhour *h, unsigned user, size_t k,
	struct err *e)
{
	struct mailbox *b = &h->s->box[user];
	char from[MAILSTORE_PATH_BYTES], to[MAILSTORE_PATH_BYTES];
	size_t len = strlen(b->folder[k].name);
	char *old = mem_str(b->folder[k].name);
	int rc = old ? 0 : err_nomem(e);

	/* With all that is below it in the hierarchy. */
	for (size_t j = 6; rc == 0 && j < b->n; j++) {
		struct folder *f = &b->folder[j];
		char *name;

		if (f->dead || strncmp(f->name, old, len) != 0 ||
		    (f->name[len] && f->name[len] != '.'))
			continue;
		name = mem_printf("%s v%u%s", old, h->s->hour, f->name + len);
		if (!name) {
			rc = err_nomem(e);
			break;
		}
		mailstore_folder_path(b, f, "", from);
		free(f->name);
		f->name = name;
		mailstore_folder_path(b, f, "", to);
		rc = maildisk_rename(h->s, from, to, e);
	}
	free(old);
	h->st->folders++;
	return rc;
}

static int mailhour_folders(struct mailhour *h, unsigned user, double weight,
	struct err *e)
{
	struct mailbox *b = &h->s->box[user];
	uint64_t key = mailhour_key(h, user);
	char path[MAILSTORE_PATH_BYTES];
	struct folder *f;
	int rc = 0;

	if (b->n <= 6)
		return 0;
	if (prng_poisson(key, F_RENAMES, weight * folder_rename_rate) > 0) {
		size_t k = 6 + prng_below(key, F_RENAMES + 100, b->n - 6);

		if (!b->folder[k].dead && strlen(b->folder[k].name) < 150)
			rc = mailhour_rename_folder(h, user, k, e);
	}
	if (rc == 0 &&
	    prng_poisson(key, F_DELETES, weight * folder_delete_rate) > 0) {
		f = &b->folder[6 + prng_below(key, F_DELETES + 100, b->n - 6)];
		if (f->dead)
			return 0;
		mailstore_folder_path(b, f, "", path);
		h->st->folders++;
		h->st->expunged += f->n;
		f->dead = true;
		f->n = 0;
		rc = maildisk_remove_tree(h->s, path, e);
	}
	return rc;
}

static int mailhour_user(struct mailhour *h, unsigned user, struct err *e)
{
	uint64_t key = mailhour_key(h, user);
	uint64_t habit = mailstore_key(h->s, user, 0, SPACE_HABIT);
	bool office;
	double weight = mailhour_weight(h->s, &office);
	double busy = weight * (prng_chance(habit, F_HEAVY, 0.1) ? 4 : 1);
	unsigned n;
	int rc = 0;

	n = prng_poisson(key, F_INBOX, busy * inbox_rate);
	for (; rc == 0 && n > 0; n--)
		rc = mailhour_deliver(h, user, FOLDER_INBOX, MAIL_NEW, e);
	n = prng_poisson(key, F_JUNK, busy * junk_rate);
	for (; rc == 0 && n > 0; n--)
		rc = mailhour_deliver(h, user, FOLDER_JUNK, MAIL_NEW, e);
	n = prng_poisson(key, F_SENT, busy * sent_rate);
	for (; rc == 0 && n > 0; n--)
		rc = mailhour_deliver(h, user, FOLDER_SENT, MAIL_SEEN, e);
	/* Who is online does the work of those who are not, too. */
	if (rc == 0 && prng_chance(key, F_ONLINE, office ? 0.6 : 0.1))
		rc = mailhour_session(h, user, busy * inbox_rate / 0.6, e);
	if (rc == 0)
		rc = mailhour_folders(h, user, weight, e);
	return rc < 0 ? rc : mailhour_finish(h, user, e);
}

static int mailhour_rehome(struct mailhour *h, unsigned user, char *home,
	struct err *e)
{
	struct mailbox *b = &h->s->box[user];
	int rc = home ? maildisk_rename(h->s, b->home, home, e) : err_nomem(e);

	if (rc < 0) {
		free(home);
		return rc;
	}
	free(b->home);
	b->home = home;
	h->st->boxes++;
	return 0;
}

/* Mailboxes that are renamed, deleted, or removed for good. */
static int mailhour_boxes(struct mailhour *h, struct err *e)
{
	struct mailstore *s = h->s;
	uint64_t key = mailstore_key(s, 0, s->hour, SPACE_ALL);
	struct mailbox *b = &s->box[prng_below(key, F_WHICH, s->pool.users)];
	unsigned user = (unsigned)(b - s->box), live = 0;
	int rc = 0;

	for (size_t u = 0; u < s->n; u++)
		live += s->box[u].state == MAILBOX_LIVE;
	if (b->state == MAILBOX_LIVE &&
	    prng_chance(key, F_BOX_RENAME, 1.0 / 720))
		rc = mailhour_rehome(h, user, mem_printf("%s-%u", b->home,
			s->hour), e);
	if (rc == 0 && b->state == MAILBOX_LIVE && live > 3 &&
	    prng_chance(key, F_BOX_DELETE, 1.0 / 720)) {
		rc = mailhour_rehome(h, user, mem_printf(
			"vmail/_garbage/%lld_u%u",
			(long long)mailstore_now_secs(s), user), e);
		b->state = MAILBOX_GARBAGE;
		b->gone_hour = s->hour;
	}
	for (size_t u = 0; rc == 0 && u < s->n; u++) {
		b = &s->box[u];
		if (b->state != MAILBOX_GARBAGE ||
		    s->hour < b->gone_hour + garbage_hours)
			continue;
		b->state = MAILBOX_PURGED;
		h->st->boxes++;
		rc = maildisk_remove_tree(s, b->home, e);
	}
	return rc;
}

int mailhour_step(struct mailstore *s, struct mailhour_stats *st,
	struct err *e)
{
	struct mailhour h = { .s = s, .st = st };
	int rc = 0;

	s->hour++;
	for (unsigned u = 0; rc == 0 && u < s->n; u++)
		if (s->box[u].state == MAILBOX_LIVE)
			rc = mailhour_user(&h, u, e);
	if (rc == 0)
		rc = mailhour_boxes(&h, e);
	if (rc == 0)
		rc = mailside_step(s, e);
	if (rc == 0)
		rc = maildisk_settle(s, e);
	buf_release(&h.scratch);
	return rc;
}
