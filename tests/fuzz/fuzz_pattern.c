/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of a pattern list, an empty line, a path.  Besides not crashing: what
 * lies below a directory that need not be descended into is not wanted, and
 * the verdict does not depend on a leading slash.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "archive/pattern.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

#define RULES_MAX 20
#define LINE_MAX_BYTES 200

static void add(struct pattern_set *s, const char *line)
{
	/* A regular expression may take long, and is not ours to test. */
	if (strlen(line) > LINE_MAX_BYTES || strstr(line, "re"))
		return;
	if (line[0] == 'x')
		pattern_add_exclude(s, line + 1, NULL);
	else if (line[0] == 'a')
		pattern_add_path(s, line + 1, NULL);
	else
		pattern_add_line(s, line, NULL);
}

static void judge(struct pattern_set *s, char *path)
{
	enum pattern_verdict v = pattern_match(s, path);
	bool wants = pattern_wants(s, path);
	char *rooted = mem_printf("/%s", path), *slash;

	if (rooted && pattern_match(s, rooted) != v)
		abort();
	free(rooted);
	if (wants != (v == PATTERN_NONE ? pattern_default(s) :
		      v == PATTERN_INCLUDE))
		abort();
	while ((slash = strrchr(path, '/'))) {
		*slash = '\0';
		if (wants && !pattern_may_descend(s, path))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct pattern_set *s = pattern_new();
	char *text = mem_alloc(len + 1), *line, *next;
	int n = 0;

	if (!s || !text || len > 1u << 16)
		goto out;
	memcpy(text, p, len);
	text[len] = '\0';
	for (line = text; *line && *line != '\n' && n < RULES_MAX; n++) {
		next = strchr(line, '\n');
		if (!next)
			goto out;
		*next = '\0';
		add(s, line);
		line = next + 1;
	}
	judge(s, line + (*line == '\n'));
out:
	free(text);
	pattern_free(s);
	return 0;
}
