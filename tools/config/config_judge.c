/* SPDX-License-Identifier: BSD-2-Clause */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "tools/config/config_priv.h"

static int judge_keep(const struct config *c, struct err *e)
{
	const struct { const char *key; int64_t count; } keep[] = {
		{ "keep_secondly", c->keep_secondly },
		{ "keep_minutely", c->keep_minutely },
		{ "keep_hourly", c->keep_hourly },
		{ "keep_daily", c->keep_daily },
		{ "keep_weekly", c->keep_weekly },
		{ "keep_monthly", c->keep_monthly },
		{ "keep_13weekly", c->keep_13weekly },
		{ "keep_3monthly", c->keep_3monthly },
		{ "keep_yearly", c->keep_yearly },
	};
	const char *zero = NULL;
	size_t i;

	if (c->keep_within)
		return 0;
	for (i = 0; i < sizeof(keep) / sizeof(*keep); i++) {
		if (keep[i].count != 0)
			return 0;
		if (config_given(c, keep[i].key))
			zero = keep[i].key;
	}
	if (!zero)
		return 0;
	return config_error(c, zero, e, "0, and no other keep_ key says what "
			    "is kept: prune would delete everything");
}

static int judge_repositories(const struct config *c, struct err *e)
{
	const struct config_repository *r = c->repositories.v;
	size_t i, k, n = c->repositories.n;
	char key[64];

	if (n == 0 && config_given(c, "repositories"))
		return config_error(c, "repositories", e, "the list is empty: "
				    "name at least one");
	for (i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "repositories[%zu].path", i);
		if (!*r[i].path)
			return config_error(c, key, e, "the path is empty");
		for (k = 0; k < i; k++)
			if (!strcmp(r[k].path, r[i].path))
				return config_error(c, key, e, "'%s' stands "
					"in line %u already", r[i].path,
					r[k].line);
		snprintf(key, sizeof(key), "repositories[%zu].label", i);
		for (k = 0; r[i].label && k < i; k++)
			if (r[k].label && !strcmp(r[k].label, r[i].label))
				return config_error(c, key, e, "'%s' is the "
					"label of the one in line %u already",
					r[i].label, r[k].line);
	}
	return 0;
}

/* As --repository: a label or path, or a pattern for one. */
static bool names_repository(const struct config_repository *r,
			     const char *text)
{
	return !strcmp(r->path, text) || fnmatch(text, r->path, 0) == 0 ||
		(r->label && fnmatch(text, r->label, 0) == 0);
}

static int judge_check_repositories(const struct config *c, struct err *e)
{
	const struct config_repository *r = c->repositories.v;
	struct suggest s;
	size_t i, k;
	char key[64];
	const char *name, *near;

	for (i = 0; r && i < c->check_repositories.n; i++) {
		name = c->check_repositories.v[i];
		s = (struct suggest)SUGGEST_INIT(name);
		for (k = 0; k < c->repositories.n; k++) {
			if (names_repository(&r[k], name))
				break;
			suggest_add(&s, r[k].path);
			if (r[k].label)
				suggest_add(&s, r[k].label);
		}
		if (k < c->repositories.n)
			continue;
		near = suggest_best(&s);
		snprintf(key, sizeof(key), "check_repositories[%zu]", i);
		return config_error(c, key, e, "'%s' is no label or path of "
				    "the repositories%s%s%s", name,
				    near ? ": did you mean '" : "",
				    near ? near : "", near ? "'?" : "");
	}
	return 0;
}

static int judge_one_check(const struct config *c, size_t i, struct err *e)
{
	static const char *const percentage[] = {
		"count_tolerance_percentage", "data_sample_percentage",
		"data_tolerance_percentage"
	};
	bool spot = c->checks.v[i].name == CONFIG_CHECK_SPOT;
	char key[96], at[32];
	size_t k;

	snprintf(at, sizeof(at), "checks[%zu]", i);
	for (k = 0; k < 3; k++) {
		snprintf(key, sizeof(key), "%s.%s", at, percentage[k]);
		if (spot && !config_given(c, key))
			return config_error(c, at, e, "a spot check needs %s, "
					    "%s and %s", percentage[0],
					    percentage[1], percentage[2]);
		if (!spot && config_given(c, key))
			return config_error(c, key, e, "only a spot check has "
					    "it");
	}
	if (spot && c->checks.v[i].data_sample_percentage <
	    c->checks.v[i].data_tolerance_percentage) {
		snprintf(key, sizeof(key), "%s.%s", at, percentage[2]);
		return config_error(c, key, e, "more than "
				    "data_sample_percentage: the check could "
				    "never fail");
	}
	snprintf(key, sizeof(key), "%s.max_duration", at);
	if (c->checks.v[i].name != CONFIG_CHECK_REPOSITORY &&
	    config_given(c, key))
		return config_error(c, key, e, "only a repository check has "
				    "it");
	if (c->checks.v[i].name == CONFIG_CHECK_DISABLED && c->checks.n > 1)
		return config_error(c, at, e, "'disabled' beside other "
				    "checks: keep either");
	return 0;
}

static int judge_commands(const struct config *c, struct err *e)
{
	const struct config_command *v;
	char at[32], key[48];
	size_t i;

	for (i = 0; i < c->commands.n; i++) {
		v = &c->commands.v[i];
		snprintf(at, sizeof(at), "commands[%zu]", i);
		if (!v->before && !v->after)
			return config_error(c, at, e, "say when: 'before:' or "
					    "'after:' with action, repository, "
					    "configuration or everything");
		if (v->before && v->after)
			return config_error(c, at, e, "'before' and 'after' "
					    "in one entry: make two of it");
		snprintf(key, sizeof(key), "%s.states", at);
		if (v->before && config_given(c, key))
			return config_error(c, key, e, "only 'after' has "
					    "states");
	}
	return 0;
}

int config_judge(const struct config *c, struct strv *warnings,
		 struct err *e)
{
	size_t i;
	int rc;

	if ((rc = judge_repositories(c, e)) < 0 ||
	    (rc = judge_keep(c, e)) < 0 ||
	    (rc = judge_check_repositories(c, e)) < 0 ||
	    (rc = judge_commands(c, e)) < 0)
		return rc;
	for (i = 0; rc == 0 && i < c->checks.n; i++)
		if (c->checks.v[i].line)
			rc = judge_one_check(c, i, e);
	if (rc == 0 && c->prefix && c->match_archives)
		rc = config_error(c, "prefix", e, "match_archives says which "
				  "archives are meant, too: take 'prefix' "
				  "away");
	if (rc == 0 && c->prefix)
		rc = config_warn(c, "prefix", warnings, e, "an old form: "
				 "write 'match_archives: sh:%s*'", c->prefix);
	if (rc == 0 && c->encryption_passphrase &&
	    (c->encryption_passcommand || c->encryption_passphrase_file))
		rc = config_warn(c, "encryption_passphrase", warnings, e,
				 "it counts; the other encryption_pass... "
				 "keys are not looked at");
	return rc;
}
