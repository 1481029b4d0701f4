/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/mailplan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "tests/lib/mime.h"
#include "tests/lib/prng.h"

enum { SPACE_USER = 0x400, SPACE_FATE, SPACE_FOLDER };

enum {
	F_WEIGHT, F_OWN_FOLDERS, F_MANY, F_WHERE, F_WHICH, F_ARRIVED, F_SEEN,
	F_REPLIED, F_FLAGGED, F_KEYWORD, F_BARE, F_RENAMED, F_COPIED, F_WAIT,
	F_DRAFT, F_STEM, F_ODD, F_PARENT, F_VALIDITY
};

/* In modified UTF-7, as they are on disk. */
static const char *const folder_stem[] = {
	"Projekte", "Kunden", "Rechnungen", "Archiv", "Verein", "Newsletter",
	"Personal", "Bestellungen", "Support", "Vertrag", "Reisen", "Team",
	"Notizen", "Presse", "Einkauf", "Lieferanten", "Steuer", "Technik"
};
static const char *const folder_odd[] = {
	"&AMQ-pfel", "B&APw-ro", "Gesch&AOQ-ftsf&APw-hrung", "K&APY-ln",
	"M&APw-ller &- S&APY-hne", "Gr&APwA3w-e", "&ZeVnLIqe-"
};

static const char *const user_name[] = {
	"anna", "ben", "clara", "david", "eva", "felix", "greta", "hans",
	"ida", "jonas", "karl", "lena", "max", "nora", "otto", "paula",
	"quirin", "rosa", "stefan", "tina", "ulf", "vera", "willi", "xenia"
};
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

int mailplan_add_folder(const struct mailstore *s, unsigned user,
	unsigned salt, struct err *e)
{
	struct mailbox *b = &s->box[user];
	uint64_t key = mailstore_key(s, user, salt, SPACE_FOLDER);
	const char *stem = prng_chance(key, F_ODD, 0.2) ?
		folder_odd[prng_below(key, F_WHICH, COUNT(folder_odd))] :
		folder_stem[prng_below(key, F_STEM, COUNT(folder_stem))];
	const char *above = "";
	char name[200];

	if (b->n > 6 && prng_chance(key, F_PARENT, 0.35))
		above = b->folder[6 + prng_below(key, F_PARENT + 1,
			b->n - 6)].name;
	/* At most three deep, and short enough for the file system. */
	if (strlen(above) > 100 || (*above && strchr(above + 1, '.') &&
	    strchr(strchr(above + 1, '.') + 1, '.')))
		above = "";
	if (prng_chance(key, F_ODD + 1, 0.02))
		snprintf(name, sizeof(name), "%s.%s\\2e %u", above, stem, salt);
	else
		snprintf(name, sizeof(name), "%s.%s %u", above, stem, salt);
	return mailstore_add_folder(b, name, FOLDER_OWN, (uint32_t)
		(mailstore_now_secs(s) - (int64_t)prng_below(key, F_VALIDITY,
		LETTER_YEARS_SECS)), e);
}

size_t mailplan_pick_folder(const struct mailbox *b, uint64_t key)
{
	double u;
	size_t k;

	if (b->n <= 5)
		return 0;
	u = prng_unit(key, F_WHICH);
	k = 5 + (size_t)(u * u * (double)(b->n - 5));
	return b->folder[k].dead ? 5 : k;
}

static int mailplan_box(struct mailstore *s, unsigned user, struct err *e)
{
	static const char *const fixed[] = {
		"", ".Sent", ".Drafts", ".Junk", ".Trash", ".Archive"
	};
	struct mailbox *b = &s->box[user];
	uint64_t key = mailstore_key(s, user, 0, SPACE_USER);
	const char *name = user_name[user % COUNT(user_name)];
	unsigned domain = user % s->pool.domains, own;
	char number[16] = "";
	int rc = 0;

	if (user >= COUNT(user_name))
		snprintf(number, sizeof(number), ".%zu",
			user / COUNT(user_name));
	if (user == s->pool.users) {
		b->state = MAILBOX_GARBAGE;
		b->home = mem_printf("vmail/_garbage/%d_d%uexampleorggone",
			MAILSTORE_START_SECS - 86400, domain);
	} else {
		b->home = mem_printf("vmail/d%u.example.org/%s%s", domain,
			name, number);
	}
	b->address = mem_printf("%s%s@d%u.example.org", name, number, domain);
	if (!b->home || !b->address)
		return err_nomem(e);
	for (unsigned k = 0; rc == 0 && k < COUNT(fixed); k++)
		rc = mailstore_add_folder(b, fixed[k], (enum folder_kind)k,
			(uint32_t)(MAILSTORE_START_SECS - LETTER_YEARS_SECS),
			e);
	own = prng_chance(key, F_MANY, 0.05) ?
		50 + (unsigned)prng_below(key, F_MANY + 100, 151) :
		prng_geometric(key, F_OWN_FOLDERS, 8.0 / 9.0, 49);
	for (unsigned k = 0; rc == 0 && k < own; k++)
		rc = mailplan_add_folder(s, user, k + 1, e);
	return rc;
}

/* Where a mail of the first three years has ended up. */
static size_t mailplan_where(const struct mailbox *b, uint64_t key,
	bool packrat)
{
	double where = prng_unit(key, F_WHERE);

	if (packrat && where < 0.95)
		return FOLDER_INBOX;
	if (where < 0.45)
		return FOLDER_INBOX;
	if (where < 0.75)
		return mailplan_pick_folder(b, key);
	if (where < 0.928)
		return FOLDER_SENT;
	if (where < 0.93)
		return FOLDER_DRAFTS;
	return where < 0.98 ? FOLDER_TRASH : FOLDER_JUNK;
}

static uint32_t mailplan_bits(uint64_t key, enum folder_kind kind)
{
	uint32_t bits = 0;

	if (kind == FOLDER_SENT || prng_chance(key, F_SEEN, 0.85))
		bits |= MAIL_SEEN;
	if (kind == FOLDER_DRAFTS)
		return MAIL_SEEN | MAIL_DRAFT;
	if ((bits & MAIL_SEEN) && kind != FOLDER_SENT &&
	    prng_chance(key, F_REPLIED, 0.12))
		bits |= MAIL_REPLIED;
	if (prng_chance(key, F_FLAGGED, 0.03))
		bits |= MAIL_FLAGGED;
	if (prng_chance(key, F_KEYWORD, 0.02))
		bits |= (uint32_t)MAIL_KEYWORD_A <<
			prng_below(key, F_KEYWORD + 50, 5);
	if (prng_chance(key, F_BARE, 0.01))
		bits |= MAIL_BARE;
	return bits;
}

static int mailplan_mail(struct mailstore *s, unsigned user, uint32_t n,
	bool packrat, struct err *e)
{
	struct mailbox *b = &s->box[user];
	uint32_t msg = b->next_msg++;
	uint64_t key = mailstore_key(s, user, msg, SPACE_FATE);
	size_t where = mailplan_where(b, key, packrat);
	double left = 1.0 - (msg + prng_unit(key, F_ARRIVED)) / n;
	struct mail m = { .msg = msg };
	int rc;

	m.arrived_secs = s->pool.start_secs - 60 -
		(int64_t)(left * left * (double)(LETTER_YEARS_SECS - 120));
	m.named_secs = m.arrived_secs;
	m.bits = mailplan_bits(key, b->folder[where].kind);
	/* The last few have not been seen by any session. */
	if (left < 0.003 && where == FOLDER_INBOX)
		m.bits = MAIL_NEW;
	if (where >= FOLDER_ARCHIVE && prng_chance(key, F_RENAMED, 0.8)) {
		m.gen = 1;
		m.named_secs += (int64_t)prng_lognormal(key, F_WAIT, 30e3, 1);
		if (m.named_secs > s->pool.start_secs)
			m.named_secs = s->pool.start_secs;
	}
	rc = mailstore_add_mail(&b->folder[where], &m, NULL, e);
	if (rc == 0 && where == FOLDER_INBOX && !(m.bits & MAIL_NEW) &&
	    b->n > 6 && prng_chance(key, F_COPIED, 0.02)) {
		m.gen = 1;
		m.bits &= ~(uint32_t)MAIL_BARE;
		rc = mailstore_add_mail(
			&b->folder[mailplan_pick_folder(b, key)], &m, NULL, e);
	}
	return rc;
}

static double mailplan_bytes(const struct mailstore *s, double *fixed)
{
	double sum = 0;
	struct letter l;

	*fixed = 0;
	for (unsigned u = 0; u < s->n; u++) {
		for (size_t f = 0; f < s->box[u].n; f++) {
			const struct folder *d = &s->box[u].folder[f];

			for (size_t i = 0; i < d->n; i++) {
				letter_plan(&l, &s->pool, u, d->mail[i].msg,
					d->mail[i].arrived_secs);
				sum += (double)letter_bytes(&l);
				*fixed += l.head_bytes + 200 * l.nfile;
			}
		}
	}
	return sum;
}

/* Bodies and attachments are stretched until the sum is what was asked for;
 * header lines stay as they are. */
static void mailplan_scale(struct mailstore *s, uint64_t bytes)
{
	double want = (double)bytes, fixed, sum;

	if (s->profile == MAIL_CRYPT)
		want = (want - 290.0 * (double)s->pool.mails) / 0.6;
	for (int k = 0; k < 4; k++) {
		sum = mailplan_bytes(s, &fixed);
		s->pool.scale *= want > fixed && sum > fixed ?
			(want - fixed) / (sum - fixed) : 0.1;
		s->pool.scale = floor(fmin(fmax(s->pool.scale, 0.001), 1000) *
			1e6) / 1e6;
	}
}

static int mailplan_counts(struct mailstore *s, const struct mailstore_opts *o,
	uint32_t **out, struct err *e)
{
	uint32_t *count = mem_zero(s->n, sizeof(*count));
	double *weight = mem_zero(s->n, sizeof(*weight));
	double sum = 0;
	uint64_t left = o->mails;

	if (!count || !weight) {
		free(count);
		free(weight);
		return err_nomem(e);
	}
	for (unsigned u = 0; u < s->n; u++) {
		weight[u] = prng_lognormal(mailstore_key(s, u, 0, SPACE_USER),
			F_WEIGHT, 2500, 1.4);
		if (weight[u] > 60000)
			weight[u] = 60000;
		sum += weight[u];
	}
	/* In a large store one folder has 100,000 mails. */
	if (o->mails >= 250000) {
		sum -= weight[0];
		weight[0] = sum * 0.45 / 0.55;
		sum += weight[0];
	}
	sum -= weight[s->n - 1];
	weight[s->n - 1] = sum * 0.005;
	sum += weight[s->n - 1];
	for (unsigned u = 0; u < s->n; u++) {
		count[u] = (uint32_t)((double)o->mails * weight[u] / sum);
		left -= count[u];
	}
	count[0] += (uint32_t)left;
	free(weight);
	*out = count;
	return 0;
}

int mailplan_make(struct mailstore *s, const struct mailstore_opts *o,
	struct err *e)
{
	unsigned users = o->users;
	uint32_t *count = NULL;
	int rc;

	if (users == 0)
		users = o->mails / 5000 > 4 ? (unsigned)(o->mails / 5000) : 4;
	s->pool = (struct letter_pool){ .seed = o->seed, .users = users,
		.domains = users >= 10 ? 1 + users / 10 : 1,
		.mails = o->mails, .scale = 1.0,
		.start_secs = MAILSTORE_START_SECS };
	/* One more: it was deleted the day before. */
	s->box = mem_zero(users + 1, sizeof(*s->box));
	if (!s->box)
		return err_nomem(e);
	s->n = users + 1;
	if ((rc = mailplan_counts(s, o, &count, e)) < 0)
		goto out;
	for (unsigned u = 0; rc == 0 && u < s->n; u++) {
		rc = mailplan_box(s, u, e);
		for (uint32_t i = 0; rc == 0 && i < count[u]; i++)
			rc = mailplan_mail(s, u, count[u],
				u == 0 && o->mails >= 250000, e);
	}
	if (rc == 0 && o->bytes > 0)
		mailplan_scale(s, o->bytes);
out:
	free(count);
	return rc;
}

static int mailplan_part(struct mailplan_stats *st, struct map *seen,
	uint64_t id, uint64_t kind, uint64_t bytes, struct err *e)
{
	uint64_t key[2] = { id, prng_key(id, kind) }, *value;
	bool was;
	int rc;

	if (bytes == 0)
		return 0;
	rc = map_put(seen, (const uint8_t *)key, &value, &was, e);
	if (rc < 0)
		return rc;
	st->parts++;
	st->part_bytes += bytes;
	if (!was) {
		*value = 1;
		st->unique_parts++;
		st->unique_part_bytes += bytes;
	}
	return 0;
}

static int mailplan_count(const struct letter *l, struct mailplan_stats *st,
	struct map *seen, struct err *e)
{
	int rc = mailplan_part(st, seen, l->id, 1, l->text_bytes, e);

	if (rc == 0)
		rc = mailplan_part(st, seen, l->id, 2, l->html_bytes, e);
	for (unsigned k = 0; rc == 0 && k < l->nfile; k++)
		rc = mailplan_part(st, seen, l->file[k].id, 3,
			letter_encoded(l->file[k].raw_bytes), e);
	return rc;
}

static int mailplan_by_size(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

int mailplan_stats(const struct mailstore *s, struct mailplan_stats *st,
	struct err *e)
{
	static const double at[4] = { 0.1, 0.5, 0.9, 0.99 };
	struct map seen = MAP_INIT;
	uint64_t *size = mem_array(s->pool.mails + 1, sizeof(*size));
	struct letter l;
	int rc = size ? 0 : err_nomem(e);

	memset(st, 0, sizeof(*st));
	for (unsigned u = 0; rc == 0 && u < s->n; u++) {
		for (size_t f = 0; f < s->box[u].n; f++) {
			const struct folder *d = &s->box[u].folder[f];

			for (size_t i = 0; rc == 0 && i < d->n &&
			     st->mails < s->pool.mails; i++) {
				letter_plan(&l, &s->pool, u, d->mail[i].msg,
					d->mail[i].arrived_secs);
				size[st->mails++] = letter_bytes(&l);
				st->bytes += letter_bytes(&l);
				rc = mailplan_count(&l, st, &seen, e);
			}
		}
	}
	if (rc == 0 && st->mails > 0) {
		qsort(size, st->mails, sizeof(*size), mailplan_by_size);
		for (unsigned k = 0; k < 4; k++)
			st->size[k] = size[(uint64_t)
				(at[k] * (double)(st->mails - 1))];
		st->size[4] = st->bytes / st->mails;
	}
	free(size);
	map_release(&seen);
	return rc;
}
