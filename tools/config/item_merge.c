/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "tools/config/item_priv.h"

static int merge_lists(struct item *base, struct item *own, struct err *e)
{
	struct item *child;
	size_t i, k;
	int rc = 0;

	for (i = 0; rc == 0 && i < own->n; i++) {
		child = own->v[i];
		own->v[i] = NULL;
		if (child->tag != ITEM_OMIT) {
			rc = item_add(base, child, NULL, e);
			continue;
		}
		for (k = 0; k < base->n; k++)
			if (item_equal(base->v[k], child))
				break;
		if (k == base->n) {
			rc = item_error(child, e, "!omit: the included list "
					"has no '%s'", child->text);
			item_free(child);
			continue;
		}
		item_free(child);
		item_free(base->v[k]);
		base->n--;
		memmove(base->v + k, base->v + k + 1,
			(base->n - k) * sizeof(base->v[0]));
	}
	/* A failure leaves what was not moved yet. */
	for (k = 0; i < own->n; i++)
		own->v[k++] = own->v[i];
	own->n = k;
	return rc;
}

static int merge_maps(struct item *base, struct item *own, struct err *e);

/* 'own' goes over base->v[i], which has its key; uses it up. */
static int merge_one(struct item *base, size_t i, struct item *own,
		     struct err *e)
{
	struct item *old = base->v[i];
	int rc;

	if (own->tag == ITEM_RETAIN || old->kind != own->kind ||
	    (own->kind != ITEM_MAP && own->kind != ITEM_LIST)) {
		if (own->tag == ITEM_RETAIN)
			own->tag = ITEM_PLAIN;
		item_replace(base, i, own);
		return 0;
	}
	rc = own->kind == ITEM_MAP ? merge_maps(old, own, e) :
		merge_lists(old, own, e);
	old->file = own->file;
	old->line = own->line;
	old->column = own->column;
	old->key_line = own->key_line;
	old->key_column = own->key_column;
	item_free(own);
	return rc;
}

/* Empties 'own', but not after a failure. */
static int merge_maps(struct item *base, struct item *own, struct err *e)
{
	struct item *child;
	size_t i;
	int rc = 0;

	while (rc == 0 && own->n > 0) {
		child = own->v[0];
		own->n--;
		memmove(own->v, own->v + 1, own->n * sizeof(own->v[0]));
		for (i = 0; i < base->n; i++)
			if (!strcmp(base->v[i]->key, child->key))
				break;
		if (i < base->n) {
			rc = merge_one(base, i, child, e);
			continue;
		}
		if (child->tag == ITEM_RETAIN)
			child->tag = ITEM_PLAIN;
		rc = item_add(base, child, NULL, e);
	}
	return rc;
}

/* One mapping of what "<<" names, onto 'all'; uses it up. */
static int gather(struct item **all, struct item *from, struct err *e)
{
	int rc = 0;

	if (from->kind != ITEM_MAP) {
		rc = item_error(from, e, "'<<' merges mappings, and this is "
				"none");
	} else if (!*all) {
		*all = from;
		return 0;
	} else {
		rc = merge_maps(*all, from, e);
	}
	item_free(from);
	return rc;
}

/*
 * Of included files a later one wins, as borgmatic has it; of aliases the
 * earlier one does, as YAML has it.
 */
static int gather_all(struct item **all, struct item *from, struct err *e)
{
	bool forward = from->tag == ITEM_INCLUDE;
	size_t n = from->n, i, at;
	int rc = 0;

	*all = NULL;
	if (from->kind == ITEM_MAP) {
		*all = from;
		return 0;
	}
	if (from->kind != ITEM_LIST)
		rc = item_error(from, e, "'<<' merges a mapping or a list of "
				"mappings: '<<: !include FILE' or '<<: *NAME'");
	for (i = 0; rc == 0 && i < n; i++) {
		at = forward ? i : n - 1 - i;
		rc = gather(all, from->v[at], e);
		from->v[at] = NULL;
	}
	for (i = 0; i < n; i++)
		item_free(from->v[i]);
	from->n = 0;
	item_free(from);
	return rc;
}

static void swap_children(struct item *a, struct item *b)
{
	struct item t = *a;

	a->v = b->v;
	a->n = b->n;
	a->cap = b->cap;
	b->v = t.v;
	b->n = t.n;
	b->cap = t.cap;
}

int item_merge(struct item *it, struct err *e)
{
	struct item *from, *all = NULL;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < it->n; i++)
		rc = item_merge(it->v[i], e);
	if (rc < 0)
		return rc;
	from = item_detach(it, "<<");
	if (!from)
		return 0;
	rc = gather_all(&all, from, e);
	if (rc == 0 && all)
		rc = merge_maps(all, it, e);
	if (rc == 0 && all)
		swap_children(it, all);
	item_free(all);
	return rc;
}
