/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/oldname.h"

#include <string.h>

static const struct {
	const char *name, *verb;
} oldname[] = {
	{ "generate-borgmatic-config", "generate" },
	{ "validate-borgmatic-config", "validate" },
};

bool oldname_words(struct strv *out, int argc, char *const *argv, int *rc,
		   struct err *e)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = slash ? slash + 1 : argc > 0 ? argv[0] : "";
	size_t k, n = sizeof(oldname) / sizeof(oldname[0]);
	int i;

	*rc = 0;
	for (k = 0; k < n && strcmp(name, oldname[k].name) != 0; k++)
		;
	if (k == n)
		return false;
	if ((*rc = strv_add(out, "muniment", e)) < 0 ||
	    (*rc = strv_add(out, "config", e)) < 0 ||
	    (*rc = strv_add(out, oldname[k].verb, e)) < 0)
		return false;
	for (i = 1; *rc == 0 && i < argc; i++)
		*rc = strv_add(out, argv[i], e);
	return *rc == 0;
}
