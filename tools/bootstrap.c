/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/bootstrap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/json.h"
#include "tools/strip.h"
#include "tools/talk.h"
#include "tools/task.h"

#define AT(member) offsetof(struct bootstrap_args, member)
const struct opt_row bootstrap_rows[] = {
	{ OPT_STR, 0, "archive", AT(archive), "ARCHIVE",
	  "bootstrap: the archive (default: latest)", 0, NULL },
	{ OPT_STR, 0, "strip-components", AT(strip), "N|all",
	  "bootstrap: leave out the first N parts of each path", 0, NULL },
	{ 0 }
};

#define MANIFEST "borgmatic/bootstrap/manifest.json"
#define MANIFEST_MAX (1u << 20)

struct search {
	struct reader *rd;
	struct buf text;
	bool found;
	struct err *e;
};

static int read_manifest(struct search *s, const struct scan_item *it)
{
	const struct entry *en = it->entry;
	struct file *f = NULL;
	size_t got = 0;
	int rc;

	if (en->size > MANIFEST_MAX)
		return err_set(s->e, ERR_CORRUPT, "'%s' in the archive is "
			       "too large", it->path);
	if ((rc = buf_reserve(&s->text, (size_t)en->size, s->e)) < 0 ||
	    (rc = file_open(&f, s->rd, &en->content, en->size, s->e)) < 0)
		return rc;
	rc = file_read(f, 0, s->text.p, (size_t)en->size, &got, s->e);
	s->text.len = got;
	file_close(f);
	s->found = rc == 0;
	return rc;
}

static int on_item(const struct scan_item *it, void *ctx)
{
	struct search *s = ctx;

	return s->found || !S_ISREG(it->entry->mode) ? 0 :
		read_manifest(s, it);
}

/* borgmatic before 1.9 had it below root/.borgmatic, or the like. */
static int find_manifest(struct search *s, struct task *t, struct app *a,
			 struct err *e)
{
	struct pattern_set *set = pattern_new();
	struct scan_opts so = { .patterns = set, .cancel = a->cancel,
		.item = on_item, .ctx = s };
	int rc;

	if (!set)
		return err_nomem(e);
	rc = pattern_add_path(set, "re:(^|/)\\.?" MANIFEST "$", e);
	if (rc == 0)
		rc = scan_run(t->rd, &t->it->rec.root, &so, e);
	if (rc == 0 && !s->found)
		rc = err_set(e, ERR_NOENT, "the archive '%s' has no list of "
			     "configuration files (" MANIFEST "): it was made "
			     "without a configuration, or with "
			     "'store_config_files: false'", t->it->rec.name);
	pattern_free(set);
	return rc;
}

static int parse_manifest(struct strv *paths, const struct buf *text,
			  struct err *e)
{
	json_error_t why;
	json_t *doc, *list, *one;
	const char *path;
	size_t i;
	int rc = 0;

	doc = json_loadb((const char *)text->p, text->len, 0, &why);
	list = json_object_get(doc, "config_paths");
	if (!json_is_array(list))
		rc = err_set(e, ERR_CORRUPT, MANIFEST " in the archive is not "
			     "what it should be: %s", doc ?
			     "it has no config_paths" : why.text);
	json_array_foreach(list, i, one) {
		path = json_string_value(one);
		if (rc == 0 && (!path || path[0] != '/'))
			rc = err_set(e, ERR_CORRUPT, MANIFEST " in the archive "
				     "is not what it should be: a path in it "
				     "is not absolute");
		if (rc == 0)
			rc = strv_add(paths, path, e);
	}
	json_decref(doc);
	return rc;
}

static void on_warning(const char *path, const char *text, void *ctx)
{
	app_warn(ctx, "%s: %s", path, text);
}

static void on_file(const char *path, const struct entry *en, void *ctx)
{
	(void)ctx;
	if (!S_ISDIR(en->mode))
		talk_info("/%s", path);
}

static int extract(struct app *a, struct task *t, const struct strv *paths,
		   const struct bootstrap_args *o, struct err *e)
{
	struct pattern_set *set = pattern_new();
	struct strv missing = STRV_INIT;
	struct extract_result res = { 0 };
	struct extract_opts eo = {
		.destination = o->destination ? o->destination : "/",
		.patterns = set, .threads = 1, .cancel = a->cancel,
		.flags = a->o.dry_run ? EXTRACT_DRY_RUN : 0,
		.item = on_file, .warning = on_warning, .ctx = a
	};
	char *rule;
	size_t i;
	int rc;

	if (!set)
		return err_nomem(e);
	rc = strip_parse(&eo.strip_components, o->strip, paths, e);
	for (i = 0; rc == 0 && i < paths->n; i++) {
		rule = mem_printf("pf:%s", paths->v[i]);
		rc = rule ? pattern_add_path(set, rule, e) : err_nomem(e);
		free(rule);
	}
	if (rc == 0)
		rc = extract_run(t->rd, &t->it->rec, &eo, &res, e);
	if (rc == 0)
		rc = pattern_unmatched(set, &missing, e);
	for (i = 0; rc == 0 && i < missing.n; i++)
		app_warn(a, "the archive '%s' does not have %s, which its list "
			 "of configuration files names", t->it->rec.name,
			 missing.v[i]);
	if (rc == 0 && res.files == 0)
		rc = err_set(e, ERR_NOENT, "the archive '%s' has none of the "
			     "configuration files that it names",
			     t->it->rec.name);
	if (rc == 0)
		talk_line("%s the %zu configuration file%s of '%s' below '%s'",
			  a->o.dry_run ? "would write" : "wrote",
			  (size_t)res.files, res.files == 1 ? "" : "s",
			  t->it->rec.name, eo.destination);
	strv_release(&missing);
	pattern_free(set);
	return rc;
}

int bootstrap_run(struct app *a, struct call *c,
		  const struct bootstrap_args *o, struct err *e)
{
	struct search s = { .text = { .max = MANIFEST_MAX }, .e = e };
	struct strv paths = STRV_INIT;
	struct task t = { 0 };
	int rc;

	if (!a->o.repository)
		return err_set(e, ERR_CONFIG, "config bootstrap needs a "
			       "--repository: a path or URL, for there is no "
			       "configuration yet");
	rc = task_open(&t, a, c, o->archive ? o->archive : "latest",
		       REPOARG_ARCHIVE, 0, e);
	if (rc == 0)
		rc = call_no_more(c, e);
	if (rc == 0 && !t.it)
		rc = task_find(&t, a, t.ra.archive, &t.it, e);
	if (rc == 0)
		rc = task_reader(&t, e);
	s.rd = t.rd;
	if (rc == 0)
		rc = find_manifest(&s, &t, a, e);
	if (rc == 0)
		rc = parse_manifest(&paths, &s.text, e);
	if (rc == 0)
		rc = extract(a, &t, &paths, o, e);
	buf_release(&s.text);
	strv_release(&paths);
	task_close(&t);
	return rc;
}
