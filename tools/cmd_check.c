/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>

#include "tools/pick.h"
#include "tools/progress.h"
#include "tools/summary.h"
#include "tools/talk.h"
#include "tools/task.h"

struct check_args {
	const char *archive;
	bool repository_only, archives_only, verify_data;
	struct pick_args pick;
};
#define AT(member) offsetof(struct check_args, member)
static const struct opt_row rows[] = {
	{ OPT_BOOL, 0, "repository-only", AT(repository_only), NULL,
	  "only the packs and the index", 0, NULL },
	{ OPT_BOOL, 0, "archives-only", AT(archives_only), NULL,
	  "only the archives and their folders", 0, NULL },
	{ OPT_BOOL, 0, "verify-data", AT(verify_data), NULL,
	  "decrypt and compare all contents, too", 0, NULL },
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" },
	{ repoarg_rows, AT(archive), "The archive" },
	{ pick_rows, AT(pick), "Which archives" },
	{ pick_order_rows, AT(pick), "How many" },
	{ 0 }
};

struct checker {
	struct app *a;
	struct progress progress;
};

static void on_finding(const struct check_finding *f, void *ctx)
{
	struct checker *k = ctx;
	struct err e;

	err_set(&e, ERR_CORRUPT, "%s%s%s%s%s%s%s", f->archive ? f->archive :
		"", f->archive ? ": " : "", f->path ? f->path : "",
		f->path ? ": " : "", f->file ? f->file : "", f->file ? ": " :
		"", f->text);
	if (f->severity == CHECK_DAMAGE) {
		talk_error(&e);
		k->a->warned = true;
	} else {
		talk_info("%s", e.msg);
	}
}

static void on_progress(const struct check_progress *p, void *ctx)
{
	struct checker *k = ctx;
	struct progress_at at = { .done = p->done, .total = p->total,
				  .counts = true, .text = p->what };

	progress_show(&k->progress, &at);
}

static int parse_flags(unsigned *flags, const struct check_args *o,
		       struct err *e)
{
	if (o->repository_only && o->archives_only)
		return err_set(e, ERR_CONFIG, "--repository-only and "
			       "--archives-only cannot be used together");
	if (o->repository_only && o->verify_data)
		return err_set(e, ERR_CONFIG, "--repository-only and "
			       "--verify-data cannot be used together");
	*flags = (o->archives_only ? 0u : CHECK_REPOSITORY) |
		(o->repository_only ? 0u : CHECK_ARCHIVES) |
		(o->verify_data ? CHECK_DATA : 0u);
	return 0;
}

static int run(struct app *a, struct call *c, struct err *e)
{
	struct check_args *o = c->args;
	struct checker k = { .a = a };
	struct check_opts co = { .threads = 4, .cancel = a->cancel,
				 .finding = on_finding,
				 .progress = on_progress, .ctx = &k };
	struct check_result res = { 0 };
	struct pick_args by = o->pick;
	struct task t = { 0 };
	struct pick pick;
	int rc;

	by.partial = true;	/* what a run left is checked, too */
	if ((rc = pick_make(&pick, &by, e)) < 0)
		goto out;
	rc = repoarg_take(&t.ra, a, c, o->archive, REPOARG_EITHER, 0, e);
	if (rc == 0)
		rc = call_no_more(c, e);
	if (rc == 0)
		rc = parse_flags(&co.flags, o, e);
	if (rc == 0 && pick_given(&by) && t.ra.archive)
		rc = err_set(e, ERR_CONFIG, "archive filters and the name of "
			     "an archive cannot be used together");
	if (rc == 0 && pick_given(&by) && o->repository_only)
		rc = err_set(e, ERR_CONFIG, "archive filters and "
			     "--repository-only cannot be used together");
	if (rc == 0)
		rc = task_open_repo(&t, a, e);
	if (rc < 0)
		goto out;
	co.archive = t.ra.archive;
	co.choice = &pick.o;
	progress_begin(&k.progress, a, "check");
	rc = check_run(t.r, &co, &res, e);
	progress_end(&k.progress);
	if (rc == 0)
		summary_checked(a->summary);
	if (rc == 0 || rc == ERR_CORRUPT)
		printf("checked %" PRIu64 " packs, %" PRIu64 " archives, %"
		       PRIu64 " files, %" PRIu64 " objects: %s\n", res.packs,
		       res.archives, res.files, res.objects, rc == 0 ?
		       "no problems found" : "damaged");
out:
	pick_release(&pick);
	task_close(&t);
	return rc;
}

const struct cmd cmd_check = {
	.name = "check",
	.synopsis = "[REPO | REPO::ARCHIVE]",
	.brief = "look for damage",
	.text =
	"Reads every pack and every folder of every archive, or of one.\n"
	"Nothing is changed. With --verify-data every file's content is\n"
	"decrypted and compared, too, which takes as long as reading it\n"
	"all. Damage is named, file by file, and the exit status is 14.\n"
	"\n"
	"  muniment check --verify-data /backup/mail\n",
	.groups = groups,
	.args_bytes = sizeof(struct check_args),
	.flags = CMD_EXCLUSIVE,
	.want = REPOARG_EITHER,
	.words_max = 1,
	.run = run
};
