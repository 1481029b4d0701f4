/* SPDX-License-Identifier: BSD-2-Clause */
#include "maint/prune.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "maint/brake.h"

#define NSEC INT64_C(1000000000)
#define PRUNE_AHEAD_NSEC (3600 * NSEC)	/* clocks may differ so much */
#define PRUNE_DAYS_MIN 4		/* that few may go without a question */

/* One archive that the rules are applied to. */
struct prune_place {
	const struct catalog_item *it;
	struct retention_item r;
	const char *guard;		/* why it is kept all the same */
};
struct prune {
	struct repo *repo;
	const struct catalog *c;
	const struct prune_opts *o;
	struct prune_result *res;
	struct choice named;		/* by name alone */
	struct prune_place *place;	/* newest first */
	size_t n;
	struct brake *brake;
	int64_t now_nsec;
	struct err *e;
};

/* Docker calls a container by 12 hexadecimal digits unless it is told how. */
static bool prune_is_docker(const char *host)
{
	return strlen(host) == 12 &&
		strspn(host, "0123456789abcdef") == 12;
}

static const char *prune_series(const struct catalog_item *it)
{
	const char *s = it->rec.series ? it->rec.series : it->rec.host;

	return !s || prune_is_docker(s) ? "" : s;
}

/* One that is gone makes no other one needless. */
static void prune_drop(struct choice *ch, const struct map *lost)
{
	size_t i, n = 0;

	for (i = 0; i < ch->n; i++)
		if (!map_get(lost, ch->item[i]->rec.session.b))
			ch->item[n++] = ch->item[i];
	ch->n = n;
}

static int prune_choose(struct prune *p)
{
	struct choice_opts by = { .partial = true }, dated;
	struct retention_item *r;
	struct choice ch = { 0 };
	struct map lost = MAP_INIT;
	size_t i;
	int rc;

	if (p->o->choice) {
		by.match = p->o->choice->match;
		by.prefix = p->o->choice->prefix;
	}
	dated = by;
	if (p->o->choice) {
		dated.oldest = p->o->choice->oldest;
		dated.newest = p->o->choice->newest;
		dated.older = p->o->choice->older;
		dated.newer = p->o->choice->newer;
	}
	dated.now_nsec = p->o->now_nsec;
	if ((rc = choice_run(&p->named, p->c, &by, p->e)) < 0 ||
	    (rc = choice_run(&ch, p->c, &dated, p->e)) < 0 ||
	    (rc = catalog_lost(&lost, p->repo, p->c, p->e)) < 0)
		goto out;
	prune_drop(&p->named, &lost);
	prune_drop(&ch, &lost);
	p->place = mem_zero(ch.n + 1, sizeof(*p->place));
	if (!p->place) {
		rc = err_nomem(p->e);
		goto out;
	}
	p->n = ch.n;
	for (i = 0; i < p->n; i++) {
		p->place[i].it = ch.item[ch.n - 1 - i];
		r = &p->place[i].r;
		r->time_nsec = p->place[i].it->rec.start_nsec;
		r->partial = p->place[i].it->rec.flags & RECORD_PARTIAL;
	}
out:
	map_release(&lost);
	choice_release(&ch);
	return rc;
}

/* Whose time is yet to come takes nobody's place, unless the rules are to be
 * followed as they are: a clock was wrong, or somebody wants others to go. */
static bool prune_is_ahead(const struct prune *p, int64_t time_nsec)
{
	return !(p->o->flags & PRUNE_FORCE) &&
		time_nsec > p->now_nsec + PRUNE_AHEAD_NSEC;
}

static int prune_apply(struct prune *p)
{
	struct retention_item *r = mem_array(p->n + 1, sizeof(*r));
	size_t i, ahead = 0;

	if (!r)
		return err_nomem(p->e);
	while (ahead < p->n && prune_is_ahead(p, p->place[ahead].r.time_nsec))
		p->place[ahead++].guard = "its time is yet to come";
	for (i = 0; i < p->n; i++)
		r[i] = p->place[i].r;
	retention_apply(r + ahead, p->n - ahead, &p->o->keep, p->now_nsec);
	for (i = 0; i < p->n; i++)
		p->place[i].r = r[i];
	free(r);
	return 0;
}

static bool prune_goes(const struct prune_place *at)
{
	return !at->r.keep && !at->guard;
}

/* Is nothing newer and complete of the same series there? */
static bool prune_is_newest(const struct prune *p,
			    const struct catalog_item *it)
{
	size_t i;

	for (i = p->named.n; i-- > 0;) {
		const struct catalog_item *one = p->named.item[i];

		if (one == it)
			return true;
		if (!(one->rec.flags & RECORD_PARTIAL) &&
		    !prune_is_ahead(p, one->rec.start_nsec) &&
		    strcmp(prune_series(one), prune_series(it)) == 0)
			return false;
	}
	return false;
}

static void prune_guard_newest(struct prune *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (prune_goes(&p->place[i]) && !p->place[i].r.partial &&
		    prune_is_newest(p, p->place[i].it))
			p->place[i].guard = "newest of its series";
}

static int prune_guard_none(const struct prune *p)
{
	const struct catalog_item *newest;

	if (p->named.n > 0 || p->c->n == 0)
		return 0;
	newest = p->c->item[p->c->n - 1];
	return err_set(p->e, ERR_NOENT, "none of the %zu archives fits the "
		       "pattern, so that nothing would ever be pruned (the "
		       "newest is called '%.200s'; has the host another name "
		       "now?)", p->c->n, newest->rec.name ?
		       newest->rec.name : "?");
}

/* Archives of one series, named alike, of one day. */
struct prune_day {
	const struct catalog_item *it;
	int64_t day;
	bool kept;
};

/* Names that are the same up to their first digit are alike. */
static int prune_name_cmp(const char *a, const char *b)
{
	size_t x = strcspn(a, "0123456789"), y = strcspn(b, "0123456789");
	int c = memcmp(a, b, x < y ? x : y);

	return c ? c : (x > y) - (x < y);
}

static int prune_day_cmp(const void *pa, const void *pb)
{
	const struct prune_day *a = pa, *b = pb;
	int c = strcmp(prune_series(a->it), prune_series(b->it));

	if (c == 0)
		c = prune_name_cmp(a->it->rec.name ? a->it->rec.name : "",
				   b->it->rec.name ? b->it->rec.name : "");
	return c ? c : (a->day > b->day) - (a->day < b->day);
}

static int64_t prune_day_of(int64_t nsec)
{
	time_t secs = (time_t)(nsec / NSEC - (nsec % NSEC < 0));
	struct tm tm;

	if (!localtime_r(&secs, &tm))
		return 0;
	return (int64_t)tm.tm_year * 366 + tm.tm_yday;
}

/* How many days there are archives of, and of how many none would be left. */
static void prune_count_days(struct prune_day *d, size_t n, size_t *days,
			     size_t *lost)
{
	size_t i;
	bool kept = false;

	*days = *lost = 0;
	for (i = 0; i < n; i++) {
		kept = kept || d[i].kept;
		if (i + 1 < n && prune_day_cmp(&d[i], &d[i + 1]) == 0)
			continue;
		(*days)++;
		*lost += !kept;
		kept = false;
	}
}

/* 'most' gets the refusal, if there is one: a dry run shows all before it. */
static int prune_guard_most(struct prune *p, struct err *most)
{
	struct prune_day *d = mem_array(p->n + 1, sizeof(*d));
	size_t i, n = 0, gone = 0, days, lost;

	if (!d)
		return err_nomem(p->e);
	for (i = 0; i < p->n; i++) {
		gone += prune_goes(&p->place[i]);
		if (p->place[i].r.partial)
			continue;
		d[n].it = p->place[i].it;
		d[n].day = prune_day_of(p->place[i].r.time_nsec);
		d[n++].kept = !prune_goes(&p->place[i]);
	}
	qsort(d, n, sizeof(*d), prune_day_cmp);
	prune_count_days(d, n, &days, &lost);
	if (!(p->o->flags & PRUNE_FORCE) && lost >= PRUNE_DAYS_MIN &&
	    lost >= days - days / 5)
		err_set(most, ERR_DENIED, "%zu of %zu archives would go, and "
			"of %zu of %zu days nothing would be left: look at it "
			"with --dry-run --list, and if it is right, use "
			"--force", gone, p->n, lost, days);
	free(d);
	return 0;
}

/* What goes, of a line with a suspicious change, stays. */
static int prune_guard_line(struct prune *p, struct prune_place *at)
{
	char why[BRAKE_WHY_BYTES];
	struct err e = { ERR_OK, "" };
	size_t i;
	bool on;
	int rc;

	rc = brake_on(p->brake, at->it, &on, why, p->e);
	if (rc < 0 || !on)
		return rc;
	if (p->o->flags & PRUNE_FORCE) {
		if (!(p->o->flags & PRUNE_DRY_RUN) &&
		    brake_accept(p->brake, at->it, &e) < 0)
			log_warn("prune", "the next prune will ask again: %s",
				 e.msg);
		return 0;
	}
	if (p->o->suspended)
		p->o->suspended(why, p->o->ctx);
	for (i = 0; i < p->n; i++)
		if (prune_goes(&p->place[i]) &&
		    brake_same_line(&p->place[i].it->rec, &at->it->rec)) {
			p->place[i].guard = "suspended";
			p->res->suspended++;
		}
	return 0;
}

/* Each line that would lose something is looked at once. */
static int prune_guard_change(struct prune *p)
{
	size_t i, k;
	int rc;

	rc = brake_open(&p->brake, p->repo, p->c, p->e);
	for (i = 0; rc == 0 && i < p->n; i++) {
		if (!prune_goes(&p->place[i]))
			continue;
		for (k = 0; k < i; k++)
			if (prune_goes(&p->place[k]) &&
			    brake_same_line(&p->place[k].it->rec,
					    &p->place[i].it->rec))
				break;
		if (k == i)
			rc = prune_guard_line(p, &p->place[i]);
	}
	return rc;
}

static int prune_guards(struct prune *p)
{
	int rc;

	if (!(p->o->flags & PRUNE_FORCE)) {
		if ((rc = prune_guard_none(p)) < 0)
			return rc;
		prune_guard_newest(p);
	}
	return prune_guard_change(p);
}

static void prune_tell(const struct prune *p, const struct prune_place *at,
		       size_t i, size_t n)
{
	struct prune_item item = { .it = at->it, .nth = at->r.nth, .i = i,
				   .n = n };
	char rule[64];

	if (!p->o->item)
		return;
	item.rule = at->guard ? at->guard : at->r.rule;
	if (prune_goes(at)) {
		item.fate = PRUNE_DELETED;
	} else if (at->r.partial && !at->guard) {
		item.fate = PRUNE_KEPT_PARTIAL;
	} else if (at->r.oldest) {
		snprintf(rule, sizeof(rule), "%s[oldest]", at->r.rule);
		item.rule = rule;
	}
	p->o->item(&item, p->o->ctx);
}

/* ERR_NOENT: somebody else has deleted it meanwhile, and it is not counted. */
static int prune_delete(struct prune *p, const struct catalog_item *it)
{
	int rc = 0;

	if (!(p->o->flags & PRUNE_DRY_RUN))
		rc = catalog_delete(p->repo, it, "prune", p->e);
	if (rc == ERR_NOENT) {
		err_clear(p->e);
		return 0;
	}
	if (rc < 0)
		return rc;
	p->res->deleted++;
	p->res->bytes += it->rec.stats.bytes;
	p->res->stored_bytes += it->rec.stats.stored_bytes;
	return 0;
}

static int prune_all(struct prune *p)
{
	size_t i, nth = 0, n = 0;
	int rc = 0;

	for (i = 0; i < p->n; i++)
		n += prune_goes(&p->place[i]);
	for (i = 0; rc == 0 && i < p->n; i++) {
		if ((rc = cancel_check(p->o->cancel, p->e)) < 0)
			break;
		if (!prune_goes(&p->place[i])) {
			p->res->kept++;
			prune_tell(p, &p->place[i], 0, 0);
			continue;
		}
		prune_tell(p, &p->place[i], ++nth, n);
		rc = prune_delete(p, p->place[i].it);
	}
	return rc < 0 && p->res->deleted > 0 ?
		err_ctx(p->e, "after %zu of %zu archives", p->res->deleted,
			n) : rc;
}

int prune_run(struct repo *r, const struct catalog *c,
	      const struct prune_opts *o, struct prune_result *res,
	      struct err *e)
{
	struct prune p = { .repo = r, .c = c, .o = o, .res = res, .e = e };
	struct err most = { ERR_OK, "" };
	int rc;

	memset(res, 0, sizeof(*res));
	p.now_nsec = o->now_nsec ? o->now_nsec : clock_wall_nsec();
	if ((rc = retention_check(&o->keep, e)) < 0)
		return rc;
	rc = prune_choose(&p);
	if (rc == 0)
		rc = prune_apply(&p);
	if (rc == 0)
		rc = prune_guards(&p);
	if (rc == 0)
		rc = prune_guard_most(&p, &most);
	if (rc == 0 && (most.code == ERR_OK || (o->flags & PRUNE_DRY_RUN)))
		rc = prune_all(&p);
	if (rc == 0 && most.code != ERR_OK)
		rc = err_set(e, most.code, "%s", most.msg);
	choice_release(&p.named);
	brake_free(p.brake);
	free(p.place);
	return rc;
}
