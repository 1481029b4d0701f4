/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/choice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "archive/pattern.h"
#include "base/clock.h"
#include "base/mem.h"

#define NSEC INT64_C(1000000000)

enum choice_kind { CHOICE_PATTERN, CHOICE_NAME, CHOICE_AID, CHOICE_HOST,
		   CHOICE_USER };
struct choice_rule {
	enum choice_kind kind;
	const char *text;		/* behind the prefix */
	struct pattern_set *set;	/* CHOICE_PATTERN */
};
struct choice_rules {
	struct choice_rule *rule;
	size_t n;
};

static const char *choice_behind(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

static int choice_pattern(struct choice_rule *r, const char *text,
			  struct err *e)
{
	const char *re = choice_behind(text, "re:");
	char *full;
	int rc;

	full = re ? mem_printf("re:\\A(?:%s)\\Z", re) :
		mem_printf("sh:%s", text);
	r->set = pattern_new();
	rc = full && r->set ? pattern_add_path(r->set, full, e) :
		err_nomem(e);
	free(full);
	return rc;
}

static int choice_rule_set(struct choice_rule *r, const char *text,
			   struct err *e)
{
	static const struct {
		const char *prefix;
		enum choice_kind kind;
	} known[] = {
		{ "id:", CHOICE_NAME }, { "aid:", CHOICE_AID },
		{ "host:", CHOICE_HOST }, { "user:", CHOICE_USER },
	};
	const char *body = choice_behind(text, "name:");
	size_t i;

	text = body ? body : text;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		r->text = choice_behind(text, known[i].prefix);
		r->kind = known[i].kind;
		if (r->text && (!body || r->kind == CHOICE_NAME))
			return 0;
	}
	r->kind = CHOICE_PATTERN;
	body = choice_behind(text, "sh:");
	return choice_pattern(r, body ? body : text, e);
}

static void choice_rules_release(struct choice_rules *rs)
{
	size_t i;

	for (i = 0; i < rs->n; i++)
		pattern_free(rs->rule[i].set);
	free(rs->rule);
}

static int choice_compile(struct choice_rules *rs, const struct strv *match,
			  struct err *e)
{
	size_t i, n = match ? match->n : 0;
	int rc = 0;

	rs->n = 0;
	rs->rule = mem_zero(n + 1, sizeof(*rs->rule));
	if (!rs->rule)
		return err_nomem(e);
	for (i = 0; rc == 0 && i < n; i++)
		if (*match->v[i])	/* borg: none is all */
			rc = choice_rule_set(&rs->rule[rs->n++], match->v[i],
					     e);
	return rc;
}

static bool choice_id_fits(const struct catalog_item *it, const char *hex)
{
	char id[OID_HEX_BYTES];

	return strncasecmp(oid_hex(&it->id, id), hex, strlen(hex)) == 0;
}

static bool choice_rule_fits(const struct choice_rule *r,
			     const struct catalog_item *it, const char *name)
{
	switch (r->kind) {
	case CHOICE_PATTERN:
		return pattern_wants(r->set, name);
	case CHOICE_NAME:
		return strcmp(name, r->text) == 0;
	case CHOICE_AID:
		return choice_id_fits(it, r->text);
	case CHOICE_HOST:
		return it->rec.host && strcmp(it->rec.host, r->text) == 0;
	case CHOICE_USER:
		return it->rec.user && strcmp(it->rec.user, r->text) == 0;
	}
	return false;
}

static bool choice_fits(const struct choice_rules *rs,
			const struct choice_opts *o,
			const struct catalog_item *it, const char *name)
{
	size_t i;

	for (i = 0; i < rs->n; i++)
		if (!choice_rule_fits(&rs->rule[i], it, name))
			return false;
	return !o->prefix || strncmp(name, o->prefix, strlen(o->prefix)) == 0;
}

/* A partial archive fits also by the name that it would have got: a pattern
 * for "mail-??" is for "mail-01.partial", too. */
static int choice_wants(const struct choice_rules *rs,
			const struct choice_opts *o,
			const struct catalog_item *it, bool *yes,
			struct err *e)
{
	const char *name = it->rec.name ? it->rec.name : "", *cut = NULL, *p;
	char *stem;

	*yes = choice_fits(rs, o, it, name);
	if (*yes || !(it->rec.flags & RECORD_PARTIAL))
		return 0;
	for (p = name; (p = strstr(p, ".partial")); p++)
		cut = p;
	if (!cut)
		return 0;
	stem = mem_printf("%.*s", (int)(cut - name), name);
	if (!stem)
		return err_nomem(e);
	*yes = choice_fits(rs, o, it, stem);
	free(stem);
	return 0;
}

static int choice_aid_once(const struct choice_rules *rs,
			   const struct catalog *c, struct err *e)
{
	size_t i, k, n;

	for (i = 0; i < rs->n; i++) {
		if (rs->rule[i].kind != CHOICE_AID)
			continue;
		for (n = k = 0; k < c->n; k++)
			n += choice_id_fits(c->item[k], rs->rule[i].text);
		if (n > 1)
			return err_set(e, ERR_CONFIG, "the id '%s' fits %zu "
				       "archives: give more digits",
				       rs->rule[i].text, n);
	}
	return 0;
}

static int choice_match(struct choice *out, const struct catalog *c,
			const struct choice_opts *o, struct err *e)
{
	struct choice_rules rs;
	size_t i;
	bool yes;
	int rc;

	rc = choice_compile(&rs, o->match, e);
	if (rc == 0)
		rc = choice_aid_once(&rs, c, e);
	for (i = 0; rc == 0 && i < c->n; i++) {
		rc = choice_wants(&rs, o, c->item[i], &yes, e);
		if (rc < 0 || !yes)
			continue;
		if ((c->item[i]->rec.flags & RECORD_PARTIAL) && !o->partial)
			out->hidden++;
		else
			out->item[out->n++] = c->item[i];
	}
	choice_rules_release(&rs);
	return rc;
}

static int choice_bad_span(const char *span, struct err *e)
{
	return err_set(e, ERR_CONFIG, "'%s' is no span of time: write a whole "
		       "number and y, m, w, d, H, M or S, like 7d for seven "
		       "days", span);
}

/* Months and years are the calendar's; a day that a month lacks is its last. */
static int64_t choice_months(int64_t nsec, int64_t months)
{
	int64_t frac = (nsec % NSEC + NSEC) % NSEC;
	time_t secs = (time_t)((nsec - frac) / NSEC);
	struct tm tm, last;
	int64_t at;
	int mday;

	if (!localtime_r(&secs, &tm))
		return nsec;
	at = ((int64_t)tm.tm_year * 12) + tm.tm_mon + months;
	mday = tm.tm_mday;
	last = (struct tm){ .tm_year = (int)(at / 12), .tm_mon =
			    (int)(at % 12) + 1, .tm_mday = 0, .tm_hour = 12,
			    .tm_isdst = -1 };
	mktime(&last);			/* its last day */
	tm.tm_year = last.tm_year;
	tm.tm_mon = last.tm_mon;
	tm.tm_mday = mday < last.tm_mday ? mday : last.tm_mday;
	tm.tm_isdst = -1;
	return (int64_t)mktime(&tm) * NSEC + frac;
}

int choice_span(int64_t *nsec, const char *span, int sign, struct err *e)
{
	static const char unit[] = "SMHdw";
	static const int64_t secs[] = { 1, 60, 3600, 86400, 604800 };
	const int64_t most = INT64_C(200) * 366 * 86400;
	const char *u;
	long long v;
	char *end;

	errno = 0;
	v = strtoll(span, &end, 10);
	if (*span < '0' || *span > '9' || errno || !*end || end[1])
		return choice_bad_span(span, e);
	u = strchr(unit, *end);
	if ((u && v > most / secs[u - unit]) || (!u && v > 200 * 12))
		return choice_bad_span(span, e);
	if (u)
		*nsec += sign * v * secs[u - unit] * NSEC;
	else if (*end == 'm')
		*nsec = choice_months(*nsec, sign * v);
	else if (*end == 'y' && v <= 200)
		*nsec = choice_months(*nsec, sign * v * 12);
	else
		return choice_bad_span(span, e);
	return 0;
}

static void choice_between(struct choice *out, int64_t from, int64_t to)
{
	size_t i, n = 0;

	for (i = 0; i < out->n; i++)
		if (out->item[i]->rec.start_nsec >= from &&
		    out->item[i]->rec.start_nsec <= to)
			out->item[n++] = out->item[i];
	out->n = n;
}

/* Items are still as in the catalog: oldest first. */
static int choice_dates(struct choice *out, const struct choice_opts *o,
			struct err *e)
{
	int64_t now = o->now_nsec ? o->now_nsec : clock_wall_nsec();
	int64_t from = INT64_MIN, to = INT64_MAX;
	int rc = 0;

	if (o->older) {
		to = now;
		rc = choice_span(&to, o->older, -1, e);
	}
	if (rc == 0 && o->newer) {
		from = now;
		rc = choice_span(&from, o->newer, -1, e);
	}
	if (rc < 0)
		return rc;
	choice_between(out, from, to);
	if (out->n == 0)
		return 0;
	from = INT64_MIN;
	to = INT64_MAX;
	if (o->oldest) {
		to = out->item[0]->rec.start_nsec;
		rc = choice_span(&to, o->oldest, 1, e);
	}
	if (rc == 0 && o->newest) {
		from = out->item[out->n - 1]->rec.start_nsec;
		rc = choice_span(&from, o->newest, -1, e);
	}
	if (rc == 0)
		choice_between(out, from, to);
	return rc;
}

#define CHOICE_KEYS_MAX 4
struct choice_order {
	char key[CHOICE_KEYS_MAX];	/* t, n, i */
	size_t n;
};

static int choice_order(struct choice_order *o, const char *text,
			struct err *e)
{
	static const struct {
		const char *word;
		char key;
	} known[] = {
		{ "timestamp", 't' }, { "ts", 't' }, { "archive", 'n' },
		{ "name", 'n' }, { "id", 'i' }
	};
	size_t i, len;

	o->n = 0;
	for (; text && *text; text += len + (text[len] == ',')) {
		len = strcspn(text, ",");
		for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (strlen(known[i].word) == len &&
			    strncmp(known[i].word, text, len) == 0)
				break;
		if (i == sizeof(known) / sizeof(known[0]) ||
		    o->n >= CHOICE_KEYS_MAX)
			return err_set(e, ERR_CONFIG, "--sort-by knows "
				       "timestamp, archive, name and id, not "
				       "'%.*s'", (int)len, text);
		o->key[o->n++] = known[i].key;
	}
	return 0;
}

static int choice_cmp(const void *pa, const void *pb, void *ctx)
{
	const struct catalog_item *a = *(const struct catalog_item *const *)pa;
	const struct catalog_item *b = *(const struct catalog_item *const *)pb;
	const char *x = a->rec.name ? a->rec.name : "";
	const char *y = b->rec.name ? b->rec.name : "";
	const struct choice_order *o = ctx;
	size_t i;
	int c = 0;

	for (i = 0; c == 0 && i < o->n; i++) {
		if (o->key[i] == 'n')
			c = strcmp(x, y);
		else if (o->key[i] == 'i')
			c = oid_cmp(&a->id, &b->id);
		else
			c = a->rec.start_nsec < b->rec.start_nsec ? -1 :
				a->rec.start_nsec > b->rec.start_nsec;
	}
	return c ? c : memcmp(a->id.b, b->id.b, sizeof(a->id.b));
}

int choice_check(const struct choice_opts *o, struct err *e)
{
	const char *span[] = { o->oldest, o->newest, o->older, o->newer };
	struct choice_order order;
	struct choice_rules rs;
	int64_t at;
	size_t i;
	int rc;

	if (o->first && o->last)
		return err_set(e, ERR_CONFIG, "--first and --last cannot be "
			       "used together");
	if (o->match && o->match->n && o->prefix)
		return err_set(e, ERR_CONFIG, "--prefix and --glob-archives "
			       "cannot be used together");
	rc = choice_order(&order, o->sort_by, e);
	for (i = 0; rc == 0 && i < sizeof(span) / sizeof(span[0]); i++) {
		at = clock_wall_nsec();
		if (span[i])
			rc = choice_span(&at, span[i], -1, e);
	}
	if (rc < 0)
		return rc;
	rc = choice_compile(&rs, o->match, e);
	choice_rules_release(&rs);
	return rc;
}

bool choice_given(const struct choice_opts *o)
{
	return (o->match && o->match->n) || o->prefix || o->first ||
		o->last || o->oldest || o->newest || o->older || o->newer;
}

int choice_run(struct choice *out, const struct catalog *c,
	       const struct choice_opts *o, struct err *e)
{
	struct choice_order order;
	int rc;

	memset(out, 0, sizeof(*out));
	if ((rc = choice_check(o, e)) < 0 ||
	    (rc = choice_order(&order, o->sort_by, e)) < 0)
		return rc;
	out->item = mem_array(c->n + 1, sizeof(*out->item));
	if (!out->item)
		return err_nomem(e);
	if ((rc = choice_match(out, c, o, e)) < 0 ||
	    (rc = choice_dates(out, o, e)) < 0)
		return rc;
	if (order.n > 0)	/* else the catalog's: oldest first */
		qsort_r(out->item, out->n, sizeof(*out->item), choice_cmp,
			&order);
	if (o->first && out->n > o->first)
		out->n = o->first;
	if (o->last && out->n > o->last) {
		memmove(out->item, out->item + (out->n - o->last),
			o->last * sizeof(*out->item));
		out->n = o->last;
	}
	return 0;
}

void choice_release(struct choice *ch)
{
	free(ch->item);
	memset(ch, 0, sizeof(*ch));
}
