/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/strip.h"

#include <stdlib.h>
#include <string.h>

static unsigned count_parts(const char *path)
{
	unsigned n = 0;

	while (*(path += strspn(path, "/"))) {
		path += strcspn(path, "/");
		n++;
	}
	return n;
}

int strip_parse(unsigned *out, const char *text, const struct strv *paths,
		struct err *e)
{
	unsigned long v;
	char *end;
	size_t i;

	*out = 0;
	if (!text)
		return 0;
	if (!strcmp(text, "all")) {
		if (paths->n == 0)
			return err_set(e, ERR_CONFIG, "--strip-components all "
				       "needs a path to strip");
		for (i = 0; i < paths->n; i++) {
			unsigned n = count_parts(paths->v[i]);

			if (n > *out + 1)
				*out = n - 1;
		}
		return 0;
	}
	v = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || v > 10000)
		return err_set(e, ERR_CONFIG, "--strip-components takes a "
			       "number or 'all', not '%s'", text);
	*out = (unsigned)v;
	return 0;
}
