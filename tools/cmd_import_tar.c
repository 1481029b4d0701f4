/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/make.h"
#include "tools/tarfile.h"
#include "tools/task.h"

struct import_args {
	const char *archive, *filter;
	bool ignore_zeros;
	struct make_args make;
};
#define AT(member) offsetof(struct import_args, member)
static const struct opt_row rows[] = {
	{ OPT_STR, 0, "tar-filter", AT(filter), "auto|COMMAND",
	  "a command the tar file goes through (auto: by the file's name)", 0,
	  NULL },
	{ OPT_BOOL, 0, "ignore-zeros", AT(ignore_zeros), NULL,
	  "go on behind the end of a tar file: several in one", 0, NULL },
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" },
	{ make_rows, AT(make), "The new archive" },
	{ repoarg_rows, AT(archive), "Its name" },
	{ 0 }
};

/* Before the archive is made: a filter that failed gave half a file. */
static int on_end(void *ctx, struct err *e)
{
	return tarfile_finish(ctx, e);
}

static int import(struct task *t, const struct import_args *o,
		  const char *file, struct make *m, struct err *e)
{
	struct create_result res = { 0 };
	struct tarfile tf = { .fd = -1 };
	struct tar_import_opts to = {
		.ignore_zeros = o->ignore_zeros, .finish = on_end,
		.finish_ctx = &tf
	};
	int rc;

	rc = tarfile_open(&tf, file, o->filter, e);
	if (rc == 0) {
		to.fd = tf.fd;
		make_fill(m, &to.create);
		rc = tar_import(t->r, &to, &res, e);
		rc = make_finish(m, t->r, &res, rc, e);
	}
	tarfile_release(&tf);
	create_result_release(&res);
	return rc;
}

static int run(struct app *a, struct call *c, struct err *e)
{
	struct import_args *o = c->args;
	struct task t = { 0 };
	struct make m = { 0 };
	const char *file = NULL;
	int rc;

	rc = repoarg_take(&t.ra, a, c, o->archive, REPOARG_ARCHIVE, 1, e);
	if (rc == 0 && !(file = call_word(c)))
		rc = err_set(e, ERR_CONFIG, "the tar file is missing: "
			     "muniment import-tar REPO::NAME FILE (or - for "
			     "standard input)");
	if (rc == 0)
		rc = call_no_more(c, e);
	if (rc == 0)
		rc = make_init(&m, a, &o->make, t.ra.archive, e);
	if (rc == 0)
		rc = task_open_repo(&t, a, e);
	if (rc == 0)
		rc = import(&t, o, file, &m, e);
	make_release(&m);
	task_close(&t);
	return rc;
}

const struct cmd cmd_import_tar = {
	.name = "import-tar",
	.synopsis = "REPO::NAME FILE",
	.brief = "make an archive of a tar file",
	.text =
	"FILE - is standard input. A tar file that ends early, or is none, is\n"
	"refused, and no archive is made. Compressed files go through the\n"
	"program that their names tell.\n"
	"\n"
	"  ssh oldhost tar -C /srv -c vmail | \\\n"
	"      muniment import-tar /backup/mail::oldhost -\n",
	.groups = groups,
	.args_bytes = sizeof(struct import_args),
	.want = REPOARG_ARCHIVE,
	.keep = 1,
	.words_max = 2,
	.run = run
};
