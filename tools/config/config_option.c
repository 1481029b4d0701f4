/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "tools/config/config_priv.h"
#include "tools/config/keypath.h"

int config_option(char **key, const char **implied, const char *name,
		  struct err *e)
{
	const struct schema_row *row;
	bool negated = false, entry = false, on_off;
	size_t skip;
	char *p;

	*implied = NULL;
	*key = mem_str(name);
	if (!*key)
		return err_nomem(e);
	for (p = *key; *p; p++)
		if (*p == '-')
			*p = '_';
	row = keypath_row(*key, &entry, &skip);
	if (!row && !strncmp(*key, "no_", 3)) {
		negated = true;
		row = keypath_row(*key + 3, &entry, &skip);
	}
	on_off = row && !entry && (row->type == SCHEMA_BOOL ||
				   row->type == SCHEMA_TRI);
	if (!row || skip || (negated && !on_off)) {
		free(*key);
		*key = NULL;
		return err_set(e, ERR_NOENT, "'--%s' is no key", name);
	}
	if (negated)
		memmove(*key, *key + 3, strlen(*key + 3) + 1);
	if (on_off)
		*implied = negated ? "false" : "true";
	return 0;
}

/* It stands nowhere in a file. */
static void forget_place(struct item *it)
{
	size_t i;

	it->line = it->column = it->key_line = it->key_column = 0;
	for (i = 0; i < it->n; i++)
		forget_place(it->v[i]);
}

/* A list may be given as YAML has it, or as its only entry. */
static bool is_one_entry(const char *value)
{
	value += strspn(value, " \n");
	return *value != '[' && strncmp(value, "- ", 2) != 0;
}

static int make_list(struct item **out, struct item *like, const char *value,
		     struct err *e)
{
	struct item *it = item_new_text(value, like);

	*out = item_new(ITEM_LIST, like);
	if (!it || !*out) {
		item_free(it);
		return err_nomem(e);
	}
	return item_add(*out, it, NULL, e);
}

/* What 'value' is for a key of this type. */
static int make_value(struct item **out, const char *shown, const char *value,
		      const struct schema_row *row, bool entry, struct err *e)
{
	struct item like = { .file = shown };
	int rc;

	if (entry ? row->type != SCHEMA_OBJS : row->type == SCHEMA_STR) {
		*out = item_new_text(value, &like);
		if (!*out)
			return err_nomem(e);
		(*out)->quoted = true;
		return 0;
	}
	if (row->type == SCHEMA_LIST && is_one_entry(value))
		return make_list(out, &like, value, e);
	if ((rc = item_parse(out, shown, value, strlen(value), e)) < 0)
		return rc;
	if (!*out && !(*out = item_new(ITEM_NULL, &like)))
		return err_nomem(e);
	forget_place(*out);
	return 0;
}

static int apply_one(struct config_tree *t, const char *shown,
		     const char *key, const char *value, struct err *e)
{
	const struct schema_row *row;
	struct item *it = NULL;
	struct err why;
	const char *near;
	bool entry = false;
	size_t skip;
	int rc;

	row = keypath_row(key, &entry, &skip);
	if (!row) {
		near = schema_nearest(NULL, key, 0);
		return err_set(e, ERR_CONFIG, "%s: there is no such key%s%s%s",
			       shown, near ? ": did you mean '" : "",
			       near ? near : "", near ? "'?" : "");
	}
	rc = make_value(&it, shown, value, row, entry, &why);
	if (rc == 0)
		return keypath_set(t->root, key + skip, it, e);
	item_free(it);
	return err_set(e, (enum err_code)rc, "%s", why.msg);
}

int config_apply(struct config_tree *t, const struct strv *list,
		 const char *what, bool once, struct err *e)
{
	struct strv seen = STRV_INIT;
	const char *eq, *shown;
	char *key = NULL, *p;
	size_t i, k;
	int rc = 0;

	for (i = 0; rc == 0 && list && i < list->n; i++) {
		eq = strchr(list->v[i], '=');
		if (!eq || eq == list->v[i]) {
			rc = err_set(e, ERR_CONFIG, "%s%s: write it as "
				     "KEY=VALUE", what, list->v[i]);
			break;
		}
		key = mem_dup(list->v[i], (size_t)(eq - list->v[i]) + 1);
		if (!key) {
			rc = err_nomem(e);
			break;
		}
		key[eq - list->v[i]] = 0;
		p = mem_printf("%s%s", what, key);
		rc = p ? strv_take(&t->names, p, e) : err_nomem(e);
		if (rc < 0)
			break;
		for (; once && *p; p++)
			if (*p == '_')
				*p = '-';
		shown = t->names.v[t->names.n - 1];
		for (k = 0; once && k < seen.n; k++)
			if (!strcmp(seen.v[k], key))
				rc = err_set(e, ERR_CONFIG, "option '%s' is "
					     "given more than once", shown);
		if (rc == 0)
			rc = apply_one(t, shown, key, eq + 1, e);
		if (rc == 0)
			rc = strv_add(&seen, key, e);
		free(key);
		key = NULL;
	}
	free(key);
	strv_release(&seen);
	return rc;
}
