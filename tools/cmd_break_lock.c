/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>

#include "tools/talk.h"
#include "tools/task.h"

struct break_lock_args {
	char none;
};
static const struct opt_group groups[] = { { 0 } };

static int run(struct app *a, struct call *c, struct err *e)
{
	struct task t = { 0 };
	uint64_t fenced = 0;
	int rc;

	rc = repoarg_take(&t.ra, a, c, NULL, REPOARG_REPO, 0, e);
	if (rc == 0)
		rc = call_no_more(c, e);
	if (rc == 0)
		rc = task_open_repo(&t, a, e);
	if (rc == 0)
		rc = compact_fence_all(t.r, &fenced, e);
	if (rc == 0)
		talk_info("there are no locks, and nothing ever waits for one: "
			  "this was not needed. %" PRIu64 " unfinished backups "
			  "were ruled out; one that is still running begins "
			  "again by itself", fenced);
	task_close(&t);
	return rc;
}

const struct cmd cmd_break_lock = {
	.name = "break-lock",
	.synopsis = "[REPO]",
	.brief = "rule out backups that have not ended (never needed)",
	.text =
	"Nothing in a repository is ever locked, so there is nothing to\n"
	"break: no backup, mount or compaction ever waits for one that died.\n"
	"This rules out every backup that has not ended, which does no harm:\n"
	"one that is running begins again by itself.\n"
	"\n"
	"  muniment break-lock /backup/mail\n",
	.groups = groups,
	.args_bytes = sizeof(struct break_lock_args),
	.want = REPOARG_REPO,
	.words_max = 1,
	.run = run
};
