/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/config/old_priv.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int old_warn(struct strv *warnings, const struct item *it, struct err *e,
	     const char *fmt, ...)
{
	char words[ERR_MSG_BYTES];
	struct err line;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	item_key_error(it, &line, "%s", words);
	return strv_add(warnings, line.msg, e);
}

/* Put 'it' (owned) into the map as 'key'. */
static int put(struct item *map, const char *key, struct item *it,
	       struct err *e)
{
	const struct item *there = item_get(map, key);
	int rc;

	if (!there)
		return item_add(map, it, key, e);
	rc = item_key_error(it, e, "'%s' means the same as '%s' in line %u: "
			    "keep one of them", it->key, key,
			    there->key_line);
	item_free(it);
	return rc;
}

static int sections(struct item *root, struct strv *warnings, struct err *e)
{
	static const char *const name[] = { "location", "storage", "retention",
		"consistency", "output", "hooks" };
	struct item *section, *child, *there;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(name) / sizeof(*name); i++) {
		section = item_detach(root, name[i]);
		if (!section)
			continue;
		if (section->kind != ITEM_MAP && section->kind != ITEM_NULL)
			rc = item_error(section, e, "%s: this old section "
					"holds keys with values", name[i]);
		if (rc == 0)
			rc = old_warn(warnings, section, e, "the section '%s:' "
				      "is an old form: take it away and move "
				      "what is below it to the left margin",
				      name[i]);
		while (rc == 0 && section->n > 0) {
			child = item_detach(section, section->v[0]->key);
			there = item_get(root, child->key);
			if (there && item_equal(there, child))
				item_free(child);
			else
				rc = put(root, child->key, child, e);
		}
		item_free(section);
	}
	return rc;
}

static int renames(struct item *root, struct strv *warnings, struct err *e)
{
	static const char *const name[][2] = {
		{ "numeric_owner", "numeric_ids" },
		{ "bsd_flags", "flags" },
		{ "remote_rate_limit", "upload_rate_limit" },
	};
	struct item *it;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(name) / sizeof(*name); i++) {
		it = item_detach(root, name[i][0]);
		if (!it)
			continue;
		rc = old_warn(warnings, it, e, "'%s' is an old name: write "
			      "'%s'", name[i][0], name[i][1]);
		if (rc == 0)
			rc = put(root, name[i][1], it, e);
		else
			item_free(it);
	}
	return rc;
}

/* KEY: TEXT becomes KEY: {SUB: TEXT}, or KEY: [TEXT] if 'sub' is NULL. */
static int wrap(struct item *root, size_t i, const char *sub, struct err *e)
{
	struct item *it = root->v[i];
	struct item *outer = item_new(sub ? ITEM_MAP : ITEM_LIST, it);
	struct item *inner = item_new_text(it->text, it);
	int rc;

	if (!outer || !inner) {
		item_free(outer);
		item_free(inner);
		return err_nomem(e);
	}
	inner->quoted = it->quoted;
	rc = item_add(outer, inner, sub, e);
	if (rc < 0)
		item_free(outer);
	else
		item_replace(root, i, outer);
	return rc;
}

static int single_values(struct item *root, struct strv *warnings,
			 struct err *e)
{
	static const char *const name[][2] = {
		{ "healthchecks", "ping_url" },
		{ "cronitor", "ping_url" },
		{ "cronhub", "ping_url" },
		{ "pagerduty", "integration_key" },
		{ "exclude_if_present", NULL },
	};
	size_t i, k;
	int rc = 0;

	for (i = 0; i < root->n; i++) {
		for (k = 0; rc == 0 && k < sizeof(name) / sizeof(*name); k++) {
			if (root->v[i]->kind != ITEM_TEXT ||
			    strcmp(root->v[i]->key, name[k][0]) != 0)
				continue;
			rc = name[k][1] ?
				old_warn(warnings, root->v[i], e, "'%s: VALUE' "
					 "is an old form: write '%s:' and "
					 "below it '%s: VALUE'", name[k][0],
					 name[k][0], name[k][1]) :
				old_warn(warnings, root->v[i], e, "'%s: VALUE' "
					 "is an old form: write '%s: [VALUE]'",
					 name[k][0], name[k][0]);
			rc = rc < 0 ? rc : wrap(root, i, name[k][1], e);
		}
	}
	return rc;
}

/* KEY: [a, b] becomes KEY: [{SUB: a}, {SUB: b}]; one line for all. */
static int entries(struct item *root, const char *key, const char *sub,
		   struct strv *warnings, struct err *e)
{
	struct item *list = item_get(root, key);
	bool told = false;
	size_t i;
	int rc = 0;

	if (!list || list->kind != ITEM_LIST)
		return 0;
	for (i = 0; rc == 0 && i < list->n; i++) {
		if (list->v[i]->kind != ITEM_TEXT)
			continue;
		if (!told)
			rc = old_warn(warnings, list->v[i], e, "'- %s' below "
				      "'%s:' is an old form: write '- %s: %s'",
				      list->v[i]->text, key, sub,
				      list->v[i]->text);
		told = true;
		rc = rc < 0 ? rc : wrap(list, i, sub, e);
	}
	return rc;
}

static int bootstrap(struct item *root, struct strv *warnings, struct err *e)
{
	struct item *it = item_detach(root, "store_config_files"), *map;
	int rc;

	if (!it)
		return 0;
	rc = old_warn(warnings, it, e, "'store_config_files' is an old form: "
		      "write 'bootstrap:' and below it 'store_config_files'");
	map = item_get(root, "bootstrap");
	if (rc == 0 && !map) {
		map = item_new(ITEM_MAP, it);
		rc = map ? item_add(root, map, "bootstrap", e) : err_nomem(e);
	}
	if (rc < 0) {
		item_free(it);
		return rc;
	}
	return put(map, "store_config_files", it, e);
}

int old_apply(struct item *root, struct strv *warnings, struct err *e)
{
	int rc;

	if ((rc = sections(root, warnings, e)) < 0 ||
	    (rc = renames(root, warnings, e)) < 0 ||
	    (rc = single_values(root, warnings, e)) < 0 ||
	    (rc = entries(root, "repositories", "path", warnings, e)) < 0 ||
	    (rc = entries(root, "checks", "name", warnings, e)) < 0 ||
	    (rc = bootstrap(root, warnings, e)) < 0)
		return rc;
	return old_commands(root, warnings, e);
}
