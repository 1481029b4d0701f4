/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/rules.h"
#include "tools/strip.h"
#include "tools/talk.h"
#include "tools/tarfile.h"
#include "tools/task.h"

struct export_args {
	const char *archive, *filter, *strip, *destination;
	struct strv paths;
	bool list;
	struct rules_args rules;
};
#define AT(member) offsetof(struct export_args, member)
static const struct opt_row rows[] = {
	{ OPT_STR, 0, "tar-filter", AT(filter), "auto|COMMAND",
	  "a command the tar file goes through (auto: by the file's name)", 0,
	  NULL },
	{ OPT_STR, 0, "destination", AT(destination), "FILE",
	  "the tar file, instead of an operand", 0, NULL },
	{ OPT_LIST, 0, "path", AT(paths), "PATH",
	  "only this path of the archive; may be given more than once", 0,
	  NULL },
	{ OPT_STR, 0, "strip-components", AT(strip), "N|all",
	  "leave out the first N parts of each path", 0, NULL },
	{ OPT_BOOL, 0, "list|files", AT(list), NULL,
	  "list the files on stderr", 0, NULL },
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" },
	{ repoarg_rows, AT(archive), "The archive" },
	{ rules_rows, AT(rules), "Which files" },
	{ 0 }
};

static void on_item(const char *path, const struct entry *en, void *ctx)
{
	(void)en;
	(void)ctx;
	talk_line("%s", path);
}

static void on_warning(const char *path, const char *text, void *ctx)
{
	app_warn(ctx, "%s: %s", path, text);
}

static int export(struct app *a, struct task *t, const struct export_args *o,
		  const char *file, struct pattern_set *set, struct err *e)
{
	struct tar_export_opts to = {
		.patterns = set, .cancel = a->cancel,
		.item = o->list ? on_item : NULL, .warning = on_warning,
		.ctx = a
	};
	struct tarfile tf = { .fd = -1 };
	int rc;

	if ((rc = strip_parse(&to.strip_components, o->strip, &o->paths,
			      e)) < 0)
		return rc;
	rc = tarfile_create(&tf, file, o->filter, e);
	to.fd = tf.fd;
	if (rc == 0)
		rc = tar_export(t->rd, &t->it->rec, &to, e);
	if (rc == 0)
		rc = tarfile_finish(&tf, e);
	tarfile_release(&tf);
	return rc == 0 ? rules_unmatched(a, set, e) : rc;
}

/* The operands: FILE, unless --destination names it, then PATHs. */
static int take_words(struct export_args *o, struct call *c,
		      const char **file, struct err *e)
{
	const char *word;
	int rc = 0;

	*file = o->destination ? o->destination : call_word(c);
	if (!*file)
		return err_set(e, ERR_CONFIG, "the tar file is missing: "
			       "muniment export-tar REPO::ARCHIVE FILE (or - "
			       "for standard output)");
	while (rc == 0 && (word = call_word(c)))
		rc = strv_add(&o->paths, word, e);
	return rc;
}

static int run(struct app *a, struct call *c, struct err *e)
{
	struct export_args *o = c->args;
	struct pattern_set *set = NULL;
	struct task t = { 0 };
	const char *file = NULL;
	unsigned strip;
	int rc;

	rc = repoarg_take(&t.ra, a, c, o->archive, REPOARG_ARCHIVE,
			  o->destination ? 0 : 1, e);
	if (rc == 0)
		rc = take_words(o, c, &file, e);
	if (rc == 0)
		rc = strip_parse(&strip, o->strip, &o->paths, e);
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
		rc = export(a, &t, o, file, set, e);
	pattern_free(set);
	task_close(&t);
	return rc;
}

const struct cmd cmd_export_tar = {
	.name = "export-tar",
	.synopsis = "REPO::ARCHIVE FILE [PATH...]",
	.brief = "write an archive as a tar file",
	.text =
	"FILE - is standard output. A FILE that is there is replaced when the\n"
	"new one is complete. .tar.gz, .tar.zst and the like are compressed.\n"
	"\n"
	"  muniment export-tar /backup/mail::latest /tmp/mail.tar.zst\n",
	.groups = groups,
	.args_bytes = sizeof(struct export_args),
	.want = REPOARG_ARCHIVE,
	.keep = 1,
	.instead = "destination",
	.run = run
};
