/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys of the configuration as options of the actions.  What the command line
 * says goes before; lists are added to.
 */
#include "tools/run_priv.h"

#include <stdio.h>
#include <string.h>

#include "tools/shlex.h"

enum kind {
	TEXT,		/* char * */
	LIST,		/* struct strv */
	ON,		/* bool: the option, if true */
	OFF,		/* bool: the option, if false */
	COUNT,		/* int64_t, 0: not given */
	PERCENT		/* int64_t, as it is */
};

#define KEY(action, option, kind, member) \
	{ action, option, kind, offsetof(struct config, member) }
static const struct row {
	const char *action, *option;
	enum kind kind;
	size_t at;
} row[] = {
	KEY("create", "compression", TEXT, compression),
	KEY("create", "checkpoint-interval", COUNT, checkpoint_interval),
	KEY("create", "files-cache", TEXT, files_cache),
	KEY("create", "one-file-system", ON, one_file_system),
	KEY("create", "numeric-ids", ON, numeric_ids),
	KEY("create", "atime", ON, atime),
	KEY("create", "noflags", OFF, flags),
	KEY("create", "read-special", ON, read_special),
	KEY("create", "exclude-caches", ON, exclude_caches),
	KEY("create", "exclude-if-present", LIST, exclude_if_present),
	KEY("create", "keep-exclude-tags", ON, keep_exclude_tags),
	KEY("create", "exclude-nodump", ON, exclude_nodump),
	KEY("create", "stats", ON, statistics),
	KEY("create", "stats", ON, quick_statistics),
	KEY("create", "list", ON, list_details),
	KEY("extract", "numeric-ids", ON, numeric_ids),
	KEY("prune", "keep-within", TEXT, keep_within),
	KEY("prune", "keep-secondly", COUNT, keep_secondly),
	KEY("prune", "keep-minutely", COUNT, keep_minutely),
	KEY("prune", "keep-hourly", COUNT, keep_hourly),
	KEY("prune", "keep-daily", COUNT, keep_daily),
	KEY("prune", "keep-weekly", COUNT, keep_weekly),
	KEY("prune", "keep-monthly", COUNT, keep_monthly),
	KEY("prune", "keep-yearly", COUNT, keep_yearly),
	KEY("prune", "keep-13weekly", COUNT, keep_13weekly),
	KEY("prune", "keep-3monthly", COUNT, keep_3monthly),
	KEY("prune", "stats", ON, statistics),
	KEY("prune", "list", ON, list_details),
	KEY("compact", "threshold", PERCENT, compact_threshold),
};

static int apply_row(struct call *c, const struct config *k,
		     const struct row *w, struct err *e)
{
	const char *at = (const char *)k + w->at;
	const struct strv *list;
	char number[32];
	int64_t n;
	size_t i;
	int rc = 0;

	switch (w->kind) {
	case TEXT:
		if (*(char *const *)(const void *)at)
			rc = call_set(c, w->option,
				*(char *const *)(const void *)at, e);
		return rc;
	case LIST:
		list = (const struct strv *)(const void *)at;
		for (i = 0; rc == 0 && i < list->n; i++)
			rc = call_set(c, w->option, list->v[i], e);
		return rc;
	case ON:
	case OFF:
		if (*(const bool *)at == (w->kind == ON))
			rc = call_set(c, w->option, NULL, e);
		return rc;
	case COUNT:
	case PERCENT:
		break;
	}
	n = *(const int64_t *)(const void *)at;
	if (n == 0 && w->kind == COUNT)
		return 0;
	snprintf(number, sizeof(number), "%lld", (long long)n);
	return call_set(c, w->option, number, e);
}

/* Archives are chosen by the configuration's pattern, unless the command line
 * says which. */
static int apply_match(struct call *c, const struct app *a, struct err *e)
{
	static const char *const action[] = {
		"list", "info", "prune", "mount"
	};
	static const char *const said[] = {
		"archive", "glob-archives", "prefix"
	};
	size_t i;
	bool ours = false;

	for (i = 0; i < sizeof(action) / sizeof(action[0]); i++)
		ours = ours || !strcmp(action[i], c->cmd->name);
	for (i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		ours = ours && !call_given(c, said[i]);
	if (!ours || (c->words.n && !strncmp(c->words.v[0], "::", 2)))
		return 0;
	if (a->match)
		return call_set(c, "glob-archives", a->match, e);
	return a->config->prefix && *a->config->prefix ?
		call_set(c, "prefix", a->config->prefix, e) : 0;
}

/* A check looks at all archives, unless somebody says which. */
static int apply_check(struct call *c, const struct config *k, struct err *e)
{
	char last[32];
	int rc = 0;

	if (strcmp(c->cmd->name, "check") || c->words.n ||
	    call_given(c, "archive") || call_given(c, "repository-only"))
		return 0;
	if (k->match_archives && !call_given(c, "glob-archives") &&
	    !call_given(c, "prefix"))
		rc = call_set(c, "glob-archives", k->match_archives, e);
	if (rc < 0 || !k->check_last || call_given(c, "first"))
		return rc;
	snprintf(last, sizeof(last), "%lld", (long long)k->check_last);
	return call_set(c, "last", last, e);
}

static int apply_format(struct call *c, const struct config *k, struct err *e)
{
	bool files = call_given(c, "archive") ||
		(c->words.n && !strncmp(c->words.v[0], "::", 2));
	const char *format = files ? k->file_list_format :
		k->archive_list_format;

	if (strcmp(c->cmd->name, "list") || !format || call_given(c, "json") ||
	    call_given(c, "short"))
		return 0;
	return call_set(c, "format", format, e);
}

static int apply_name(struct call *c, const struct config *k, struct err *e)
{
	if (strcmp(c->cmd->name, "create") || !k->archive_name_format ||
	    call_given(c, "archive") ||
	    (c->words.n && !strncmp(c->words.v[0], "::", 2)))
		return 0;
	return call_set(c, "name", k->archive_name_format, e);
}

/* The repository's own keys are for making it. */
static int apply_init(struct call *c, const struct config_repository *k,
		      struct err *e)
{
	int rc = 0;

	if (strcmp(c->cmd->name, "init"))
		return 0;
	if (k->encryption)
		rc = call_set(c, "encryption", k->encryption, e);
	if (rc == 0 && k->storage_quota)
		rc = call_set(c, "storage-quota", k->storage_quota, e);
	if (rc == 0 && k->parity)
		rc = call_set(c, "parity", k->parity, e);
	if (rc == 0 && k->append_only)
		rc = call_set(c, "append-only", NULL, e);
	if (rc == 0 && k->make_parent_directories)
		rc = call_set(c, "make-parent-dirs", NULL, e);
	return rc;
}

/* Borg's own for all actions: the one of them that is not a key. */
struct extra {
	bool progress;
};
static const struct opt_row extra_rows[] = {
	{ OPT_BOOL, 'p', "progress", offsetof(struct extra, progress), NULL,
	  "show progress", 0, NULL },
	{ 0 }
};
static const struct opt_group extra_groups[] = {
	{ extra_rows, 0, "" },
	{ 0 }
};

/* extra_borg_options: as if they stood on the command line. */
static int apply_extra(struct call *c, struct app *a, struct err *e)
{
	const struct config *k = a->config;
	struct extra own = { .progress = false };
	struct opt_set set = { .group = extra_groups, .base = &own };
	struct opt_parser p;
	struct strv argv = STRV_INIT;
	const char *word, *name = c->cmd->name;
	size_t i, n;
	int rc = strv_add(&argv, name, e);

	for (i = 0; rc == 0 && i < k->extra_borg_options.n; i++)
		if (!strcmp(k->extra_borg_options.v[i].name, name))
			rc = shlex_split(&argv,
				k->extra_borg_options.v[i].value, e);
	if (rc < 0 || argv.n < 2)
		goto out;
	/* The values live as long as the call. */
	n = c->made.n;
	for (i = 0; rc == 0 && i < argv.n; i++)
		rc = strv_add(&c->made, argv.v[i], e);
	if (rc < 0)
		goto out;
	opt_init(&p, (int)argv.n, c->made.v + n);
	opt_push(&p, &set);
	opt_push(&p, &c->opts);
	p.action = name;
	while ((rc = opt_next(&p, &word, e)) > 0)
		if ((rc = strv_add(&c->words, word, e)) < 0)
			break;
	if (rc < 0)
		rc = config_error(k, "extra_borg_options", e, "%s", e->msg);
	else if (own.progress)
		a->o.progress = APP_PROGRESS_ON;
out:
	strv_release(&argv);
	return rc;
}

int run_apply(struct call *c, struct app *a, struct err *e)
{
	size_t i;
	int rc = apply_extra(c, a, e);

	if (rc == 0)
		rc = apply_match(c, a, e);
	if (rc == 0)
		rc = apply_check(c, a->config, e);
	if (rc == 0)
		rc = apply_format(c, a->config, e);
	if (rc == 0)
		rc = apply_name(c, a->config, e);
	if (rc == 0)
		rc = apply_init(c, a->repository, e);
	for (i = 0; rc == 0 && i < sizeof(row) / sizeof(row[0]); i++)
		if (!strcmp(row[i].action, c->cmd->name))
			rc = apply_row(c, a->config, &row[i], e);
	return rc;
}
