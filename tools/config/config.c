/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/config/config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/config/config_priv.h"
#include "tools/config/keypath.h"
#include "tools/config/old.h"
#include "tools/config/schema.h"
#include "tools/config/subst.h"

static int read_tree(struct config *c, const char *path,
		     const struct config_load_opts *o, struct strv *warnings,
		     struct err *e)
{
	struct item_source source = { .names = &c->files };
	struct config_tree *t = c->tree;
	int rc;

	if (path && (rc = item_load(&t->root, path, &source, e)) < 0)
		return rc;
	if (path && !t->root)
		return err_set(e, ERR_CONFIG, "%s: the configuration file is "
			       "empty", path);
	if (!t->root && !(t->root = item_new(ITEM_MAP, NULL)))
		return err_nomem(e);
	if (t->root->kind != ITEM_MAP)
		return item_error(t->root, e, "a configuration is keys with "
				  "values ('key: value')");
	if ((rc = old_apply(t->root, warnings, e)) < 0 ||
	    (rc = config_apply(t, o->flags, "--", true, e)) < 0 ||
	    (rc = config_apply(t, o->overrides, "--override ", false, e)) < 0 ||
	    (rc = subst_apply(t->root, !o->no_environment_interpolation,
			      e)) < 0 ||
	    (rc = old_apply(t->root, warnings, e)) < 0)
		return rc;
	return old_paths(t->root, warnings, e);
}

/* borgmatic's two, if the file says nothing of checks. */
static int default_checks(struct config *c, struct err *e)
{
	static const unsigned name[] = {
		CONFIG_CHECK_REPOSITORY, CONFIG_CHECK_ARCHIVES
	};
	size_t i;

	if (c->checks.n || item_get(c->tree->root, "checks"))
		return 0;
	c->checks.v = mem_zero(2, sizeof(c->checks.v[0]));
	if (!c->checks.v)
		return err_nomem(e);
	c->checks.n = 2;
	for (i = 0; i < 2; i++) {
		c->checks.v[i].name = name[i];
		c->checks.v[i].frequency_secs = 30 * 86400;
	}
	return 0;
}

static int warn_secrets(const struct strv *secrets, struct strv *warnings,
			struct err *e)
{
	struct stat st;
	char *line;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < secrets->n; i++) {
		if (stat(secrets->v[i], &st) != 0 || !S_ISREG(st.st_mode) ||
		    !(st.st_mode & (S_IROTH | S_IWOTH)))
			continue;
		line = mem_printf("%s: has passwords, and every user can read "
				  "it: chmod 600 it, or keep them out of it "
				  "(${VARIABLE}, {credential file PATH})",
				  secrets->v[i]);
		rc = line ? strv_take(warnings, line, e) : err_nomem(e);
	}
	return rc;
}

static int warn_writable(const struct config *c, struct strv *warnings,
			 struct err *e)
{
	struct stat st;
	char *line;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < c->files.n; i++) {
		if (stat(c->files.v[i], &st) != 0 || !S_ISREG(st.st_mode) ||
		    !(st.st_mode & S_IWOTH))
			continue;
		line = mem_printf("%s: every user can change it, and so what "
				  "runs as you: chmod 600 it", c->files.v[i]);
		rc = line ? strv_take(warnings, line, e) : err_nomem(e);
	}
	return rc;
}

static int load(struct config *c, const char *path,
		const struct config_load_opts *o, struct strv *warnings,
		struct err *e)
{
	struct schema_bind_opts bo = { .warnings = warnings,
		.resolve = !o->keep_credentials, .partial = !path };
	struct strv secrets = STRV_INIT;
	int rc;

	c->tree = mem_zero(1, sizeof(*c->tree));
	if (!c->tree || (path && !(c->file = mem_str(path))))
		return err_nomem(e);
	if ((rc = read_tree(c, path, o, warnings, e)) < 0)
		return rc;
	rc = schema_bind(c, c->tree->root, &bo, &secrets, e);
	if (rc == 0)
		rc = default_checks(c, e);
	if (rc == 0)
		rc = config_judge(c, warnings, e);
	if (rc == 0)
		rc = warn_secrets(&secrets, warnings, e);
	if (rc == 0)
		rc = warn_writable(c, warnings, e);
	strv_release(&secrets);
	return rc;
}

int config_load(struct config **out, const char *path,
		const struct config_load_opts *o, struct strv *warnings,
		struct err *e)
{
	struct config *c = mem_zero(1, sizeof(*c));
	int rc;

	*out = NULL;
	if (!c)
		return err_nomem(e);
	rc = load(c, path, o, warnings, e);
	if (rc < 0)
		config_free(c);
	else
		*out = c;
	return rc;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	schema_release(c);
	if (c->tree) {
		item_free(c->tree->root);
		strv_release(&c->tree->names);
		free(c->tree);
	}
	strv_release(&c->files);
	free(c->file);
	free(c);
}

bool config_given(const struct config *c, const char *key)
{
	return keypath_get(c->tree->root, key) != NULL;
}

int config_error(const struct config *c, const char *key, struct err *e,
		 const char *fmt, ...)
{
	const struct item *it = keypath_get(c->tree->root, key);
	char words[ERR_MSG_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	if (it)
		return item_error(it, e, "%s: %s", key, words);
	return err_set(e, ERR_CONFIG, "%s%s%s: %s", c->file ? c->file : "",
		       c->file ? ": " : "", key, words);
}

int config_warn(const struct config *c, const char *key,
		struct strv *warnings, struct err *e, const char *fmt, ...)
{
	char words[ERR_MSG_BYTES];
	struct err line;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	config_error(c, key, &line, "%s", words);
	return strv_add(warnings, line.msg, e);
}
