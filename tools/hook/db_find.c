/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/hook/db_find.h"

#include <fnmatch.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIST_BYTES (1u << 20)

struct finder {
	struct db_finds *f;
	struct reader *rd;
	struct err *e;
	json_t *list;		/* "dumps" of a dumps.json */
};

/* What is done with an entry of a folder. */
typedef int visit_fn(struct finder *s, const char *path,
		     const struct entry *en, void *ctx);

static int visit(struct finder *s, const char *path,
		 const struct dir_ref *dir, const char *want, visit_fn *fn,
		 void *ctx)
{
	struct tree_iter it = { 0 };
	struct tree_entry *en;
	const struct entry *at;
	char *below;
	int rc = tree_iter_init(&it, s->rd, dir, 0, s->e);

	while (rc == 0 && (rc = tree_iter_next(&it, &at, s->e)) > 0) {
		if (!(en = tree_entry_copy(at))) {
			rc = err_nomem(s->e);
			break;
		}
		rc = 0;
		below = mem_printf("%s%s%s", path, *path ? "/" : "",
				   (const char *)en->e.name);
		if (!below)
			rc = err_nomem(s->e);
		else if (!want || !fnmatch(want, (const char *)en->e.name,
					   FNM_PERIOD))
			rc = fn(s, below, &en->e, ctx);
		free(below);
		tree_entry_free(en);
	}
	tree_iter_release(&it);
	return rc;
}

static bool is_ours(const struct entry *en)
{
	return en->flags & ENTRY_IMPLICIT || en->uid == 0 ||
		en->uid == geteuid();
}

/* --- a dump --- */

static const char *text_of(const json_t *obj, const char *key)
{
	return json_string_value(json_object_get(obj, key));
}

/* Does this line of dumps.json tell of the dump? */
static bool tells(const json_t *obj, const struct db_found *d)
{
	const char *name = text_of(obj, "data_source_name");
	const char *label = text_of(obj, "label");
	const char *container = text_of(obj, "container");
	const char *host = text_of(obj, "hostname");
	const json_t *port = json_object_get(obj, "port");
	char *id;
	bool fits;

	if (!name || strcmp(name, d->name))
		return false;
	if (label || container)
		return !strcmp(label ? label : container, d->id);
	host = host ? host : "localhost";
	id = json_is_integer(port) ? mem_printf("%s:%lld", host,
		(long long)json_integer_value(port)) : mem_str(host);
	fits = id && !strcmp(id, d->id);
	free(id);
	return fits;
}

static int keep_text(char **to, const char *text, struct err *e)
{
	if (!text)
		return 0;
	*to = mem_str(text);
	return *to ? 0 : err_nomem(e);
}

/* From its folder's name: HOST[:PORT]. */
static int guess(struct db_found *d, struct err *e)
{
	char *colon, *end;
	long long port;
	int rc = keep_text(&d->hostname, d->id, e);

	if (rc < 0)
		return rc;
	colon = strrchr(d->hostname, ':');
	port = colon ? strtoll(colon + 1, &end, 10) : 0;
	if (colon && colon[1] && !*end && port > 0 && port < 65536) {
		*colon = 0;
		d->port = port;
	}
	return 0;
}

static int describe(struct finder *s, struct db_found *d)
{
	const json_t *obj = NULL, *port;
	size_t i;
	int rc;

	for (i = 0; i < json_array_size(s->list); i++) {
		obj = json_array_get(s->list, i);
		if (tells(obj, d))
			break;
		obj = NULL;
	}
	if (!obj)
		return guess(d, s->e);
	port = json_object_get(obj, "port");
	d->port = json_is_integer(port) ? json_integer_value(port) : 0;
	rc = keep_text(&d->hostname, text_of(obj, "hostname"), s->e);
	if (rc == 0)
		rc = keep_text(&d->label, text_of(obj, "label"), s->e);
	return rc < 0 ? rc : keep_text(&d->container,
				       text_of(obj, "container"), s->e);
}

struct place {
	const struct db_kind *kind;
	const char *id;
};

static int add(struct finder *s, const char *path, const struct entry *en,
	       void *ctx)
{
	const struct place *at = ctx;
	struct db_found *v, *d;

	if (!S_ISREG(en->mode) && !(S_ISDIR(en->mode) && at->kind->folders))
		return 0;
	v = mem_resize(s->f->v, s->f->n + 1, sizeof(*v));
	if (!v)
		return err_nomem(s->e);
	s->f->v = v;
	d = &v[s->f->n++];
	memset(d, 0, sizeof(*d));
	d->kind = at->kind;
	d->id = mem_str(at->id);
	d->name = mem_str((const char *)en->name);
	d->path = mem_str(path);
	d->file = tree_entry_copy(en);
	if (!d->id || !d->name || !d->path || !d->file)
		return err_nomem(s->e);
	return describe(s, d);
}

/* --- their folders --- */

static int in_hook(struct finder *s, const char *path, const struct entry *en,
		   void *ctx)
{
	struct place at = { ctx, (const char *)en->name };

	return S_ISDIR(en->mode) ? visit(s, path, &en->dir, NULL, add, &at) :
		0;
}

static int read_list(struct finder *s, const char *path,
		     const struct entry *en, void *ctx)
{
	struct file *file = NULL;
	struct buf b = { .max = LIST_BYTES };
	size_t got;
	int rc;

	(void)path;
	(void)ctx;
	if (!S_ISREG(en->mode) || en->size > LIST_BYTES)
		return 0;
	rc = buf_resize(&b, (size_t)en->size, s->e);
	if (rc == 0)
		rc = file_open(&file, s->rd, &en->content, en->size, s->e);
	if (rc == 0)
		rc = file_read(file, 0, b.p, b.len, &got, s->e);
	if (rc == 0) {
		json_t *doc = json_loadb((char *)b.p, got, 0, NULL);

		json_decref(s->list);
		s->list = json_incref(json_object_get(doc, "dumps"));
		json_decref(doc);
	}
	file_close(file);
	buf_release(&b);
	return rc;
}

static int in_base(struct finder *s, const char *path, const struct entry *en,
		   void *ctx)
{
	const struct db_kind *kind = db_kind_find((const char *)en->name);
	struct place at = { .kind = kind };
	int rc;

	(void)ctx;
	if (!kind || !S_ISDIR(en->mode))
		return 0;
	rc = visit(s, path, &en->dir, "dumps.json", read_list, NULL);
	if (rc == 0)
		rc = visit(s, path, &en->dir, NULL, in_hook,
			   (void *)(uintptr_t)at.kind);
	json_decref(s->list);
	s->list = NULL;
	return rc;
}

/* The rest of a pattern, part by part. */
static int descend(struct finder *s, const char *path,
		   const struct entry *en, void *ctx)
{
	const char *rest = ctx;
	size_t n = strcspn(rest, "/");
	char *part;
	int rc;

	if (!S_ISDIR(en->mode) || !is_ours(en))
		return 0;
	if (!*rest)
		return visit(s, path, &en->dir, NULL, in_base, NULL);
	part = mem_printf("%.*s", (int)n, rest);
	rc = part ? visit(s, path, &en->dir, part, descend,
			  (void *)(uintptr_t)(rest + n +
					      (rest[n] == '/'))) :
		err_nomem(s->e);
	free(part);
	return rc;
}

static int look(struct finder *s, const struct dir_ref *root,
		const char *pattern)
{
	struct entry top = { .mode = S_IFDIR, .flags = ENTRY_IMPLICIT,
			     .dir = *root };

	pattern += strspn(pattern, "/");
	return s->f->n ? 0 : descend(s, "", &top,
				     (void *)(uintptr_t)pattern);
}

/* What the environment or the configuration says, and then one more part. */
static int look_below(struct finder *s, const struct dir_ref *root,
		      const char *dir, const char *below)
{
	char *pattern;
	int rc;

	if (!dir || *dir != '/' || dir[1] == 0)
		return 0;
	pattern = mem_printf("%s/%s", dir, below);
	rc = pattern ? look(s, root, pattern) : err_nomem(s->e);
	free(pattern);
	return rc;
}

int db_find(struct db_finds *f, struct reader *rd, const struct dir_ref *root,
	    const struct config *c, struct err *e)
{
	static const char *const usual[] = {
		"borgmatic", "root/.borgmatic",
		"run/user/*/borgmatic-*/borgmatic", "run/user/*/borgmatic",
		"run/borgmatic-*/borgmatic", "run/*/borgmatic-*/borgmatic",
		"tmp/borgmatic-*/borgmatic", "var/tmp/borgmatic-*/borgmatic"
	};
	const char *own = c ? c->user_runtime_directory : NULL;
	struct finder s = { .f = f, .rd = rd, .e = e };
	size_t i;
	int rc = 0;

	memset(f, 0, sizeof(*f));
	for (i = 0; rc == 0 && i < sizeof(usual) / sizeof(usual[0]); i++)
		rc = look(&s, root, usual[i]);
	if (rc == 0)
		rc = look_below(&s, root, getenv("HOME"), ".borgmatic");
	if (rc == 0)
		rc = look_below(&s, root, own, "borgmatic-*/borgmatic");
	return rc;
}

void db_find_release(struct db_finds *f)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		struct db_found *d = &f->v[i];

		free(d->id);
		free(d->name);
		free(d->path);
		free(d->hostname);
		free(d->label);
		free(d->container);
		tree_entry_free(d->file);
	}
	free(f->v);
	memset(f, 0, sizeof(*f));
}
