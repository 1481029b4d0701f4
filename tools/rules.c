/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/rules.h"

#include <string.h>

static int add_rule(void *dst, const struct opt_row *row, const char *value,
		    struct err *e)
{
	bool file = !strcmp(row->name, "exclude-from") ||
		!strcmp(row->name, "patterns-from");
	char *text = mem_printf("%c%s", row->name[0] == 'e' ?
				(file ? 'E' : 'e') : (file ? 'P' : 'p'),
				value);

	if (!text)
		return err_nomem(e);
	return strv_take(dst, text, e);
}

#define RULE(letter, name, value, help) \
	{ OPT_LIST, letter, name, offsetof(struct rules_args, rules), value, \
	  help, 0, add_rule }
const struct opt_row rules_rows[] = {
	RULE('e', "exclude", "PATTERN", "leave out what matches (style fm)"),
	RULE(0, "exclude-from", "FILE", "read such patterns from a file"),
	RULE(0, "pattern", "RULE",
	     "'+ PATTERN', '- PATTERN', '! PATTERN' (style sh)"),
	RULE(0, "patterns-from", "FILE", "read such rules from a file"),
	{ 0 }
};

static int add(struct pattern_set *set, const char *rule, struct err *e)
{
	switch (rule[0]) {
	case 'e': return pattern_add_exclude(set, rule + 1, e);
	case 'E': return pattern_add_file(set, rule + 1, true, e);
	case 'p': return pattern_add_line(set, rule + 1, e);
	default: return pattern_add_file(set, rule + 1, false, e);
	}
}

int rules_build(struct pattern_set **out, const struct rules_args *r,
		const struct strv *paths, size_t from, struct err *e)
{
	struct pattern_set *set;
	size_t i;
	int rc = 0;

	*out = NULL;
	if (r->rules.n == 0 && (!paths || from >= paths->n))
		return 0;
	set = pattern_new();
	if (!set)
		return err_nomem(e);
	for (i = 0; rc == 0 && i < r->rules.n; i++)
		rc = add(set, r->rules.v[i], e);
	for (i = from; rc == 0 && paths && i < paths->n; i++)
		rc = pattern_add_path(set, paths->v[i], e);
	if (rc == 0)
		*out = set;
	else
		pattern_free(set);
	return rc;
}

int rules_unmatched(struct app *a, struct pattern_set *set, struct err *e)
{
	struct strv un = STRV_INIT;
	size_t i;
	int rc;

	if (!set)
		return 0;
	rc = pattern_unmatched(set, &un, e);
	for (i = 0; rc == 0 && i < un.n; i++)
		app_warn(a, "'%s' matched nothing", un.v[i]);
	strv_release(&un);
	return rc;
}
