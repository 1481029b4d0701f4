/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive/walk_priv.h"
#include "base/mem.h"
#include "base/path.h"

void walk_source_free(struct walk_source *s)
{
	size_t i;

	if (!s)
		return;
	for (i = 0; i < s->n; i++)
		walk_source_free(s->child[i]);
	free(s->child);
	free(s->name);
	free(s->path);
	free(s);
}

static struct walk_source *source_alloc(const char *name, size_t len)
{
	struct walk_source *s = mem_zero(1, sizeof(*s));

	if (s)
		s->name = mem_printf("%.*s", (int)len, name);
	if (s && !s->name) {
		free(s);
		return NULL;
	}
	return s;
}

/* The child called so, made if it is not there; NULL: no memory. */
static struct walk_source *source_child(struct walk_source *s,
					const char *name, size_t len)
{
	struct walk_source **v, *c;
	size_t i, cap;
	int d;

	for (i = 0; i < s->n; i++) {
		d = strncmp(s->child[i]->name, name, len);
		if (d == 0 && s->child[i]->name[len])
			d = 1;
		if (d == 0)
			return s->child[i];
		if (d > 0)
			break;
	}
	c = source_alloc(name, len);
	if (!c)
		return NULL;
	if (s->n == s->cap) {
		cap = s->cap ? s->cap * 2 : 4;
		v = mem_resize(s->child, cap, sizeof(*v));
		if (!v) {
			walk_source_free(c);
			return NULL;
		}
		s->child = v;
		s->cap = cap;
	}
	memmove(s->child + i + 1, s->child + i, (s->n - i) * sizeof(c));
	s->child[i] = c;
	s->n++;
	return c;
}

/*
 * The part of 'norm' that is kept in the archive.  In "/strip/./keep" that is
 * "keep", or nothing if the path ends there.
 */
static const char *source_stored(const char *given, const char *norm,
				 struct err *e, int *rc)
{
	const char *dot = strstr(given, "/./"), *kept = NULL;
	char *head, *prefix;
	size_t len;

	if (strcmp(norm, ".") == 0 || strcmp(norm, "..") == 0)
		return norm + strlen(norm);
	if (!dot || dot == given)
		goto whole;
	head = mem_printf("%.*s", (int)(dot - given), given);
	prefix = head ? path_norm(head) : NULL;
	free(head);
	if (!prefix) {
		*rc = err_nomem(e);
		return NULL;
	}
	len = strlen(prefix);
	if (strncmp(norm, prefix, len) == 0 &&
	    (!norm[len] || norm[len] == '/' || prefix[len - 1] == '/'))
		kept = norm + len;
	else if (strcmp(prefix, ".") == 0)
		kept = norm;
	free(prefix);
	if (kept)
		return kept + strspn(kept, "/");
whole:
	kept = path_strip(norm);
	/* "../.." is a root of its own, too. */
	return strcmp(kept, "..") == 0 ? kept + 2 : kept;
}

/* 'path' is taken. */
static int source_give(struct walk_source *s, char *path,
		       const struct walk_ops *ops, void *ctx)
{
	struct walk_error we = { .path = path, .op = "merge",
				 .errnum = EEXIST };

	if (s->given) {
		if (strcmp(s->path, path) != 0 && ops->error)
			ops->error(&we, ctx);
		free(path);
		return 0;
	}
	s->given = true;
	free(s->path);
	s->path = path;
	return 0;
}

static int source_add(struct walk_source *s, const char *given,
		      const struct walk_ops *ops, void *ctx, struct err *e)
{
	char *norm = path_norm(given);
	const char *p;
	size_t n;
	int rc = 0;

	if (!norm)
		return err_nomem(e);
	p = source_stored(given, norm, e, &rc);
	if (!p)
		goto fail;
	while (*p) {
		n = strcspn(p, "/");
		s = source_child(s, p, n);
		p += n;
		if (s && !s->path)
			s->path = mem_printf("%.*s", (int)(p - norm), norm);
		if (!s || !s->path) {
			rc = err_nomem(e);
			goto fail;
		}
		p += strspn(p, "/");
	}
	return source_give(s, norm, ops, ctx);
fail:
	free(norm);
	return rc;
}

int walk_source_new(struct walk_source **out, const struct strv *paths,
		    const struct walk_ops *ops, void *ctx, struct err *e)
{
	struct walk_source *root = source_alloc("", 0);
	size_t i;
	int rc = root ? 0 : err_nomem(e);

	for (i = 0; rc == 0 && i < paths->n; i++)
		rc = source_add(root, paths->v[i], ops, ctx, e);
	if (rc < 0) {
		walk_source_free(root);
		root = NULL;
	}
	*out = root;
	return rc;
}
