/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/letter.h"

#include <math.h>
#include <string.h>

#include "tests/lib/prng.h"

/* Key spaces below the seed. */
enum {
	SPACE_SELF = 0x100, SPACE_OWN, SPACE_INTERNAL, SPACE_NEWSLETTER,
	SPACE_FILE, SPACE_LOGO
};

enum {
	F_ORIGIN, F_PICK, F_SHAPE, F_SENDER, F_HEAD, F_TEXT, F_HTML, F_NFILE,
	F_LOGO, F_POOLED, F_POOL_PICK, F_BIG, F_FILE_BYTES, F_STUFF
};

static const double internal_share = 0.30, internal_copies = 3.0;
static const double newsletter_share = 0.06, newsletter_readers = 0.6;
static const double pooled_share = 0.47, files_per_mail = 0.20;

uint64_t letter_encoded(uint64_t raw_bytes)
{
	uint64_t chars = (raw_bytes + 2) / 3 * 4;

	return chars + (chars + 75) / 76;
}

/*
 * Which of 'pool_size' letters a message that arrived at 'arrived' is a copy
 * of.  Copies of one letter arrive about the same time, so the position in
 * time picks the letter; mail that came after the start picks within the
 * hour.
 */
static uint64_t letter_pick(const struct letter_pool *p, uint64_t space,
	double pool_size, uint64_t self, int64_t arrived)
{
	int64_t age = p->start_secs - arrived;
	uint64_t key = prng_key(p->seed, space), n;
	double pos;

	if (age <= 0) {
		key = prng_key(key, (uint64_t)(-age / 3600) + 1);
		/* The pool of an hour, at about 4 mails per user. */
		n = 1 + (uint64_t)(pool_size * 4 * p->users /
			((double)p->mails + 1));
		return prng_key(key, prng_below(self, F_PICK, n));
	}
	/* Mail gets more with the years, as in mailplan_mail(). */
	pos = 1.0 - sqrt((double)age / (double)LETTER_YEARS_SECS);
	n = (uint64_t)((pos < 0 ? 0 : pos) * pool_size);
	return prng_key(prng_key(key, 0), n + prng_below(self, F_PICK, 3));
}

static void letter_origin(struct letter *l, const struct letter_pool *p,
	unsigned user, uint32_t msg, int64_t arrived)
{
	double origin = prng_unit(l->self, F_ORIGIN);
	double mails = (double)p->mails, pool;

	if (origin < internal_share) {
		pool = mails * internal_share / internal_copies / p->domains;
		l->id = letter_pick(p, SPACE_INTERNAL + 64 *
			(user % p->domains), pool, l->self, arrived);
	} else if (origin < internal_share + newsletter_share) {
		pool = mails * newsletter_share /
			(newsletter_readers * p->users);
		l->id = letter_pick(p, SPACE_NEWSLETTER, pool, l->self,
			arrived);
		l->tracked = true;
	} else {
		l->id = prng_key(prng_key(prng_key(p->seed, SPACE_OWN), user),
			msg);
	}
}

static uint32_t letter_scaled(const struct letter_pool *p, double bytes,
	uint32_t min, uint32_t max)
{
	bytes *= p->scale;
	if (bytes < min)
		return min;
	return bytes > max ? max : (uint32_t)bytes;
}

/* Size and kind depend only on the id, so that equal ids are equal files. */
static void letter_file(struct letter_file *f, const struct letter_pool *p,
	uint64_t id)
{
	double kind = prng_unit(id, F_STUFF);
	double bytes = prng_chance(id, F_BIG, 0.10) ?
		prng_lognormal(id, F_FILE_BYTES, 757e3, 1.10) :
		prng_lognormal(id, F_FILE_BYTES, 36.6e3, 1.33);

	f->id = id;
	f->stuff = kind < 0.7 ? LETTER_DENSE :
		kind < 0.9 ? LETTER_HALF : LETTER_TABLE;
	f->raw_bytes = letter_scaled(p, bytes, 300, LETTER_FILE_BYTES);
	f->inline_logo = false;
}

static void letter_files(struct letter *l, const struct letter_pool *p)
{
	uint64_t space = prng_key(p->seed, SPACE_FILE), id;
	uint64_t pool = 1 + (uint64_t)((double)p->mails * files_per_mail *
		pooled_share * 0.25);
	unsigned n = 1 + prng_geometric(l->id, F_NFILE, 0.3, LETTER_FILES - 2);

	for (unsigned k = 0; k < n; k++) {
		uint64_t key = prng_key(l->id, 1000 + k);

		if (prng_chance(key, F_POOLED, pooled_share))
			id = prng_key(space, prng_below(key, F_POOL_PICK,
				pool));
		else
			id = prng_key(key, SPACE_FILE);
		letter_file(&l->file[l->nfile++], p, id);
	}
}

static void letter_logo(struct letter *l, const struct letter_pool *p)
{
	struct letter_file *f = &l->file[l->nfile++];

	f->id = prng_key(prng_key(p->seed, SPACE_LOGO), l->sender);
	f->raw_bytes = letter_scaled(p, 5e3 + 35e3 * prng_unit(f->id, 0), 300,
		40000);
	f->stuff = LETTER_DENSE;
	f->inline_logo = true;
}

void letter_plan(struct letter *l, const struct letter_pool *p, unsigned user,
	uint32_t msg, int64_t arrived_secs)
{
	double shape, head;

	memset(l, 0, sizeof(*l));
	l->self = prng_key(prng_key(prng_key(p->seed, SPACE_SELF), user), msg);
	letter_origin(l, p, user, msg, arrived_secs);
	shape = prng_unit(l->id, F_SHAPE);
	l->sender = (unsigned)prng_below(l->id, F_SENDER, 200);
	head = 3800 + 1100 * prng_normal(l->self, F_HEAD);
	l->head_bytes = head < 900 ? 900 : (uint32_t)head;
	if (l->tracked || (shape >= 0.50 && shape < 0.88)) {
		l->shape = LETTER_ALTERNATIVE;
		l->text_bytes = letter_scaled(p, prng_lognormal(l->id, F_TEXT,
			1500, 1.0), 60, 1u << 20);
		l->html_bytes = letter_scaled(p, prng_lognormal(l->id, F_HTML,
			14e3, 0.8), 200, 1u << 20);
	} else if (shape < 0.50) {
		l->shape = LETTER_TEXT;
		l->text_bytes = letter_scaled(p, prng_lognormal(l->id, F_TEXT,
			1500, 1.2), 60, 1u << 20);
	} else {
		l->shape = LETTER_MIXED;
		l->text_bytes = letter_scaled(p, prng_lognormal(l->id, F_TEXT,
			2500, 1.2), 60, 1u << 20);
		letter_files(l, p);
	}
	if (l->shape != LETTER_TEXT && !l->tracked &&
	    prng_chance(l->id, F_LOGO, 0.4))
		letter_logo(l, p);
}

uint64_t letter_bytes(const struct letter *l)
{
	uint64_t sum = (uint64_t)l->head_bytes + l->text_bytes + l->html_bytes;

	for (unsigned k = 0; k < l->nfile; k++)
		sum += 200 + letter_encoded(l->file[k].raw_bytes);
	return sum;
}
