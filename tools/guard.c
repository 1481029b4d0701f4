/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/guard.h"

#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tools/pick.h"
#include "tools/state.h"
#include "tools/talk.h"

/* Below these nothing is said of a source that shrank. */
#define FEW_BYTES (1u << 20)
#define FEW_FILES 100
#define MEMORY_MAX (16u << 20)

/* What is below a source in an archive. */
struct extent {
	bool there;
	uint64_t files, bytes;
};

struct guard {
	struct task *t;
	struct app *a;
	char *file;			/* where it is remembered; NULL */
	json_t *memory;			/* stored path: [files, bytes] */
	const struct catalog_item *before;
	struct err bad;			/* all that is wrong, in one */
};

/* Where the archive has it. */
static char *stored_path(const char *source)
{
	const char *dot = strstr(source, "/./");
	char *norm = path_norm(dot && dot > source ? dot + 3 : source);
	char *kept = norm ? mem_str(path_strip(norm)) : NULL;

	free(norm);
	if (kept && (!strcmp(kept, ".") || !strcmp(kept, "..")))
		*kept = 0;
	return kept;
}

static void of_dir(struct extent *x, const struct dir_ref *d)
{
	x->files = d->files;
	x->bytes = d->bytes;
}

static int measure(struct guard *g, const struct dir_ref *root,
		   const char *path, struct extent *x, struct err *e)
{
	struct tree_iter it = { .rd = NULL };
	const struct entry *en;
	int rc = 0;

	memset(x, 0, sizeof(*x));
	if (!*path) {
		of_dir(x, root);
	} else {
		rc = tree_find(&it, g->t->rd, root, path, &en, e);
		if (rc == 0 && S_ISDIR(en->mode)) {
			of_dir(x, &en->dir);
		} else if (rc == 0) {
			x->files = 1;
			x->bytes = en->size;
		}
		tree_iter_release(&it);
	}
	x->there = rc == 0;
	return rc == ERR_NOENT ? 0 : rc;
}

static void bad(struct guard *g, const char *source, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void bad(struct guard *g, const char *source, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_set(&g->bad, ERR_FAILED, "%s%sthe source '%s' %s", g->bad.msg,
		*g->bad.msg ? "; " : "", source, text);
}

/* What it was when all was well.  false: that is not known. */
static bool recall(struct guard *g, const char *path, struct extent *was)
{
	json_t *v = json_object_get(g->memory, path);

	if (json_array_size(v) != 2)
		return false;
	was->there = true;
	was->files = (uint64_t)json_integer_value(json_array_get(v, 0));
	was->bytes = (uint64_t)json_integer_value(json_array_get(v, 1));
	return true;
}

static int remember(struct guard *g, const char *path,
		    const struct extent *x, struct err *e)
{
	json_t *v = json_pack("[I, I]", (json_int_t)x->files,
			      (json_int_t)x->bytes);

	return json_object_set_new_nocheck(g->memory, path, v) < 0 ?
		err_nomem(e) : 0;
}

static bool shrank(uint64_t now, uint64_t was, uint64_t few)
{
	return was >= few && now < was / 10;
}

static int judge(struct guard *g, const char *source, const char *path,
		 const struct extent *now, struct err *e)
{
	struct extent was = { .there = false };
	int rc;

	if (!now->there) {
		bad(g, source, "is not in the archive");
		return 0;
	}
	if (!recall(g, path, &was) && g->before &&
	    (rc = measure(g, &g->before->rec.root, path, &was, e)) < 0)
		return rc;
	if (now->files == 0 && (!was.there || was.files > 0))
		bad(g, source, "is empty");
	else if (shrank(now->files, was.files, FEW_FILES))
		bad(g, source, "has %" PRIu64 " files, and had %" PRIu64,
		    now->files, was.files);
	else if (shrank(now->bytes, was.bytes, FEW_BYTES))
		bad(g, source, "has %" PRIu64 " MB, and had %" PRIu64,
		    now->bytes / 1000000, was.bytes / 1000000);
	return 0;
}

/* The newest complete archive of this configuration but the one just made. */
static int find_before(struct guard *g, const struct create_result *made,
		       struct err *e)
{
	struct pick_args args = { .last = 2 };
	struct choice ch = { .item = NULL };
	size_t i;
	int rc = 0;

	if (g->a->match)
		rc = strv_add(&args.match, g->a->match, e);
	if (rc == 0)
		rc = pick_run(&ch, g->t->c, &args, e);
	for (i = 0; rc == 0 && i < ch.n; i++)
		if (!oid_eq(&ch.item[i]->id, &made->id))
			g->before = ch.item[i];
	choice_release(&ch);
	strv_release(&args.match);
	return rc;
}

/* Two configurations may take different parts of one source. */
static char *memory_file(const char *dir, const struct config *c)
{
	char *path = c->file ? realpath(c->file, NULL) : NULL;
	const char *name = path ? path : c->file ? c->file : "";
	struct key_sum sum;
	char hex[2 * sizeof(sum) + 1];

	key_sum(&sum, name, strlen(name));
	hex_put(hex, sum.b, sizeof(sum.b));
	free(path);
	return mem_printf("%s/%s.json", dir, hex);
}

static int load(struct guard *g, struct err *e)
{
	struct buf text = { .max = MEMORY_MAX };
	char *dir;

	dir = state_dir(g->a->config, "sources", repo_id(g->t->r), e);
	g->file = dir ? memory_file(dir, g->a->config) : NULL;
	free(dir);
	if (!g->file)
		talk_info("what the sources are like will not be remembered: "
			  "%s", e->msg);
	else if (io_read_file(AT_FDCWD, g->file, &text, NULL) == 0)
		g->memory = json_loadb((const char *)text.p, text.len, 0,
				       NULL);
	buf_release(&text);
	err_clear(e);
	/* One that is damaged is as good as none. */
	if (!json_is_object(g->memory)) {
		json_decref(g->memory);
		g->memory = json_object();
	}
	return g->memory ? 0 : err_nomem(e);
}

static void save(struct guard *g)
{
	char *text = json_dumps(g->memory, JSON_SORT_KEYS | JSON_INDENT(1));
	struct err e;

	if (g->file && text && io_publish(AT_FDCWD, g->file, text,
					  strlen(text), 0600, &e) < 0)
		talk_info("what the sources are like is not remembered: %s",
			  e.msg);
	free(text);
}

static int each(struct guard *g, const struct strv *sources,
		const struct create_result *made, bool force, struct err *e)
{
	struct extent now;
	char *path;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sources->n; i++) {
		path = stored_path(sources->v[i]);
		if (!path)
			return err_nomem(e);
		rc = measure(g, &made->rec.root, path, &now, e);
		if (rc == 0)
			rc = judge(g, sources->v[i], path, &now, e);
		if (rc == 0 && now.there && (force || !*g->bad.msg))
			rc = remember(g, path, &now, e);
		free(path);
	}
	return rc;
}

int guard_sources(struct task *t, struct app *a, const struct strv *sources,
		  const struct create_result *made, bool force,
		  struct err *e)
{
	struct guard g = { .t = t, .a = a };
	int rc;

	rc = task_load(t, a, e);
	if (rc == 0)
		rc = task_reader(t, e);
	if (rc == 0)
		rc = load(&g, e);
	if (rc == 0)
		rc = find_before(&g, made, e);
	if (rc == 0)
		rc = each(&g, sources, made, force, e);
	if (rc == 0 && (force || !*g.bad.msg))
		save(&g);
	json_decref(g.memory);
	free(g.file);
	if (rc < 0 || !*g.bad.msg)
		return rc;
	if (force) {
		app_warn(a, "%s; --force: so be it", g.bad.msg);
		return 0;
	}
	return err_set(e, ERR_FAILED, "%s: the archive '%s' was made, and "
		       "nothing is pruned (if that is right, say so once: "
		       "create --force)", g.bad.msg, made->rec.name);
}
