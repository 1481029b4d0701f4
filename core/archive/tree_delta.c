/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/tree_delta.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"

struct tree_delta {
	struct reader *rd;
	struct map had, has;	/* nodes of the last listing, of this one */
};

/* One call of tree_delta_next. */
struct delta_run {
	struct tree_delta *d;
	tree_delta_fn *fn;
	void *ctx;
	struct err *e;
};

struct tree_delta *tree_delta_new(struct reader *rd)
{
	struct tree_delta *d = mem_zero(1, sizeof(*d));

	if (d)
		d->rd = rd;
	return d;
}

void tree_delta_free(struct tree_delta *d)
{
	if (!d)
		return;
	map_release(&d->had);
	map_release(&d->has);
	free(d);
}

static int delta_entries(struct delta_run *run, const struct node *n)
{
	uint32_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < n->n; i++)
		rc = run->fn(&n->entry[i], run->ctx, run->e);
	return rc;
}

static int delta_node(struct delta_run *run, const struct oid *id, int level,
		      bool known)
{
	struct tree_delta *d = run->d;
	struct node n = { 0 };
	struct obj *obj = NULL;
	uint64_t *value;
	uint32_t i;
	bool was;
	int rc;

	known = known || map_get(&d->had, id->b);
	rc = map_put(&d->has, id->b, &value, &was, run->e);
	/* Of a node that is known the names of those below it are needed, to
	 * know them in the next listing; of a leaf nothing. */
	if (rc < 0 || (known && level == 0))
		return rc;
	rc = reader_get(d->rd, OBJ_NODE, id, &obj, run->e);
	if (rc < 0)
		return rc;
	rc = node_get(&n, obj->p, obj->len, run->e);
	if (rc == 0 && n.level != level)
		rc = err_set(run->e, ERR_CORRUPT, "a directory's tree has a "
			"node of another level");
	if (rc == 0 && level == 0)
		rc = delta_entries(run, &n);
	for (i = 0; rc == 0 && level > 0 && i < n.n; i++)
		rc = delta_node(run, &n.child[i].id, level - 1, known);
	node_release(&n);
	reader_release(d->rd, obj);
	return rc;
}

static int delta_inline(struct delta_run *run, const struct dir_ref *dir)
{
	struct node n = { 0 };
	int rc = node_get(&n, dir->data, dir->data_len, run->e);

	if (rc == 0 && n.level != 0)
		rc = err_set(run->e, ERR_CORRUPT,
			"an inlined directory is not a leaf");
	if (rc == 0)
		rc = delta_entries(run, &n);
	node_release(&n);
	return rc;
}

int tree_delta_next(struct tree_delta *d, const struct dir_ref *dir,
		    tree_delta_fn *fn, void *ctx, struct err *e)
{
	struct delta_run run = { d, fn, ctx, e };
	struct map swap;
	int rc = 0;

	map_clear(&d->has);
	if (dir->kind == DIR_ROOT && dir->level > NODE_MAX_LEVEL)
		rc = err_set(e, ERR_CORRUPT,
			"a directory's tree is too high");
	else if (dir->kind == DIR_ROOT)
		rc = delta_node(&run, &dir->id, dir->level, false);
	else if (dir->kind == DIR_INLINE)
		rc = delta_inline(&run, dir);
	if (rc != 0)
		map_clear(&d->has);
	swap = d->had;
	d->had = d->has;
	d->has = swap;
	return rc;
}
