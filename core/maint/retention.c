/* SPDX-License-Identifier: BSD-2-Clause */
#include "maint/retention.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NSEC INT64_C(1000000000)
#define HOUR_NSEC (3600 * NSEC)

static const char *const retention_name[RETENTION_RULES] = {
	[RETENTION_SECONDLY] = "secondly",
	[RETENTION_MINUTELY] = "minutely",
	[RETENTION_HOURLY] = "hourly",
	[RETENTION_DAILY] = "daily",
	[RETENTION_WEEKLY] = "weekly",
	[RETENTION_MONTHLY] = "monthly",
	[RETENTION_13WEEKLY] = "quarterly_13weekly",
	[RETENTION_3MONTHLY] = "quarterly_3monthly",
	[RETENTION_YEARLY] = "yearly",
};

static int retention_days(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 366 :
		365;
}

/* ISO 8601's week, which belongs to the year that its Thursday is in. */
static int64_t retention_week(const struct tm *tm, int64_t *year)
{
	int thursday = tm->tm_yday - (tm->tm_wday + 6) % 7 + 3;

	*year = (int64_t)tm->tm_year + 1900;
	if (thursday < 0) {
		(*year)--;
		thursday += retention_days(*year);
	} else if (thursday >= retention_days(*year)) {
		thursday -= retention_days(*year);
		(*year)++;
	}
	return thursday / 7 + 1;
}

/* A number that is the same for two times exactly if they are in the same
 * period.  The hour that a clock goes through twice is one. */
static int64_t retention_period(enum retention_rule rule, const struct tm *tm)
{
	int64_t year = (int64_t)tm->tm_year + 1900, week;
	int64_t month = year * 12 + tm->tm_mon;
	int64_t day = month * 31 + tm->tm_mday - 1;
	int64_t hour = day * 24 + tm->tm_hour;

	switch (rule) {
	case RETENTION_SECONDLY:
		return (hour * 60 + tm->tm_min) * 61 + tm->tm_sec;
	case RETENTION_MINUTELY:
		return hour * 60 + tm->tm_min;
	case RETENTION_HOURLY:
		return hour;
	case RETENTION_DAILY:
		return day;
	case RETENTION_WEEKLY:
		week = retention_week(tm, &year);
		return year * 54 + week;
	case RETENTION_MONTHLY:
		return month;
	case RETENTION_13WEEKLY:
		week = retention_week(tm, &year);
		return year * 4 + (week > 52 ? 3 : (week - 1) / 13);
	case RETENTION_3MONTHLY:
		return year * 4 + tm->tm_mon / 3;
	case RETENTION_YEARLY:
		return year;
	case RETENTION_RULES:
		break;
	}
	BUG_ON(true);
	return 0;
}

static void retention_local(struct tm *tm, int64_t nsec)
{
	time_t secs = (time_t)(nsec / NSEC - (nsec % NSEC < 0));

	if (!localtime_r(&secs, tm))
		memset(tm, 0, sizeof(*tm));	/* no year that fits an int */
}

static void retention_keep(struct retention_item *it, const char *rule,
			   size_t nth)
{
	it->keep = true;
	it->rule = rule;
	it->nth = nth;
}

static void retention_split(struct retention_item *item, size_t n,
			    enum retention_rule rule, int64_t count)
{
	struct retention_item *oldest = NULL;
	int64_t last = 0, period, kept = 0;
	struct tm tm;
	size_t i;

	for (i = 0; i < n && kept != count; i++) {
		if (item[i].partial)
			continue;
		retention_local(&tm, item[i].time_nsec);
		period = retention_period(rule, &tm);
		if ((!oldest || period != last) && !item[i].keep)
			retention_keep(&item[i], retention_name[rule],
				       (size_t)++kept);
		oldest = &item[i];
		last = period;
	}
	if (kept < count && oldest && !oldest->keep) {
		retention_keep(oldest, retention_name[rule], (size_t)kept + 1);
		oldest->oldest = true;
	}
}

void retention_apply(struct retention_item *item, size_t n,
		     const struct retention *r, int64_t now_nsec)
{
	size_t i, nth = 0;
	int rule;

	for (i = 0; i < n; i++) {
		BUG_ON(i > 0 && item[i].time_nsec > item[i - 1].time_nsec);
		item[i].keep = false;
		item[i].oldest = false;
		item[i].rule = NULL;
		item[i].nth = 0;
	}
	for (i = 0; i < n && r->within_nsec; i++)
		if (!item[i].partial &&
		    item[i].time_nsec > now_nsec - r->within_nsec)
			retention_keep(&item[i], "within", ++nth);
	for (rule = 0; rule < RETENTION_RULES; rule++)
		if (r->keep[rule])
			retention_split(item, n, (enum retention_rule)rule,
					r->keep[rule]);
	if (n > 0 && item[0].partial)
		item[0].keep = true;
}

int retention_check(const struct retention *r, struct err *e)
{
	bool any = r->within_nsec != 0;
	int rule;

	for (rule = 0; rule < RETENTION_RULES; rule++)
		any = any || r->keep[rule];
	if (!any)
		return err_set(e, ERR_CONFIG, "nothing says what to keep: at "
			       "least one of keep-within, keep-last, "
			       "keep-secondly, keep-minutely, keep-hourly, "
			       "keep-daily, keep-weekly, keep-monthly, "
			       "keep-13weekly, keep-3monthly and keep-yearly "
			       "is needed");
	if (r->keep[RETENTION_13WEEKLY] && r->keep[RETENTION_3MONTHLY])
		return err_set(e, ERR_CONFIG, "keep-13weekly and "
			       "keep-3monthly are two kinds of quarters, and "
			       "cannot be used together");
	return 0;
}

int retention_within(int64_t *nsec, const char *text, struct err *e)
{
	static const char unit[] = "Hdwmy";
	static const int64_t hours[] = { 1, 24, 24 * 7, 24 * 31, 24 * 365 };
	const char *u;
	char *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 10);
	u = *end ? strchr(unit, *end) : NULL;
	if (*text < '0' || *text > '9' || v <= 0 || errno || !u || end[1] ||
	    v > INT64_MAX / HOUR_NSEC / 4 / hours[u - unit])
		return err_set(e, ERR_CONFIG, "'%s' is no length of time to "
			       "keep: write a whole number and H, d, w, m or "
			       "y, like 2d for two days", text);
	*nsec = v * hours[u - unit] * HOUR_NSEC;
	return 0;
}

int retention_count(int64_t *count, const char *text, struct err *e)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 10);
	if (*text == ' ' || end == text || *end || errno)
		return err_set(e, ERR_CONFIG, "'%s' is no number of archives "
			       "to keep: write a whole number, or -1 for all "
			       "of them", text);
	*count = v;
	return 0;
}
