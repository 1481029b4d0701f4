/* SPDX-License-Identifier: BSD-2-Clause */
#include "fs/arch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/inode.h"

struct arch *arch_new(const struct catalog_item *it, const char *name,
		      uint64_t serial)
{
	const struct record *r = &it->rec;
	struct arch *a = mem_zero(1, sizeof(*a));
	unsigned i;

	if (!a)
		return NULL;
	pthread_mutex_init(&a->mtx, NULL);
	a->name = mem_str(name);
	a->users = idmap_new(IDMAP_USERS, r->users, r->n_users);
	a->groups = idmap_new(IDMAP_GROUPS, r->groups, r->n_groups);
	if (!a->name || !a->users || !a->groups) {
		arch_free(a);
		return NULL;
	}
	a->session = r->session;
	a->id = it->id;
	a->serial = serial;
	for (i = 0; i < sizeof(r->session.b); i++)
		a->seed ^= (uint64_t)r->session.b[i] << (i % 8 * 8);
	a->time_nsec = r->start_nsec;
	a->files = r->stats.files + r->stats.dirs;
	a->bytes = r->stats.bytes;
	a->partial = (r->flags & RECORD_PARTIAL) != 0;
	a->no_xattrs = (r->flags & RECORD_NO_XATTRS) != 0;
	a->root_ref = r->root;
	return a;
}

void arch_free(struct arch *a)
{
	unsigned i;

	if (!a)
		return;
	for (i = 0; a->prefix && i < a->root->n; i++)
		free(a->prefix[i]);
	free(a->prefix);
	free(a->root);
	idmap_free(a->users);
	idmap_free(a->groups);
	free(a->stamp);
	free(a->name);
	pthread_mutex_destroy(&a->mtx);
	free(a);
}

bool arch_wants(const struct arch_opts *o, const char *path, uint32_t mode)
{
	enum pattern_verdict v;

	if (!o->patterns)
		return true;
	v = pattern_match(o->patterns, path);
	if (v == PATTERN_INCLUDE)
		return true;
	if (v == PATTERN_EXCLUDE_TREE)
		return false;
	if (S_ISDIR(mode) && pattern_may_descend(o->patterns, path))
		return true;
	return v == PATTERN_NONE && pattern_default(o->patterns);
}

/* The folders at one depth, with their stored paths. */
struct arch_level {
	unsigned n;
	struct dir *dir[DIR_LAYERS_MAX];	/* of one layer each */
	char *path[DIR_LAYERS_MAX];
};

static void arch_level_free(struct arch_level *l)
{
	unsigned i;

	for (i = 0; l && i < l->n; i++) {
		free(l->dir[i]);
		free(l->path[i]);
	}
	free(l);
}

static int arch_level_add(struct arch_level *l, const struct dir_ref *ref,
			  char *path, struct err *e)
{
	struct dir_layer layer = { *ref, 0 };

	if (!path)
		return err_nomem(e);
	if (l->n == DIR_LAYERS_MAX) {
		free(path);
		return err_set(e, ERR_CONFIG, "stripping that many path "
			       "components would merge more than %d folders "
			       "into one", DIR_LAYERS_MAX);
	}
	l->dir[l->n] = dir_new(&layer, 1, NULL, 0);
	if (!l->dir[l->n]) {
		free(path);
		return err_nomem(e);
	}
	l->path[l->n++] = path;
	return 0;
}

/* Add to 'to' the folders inside folder i of 'from'. */
static int arch_descend(struct arch_level *to, const struct arch_level *from,
			unsigned i, const struct arch_opts *o, struct err *e)
{
	const char *above = from->path[i];
	const struct entry *en;
	struct tree_iter it;
	char *path;
	int rc;

	memset(&it, 0, sizeof(it));
	rc = tree_iter_init(&it, o->rd, &from->dir[i]->layer[0].ref, 0, e);
	while (rc == 0 && (rc = tree_iter_next(&it, &en, e)) > 0) {
		rc = 0;
		if (!S_ISDIR(en->mode))
			continue;
		path = mem_printf("%s%s%.*s", above, *above ? "/" : "",
				  (int)en->name_len, (const char *)en->name);
		if (path && !arch_wants(o, path, en->mode)) {
			free(path);
			continue;
		}
		rc = arch_level_add(to, &en->dir, path, e);
	}
	tree_iter_release(&it);
	return rc;
}

/* Every folder 'strip_components' below the archive's root. */
static int arch_strip(struct arch_level **out, const struct arch *a,
		      const struct arch_opts *o, struct err *e)
{
	struct arch_level *at = mem_zero(1, sizeof(*at)), *down;
	unsigned depth, i;
	int rc;

	*out = NULL;
	if (!at)
		return err_nomem(e);
	rc = arch_level_add(at, &a->root_ref, mem_str(""), e);
	for (depth = 0; rc == 0 && depth < o->strip_components && at->n;
	     depth++) {
		down = mem_zero(1, sizeof(*down));
		if (!down) {
			rc = err_nomem(e);
			break;
		}
		for (i = 0; rc == 0 && i < at->n; i++)
			rc = arch_descend(down, at, i, o, e);
		arch_level_free(at);
		at = down;
	}
	if (rc < 0) {
		arch_level_free(at);
		return rc;
	}
	*out = at;
	return 0;
}

static int arch_open_root(struct arch *a, const struct arch_opts *o,
			  struct err *e)
{
	struct dir_layer *layer = NULL;
	struct arch_level *l = NULL;
	char **prefix = NULL;
	unsigned i;
	int rc;

	rc = arch_strip(&l, a, o, e);
	if (rc < 0 || !l)
		goto out;
	layer = mem_array(l->n, sizeof(*layer));
	prefix = mem_array(l->n, sizeof(*prefix));
	if (!layer || !prefix) {
		rc = err_nomem(e);
		goto out;
	}
	for (i = 0; i < l->n; i++)
		layer[i] = (struct dir_layer){ l->dir[i]->layer[0].ref, i };
	a->root = dir_new(layer, l->n, NULL, 0);
	if (!a->root) {
		rc = err_nomem(e);
		goto out;
	}
	for (i = 0; i < l->n; i++) {
		prefix[i] = l->path[i];
		l->path[i] = NULL;
	}
	a->prefix = prefix;
	prefix = NULL;
out:
	free(layer);
	free(prefix);
	arch_level_free(l);
	return rc;
}

static bool arch_is_pinned(struct arch *a)
{
	bool pinned;

	pthread_mutex_lock(&a->mtx);
	pinned = a->pinned;
	pthread_mutex_unlock(&a->mtx);
	return pinned;
}

static void arch_set_pinned(struct arch *a, const struct arch_opts *o)
{
	bool twice;

	pthread_mutex_lock(&a->mtx);
	twice = a->pinned;	/* by arch_open, meanwhile */
	a->pinned = true;
	pthread_mutex_unlock(&a->mtx);
	if (twice)
		mount_pin_drop(o->pin, &a->session);
}

/* The numbers in arch[] and ids of those that are not pinned yet. */
static size_t arch_unpinned(struct arch **arch, size_t n, size_t *at,
			    struct sid *sid)
{
	size_t i, k = 0;

	for (i = 0; i < n; i++)
		if (!arch_is_pinned(arch[i])) {
			at[k] = i;
			sid[k++] = arch[i]->session;
		}
	return k;
}

int arch_pin_all(struct arch **arch, size_t n, const struct arch_opts *o,
		 struct err *e)
{
	size_t *at = mem_array(n, sizeof(*at)), i, k = 0;
	struct sid *sid = mem_array(n, sizeof(*sid));
	bool *gone = mem_zero(n, sizeof(*gone));
	int rc = 0;

	if (!at || !sid || !gone)
		rc = err_nomem(e);
	else
		k = arch_unpinned(arch, n, at, sid);
	if (k)
		rc = mount_pin_add(o->pin, sid, k, gone, e);
	for (i = 0; rc == 0 && i < k; i++) {
		if (gone[i])
			arch[at[i]] = NULL;
		else
			arch_set_pinned(arch[at[i]], o);
	}
	free(at);
	free(sid);
	free(gone);
	return rc;
}

bool arch_is_open(struct arch *a)
{
	bool opened;

	pthread_mutex_lock(&a->mtx);
	opened = a->opened;
	pthread_mutex_unlock(&a->mtx);
	return opened;
}

static int arch_pin(struct arch *a, const struct arch_opts *o, struct err *e)
{
	bool gone = false;
	int rc;

	if (a->pinned)
		return 0;
	rc = mount_pin_add(o->pin, &a->session, 1, &gone, e);
	if (rc == 0 && gone)
		rc = err_set(e, ERR_RETRY, "it was deleted");
	a->pinned = rc == 0;
	return rc;
}

void arch_idle(struct arch *a, const struct arch_opts *o,
	       struct inode_tab *inodes)
{
	pthread_mutex_lock(&a->mtx);
	if (a->pinned && inode_tab_of(inodes, a) == 0) {
		mount_pin_drop(o->pin, &a->session);
		a->pinned = false;
	}
	pthread_mutex_unlock(&a->mtx);
}

int arch_open(struct arch *a, const struct arch_opts *o, struct err *e)
{
	int rc;

	pthread_mutex_lock(&a->mtx);
	rc = arch_pin(a, o, e);
	if (rc == 0 && !a->opened) {
		rc = arch_open_root(a, o, e);
		if (rc == 0) {
			if (!o->numeric_ids) {
				idmap_resolve(a->users);
				idmap_resolve(a->groups);
			}
			a->opened = true;
		}
	}
	pthread_mutex_unlock(&a->mtx);
	return rc;
}
