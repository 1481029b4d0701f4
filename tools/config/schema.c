/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/config/schema.h"

#include <stdlib.h>
#include <string.h>

static const struct schema_row constants[] = {
	{ .name = "constants", .type = SCHEMA_PAIRS, .at = SCHEMA_NOWHERE,
	  .help = "Names for values: {name} in any value of this file stands "
	  "for it.", .example = "\n    user: mailcow" },
	{ 0 }
};

const struct schema_group schema_groups[] = {
	{ "What is archived", schema_group_sources },
	{ "How", schema_group_archives },
	{ "What is kept", schema_group_keep },
	{ "Checks", schema_group_checks },
	{ "Output", schema_group_output },
	{ "Hooks", schema_group_hooks },
	{ "Names", constants },
	{ NULL, NULL }
};

bool schema_has(const struct schema_row *row, unsigned kind)
{
	return !row->kinds || (row->kinds & 1u << kind);
}

static const struct schema_row *find_in(const struct schema_row *row,
					const char *name, size_t len,
					unsigned kind)
{
	for (; row->type != SCHEMA_END; row++)
		if (schema_has(row, kind) && !strncmp(row->name, name, len) &&
		    !row->name[len])
			return row;
	return NULL;
}

const struct schema_row *schema_find(const struct schema_row *sub,
				     const char *name, size_t len,
				     unsigned kind)
{
	const struct schema_group *g;
	const struct schema_row *row = NULL;

	if (sub)
		return find_in(sub, name, len, kind);
	for (g = schema_groups; !row && g->title; g++)
		row = find_in(g->row, name, len, kind);
	return row;
}

static void suggest_rows(struct suggest *s, const struct schema_row *row,
			 unsigned kind)
{
	for (; row->type != SCHEMA_END; row++)
		if (schema_has(row, kind))
			suggest_add(s, row->name);
}

const char *schema_nearest(const struct schema_row *sub, const char *name,
			   unsigned kind)
{
	struct suggest s = SUGGEST_INIT(name);
	const struct schema_group *g;

	if (sub)
		suggest_rows(&s, sub, kind);
	else
		for (g = schema_groups; g->title; g++)
			suggest_rows(&s, g->row, kind);
	return suggest_best(&s);
}

static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

static void release_strv(struct strv *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		explicit_bzero(s->v[i], strlen(s->v[i]));
	strv_release(s);
}

static void release_pairs(struct config_pairs *p)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		free(p->v[i].name);
		wipe(p->v[i].value);
	}
	free(p->v);
	memset(p, 0, sizeof(*p));
}

static void release_rows(void *base, const struct schema_row *row);

/* Any struct config_repositories and its like. */
struct objects {
	void *v;
	size_t n;
};

static void release_objects(void *at, const struct schema_row *row)
{
	struct objects o;
	size_t i;

	memcpy(&o, at, sizeof(o));
	for (i = 0; i < o.n; i++)
		release_rows((char *)o.v + i * row->bytes, row->sub);
	free(o.v);
	memset(at, 0, sizeof(o));
}

static void release_rows(void *base, const struct schema_row *row)
{
	char *s;
	void *at;

	for (; row->type != SCHEMA_END; row++) {
		if (row->at == SCHEMA_NOWHERE)
			continue;
		at = (char *)base + row->at;
		if (row->type == SCHEMA_STR) {
			memcpy(&s, at, sizeof(s));
			wipe(s);
			memset(at, 0, sizeof(s));
		} else if (row->type == SCHEMA_LIST) {
			release_strv(at);
		} else if (row->type == SCHEMA_PAIRS) {
			release_pairs(at);
		} else if (row->type == SCHEMA_OBJ) {
			release_rows(at, row->sub);
		} else if (row->type == SCHEMA_OBJS) {
			release_objects(at, row);
		}
	}
}

void schema_release(struct config *c)
{
	const struct schema_group *g;

	for (g = schema_groups; g->title; g++)
		release_rows(c, g->row);
}
