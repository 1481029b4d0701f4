/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/config/item_priv.h"

static int resolve(struct item *it, struct item_source *s, struct err *e);

/* Relative to the working directory, then to the folder of the file that
 * includes it. */
static int find_include(char **out, const struct item *it, struct err *e)
{
	const char *name = it->text, *slash = strrchr(it->file, '/');
	struct stat st;
	const char *home;

	if (!strncmp(name, "~/", 2) && (home = getenv("HOME")))
		*out = mem_printf("%s%s", home, name + 1);
	else
		*out = mem_str(name);
	if (*out && name[0] != '/' && name[0] != '~' &&
	    stat(name, &st) != 0 && slash) {
		free(*out);
		*out = mem_printf("%.*s/%s", (int)(slash - it->file), it->file,
				  name);
	}
	if (!*out)
		return err_nomem(e);
	if (stat(*out, &st) == 0)
		return 0;
	item_error(it, e, "!include: '%s' cannot be read: %s", *out,
		   strerror(errno));
	free(*out);
	*out = NULL;
	return ERR_CONFIG;
}

/* Becomes what the file has, with its own key and place in the map. */
static int include_one(struct item *it, struct item_source *s, struct err *e)
{
	struct item *got = NULL;
	char *path = NULL;
	struct err why;
	int rc;

	if (it->kind != ITEM_TEXT)
		return item_error(it, e, "!include needs the name of a file, "
				  "or, after '<<:', a list of them");
	if (s->depth == ITEM_INCLUDES_MAX)
		return item_error(it, e, "!include: files include each other "
				  "%u deep", ITEM_INCLUDES_MAX);
	if ((rc = find_include(&path, it, e)) < 0)
		return rc;
	rc = item_load(&got, path, s, &why);
	free(path);
	if (rc == ERR_EXIST)
		return item_error(it, e, "%s", why.msg);
	if (rc < 0)
		return err_set(e, (enum err_code)rc, "%s", why.msg);
	it->tag = ITEM_PLAIN;
	it->kind = ITEM_NULL;
	if (!got)
		return 0;
	it->kind = got->kind;
	it->quoted = got->quoted;
	it->file = got->file;
	it->line = got->line;
	it->column = got->column;
	free(it->text);
	it->text = got->text;
	got->text = NULL;
	it->v = got->v;
	it->n = got->n;
	it->cap = got->cap;
	got->v = NULL;
	got->n = got->cap = 0;
	item_free(got);
	return 0;
}

static int include(struct item *it, struct item_source *s, struct err *e)
{
	bool merge = it->key && !strcmp(it->key, "<<");
	size_t i;
	int rc = 0;

	if (it->kind != ITEM_LIST || !merge)
		return include_one(it, s, e);
	for (i = 0; rc == 0 && i < it->n; i++)
		rc = include_one(it->v[i], s, e);
	return rc;		/* keeps its tag: a later file wins */
}

static int resolve(struct item *it, struct item_source *s, struct err *e)
{
	size_t i;
	int rc = 0;

	if (it->tag == ITEM_INCLUDE)
		return include(it, s, e);
	for (i = 0; rc == 0 && i < it->n; i++)
		rc = resolve(it->v[i], s, e);
	return rc;
}

/* What is left of these had nothing to be merged with.  A file that is
 * included may still be merged, so this is for the outermost one. */
static int no_tags(const struct item *it, struct err *e)
{
	size_t i;
	int rc = 0;

	if (it->tag == ITEM_RETAIN || it->tag == ITEM_OMIT)
		return item_error(it, e, "%s has an effect only where '<<' "
				  "merges something into the same place: take "
				  "it away", it->tag == ITEM_RETAIN ?
				  "!retain" : "!omit");
	for (i = 0; rc == 0 && i < it->n; i++)
		rc = no_tags(it->v[i], e);
	return rc;
}

static int read_file(struct buf *text, const char *path, struct err *e)
{
	struct stat st;
	struct err why;
	int rc;

	if (stat(path, &st) != 0)
		return err_set(e, ERR_CONFIG, "%s: the configuration file "
			       "cannot be read: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return err_set(e, ERR_CONFIG, "%s: a folder, where a file is "
			       "wanted", path);
	text->max = ITEM_FILE_BYTES;
	rc = io_read_file(AT_FDCWD, path, text, &why);
	if (rc == ERR_CORRUPT)
		return err_set(e, ERR_CONFIG, "%s: larger than a "
			       "configuration can be (1 MiB)", path);
	if (rc < 0)
		return err_set(e, ERR_CONFIG, "%s: the configuration file "
			       "cannot be read: %s", path, why.msg);
	return 0;
}

/* ERR_EXIST: 'path' is being read already. */
static int enter(struct item_source *s, const char *path, const char **name,
		 struct err *e)
{
	char *real = realpath(path, NULL);
	size_t i;
	int rc;

	if (!real)		/* a pipe of the shell: <(...) */
		real = mem_str(path);
	if (!real)
		return err_nomem(e);
	for (i = 0; i < s->depth; i++) {
		if (strcmp(s->stack[i], real) != 0)
			continue;
		rc = err_set(e, ERR_EXIST, "!include: '%s' includes itself%s",
			     path, i + 1 < s->depth ? ", through others" : "");
		free(real);
		return rc;
	}
	for (i = 0; i < s->names->n && strcmp(s->names->v[i], real); i++)
		;
	if (i < s->names->n)
		free(real);
	else if ((rc = strv_take(s->names, real, e)) < 0)
		return rc;
	*name = s->names->v[i];
	s->stack[s->depth++] = *name;
	return 0;
}

int item_load(struct item **out, const char *path, struct item_source *s,
	      struct err *e)
{
	struct buf text = BUF_INIT;
	const char *name = NULL;
	int rc;

	*out = NULL;
	if ((rc = read_file(&text, path, e)) < 0 ||
	    (rc = enter(s, path, &name, e)) < 0)
		goto out;
	rc = item_parse(out, name, text.p ? (char *)text.p : "", text.len, e);
	if (rc == 0 && *out) {
		s->count += item_count(*out);
		if (s->count > ITEM_COUNT_MAX)
			rc = err_set(e, ERR_CONFIG, "%s: more than %u values "
				     "with all that is included", name,
				     ITEM_COUNT_MAX);
	}
	if (rc == 0 && *out)
		rc = resolve(*out, s, e);
	if (rc == 0 && *out)
		rc = item_merge(*out, e);
	s->depth--;
	if (rc == 0 && *out && s->depth == 0)
		rc = no_tags(*out, e);
out:
	if (rc < 0) {
		item_free(*out);
		*out = NULL;
	}
	if (text.p)
		explicit_bzero(text.p, text.len);
	buf_release(&text);
	return rc;
}
