/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/config/config_show.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/config/config_priv.h"
#include "tools/config/keypath.h"
#include "tools/json.h"

#define HIDDEN "(not shown)"

/* Values that are secrets become HIDDEN. */
static int hide(struct item *it, const struct schema_row *sub, unsigned kind,
		struct err *e)
{
	const struct schema_row *row;
	struct item *child;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < it->n; i++) {
		child = it->v[i];
		if (it->kind == ITEM_LIST) {
			rc = hide(child, sub, kind, e);
			continue;
		}
		row = schema_find(sub, child->key, strlen(child->key), kind);
		if (row && row->flags & SCHEMA_SECRET &&
		    child->kind == ITEM_TEXT) {
			explicit_bzero(child->text, strlen(child->text));
			free(child->text);
			child->text = mem_str(HIDDEN);
			rc = child->text ? 0 : err_nomem(e);
		} else if (row && row->sub) {
			rc = hide(child, row->sub, (unsigned)row->min, e);
		}
	}
	return rc;
}

static json_t *scalar(const struct item *it)
{
	char *end;
	long long n;

	if (it->quoted)
		return json_text(it->text);
	if (!strcasecmp(it->text, "true") || !strcasecmp(it->text, "false"))
		return json_boolean(*it->text == 't' || *it->text == 'T');
	n = strtoll(it->text, &end, 10);
	if (*end == 0 && strchr("-123456789", *it->text) && end[-1] >= '0' &&
	    strlen(it->text) < 18)
		return json_integer(n);
	return !strcmp(it->text, "0") ? json_integer(0) : json_text(it->text);
}

/* NULL: no memory. */
static json_t *to_json(const struct item *it)
{
	json_t *v;
	size_t i;

	if (it->kind == ITEM_NULL)
		return json_null();
	if (it->kind == ITEM_TEXT)
		return scalar(it);
	v = it->kind == ITEM_LIST ? json_array() : json_object();
	for (i = 0; v && i < it->n; i++) {
		if (it->kind == ITEM_LIST ?
		    json_array_append_new(v, to_json(it->v[i])) :
		    json_object_set_new(v, it->v[i]->key,
					to_json(it->v[i]))) {
			json_decref(v);
			return NULL;
		}
	}
	return v;
}

static int pick(struct item **out, const struct config *c, const char *option,
		struct err *e)
{
	const struct item *it = c->tree->root;
	bool entry;
	size_t skip;

	if (option && !keypath_row(option, &entry, &skip))
		return err_set(e, ERR_CONFIG, "--option %s: there is no such "
			       "key%s%s%s", option,
			       schema_nearest(NULL, option, 0) ?
			       ": did you mean '" : "",
			       schema_nearest(NULL, option, 0) ?
			       schema_nearest(NULL, option, 0) : "",
			       schema_nearest(NULL, option, 0) ? "'?" : "");
	if (option)
		it = keypath_get(it, option + skip);
	*out = it ? item_copy(it) : item_new(ITEM_NULL, NULL);
	if (!*out)
		return err_nomem(e);
	return option ? 0 : hide(*out, NULL, 0, e);
}

int config_show_yaml(struct buf *out, const struct config *c,
		     const char *option, struct err *e)
{
	struct item *it = NULL;
	size_t skip = 0;
	int rc = pick(&it, c, option, e);

	if (rc == 0 && it->kind == ITEM_TEXT)
		rc = buf_append(out, it->text, strlen(it->text), e);
	else if (rc == 0) {
		skip = out->len;
		rc = item_write(out, it, 0, e);
	}
	/* The first line break belongs behind a key. */
	if (rc == 0 && out->len > skip && out->p[skip] == '\n') {
		memmove(out->p + skip, out->p + skip + 1,
			out->len - skip - 1);
		out->len--;
	}
	if (rc == 0)
		rc = buf_append(out, "\n", 1, e);
	item_free(it);
	return rc;
}

int config_show_json(json_t **out, const struct config *c, const char *option,
		     struct err *e)
{
	struct item *it = NULL;
	int rc = pick(&it, c, option, e);

	*out = NULL;
	if (rc == 0 && !(*out = to_json(it)))
		rc = err_nomem(e);
	item_free(it);
	return rc;
}
