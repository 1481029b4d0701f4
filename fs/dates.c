/* SPDX-License-Identifier: BSD-2-Clause */
#include "fs/dates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int dates_cmp(const void *a, const void *b)
{
	const struct arch *const *x = a, *const *y = b;
	int d = strcmp((*x)->stamp, (*y)->stamp);

	if (d)
		return d;
	return (*x)->serial < (*y)->serial ? -1 : (*x)->serial > (*y)->serial;
}

static int dates_stamp(struct arch *a, struct err *e)
{
	char text[sizeof("-2147483648/12/31/23-59-59")];
	time_t secs = (time_t)(a->time_nsec / 1000000000);
	struct tm tm;

	if (a->time_nsec % 1000000000 < 0)
		secs--;
	if (!localtime_r(&secs, &tm) ||
	    !strftime(text, sizeof(text), "%Y/%m/%d/%H-%M-%S", &tm))
		return err_set(e, ERR_CORRUPT, "the archive's time is beyond "
			       "the calendar");
	a->stamp = mem_str(text);
	return a->stamp ? 0 : err_nomem(e);
}

/* An earlier one has the same. */
static int dates_tell_apart(struct arch *a, struct err *e)
{
	char hex[OID_HEX_BYTES], *longer;

	longer = mem_printf("%s-%.8s", a->stamp, oid_hex(&a->id, hex));
	if (!longer)
		return err_nomem(e);
	free(a->stamp);
	a->stamp = longer;
	return 0;
}

static int dates_sort(struct dates *d, struct err *e)
{
	const struct arch *first = NULL;
	bool again = false;
	size_t i;
	int rc = 0;

	qsort(d->by, d->n, sizeof(*d->by), dates_cmp);
	for (i = 0; rc == 0 && i < d->n; i++) {
		if (!first || strcmp(first->stamp, d->by[i]->stamp) != 0) {
			first = d->by[i];
			continue;
		}
		rc = dates_tell_apart(d->by[i], e);
		again = true;
	}
	if (again)
		qsort(d->by, d->n, sizeof(*d->by), dates_cmp);
	return rc;
}

int dates_fill(struct dates *d, struct arch *const *listed, size_t n,
	       struct err *e)
{
	size_t i;
	int rc = 0;

	dates_release(d);
	if (n == 0)
		return 0;
	d->by = mem_array(n, sizeof(*d->by));
	if (!d->by)
		return err_nomem(e);
	d->n = n;
	for (i = 0; rc == 0 && i < n; i++) {
		d->by[i] = listed[i];
		if (!listed[i]->stamp)
			rc = dates_stamp(listed[i], e);
	}
	if (rc == 0)
		rc = dates_sort(d, e);
	if (rc < 0)
		dates_release(d);
	return rc;
}

void dates_release(struct dates *d)
{
	free(d->by);
	memset(d, 0, sizeof(*d));
}

/* The first whose stamp is >= text. */
static size_t dates_lower(const struct dates *d, const char *text)
{
	size_t low = 0, high = d->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(d->by[mid]->stamp, text) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* What of the stamp is below the folder; NULL: it is elsewhere. */
static const char *dates_below(const struct dates *d, size_t i,
			       const char *folder)
{
	size_t len = strlen(folder);
	const char *stamp;

	if (i >= d->n)
		return NULL;
	stamp = d->by[i]->stamp;
	if (len == 0)
		return stamp;
	if (strncmp(stamp, folder, len) != 0 || stamp[len] != '/')
		return NULL;
	return stamp + len + 1;
}

bool dates_has(const struct dates *d, const char *folder)
{
	return dates_below(d, dates_lower(d, folder), folder) != NULL;
}

bool dates_next(const struct dates *d, const char *folder, unsigned from,
		unsigned *number)
{
	char text[DATES_DAY_LEN + sizeof("/4294967295")];
	const char *below;

	snprintf(text, sizeof(text), "%.*s%s%0*u", DATES_DAY_LEN, folder,
		 *folder ? "/" : "", *folder ? 2 : 4, from);
	below = dates_below(d, dates_lower(d, text), folder);
	if (!below)
		return false;
	*number = (unsigned)strtoul(below, NULL, 10);
	return *number >= from;
}

struct arch *dates_find(const struct dates *d, const char *day,
			const char *name)
{
	char text[DATES_DAY_LEN + 64];
	int n = snprintf(text, sizeof(text), "%.*s/%s", DATES_DAY_LEN, day,
			 name);
	size_t i;

	if (n < 0 || (size_t)n >= sizeof(text))
		return NULL;
	i = dates_lower(d, text);
	if (i == d->n || strcmp(d->by[i]->stamp, text) != 0)
		return NULL;
	return d->by[i];
}

struct arch *dates_of_day(const struct dates *d, const char *day,
			  uint64_t from)
{
	struct arch *best = NULL;
	size_t i;

	for (i = dates_lower(d, day); dates_below(d, i, day); i++)
		if (d->by[i]->serial >= from &&
		    (!best || d->by[i]->serial < best->serial))
			best = d->by[i];
	return best;
}
