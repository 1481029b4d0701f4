/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>

#include "tools/human.h"
#include "tools/progress.h"
#include "tools/talk.h"
#include "tools/task.h"

struct parity_args {
	const char *set;
	bool fill, repair;
};
#define AT(member) offsetof(struct parity_args, member)
static const struct opt_row rows[] = {
	{ OPT_STR, 0, "set", AT(set), "SHARE",
	  "how much parity new packs get from now on: 3%, or none", 0, NULL },
	{ OPT_BOOL, 0, "fill", AT(fill), NULL,
	  "make parity for the packs and archives that have none", 0, NULL },
	{ OPT_BOOL, 0, "repair", AT(repair), NULL,
	  "read every pack, and replace those that are damaged by what their "
	  "parity gives", 0, NULL },
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" },
	{ 0 }
};

struct parity_call {
	struct app *a;
	struct progress progress;
};

static void on_finding(const char *file, const char *text, void *ctx)
{
	struct parity_call *k = ctx;
	struct err e;

	err_set(&e, ERR_CORRUPT, "%s: %s", file, text);
	talk_error(&e);
	k->a->warned = true;
}

static void on_progress(const char *what, uint64_t done, uint64_t total,
			void *ctx)
{
	struct parity_call *k = ctx;
	struct progress_at at = { .done = done, .total = total,
				  .counts = true, .text = what };

	progress_show(&k->progress, &at);
}

static void tell(struct app *a, const struct parity_args *o,
		 const struct parity_repair_result *res)
{
	char bytes[HUMAN_BYTES], parity[HUMAN_BYTES], share[32];

	app_size(a, bytes, res->bytes);
	app_size(a, parity, res->parity_bytes);
	snprintf(share, sizeof(share), "%u.%u %%", res->mille / 10,
		res->mille % 10);
	printf("parity of new packs: %s\n", res->mille ? share : "none");
	printf("%" PRIu64 " packs and %" PRIu64 " archives (%s), %" PRIu64
	       " parity files (%s)\n", res->packs, res->records, bytes,
	       res->parity_files, parity);
	if (o->fill)
		printf("made parity for %" PRIu64 " of %" PRIu64 " that had "
		       "none, or damaged parity\n", res->made, res->without);
	else if (res->without)
		printf("%" PRIu64 " have no parity\n", res->without);
	if (!o->repair)
		return;
	printf("%" PRIu64 " packs are damaged: %" PRIu64 " can be mended, %"
	       PRIu64 " were replaced\n", res->damaged, res->mendable,
	       res->renewed);
	if (res->waiting)
		talk_info("%" PRIu64 " backups are still running: the damaged "
			  "packs go with the next compaction", res->waiting);
}

static int parity(struct app *a, struct task *t, const struct parity_args *o,
		  struct err *e)
{
	struct parity_call k = { .a = a };
	struct parity_repair_result res;
	struct parity_repair_opts ro = {
		.flags = (o->fill ? PARITY_REPAIR_FILL : 0u) |
			(o->repair ? PARITY_REPAIR_RENEW : 0u) |
			(a->o.dry_run ? PARITY_REPAIR_DRY_RUN : 0u),
		.cancel = a->cancel, .finding = on_finding,
		.progress = on_progress, .ctx = &k,
	};
	unsigned mille;
	int rc = 0;

	if (o->set && (rc = parity_store_parse(&mille, o->set, e)) == 0 &&
	    !a->o.dry_run)
		rc = parity_store_choose(t->r, mille, e);
	if (rc < 0)
		return rc;
	progress_begin(&k.progress, a, "parity");
	rc = parity_repair_run(t->r, &ro, &res, e);
	progress_end(&k.progress);
	if (rc == 0 || rc == ERR_CORRUPT)
		tell(a, o, &res);
	if (rc == ERR_CONFIG)
		err_set(e, ERR_CONFIG, "%s: --set 3%%", e->msg);
	return rc;
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
		rc = parity(a, &t, c->args, e);
	task_close(&t);
	return rc;
}

const struct cmd cmd_parity = {
	.name = "parity",
	.synopsis = "[REPO]",
	.brief = "mend rot by Reed-Solomon parity",
	.text =
	"A repository with parity (init --parity 3%) mends rot: any run of\n"
	"damaged bytes up to that share of a pack, and damaged sectors here\n"
	"and there. What is damaged is read through its parity all the same;\n"
	"--repair writes it anew. Without options, says how much parity there\n"
	"is.\n"
	"\n"
	"  muniment parity --set 3% --fill /backup/mail\n",
	.groups = groups,
	.args_bytes = sizeof(struct parity_args),
	.flags = CMD_DRY_RUN | CMD_EXCLUSIVE,
	.want = REPOARG_REPO,
	.words_max = 1,
	.run = run
};
