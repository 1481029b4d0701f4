/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "tools/config/old_priv.h"

/* In borgmatic's order. */
static const struct hook {
	const char *key;
	const char *side, *point;	/* before: action */
	const char *when;		/* names of actions; NULL: any */
} hook[] = {
	{ "before_actions", "before", "repository", NULL },
	{ "after_actions", "after", "repository", NULL },
	{ "before_backup", "before", "action", "create" },
	{ "after_backup", "after", "action", "create" },
	{ "before_prune", "before", "action", "prune" },
	{ "after_prune", "after", "action", "prune" },
	{ "before_compact", "before", "action", "compact" },
	{ "after_compact", "after", "action", "compact" },
	{ "before_check", "before", "action", "check" },
	{ "after_check", "after", "action", "check" },
	{ "before_extract", "before", "action", "extract" },
	{ "after_extract", "after", "action", "extract" },
	{ "on_error", "after", "error", "create prune compact check" },
	{ "before_everything", "before", "everything", "create" },
	{ "after_everything", "after", "everything", "create" },
};

static int add_text(struct item *to, const char *key, const char *text,
		    const struct item *like, struct err *e)
{
	struct item *it = item_new_text(text, like);

	return it ? item_add(to, it, key, e) : err_nomem(e);
}

static int add_when(struct item *entry, const char *when,
		    const struct item *like, struct err *e)
{
	struct item *list = item_new(ITEM_LIST, like);
	char word[16];
	size_t n;
	int rc;

	if (!list)
		return err_nomem(e);
	if ((rc = item_add(entry, list, "when", e)) < 0)
		return rc;
	while (rc == 0 && *when) {
		n = strcspn(when, " ");
		BUG_ON(n >= sizeof(word));
		memcpy(word, when, n);
		word[n] = 0;
		rc = add_text(list, NULL, word, like, e);
		when += n + (when[n] == ' ');
	}
	return rc;
}

/* Owns 'run'. */
static int add_command(struct item *commands, const struct hook *h,
		       struct item *run, struct err *e)
{
	struct item *entry = item_new(ITEM_MAP, run), *list;
	int rc;

	if (!entry) {
		item_free(run);
		return err_nomem(e);
	}
	if (run->kind == ITEM_TEXT) {
		list = item_new(ITEM_LIST, run);
		free(run->key);
		run->key = NULL;
		rc = list ? item_add(list, run, NULL, e) : err_nomem(e);
		if (rc < 0) {
			if (!list)
				item_free(run);
			item_free(list);
			goto fail;
		}
		run = list;
	}
	if ((rc = add_text(entry, h->side, h->point, run, e)) < 0 ||
	    (h->when && (rc = add_when(entry, h->when, run, e)) < 0)) {
		item_free(run);
		goto fail;
	}
	if ((rc = item_add(entry, run, "run", e)) < 0)
		goto fail;
	return item_add(commands, entry, NULL, e);
fail:
	item_free(entry);
	return rc;
}

static int tell(struct strv *warnings, const struct item *it,
		const struct hook *h, struct err *e)
{
	return old_warn(warnings, it, e, "'%s' is an old form: write '"
			"commands:' with an entry '%s: %s'%s%s%s%s", it->key,
			h->side, h->point, h->when ? " and 'when: [" : "",
			h->when ? h->when : "", h->when ? "]'" : "",
			!strcmp(h->side, "after") && strcmp(h->point, "error")
			? " (it runs after a failure, too, unless the entry "
			"has 'states: [finish]')" : "");
}

int old_commands(struct item *root, struct strv *warnings, struct err *e)
{
	struct item *it, *commands = item_get(root, "commands");
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(hook) / sizeof(*hook); i++) {
		it = item_get(root, hook[i].key);
		if (!it)
			continue;
		if (it->kind != ITEM_LIST && it->kind != ITEM_TEXT)
			return item_error(it, e, "%s: a list of commands is "
					  "wanted", it->key);
		if (!commands) {
			commands = item_new(ITEM_LIST, it);
			rc = commands ? item_add(root, commands, "commands",
						 e) : err_nomem(e);
			if (rc < 0)
				break;
		}
		if (commands->kind != ITEM_LIST)
			return item_error(commands, e, "commands: a list of "
					  "entries is wanted");
		if ((rc = tell(warnings, it, &hook[i], e)) == 0)
			rc = add_command(commands, &hook[i],
					 item_detach(root, hook[i].key), e);
	}
	return rc;
}

/* "host:path": where its colon is, or NULL. */
static const char *scp_colon(const char *path)
{
	const char *colon = strchr(path, ':'), *slash = strchr(path, '/');

	if (!colon || colon == path || strchr("/.~{", *path) ||
	    (slash && slash < colon) || !strncmp(colon, "://", 3) ||
	    !strncmp(colon, "::", 2))
		return NULL;
	return colon;
}

static bool is_foreign(const char *path)
{
	return !strncmp(path, "rclone:", 7) || !strncmp(path, "s3:", 3) ||
		!strncmp(path, "b2:", 3) || !strncmp(path, "rest:", 5) ||
		!strncmp(path, "http:", 5) || !strncmp(path, "https:", 6);
}

/* 'warnings' NULL: say nothing. */
static int mend_path(struct item *it, struct strv *warnings, struct err *e)
{
	const char *colon, *rest;
	char *path;
	int rc = 0;

	if (is_foreign(it->text))
		return item_error(it, e, "'%s': a repository is a local path "
				  "or ssh://USER@HOST:PORT/PATH", it->text);
	if (!strncmp(it->text, "file://", 7)) {
		path = mem_str(it->text + 7);
	} else if ((colon = scp_colon(it->text))) {
		rest = colon + 1;
		path = mem_printf("ssh://%.*s%s%s", (int)(colon - it->text),
				  it->text, *rest == '/' ? "" : *rest == '~' ?
				  "/" : "/./", rest);
		if (path && warnings)
			rc = old_warn(warnings, it, e, "'%s' is an old form: "
				      "write '%s'", it->text, path);
	} else {
		return 0;
	}
	if (!path)
		return err_nomem(e);
	free(it->text);
	it->text = path;
	return rc;
}

int old_paths(struct item *root, struct strv *warnings, struct err *e)
{
	struct item *list = item_get(root, "repositories"), *path;
	struct item *checked = item_get(root, "check_repositories");
	size_t i;
	int rc = 0;

	for (i = 0; list && list->kind == ITEM_LIST && i < list->n; i++) {
		path = item_get(list->v[i], "path");
		if (rc == 0 && path && path->kind == ITEM_TEXT)
			rc = mend_path(path, warnings, e);
	}
	for (i = 0; checked && checked->kind == ITEM_LIST && i < checked->n;
	     i++)
		if (rc == 0 && checked->v[i]->kind == ITEM_TEXT)
			rc = mend_path(checked->v[i], NULL, e);
	return rc;
}
