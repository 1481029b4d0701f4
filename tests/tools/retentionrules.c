/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Applies rules of retention to archive times: cases/retention_differential.py
 * compares the outcome with borg's.  A case is a line of words:
 *     ZONE NOW WITHIN SECONDLY MINUTELY HOURLY DAILY WEEKLY MONTHLY 13WEEKLY
 *     3MONTHLY YEARLY TIME...
 * WITHIN is "-" or as --keep-within, counts are as --keep-daily.  Times are
 * microseconds since 1970, the newest first; a partial archive's ends in "p".
 * The answer is a line with a word for each time: "daily#1",
 * "daily[oldest]#1", "partial", "-"; or "bad".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "maint/retention.h"

#define LINE_BYTES (1u << 20)

static int read_rules(struct retention *r, char **at)
{
	struct err e;
	char *word;
	int i;

	memset(r, 0, sizeof(*r));
	word = strsep(at, " ");
	if (!word || (strcmp(word, "-") &&
		      retention_within(&r->within_nsec, word, &e) < 0))
		return -1;
	for (i = 0; i < RETENTION_RULES; i++) {
		word = strsep(at, " ");
		if (!word || retention_count(&r->keep[i], word, &e) < 0)
			return -1;
	}
	return retention_check(r, &e);
}

static void answer(char *at, struct retention_item *item)
{
	struct retention r;
	char *word, *end;
	size_t i, n = 0;
	int64_t now;

	word = strsep(&at, " ");
	if (setenv("TZ", word, 1) < 0)
		exit(1);
	tzset();
	now = strtoll(strsep(&at, " "), NULL, 10) * 1000;
	if (read_rules(&r, &at) < 0) {
		puts("bad");
		return;
	}
	while ((word = strsep(&at, " "))) {
		item[n].time_nsec = strtoll(word, &end, 10) * 1000;
		item[n++].partial = *end == 'p';
	}
	retention_apply(item, n, &r, now);
	for (i = 0; i < n; i++)
		if (item[i].rule)
			printf("%s%s#%zu ", item[i].rule, item[i].oldest ?
			       "[oldest]" : "", item[i].nth);
		else
			printf("%s ", item[i].keep ? "partial" : "-");
	putchar('\n');
}

int main(void)
{
	char *line = mem_alloc(LINE_BYTES);
	struct retention_item *item = mem_zero(LINE_BYTES / 2, sizeof(*item));

	if (!line || !item)
		return 1;
	while (fgets(line, (int)LINE_BYTES, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		answer(line, item);
	}
	free(line);
	free(item);
	return fflush(stdout) != 0;
}
