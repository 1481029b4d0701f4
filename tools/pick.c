/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/pick.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "tools/placeholder.h"

#define AT(member) offsetof(struct pick_args, member)
const struct opt_row pick_rows[] = {
	{ OPT_STR, 'a', "glob-archives|match-archives", AT(glob), "GLOB",
	  "only archives whose name matches, like 'mail-*'", 0, NULL },
	{ OPT_STR, 'P', "prefix", AT(prefix), "PREFIX",
	  "only archives whose name begins like this", 0, NULL },
	{ OPT_STR, 0, "sort-by", AT(sort_by), "KEYS",
	  "timestamp, name, id, or several with commas", 0, NULL },
	{ OPT_COUNT, 0, "first", AT(first), "N", "only the first N", 0, NULL },
	{ OPT_COUNT, 0, "last", AT(last), "N", "only the last N", 0, NULL },
	{ OPT_BOOL, 0, "consider-checkpoints", AT(partial), NULL,
	  "partial archives, too", 0, NULL },
	{ 0 }
};

bool pick_given(const struct pick_args *p)
{
	return p->prefix || p->glob || p->first || p->last;
}

#define KEYS_MAX 4
struct order {
	char key[KEYS_MAX];	/* t, n, i */
	size_t n;
};

static int parse_order(struct order *o, const char *text, struct err *e)
{
	static const struct {
		const char *word;
		char key;
	} known[] = {
		{ "timestamp", 't' }, { "ts", 't' }, { "archive", 'n' },
		{ "name", 'n' }, { "id", 'i' }
	};
	size_t i, len;

	o->n = 0;
	for (; text && *text; text += len + (text[len] == ',')) {
		len = strcspn(text, ",");
		for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (strlen(known[i].word) == len &&
			    !strncmp(known[i].word, text, len))
				break;
		if (i == sizeof(known) / sizeof(known[0]) || o->n >= KEYS_MAX)
			return err_set(e, ERR_CONFIG, "--sort-by knows "
				       "timestamp, archive, name and id, not "
				       "'%.*s'", (int)len, text);
		o->key[o->n++] = known[i].key;
	}
	return 0;
}

static int compare(const void *pa, const void *pb, void *ctx)
{
	const struct catalog_item *a = *(const struct catalog_item *const *)pa;
	const struct catalog_item *b = *(const struct catalog_item *const *)pb;
	const struct order *o = ctx;
	size_t i;
	int c = 0;

	for (i = 0; c == 0 && i < o->n; i++) {
		if (o->key[i] == 'n')
			c = strcmp(a->rec.name, b->rec.name);
		else if (o->key[i] == 'i')
			c = oid_cmp(&a->id, &b->id);
		else
			c = a->rec.start_nsec < b->rec.start_nsec ? -1 :
				a->rec.start_nsec > b->rec.start_nsec;
	}
	return c ? c : memcmp(a->id.b, b->id.b, sizeof(a->id.b));
}

static bool wanted(const char *name, const char *glob, const char *prefix)
{
	if (glob && fnmatch(glob, name, FNM_NOESCAPE))
		return false;
	return !prefix || !strncmp(name, prefix, strlen(prefix));
}

static int collect(struct pick *out, const struct catalog *c,
		   const struct pick_args *p, struct err *e)
{
	char *glob = NULL, *prefix = NULL;
	size_t i;
	int rc = 0;

	if (p->glob && (rc = placeholder_expand(&glob, p->glob, e)) < 0)
		goto out;
	if (p->prefix && (rc = placeholder_expand(&prefix, p->prefix, e)) < 0)
		goto out;
	for (i = 0; i < c->n; i++) {
		if (!wanted(c->item[i]->rec.name, glob, prefix))
			continue;
		if ((c->item[i]->rec.flags & RECORD_PARTIAL) && !p->partial)
			out->hidden++;
		else
			out->item[out->n++] = c->item[i];
	}
out:
	free(glob);
	free(prefix);
	return rc;
}

int pick_run(struct pick *out, const struct catalog *c,
	     const struct pick_args *p, struct err *e)
{
	struct order order;
	int rc;

	memset(out, 0, sizeof(*out));
	if (p->first && p->last)
		return err_set(e, ERR_CONFIG, "--first and --last cannot be "
			       "used together");
	if (p->glob && p->prefix)
		return err_set(e, ERR_CONFIG, "--prefix and --glob-archives "
			       "cannot be used together");
	if ((rc = parse_order(&order, p->sort_by, e)) < 0)
		return rc;
	out->item = mem_array(c->n + 1, sizeof(*out->item));
	if (!out->item)
		return err_nomem(e);
	if ((rc = collect(out, c, p, e)) < 0)
		return rc;
	if (order.n > 0)	/* else the catalog's: oldest first */
		qsort_r(out->item, out->n, sizeof(*out->item), compare,
			&order);
	if (p->first && out->n > p->first)
		out->n = p->first;
	if (p->last && out->n > p->last) {
		memmove(out->item, out->item + (out->n - p->last),
			p->last * sizeof(*out->item));
		out->n = p->last;
	}
	return 0;
}

void pick_release(struct pick *p)
{
	free(p->item);
	memset(p, 0, sizeof(*p));
}
