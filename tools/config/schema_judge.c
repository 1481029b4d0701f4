/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/config/schema_judge.h"

#include <stdlib.h>
#include <string.h>

#include "tools/placeholder.h"

int schema_judge_files_cache(const char *text, struct err *e)
{
	unsigned mode;

	return fstate_parse_mode(&mode, text, e);
}

static int judge_pattern(int (*add)(struct pattern_set *s, const char *line,
				    struct err *e),
			 const char *text, struct err *e)
{
	struct pattern_set *s = pattern_new();
	int rc;

	if (!s)
		return err_nomem(e);
	rc = add(s, text, e);
	pattern_free(s);
	return rc;
}

int schema_judge_pattern(const char *text, struct err *e)
{
	return judge_pattern(pattern_add_line, text, e);
}

int schema_judge_exclude(const char *text, struct err *e)
{
	return judge_pattern(pattern_add_exclude, text, e);
}

int schema_judge_compression(const char *text, struct err *e)
{
	struct comp_spec spec = COMP_SPEC_DEFAULT;

	return comp_parse(&spec, text, NULL, e);
}

int schema_judge_name(const char *text, struct err *e)
{
	char *name = NULL;
	int rc;

	rc = placeholder_expand(&name, text, e);
	if (rc == 0)
		rc = catalog_name_check(name, e);
	free(name);
	return rc;
}

int schema_judge_within(const char *text, struct err *e)
{
	int64_t nsec;

	return retention_within(&nsec, text, e);
}

int schema_judge_parity(const char *text, struct err *e)
{
	unsigned mille;

	return parity_store_parse(&mille, text, e);
}

int schema_judge_database(const char *text, struct err *e)
{
	if (!*text)
		return err_set(e, ERR_CONFIG, "the name is empty");
	if (strchr(text, '/'))
		return err_set(e, ERR_CONFIG, "'%s': a name has no '/' in it",
			       text);
	return 0;
}

int schema_judge_action(const char *text, struct err *e)
{
	static const char *const name[] = { "repo-create", "transfer",
		"prune", "compact", "create", "recreate", "check", "delete",
		"extract", "config", "export-tar", "mount", "umount",
		"repo-delete", "restore", "repo-list", "list", "repo-info",
		"info", "break-lock", "key", "diff", "browse", "borg",
		/* the names before borg 2, and muniment's own */
		"init", "rcreate", "rlist", "rinfo", "rdelete", "status",
		"undelete", "rename", "import-tar", "parity" };
	struct suggest s = SUGGEST_INIT(text);
	size_t i;

	for (i = 0; i < sizeof(name) / sizeof(*name); i++) {
		if (!strcmp(name[i], text))
			return 0;
		suggest_add(&s, name[i]);
	}
	if (suggest_best(&s))
		return err_set(e, ERR_CONFIG, "'%s' is no action: did you "
			       "mean '%s'?", text, suggest_best(&s));
	return err_set(e, ERR_CONFIG, "'%s' is no action", text);
}
