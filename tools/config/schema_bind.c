/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/config/schema_bind.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/config/old.h"

/* "mariadb_databases[0].password", into b->key from b->len on. */
static void key_push(struct bind *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void key_push(struct bind *b, const char *fmt, ...)
{
	va_list ap;
	size_t room = sizeof(b->key) - b->len;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(b->key + b->len, room, fmt, ap);
	va_end(ap);
	b->len += (size_t)n < room ? (size_t)n : room - 1;
}

static void key_cut(struct bind *b, size_t len)
{
	b->len = len;
	b->key[len] = 0;
}

int schema_bind_error(struct bind *b, const struct item *it, const char *fmt,
		      ...)
{
	char words[ERR_MSG_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	return item_error(it, b->e, "%s: %s", b->key, words);
}

static int unknown_key(struct bind *b, const struct item *it,
		       const struct schema_row *sub, unsigned kind)
{
	const char *near = schema_nearest(sub, it->key, kind);
	size_t len = b->len;

	if (near)
		return item_key_error(it, b->e, "%.*s%s'%s' is no key that is "
				      "known here: did you mean '%s'?",
				      (int)len, b->key, len ? ": " : "",
				      it->key, near);
	if (sub && schema_find(NULL, it->key, strlen(it->key), 0))
		return item_key_error(it, b->e, "%.*s: '%s' does not belong "
				      "below this key: move it to the left "
				      "margin", (int)len, b->key, it->key);
	return item_key_error(it, b->e, "%.*s%s'%s' is no key that is known "
			      "here: muniment.yaml(5) lists them all",
			      (int)len, b->key, len ? ": " : "", it->key);
}

static int objects(struct bind *b, void *at, const struct schema_row *row,
		   const struct item *it);

static int value(struct bind *b, void *base, const struct schema_row *row,
		 const struct item *it)
{
	void *at = row->at == SCHEMA_NOWHERE ? NULL : (char *)base + row->at;
	bool given = true;

	if (it->kind == ITEM_NULL && row->flags & SCHEMA_NULL_OK)
		return 0;
	if (it->kind == ITEM_NULL)
		return schema_bind_error(b, it, "there is no value: give one, "
					 "or take the key away (an empty text "
					 "is \"\")");
	if (row->type == SCHEMA_OBJS)
		return objects(b, at, row, it);
	if (row->type == SCHEMA_OBJ) {
		if (row->flags & SCHEMA_GIVEN)
			memcpy(at, &given, sizeof(given));
		return schema_bind_rows(b, at, row->sub, it, 0);
	}
	return schema_bind_value(b, at, row, it);
}

static bool bool_false(const struct schema_row *row, const struct item *it)
{
	bool on = true;

	return row->type == SCHEMA_BOOL && it->kind == ITEM_TEXT &&
		schema_bind_bool(&on, it->text) && !on;
}

/* What a key means here, if that is not what borgmatic means. */
static int judge_use(struct bind *b, const struct schema_row *row,
		     const struct item *it)
{
	if (row->use == SCHEMA_DOES || bool_false(row, it))
		return 0;
	if (row->use == SCHEMA_REFUSED)
		return item_key_error(it, b->e, "%s: refused: %s", b->key,
				      row->note);
	return old_warn(b->warnings, it, b->e, "%s: has no effect: %s",
			b->key, row->note);
}

static void defaults(void *base, const struct schema_row *row)
{
	bool on;
	unsigned u;

	for (; row->type != SCHEMA_END; row++) {
		void *at;

		if (!row->fallback || row->at == SCHEMA_NOWHERE)
			continue;
		at = (char *)base + row->at;
		on = row->fallback != 0;
		u = (unsigned)row->fallback;
		if (row->type == SCHEMA_BOOL)
			memcpy(at, &on, sizeof(on));
		else if (row->type == SCHEMA_OCTAL || row->type == SCHEMA_FLAGS)
			memcpy(at, &u, sizeof(u));
		else
			memcpy(at, &row->fallback, sizeof(row->fallback));
	}
}

static int needed(struct bind *b, const struct schema_row *row,
		  const struct item *it, unsigned kind)
{
	for (; row->type != SCHEMA_END; row++)
		if (row->flags & SCHEMA_NEEDED && schema_has(row, kind) &&
		    !item_get(it, row->name))
			return b->len ? schema_bind_error(b, it, "'%s' is "
							  "missing", row->name)
				: item_error(it, b->e, "'%s' is missing",
					     row->name);
	return 0;
}

static int note_secret(struct bind *b, const struct item *it)
{
	size_t i;

	if (!it->line || it->outside || !strncmp(it->text, "{credential ", 12))
		return 0;
	for (i = 0; i < b->secrets->n; i++)
		if (!strcmp(b->secrets->v[i], it->file))
			return 0;
	return strv_add(b->secrets, it->file, b->e);
}

static int one_key(struct bind *b, void *base, const struct schema_row *sub,
		   const struct item *it, unsigned kind)
{
	const struct schema_row *row;
	size_t len = b->len;
	int rc;

	row = schema_find(sub, it->key, strlen(it->key), kind);
	if (!row)
		return unknown_key(b, it, sub, kind);
	key_push(b, "%s%s", len ? "." : "", it->key);
	rc = judge_use(b, row, it);
	if (rc == 0)
		rc = value(b, base, row, it);
	if (rc == 0 && row->flags & SCHEMA_SECRET)
		rc = note_secret(b, it);
	key_cut(b, len);
	return rc;
}

int schema_bind_rows(struct bind *b, void *base, const struct schema_row *sub,
		     const struct item *it, unsigned kind)
{
	size_t i;
	int rc = 0;

	if (it->kind != ITEM_MAP)
		return schema_bind_error(b, it, "keys with values are wanted "
					 "here ('key: value')");
	if (base)
		defaults(base, sub);
	for (i = 0; rc == 0 && i < it->n; i++)
		rc = one_key(b, base, sub, it->v[i], kind);
	return rc < 0 ? rc : needed(b, sub, it, kind);
}

/* Any struct config_repositories and its like. */
struct array {
	char *v;
	size_t n;
};

static int add_object(struct array *a, const struct schema_row *row,
		      const struct item *it, void **out, struct err *e)
{
	char *grown = mem_resize(a->v, a->n + 1, row->bytes);
	enum config_db_kind kind = (enum config_db_kind)row->min;
	unsigned line = it->line;

	if (!grown)
		return err_nomem(e);
	a->v = grown;
	*out = grown + a->n++ * row->bytes;
	memset(*out, 0, row->bytes);
	memcpy(*out, &line, sizeof(line));
	if (row->sub == schema_db_rows)
		((struct config_db *)*out)->kind = kind;
	return 0;
}

static int objects(struct bind *b, void *at, const struct schema_row *row,
		   const struct item *it)
{
	struct array a = { NULL, 0 };
	size_t i, len = b->len;
	void *entry = NULL;
	int rc = 0;

	if (it->kind != ITEM_LIST)
		return schema_bind_error(b, it, "a list is wanted here: each "
					 "entry begins with '- '");
	if (at)
		memcpy(&a, at, sizeof(a));
	for (i = 0; rc == 0 && i < it->n; i++) {
		key_push(b, "[%zu]", i);
		if (it->v[i]->kind != ITEM_MAP)
			rc = schema_bind_error(b, it->v[i], "an entry here is "
					       "keys with values, such as "
					       "'- %s: VALUE'",
					       row->sub->name);
		if (rc == 0 && at) {
			rc = add_object(&a, row, it->v[i], &entry, b->e);
			memcpy(at, &a, sizeof(a));
		}
		if (rc == 0)
			rc = schema_bind_rows(b, entry, row->sub, it->v[i],
					      (unsigned)row->min);
		key_cut(b, len);
	}
	return rc;
}

static int top_needed(struct bind *b, const struct item *root)
{
	const struct schema_group *g;
	int rc = 0;

	for (g = schema_groups; rc == 0 && g->title; g++)
		rc = needed(b, g->row, root, 0);
	return rc;
}

int schema_bind(struct config *c, const struct item *root,
		const struct schema_bind_opts *o, struct strv *secrets,
		struct err *e)
{
	struct bind b = { .warnings = o->warnings, .e = e, .root = root,
		.resolve = o->resolve, .secrets = secrets };
	const struct schema_group *g;
	size_t i;
	int rc = 0;

	for (g = schema_groups; g->title; g++)
		defaults(c, g->row);
	defaults(c, schema_find(NULL, "bootstrap", 9, 0)->sub);
	for (i = 0; rc == 0 && i < root->n; i++)
		rc = one_key(&b, c, NULL, root->v[i], 0);
	if (rc == 0 && !o->partial)
		rc = top_needed(&b, root);
	return rc;
}
