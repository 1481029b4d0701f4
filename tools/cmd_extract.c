/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tools/progress.h"
#include "tools/rules.h"
#include "tools/strip.h"
#include "tools/talk.h"
#include "tools/task.h"

struct extract_args {
	const char *archive, *destination, *strip;
	struct strv paths;
	bool list, to_stdout, numeric, sparse, noxattrs, noacls, noflags;
	struct rules_args rules;
};
#define AT(member) offsetof(struct extract_args, member)
static const struct opt_row rows[] = {
	{ OPT_LIST, 0, "path|restore-path", AT(paths), "PATH",
	  "only this path of the archive; may be given more than once", 0,
	  NULL },
	{ OPT_STR, 0, "destination", AT(destination), "DIR",
	  "where to write, instead of the current directory", 0, NULL },
	{ OPT_STR, 0, "strip-components", AT(strip), "N|all",
	  "leave out the first N parts of each path", 0, NULL },
	{ OPT_BOOL, 0, "list", AT(list), NULL, "list the files on stderr", 0,
	  NULL },
	{ OPT_BOOL, 0, "stdout", AT(to_stdout), NULL,
	  "write the contents to standard output", 0, NULL },
	{ OPT_BOOL, 0, "numeric-ids|numeric-owner", AT(numeric), NULL,
	  "owners by number, not by name", 0, NULL },
	{ OPT_BOOL, 0, "sparse", AT(sparse), NULL,
	  "make holes of zeroes, too", 0, NULL },
	{ OPT_BOOL, 0, "noxattrs", AT(noxattrs), NULL,
	  "no extended attributes", 0, NULL },
	{ OPT_BOOL, 0, "noacls", AT(noacls), NULL, "no ACLs", 0, NULL },
	{ OPT_BOOL, 0, "noflags", AT(noflags), NULL, "no file flags", 0,
	  NULL },
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" },
	{ repoarg_rows, AT(archive), "The archive" },
	{ rules_rows, AT(rules), "Which files" },
	{ 0 }
};

struct extractor {
	struct app *a;
	bool list;
	struct progress progress;
};

static void on_item(const char *path, const struct entry *en, void *ctx)
{
	struct extractor *x = ctx;

	(void)en;
	if (x->list)
		talk_line("%s", path);
}

static void on_warning(const char *path, const char *text, void *ctx)
{
	struct extractor *x = ctx;

	app_warn(x->a, "%s: %s", path, text);
}

static void on_progress(const struct extract_progress *p, void *ctx)
{
	struct extractor *x = ctx;
	struct progress_at at = { .files = p->files, .bytes = p->bytes,
				  .done = p->bytes, .total = p->bytes_total,
				  .text = p->path };

	progress_show(&x->progress, &at);
}

static unsigned flags_of(const struct app *a, const struct extract_args *o)
{
	return (a->o.dry_run ? EXTRACT_DRY_RUN : 0u) |
		(o->to_stdout ? EXTRACT_STDOUT : 0u) |
		(o->numeric ? EXTRACT_NUMERIC_IDS : 0u) |
		(o->sparse ? EXTRACT_SPARSE : 0u) |
		(o->noxattrs ? EXTRACT_NO_XATTRS : 0u) |
		(o->noacls ? EXTRACT_NO_ACLS : 0u) |
		(o->noflags ? EXTRACT_NO_FLAGS : 0u);
}

/* --path and the operands, in one list. */
static int collect_paths(struct extract_args *o, struct call *c,
			 struct err *e)
{
	const char *word;
	int rc = 0;

	while (rc == 0 && (word = call_word(c)))
		rc = strv_add(&o->paths, word, e);
	return rc;
}

/* Folders on the way down stay open: in a deep tree more than a process may
 * open unless it asks. */
static void open_more(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int extract(struct app *a, struct task *t,
		   const struct extract_args *o, struct pattern_set *set,
		   struct err *e)
{
	struct extractor x = { .a = a, .list = o->list };
	struct extract_result res = { 0 };
	struct extract_opts eo = {
		.destination = o->destination, .patterns = set,
		.flags = flags_of(a, o), .threads = 4, .cancel = a->cancel,
		.item = on_item, .warning = on_warning,
		.progress = on_progress, .ctx = &x
	};
	int rc;

	if ((rc = strip_parse(&eo.strip_components, o->strip, &o->paths,
			      e)) < 0)
		return rc;
	open_more();
	progress_begin(&x.progress, a, "extract");
	rc = extract_run(t->rd, &t->it->rec, &eo, &res, e);
	progress_end(&x.progress);
	if (rc == 0 && o->to_stdout && fflush(stdout) != 0)
		rc = err_set(e, ERR_IO, "cannot write standard output");
	if (res.warnings)
		a->warned = true;
	if (rc == 0)
		rc = rules_unmatched(a, set, e);
	if (rc == 0 && t->it->rec.flags & RECORD_PARTIAL)
		app_warn(a, "the archive '%s' is partial: the run that made "
			 "it was interrupted", t->it->rec.name);
	return rc;
}

static int run(struct app *a, struct call *c, struct err *e)
{
	struct extract_args *o = c->args;
	struct pattern_set *set = NULL;
	struct task t = { 0 };
	unsigned strip;
	int rc;

	rc = repoarg_take(&t.ra, a, c, o->archive, REPOARG_ARCHIVE, 0, e);
	if (rc == 0)
		rc = collect_paths(o, c, e);
	if (rc == 0)
		rc = strip_parse(&strip, o->strip, &o->paths, e);
	if (rc == 0 && o->to_stdout && o->destination)
		rc = err_set(e, ERR_CONFIG, "--stdout and --destination "
			     "cannot be used together");
	if (rc == 0)
		rc = rules_build(&set, &o->rules, &o->paths, 0, e);
	if (rc == 0)
		rc = task_open_repo(&t, a, e);
	if (rc == 0)
		rc = task_load(&t, a, e);
	if (rc == 0)
		rc = task_find(&t, a, t.ra.archive, &t.it, e);
	if (rc == 0)
		rc = task_reader(&t, e);
	if (rc == 0)
		rc = extract(a, &t, o, set, e);
	pattern_free(set);
	task_close(&t);
	return rc;
}

const struct cmd cmd_extract = {
	.name = "extract",
	.synopsis = "REPO::ARCHIVE [PATH...]",
	.brief = "write files of an archive back to the disk",
	.text =
	"Writes below the current directory, or --destination. PATHs are as\n"
	"the archive has them, without a leading slash. Files that are there\n"
	"are replaced; nothing is deleted. A PATH that matches nothing is\n"
	"named, and the exit status is 1. To get at single mails, 'muniment\n"
	"mount' is easier.\n"
	"\n"
	"  muniment extract /backup/mail::latest --destination /tmp/x \\\n"
	"      srv/vmail/example.org/anna\n",
	.groups = groups,
	.args_bytes = sizeof(struct extract_args),
	.flags = CMD_DRY_RUN,
	.want = REPOARG_ARCHIVE,
	.run = run
};
