/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads pattern lists and paths, writes what each list says of each path:
 * cases/pattern_differential.py compares that with borg.  One line each, all
 * text in hex:
 *     new                       an empty list
 *     exclude|line|path TEXT    another rule; prints "ok" or "bad"
 *     match PATH                prints the verdict and wants as "EXCLUDE 0"
 *     time PATH                 prints nanoseconds a match
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/pattern.h"
#include "base/clock.h"
#include "base/hex.h"

#define LINE_BYTES 65536
#define TIMES 200000

static const char *const verdict[] = {
	[PATTERN_NONE] = "NONE", [PATTERN_INCLUDE] = "INCLUDE",
	[PATTERN_EXCLUDE] = "EXCLUDE", [PATTERN_EXCLUDE_TREE] = "TREE",
};

static void measure(struct pattern_set *s, const char *path)
{
	int64_t from = clock_mono_nsec();
	int i;

	for (i = 0; i < TIMES; i++)
		pattern_match(s, path);
	printf("%.1f\n", (double)(clock_mono_nsec() - from) / TIMES);
}

static int run(struct pattern_set **s, const char *cmd, const char *text)
{
	struct err e = { 0 };
	int rc;

	if (strcmp(cmd, "new") == 0) {
		pattern_free(*s);
		*s = pattern_new();
		return *s ? 0 : -1;
	}
	if (strcmp(cmd, "match") == 0) {
		printf("%s %d\n", verdict[pattern_match(*s, text)],
		       pattern_wants(*s, text));
		return 0;
	}
	if (strcmp(cmd, "time") == 0) {
		measure(*s, text);
		return 0;
	}
	if (strcmp(cmd, "exclude") == 0)
		rc = pattern_add_exclude(*s, text, &e);
	else if (strcmp(cmd, "line") == 0)
		rc = pattern_add_line(*s, text, &e);
	else if (strcmp(cmd, "path") == 0)
		rc = pattern_add_path(*s, text, &e);
	else
		return -1;
	if (rc < 0)
		fprintf(stderr, "%s\n", e.msg);
	puts(rc < 0 ? "bad" : "ok");
	return 0;
}

int main(void)
{
	static char line[LINE_BYTES], text[LINE_BYTES];
	struct pattern_set *s = pattern_new();
	size_t cmd, len;
	int rc = s ? 0 : -1;

	while (rc == 0 && fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		cmd = strcspn(line, " ");
		len = line[cmd] ? strlen(line + cmd + 1) / 2 : 0;
		if (!hex_get((uint8_t *)text, len, line + cmd + !!line[cmd])) {
			rc = -1;
			break;
		}
		text[len] = '\0';
		line[cmd] = '\0';
		rc = run(&s, line, text);
	}
	pattern_free(s);
	return rc < 0 || fflush(stdout) != 0;
}
