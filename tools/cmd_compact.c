/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/cmd_compact.h"

#include <inttypes.h>

#include "tools/human.h"
#include "tools/progress.h"
#include "tools/summary.h"
#include "tools/talk.h"

#define AT(member) offsetof(struct compact_args, member)
static const struct opt_row rows[] = {
	{ OPT_COUNT, 0, "threshold", AT(threshold), "PERCENT",
	  "rewrite packs of which more than this is garbage (default: 10)", 0,
	  NULL },
	{ OPT_COUNT, 0, "wait", AT(wait_secs), "SECONDS",
	  "wait so long for backups that are running (default: 60)", 0,
	  NULL },
	{ OPT_BOOL, 0, "no-wait", AT(no_wait), NULL,
	  "do not wait for them", 0, NULL },
	{ OPT_BOOL, 0, "cleanup-commits", AT(cleanup_commits), NULL,
	  "accepted: there is nothing of that kind", 0, NULL },
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" },
	{ 0 }
};

static void on_progress(const struct compact_progress *p, void *ctx)
{
	struct progress_at at = { .done = p->done, .total = p->total,
				  .counts = true, .text = p->what };

	progress_show(ctx, &at);
}

static uint64_t freed_by(const struct compact_result *res)
{
	return res->bytes_removed > res->bytes_written ?
		res->bytes_removed - res->bytes_written : 0;
}

static void tell(struct app *a, const struct compact_result *res)
{
	char freed[HUMAN_BYTES], written[HUMAN_BYTES], later[HUMAN_BYTES];

	app_size(a, freed, freed_by(res));
	app_size(a, written, res->bytes_written);
	app_size(a, later, res->bytes_waiting);
	if (res->fenced)
		talk_info("%" PRIu64 " backups that had died were ruled out",
			  res->fenced);
	if (res->waiting) {
		talk_info("%s will be freed by a later run: %" PRIu64
			  " backups are still running", later, res->waiting);
		return;
	}
	app_size(a, later, res->bytes_little);
	if (res->bytes_little && !res->packs_removed)
		talk_info("compaction: %s of garbage, too little to be worth "
			  "it: it waits for more", later);
	else if (res->nothing && !res->packs_removed)
		talk_info("compaction: nothing to do");
	else
		talk_info("compaction %s %s: %" PRIu64 " packs removed, %s "
			  "rewritten, %" PRIu64 " deleted archives collected",
			  a->o.dry_run ? "would free" : "freed", freed,
			  res->packs_removed, written, res->collected);
}

int cmd_compact_task(struct app *a, struct task *t,
		     const struct compact_args *args, struct err *e)
{
	struct progress p;
	struct compact_opts o = COMPACT_DEFAULT;
	struct compact_result res;
	int rc;

	if (args->threshold > 100)
		return err_set(e, ERR_CONFIG, "--threshold is a percentage: "
			       "%u is more than 100", args->threshold);
	if (args->threshold)
		o.threshold = args->threshold;
	if (args->wait_secs)
		o.wait_secs = args->wait_secs;
	if (args->no_wait)
		o.wait_secs = 0;
	o.dry_run = a->o.dry_run;
	o.lazy = a->summary != NULL;
	o.cancel = a->cancel;
	o.progress = on_progress;
	o.ctx = &p;
	progress_begin(&p, a, "compact");
	rc = compact_run(t->r, &o, &res, e);
	progress_end(&p);
	if (rc < 0)
		return rc;
	tell(a, &res);
	if (!a->o.dry_run)
		summary_compacted(a->summary, freed_by(&res));
	return 0;
}

static int run(struct app *a, struct call *c, struct err *e)
{
	struct task t = { 0 };
	int rc;

	rc = repoarg_take(&t.ra, a, c, NULL, REPOARG_REPO, 0, e);
	if (rc == 0)
		rc = call_no_more(c, e);
	if (rc == 0)
		rc = task_open_repo(&t, a, e);
	if (rc == 0)
		rc = cmd_compact_task(a, &t, c->args, e);
	task_close(&t);
	return rc;
}

const struct cmd cmd_compact = {
	.name = "compact",
	.synopsis = "[REPO]",
	.brief = "free the room of deleted archives",
	.text =
	"Removes what only deleted archives needed, and what backups left\n"
	"behind that did not end. Backups, mounts and other compactions may\n"
	"run meanwhile; interrupted anywhere, the next one goes on. It works\n"
	"on a full disk. If archives cannot be read in full, nothing is\n"
	"removed.\n"
	"\n"
	"  muniment compact --progress /backup/mail\n",
	.groups = groups,
	.args_bytes = sizeof(struct compact_args),
	.flags = CMD_DRY_RUN | CMD_EXCLUSIVE,
	.want = REPOARG_REPO,
	.words_max = 1,
	.run = run
};
