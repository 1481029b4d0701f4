/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/config/keypath.h"

#include <stdlib.h>
#include <string.h>

#define INDEX_MAX 999

/* "name[3]" */
struct part {
	char name[128];
	size_t len;
	bool indexed, last;
	size_t index;
};

static bool next_part(const char **p, struct part *part)
{
	const char *at = *p;

	part->len = strcspn(at, ".[");
	if (part->len == 0 || part->len >= sizeof(part->name))
		return false;
	memcpy(part->name, at, part->len);
	part->name[part->len] = 0;
	at += part->len;
	part->indexed = *at == '[';
	part->index = 0;
	if (part->indexed) {
		at++;
		if (*at < '0' || *at > '9')
			return false;
		for (; *at >= '0' && *at <= '9'; at++)
			if ((part->index = part->index * 10 +
			     (size_t)(*at - '0')) > INDEX_MAX)
				return false;
		if (*at++ != ']')
			return false;
	}
	part->last = *at == 0;
	if (!part->last && *at++ != '.')
		return false;
	*p = at;
	return true;
}

struct item *keypath_get(const struct item *root, const char *key)
{
	const struct item *it = root;
	struct item *found = NULL;
	struct part part;

	do {
		if (!next_part(&key, &part))
			return NULL;
		found = item_get(it, part.name);
		if (found && part.indexed)
			found = found->kind == ITEM_LIST &&
				part.index < found->n ?
				found->v[part.index] : NULL;
		it = found;
	} while (found && !part.last);
	return found;
}

/* The child, made as 'kind' if it is missing or has no value. */
static int child_of(struct item **out, struct item *parent,
		    const struct part *part, enum item_kind kind,
		    const struct item *like, struct err *e)
{
	struct item *it = item_get(parent, part->name);
	int rc;

	if (!it) {
		it = item_new(kind, like);
		if (!it)
			return err_nomem(e);
		if ((rc = item_add(parent, it, part->name, e)) < 0)
			return rc;
	}
	if (it->kind == ITEM_NULL)
		it->kind = kind;
	if (it->kind != kind)
		return item_error(like, e, "'%s' in line %u of the "
				  "configuration is no %s", part->name,
				  it->line, kind == ITEM_LIST ? "list" :
				  "mapping");
	*out = it;
	return 0;
}

/* Owns 'it'. */
static int put(struct item *parent, const struct part *part, struct item *it,
	       struct err *e)
{
	size_t i;

	if (part->indexed) {
		if (part->index < parent->n) {
			item_replace(parent, part->index, it);
			return 0;
		}
		return item_add(parent, it, NULL, e);
	}
	for (i = 0; i < parent->n; i++) {
		if (strcmp(parent->v[i]->key, part->name) != 0)
			continue;
		item_replace(parent, i, it);
		return 0;
	}
	return item_add(parent, it, part->name, e);
}

static int too_far(const struct item *it, const struct part *part,
		   const struct item *list, struct err *e)
{
	return item_error(it, e, "%s has %zu entries: the next one is [%zu], "
			  "not [%zu]", part->name, list->n, list->n,
			  part->index);
}

int keypath_set(struct item *root, const char *key, struct item *it,
		struct err *e)
{
	struct item *at = root, *next;
	struct part part;
	int rc = 0;

	for (;;) {
		if (!next_part(&key, &part)) {
			rc = item_error(it, e, "this is no key");
			break;
		}
		if (part.indexed) {
			rc = child_of(&at, at, &part, ITEM_LIST, it, e);
			if (rc == 0 && part.index > at->n)
				rc = too_far(it, &part, at, e);
			if (rc < 0)
				break;
		}
		if (part.last)
			return put(at, &part, it, e);
		if (!part.indexed) {
			rc = child_of(&at, at, &part, ITEM_MAP, it, e);
			if (rc < 0)
				break;
			continue;
		}
		if (part.index == at->n) {
			next = item_new(ITEM_MAP, it);
			rc = next ? item_add(at, next, NULL, e) : err_nomem(e);
			if (rc < 0)
				break;
		}
		at = at->v[part.index];
		if (at->kind != ITEM_MAP) {
			rc = item_error(it, e, "%s[%zu] has no keys",
					part.name, part.index);
			break;
		}
	}
	item_free(it);
	return rc;
}

static size_t section_len(const char *key)
{
	static const char *const name[] = { "location.", "storage.",
		"retention.", "consistency.", "output.", "hooks." };
	size_t i;

	for (i = 0; i < sizeof(name) / sizeof(*name); i++)
		if (!strncmp(key, name[i], strlen(name[i])))
			return strlen(name[i]);
	return 0;
}

const struct schema_row *keypath_row(const char *key, bool *entry,
				     size_t *skip)
{
	const struct schema_row *sub = NULL, *row;
	struct part part;
	unsigned kind = 0;

	*skip = section_len(key);
	key += *skip;
	for (;;) {
		if (!next_part(&key, &part))
			return NULL;
		row = schema_find(sub, part.name, part.len, kind);
		if (!row)
			return NULL;
		*entry = part.indexed;
		if (part.indexed && row->type != SCHEMA_OBJS &&
		    (row->type != SCHEMA_LIST || !part.last))
			return NULL;
		if (part.last)
			return row;
		if (row->type == SCHEMA_PAIRS) {
			*entry = true;
			return next_part(&key, &part) && part.last ? row : NULL;
		}
		if (row->type != SCHEMA_OBJ &&
		    (row->type != SCHEMA_OBJS || !part.indexed))
			return NULL;
		kind = (unsigned)row->min;
		sub = row->sub;
	}
}
