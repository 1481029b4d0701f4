/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/format.h"
#include "tools/task.h"
#include "tools/json.h"
#include "tools/links.h"
#include "tools/pick.h"
#include "tools/rules.h"
#include "tools/talk.h"

struct list_args {
	const char *archive, *format;
	bool brief, json, json_lines;
	struct pick_args pick;
	struct rules_args rules;
};
#define AT(member) offsetof(struct list_args, member)
static const struct opt_row rows[] = {
	{ OPT_BOOL, 0, "short", AT(brief), NULL,
	  "only the names, one a line", 0, NULL },
	{ OPT_STR, 0, "format", AT(format), "FORMAT",
	  "what to show of each, in keys (below)", 0, NULL },
	{ OPT_BOOL, 0, "json", AT(json), NULL, "archives as JSON", 0, NULL },
	{ OPT_BOOL, 0, "json-lines", AT(json_lines), NULL,
	  "files as JSON, one object a line", 0, NULL },
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" },
	{ repoarg_rows, AT(archive), "The archive" },
	{ pick_rows, AT(pick), "Which archives" },
	{ pick_order_rows, AT(pick), "How many" },
	{ pick_partial_rows, AT(pick), "Partial ones" },
	{ rules_rows, AT(rules), "Which files" },
	{ 0 }
};

/* A reader that went away ends the list. */
static int put_line(const struct buf *b, struct err *e)
{
	if (fwrite(b->p, 1, b->len, stdout) < b->len)
		return err_errno(e, errno, "cannot write standard output");
	return 0;
}

static int list_json(struct task *t, const struct choice *p,
		     const struct format *f, struct err *e)
{
	json_t *doc = json_object(), *all = json_array(), *one;
	size_t i;
	int rc = doc && all ? 0 : err_nomem(e);

	for (i = 0; rc == 0 && i < p->n; i++) {
		struct format_item it = { .rec = &p->item[i]->rec,
					  .id = &p->item[i]->id };

		rc = format_json(f, &it, &one, e);
		if (rc == 0 && json_array_append_new(all, one) < 0)
			rc = err_nomem(e);
	}
	if (rc == 0 && (json_put_repo(doc, t->r, t->c->n ?
			t->c->item[t->c->n - 1]->rec.start_nsec :
			repo_created_secs(t->r) * 1000000000) < 0 ||
			json_object_set(doc, "archives", all) < 0))
		rc = err_nomem(e);
	json_decref(all);
	if (rc < 0) {
		json_decref(doc);
		return rc;
	}
	return json_print(doc, e);
}

static int list_archives(struct app *a, struct task *t,
			 const struct list_args *o, struct err *e)
{
	const char *text = o->format ? o->format : o->brief ?
		"{archive}{NL}" : o->json ? "" :
		"{archive:<36} {time} [{id}]{NL}";
	struct format *f = NULL;
	struct buf line = BUF_INIT;
	struct choice p = { 0 };
	size_t i;
	int rc;

	if (o->json_lines)
		return err_set(e, ERR_CONFIG, "--json-lines is for the files "
			       "of one archive; use --json for archives");
	if ((rc = format_new(&f, text, FORMAT_ARCHIVE, e)) < 0 ||
	    (rc = pick_run(&p, t->c, &o->pick, e)) < 0)
		goto out;
	if (o->json)
		rc = list_json(t, &p, f, e);
	for (i = 0; rc == 0 && !o->json && i < p.n; i++) {
		struct format_item it = { .rec = &p.item[i]->rec,
					  .id = &p.item[i]->id };

		buf_clear(&line);
		rc = format_put(f, &it, &line, e);
		if (rc == 0)
			rc = put_line(&line, e);
	}
	if (rc == 0 && p.hidden)
		talk_warn("%zu partial archive%s not shown: "
			  "--consider-checkpoints shows %s", p.hidden,
			  p.hidden == 1 ? " is" : "s are",
			  p.hidden == 1 ? "it" : "them");
	(void)a;
out:
	choice_release(&p);
	format_free(f);
	buf_release(&line);
	return rc;
}

struct lister {
	struct app *a;
	const struct list_args *o;
	struct format *f;
	bool want_links;
	struct links links;
	struct format_item it;
	struct buf line;
	uint64_t damaged;
	struct err *e;
};

static int list_item(const struct scan_item *si, void *ctx)
{
	struct lister *l = ctx;
	json_t *v;
	int rc = 0;

	l->it.path = si->path;
	l->it.en = si->entry;
	l->it.hard_link = NULL;
	if (l->want_links && (rc = links_first(&l->links,
			si->entry->link_group, si->path, &l->it.hard_link,
			l->e)) < 0)
		return rc;
	if (l->o->json_lines) {
		rc = format_json(l->f, &l->it, &v, l->e);
		return rc < 0 ? rc : json_print_line(v, l->e);
	}
	buf_clear(&l->line);
	rc = format_put(l->f, &l->it, &l->line, l->e);
	return rc < 0 ? rc : put_line(&l->line, l->e);
}

static void list_damaged(const char *path, const struct err *why, void *ctx)
{
	struct lister *l = ctx;

	l->damaged++;
	app_warn(l->a, "the folder '%s' cannot be read: %s", path, why->msg);
}

static int list_files(struct app *a, struct task *t,
		      const struct list_args *o, struct pattern_set *set,
		      struct err *e)
{
	const char *text = o->format ? o->format : o->brief ? "{path}{NL}" :
		"{mode} {user:6} {group:6} {size:8} {mtime} {path}{extra}{NL}";
	struct lister l = { .a = a, .o = o, .e = e };
	struct scan_opts so = { .patterns = set, .cancel = a->cancel,
				.item = list_item, .damaged = list_damaged,
				.ctx = &l };
	int rc;

	if (o->json)
		return err_set(e, ERR_CONFIG, "--json is for archives; use "
			       "--json-lines for the files of one");
	if ((rc = format_new(&l.f, text, FORMAT_FILE, e)) < 0 ||
	    (rc = task_reader(t, e)) < 0)
		goto out;
	l.want_links = format_wants_links(l.f) || o->json_lines;
	l.it.rec = &t->it->rec;
	l.it.id = &t->it->id;
	l.it.rd = t->rd;
	rc = scan_run(t->rd, &t->it->rec.root, &so, e);
	if (rc == 0 && l.damaged)
		rc = err_set(e, ERR_CORRUPT, "%llu folders of the archive "
			     "'%s' are damaged", (unsigned long long)l.damaged,
			     t->it->rec.name);
	if (rc == 0)
		rc = rules_unmatched(a, set, e);
out:
	links_release(&l.links);
	format_free(l.f);
	buf_release(&l.line);
	return rc;
}

/* Formats are judged before the repository asks for its passphrase. */
static int check_format(const struct list_args *o, bool files, struct err *e)
{
	struct format *f = NULL;
	int rc;

	if (!o->format)
		return 0;
	rc = format_new(&f, o->format, files ? FORMAT_FILE : FORMAT_ARCHIVE,
			e);
	format_free(f);
	return rc;
}

static int run(struct app *a, struct call *c, struct err *e)
{
	struct list_args *o = c->args;
	struct pattern_set *set = NULL;
	struct task t = { 0 };
	int rc;

	rc = repoarg_take(&t.ra, a, c, o->archive, REPOARG_EITHER, 0, e);
	if (rc == 0 && !t.ra.archive && (call_words_left(c) ||
					 o->rules.rules.n))
		rc = err_set(e, ERR_CONFIG, "paths and patterns choose files "
			     "of one archive, and none was named: write "
			     "%s::NAME, or use --archive NAME (or latest)",
			     t.ra.url);
	if (rc == 0 && t.ra.archive && pick_given(&o->pick))
		rc = err_set(e, ERR_CONFIG, "archive filters and the name of "
			     "an archive cannot be used together");
	if (rc == 0)
		rc = check_format(o, t.ra.archive != NULL, e);
	if (rc == 0)
		rc = rules_build(&set, &o->rules, &c->words, c->at, e);
	if (rc == 0)
		rc = task_open_repo(&t, a, e);
	if (rc == 0)
		rc = task_load(&t, a, e);
	if (rc == 0 && t.ra.archive)
		rc = task_find(&t, a, t.ra.archive, &t.it, e);
	if (rc == 0)
		rc = t.it ? list_files(a, &t, o, set, e) :
			list_archives(a, &t, o, e);
	pattern_free(set);
	task_close(&t);
	return rc;
}

const struct cmd cmd_list = {
	.name = "list",
	.aliases = "repo-list|rlist",
	.synopsis = "[REPO | REPO::ARCHIVE [PATH...]]",
	.brief = "list archives, or the files of one",
	.text =
	"Without an archive, lists the archives, oldest first; with one, its\n"
	"files, or those below the PATHs.\n"
	"\n"
	"  muniment list /backup/mail::latest vmail/example.org/anna\n",
	.groups = groups,
	.args_bytes = sizeof(struct list_args),
	.want = REPOARG_EITHER,
	.run = run
};
