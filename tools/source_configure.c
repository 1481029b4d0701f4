/* SPDX-License-Identifier: BSD-2-Clause */
/* What a configuration wants archived. */
#include "tools/source_priv.h"

#include <errno.h>
#include <glob.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MANIFEST "borgmatic/bootstrap/manifest.json"

static bool exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

static int missing(const struct config *c, const char *key, const char *path,
		   struct err *e)
{
	return config_error(c, key, e, "the source '%s' does not exist: "
			    "nothing was archived (is it mounted? "
			    "source_directories_must_exist: false lets it be "
			    "missing)", path);
}

/* "~" and globs; what fits nothing stands for itself. */
static int expand(struct strv *out, const char *text, struct err *e)
{
	glob_t g;
	size_t i;
	int rc;

	if (exists(text))
		return strv_add(out, text, e);
	rc = glob(text, GLOB_TILDE | GLOB_NOCHECK, NULL, &g);
	if (rc == GLOB_NOSPACE)
		return err_nomem(e);
	if (rc != 0)
		return strv_add(out, text, e);
	for (i = 0, rc = 0; rc == 0 && i < g.gl_pathc; i++)
		rc = strv_add(out, g.gl_pathv[i], e);
	globfree(&g);
	return rc;
}

static int add_directories(struct strv *sources, const struct config *c,
			   struct err *e)
{
	size_t i, from;
	int rc = 0;

	for (i = 0; rc == 0 && i < c->source_directories.n; i++) {
		from = sources->n;
		rc = expand(sources, c->source_directories.v[i], e);
		for (; rc == 0 && from < sources->n; from++)
			if (c->source_directories_must_exist &&
			    !exists(sources->v[from]))
				rc = missing(c, "source_directories",
					     sources->v[from], e);
	}
	return rc;
}

static int add_roots(struct strv *sources, const struct pattern_set *set,
		     const struct config *c, struct err *e)
{
	const struct strv *roots = pattern_roots(set);
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < roots->n; i++) {
		if (c->source_directories_must_exist && !exists(roots->v[i]))
			return missing(c, "patterns", roots->v[i], e);
		rc = strv_add(sources, roots->v[i], e);
	}
	return rc;
}

/* In borgmatic's order, behind those of the command line. */
static int add_patterns(struct pattern_set *set, const struct config *c,
			struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < c->patterns.n; i++)
		if ((rc = pattern_add_line(set, c->patterns.v[i], e)) < 0)
			return config_error(c, "patterns", e, "%s", e->msg);
	for (i = 0; rc == 0 && i < c->exclude_patterns.n; i++)
		if ((rc = pattern_add_exclude(set, c->exclude_patterns.v[i],
					      e)) < 0)
			return config_error(c, "exclude_patterns", e, "%s",
					    e->msg);
	for (i = 0; rc == 0 && i < c->patterns_from.n; i++)
		rc = pattern_add_file(set, c->patterns_from.v[i], false, e);
	for (i = 0; rc == 0 && i < c->exclude_from.n; i++)
		rc = pattern_add_file(set, c->exclude_from.v[i], true, e);
	return rc;
}

/* The configuration's own files: whatever the patterns leave out, they are
 * in. */
static int add_files(struct source *s, const struct config *c, struct err *e)
{
	json_t *doc = json_object(), *paths = json_array();
	char *text = NULL, *rule;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < c->files.n; i++) {
		rule = mem_printf("+ pf:%s", c->files.v[i]);
		rc = rule ? pattern_add_line(s->patterns, rule, e) :
			err_nomem(e);
		free(rule);
		if (rc == 0)
			rc = strv_add(&s->paths, c->files.v[i], e);
		if (rc == 0 && json_array_append_new(paths,
				json_string_nocheck(c->files.v[i])) < 0)
			rc = err_nomem(e);
	}
	if (rc == 0 && (json_object_set(doc, "config_paths", paths) < 0 ||
			json_object_set_new(doc, "muniment_version",
				json_string(MUNIMENT_VERSION)) < 0 ||
			!(text = json_dumps(doc, JSON_PRESERVE_ORDER))))
		rc = err_nomem(e);
	if (rc == 0)
		rc = source_add_text(s, MANIFEST, text, e);
	free(text);
	json_decref(paths);
	json_decref(doc);
	return rc;
}

/* What must be in the archive: not what need not exist, and does not. */
static int drop_missing(struct strv *sources, const struct config *c,
			struct err *e)
{
	struct strv there = STRV_INIT;
	size_t i;
	int rc = 0;

	if (c->source_directories_must_exist)
		return 0;
	for (i = 0; rc == 0 && i < sources->n; i++)
		if (exists(sources->v[i]))
			rc = strv_add(&there, sources->v[i], e);
	strv_release(sources);
	*sources = there;
	return rc;
}

int source_configure(struct source *s, const struct source_args *o,
		     const struct config *c, struct strv *sources,
		     struct err *e)
{
	size_t i;
	int rc;

	memset(s, 0, sizeof(*s));
	if ((rc = rules_build(&s->patterns, &o->rules, NULL, 0, e)) < 0)
		return rc;
	if (!s->patterns && !(s->patterns = pattern_new()))
		return err_nomem(e);
	if ((rc = add_directories(sources, c, e)) < 0 ||
	    (rc = add_patterns(s->patterns, c, e)) < 0 ||
	    (rc = add_roots(sources, s->patterns, c, e)) < 0)
		return rc;
	if (sources->n == 0 && c->databases.n == 0)
		return config_error(c, "source_directories", e, "there is "
				    "nothing to archive: name at least one "
				    "source");
	for (i = 0; rc == 0 && i < sources->n; i++)
		rc = strv_add(&s->paths, sources->v[i], e);
	if (rc == 0)
		rc = drop_missing(sources, c, e);
	if (rc == 0 && c->store_config_files && c->files.n)
		rc = add_files(s, c, e);
	return rc;
}
