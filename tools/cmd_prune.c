/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/cmd_prune.h"

#include <stdio.h>
#include <string.h>

#include "tools/report.h"
#include "tools/summary.h"
#include "tools/talk.h"
#include "tools/times.h"

static int set_within(void *dst, const struct opt_row *row, const char *value,
		      struct err *e)
{
	return retention_within(dst, value, e) < 0 ?
		err_ctx(e, "option '--%s'", row->name) : 0;
}

static int set_count(void *dst, const struct opt_row *row, const char *value,
		     struct err *e)
{
	return retention_count(dst, value, e) < 0 ?
		err_ctx(e, "option '--%.*s'", (int)strcspn(row->name, "|"),
			row->name) : 0;
}

#define AT(member) offsetof(struct prune_args, member)
#define KEEP(letter, name, rule, help) \
	{ OPT_FN, letter, name, AT(keep.keep[rule]), "N", help, 0, set_count }
static const struct opt_row keep_rows[] = {
	{ OPT_FN, 0, "keep-within", AT(keep.within_nsec), "INTERVAL",
	  "keep all of this time: 48H, 2d, 1w, 3m or 1y", 0, set_within },
	KEEP(0, "keep-last|keep-secondly", RETENTION_SECONDLY,
	     "keep the last N (one a second)"),
	KEEP(0, "keep-minutely", RETENTION_MINUTELY, "keep N, one a minute"),
	KEEP('H', "keep-hourly", RETENTION_HOURLY, "keep N, one an hour"),
	KEEP('d', "keep-daily", RETENTION_DAILY, "keep N, one a day"),
	KEEP('w', "keep-weekly", RETENTION_WEEKLY, "keep N, one a week"),
	KEEP('m', "keep-monthly", RETENTION_MONTHLY, "keep N, one a month"),
	KEEP(0, "keep-13weekly", RETENTION_13WEEKLY,
	     "keep N, one in 13 weeks"),
	KEEP(0, "keep-3monthly", RETENTION_3MONTHLY,
	     "keep N, one in a quarter of a year"),
	KEEP('y', "keep-yearly", RETENTION_YEARLY, "keep N, one a year"),
	{ 0 }
};
static const struct opt_row rows[] = {
	{ OPT_BOOL, 0, "list", AT(list), NULL,
	  "list what is kept and what goes, and why, on stderr", OPT_SHARED,
	  NULL },
	{ OPT_BOOL, 's', "stats", AT(stats), NULL,
	  "figures of what was deleted", OPT_SHARED, NULL },
	{ OPT_BOOL, 0, "force", AT(force), NULL,
	  "without the guard rails: exactly what the rules say", OPT_REPEAT,
	  NULL },
	{ OPT_BOOL, 0, "save-space", AT(save_space), NULL,
	  "accepted: deleting an archive needs no space", 0, NULL },
	{ OPT_COUNT, 0, "checkpoint-interval", AT(checkpoint_secs),
	  "SECONDS", "accepted: each deletion is complete at once", 0, NULL },
	{ 0 }
};
static const struct opt_group groups[] = {
	{ keep_rows, 0, "What is kept" },
	{ rows, 0, "Options" },
	{ pick_rows, AT(pick), "Which archives" },
	{ 0 }
};

struct pruner {
	struct app *a;
	const struct prune_args *o;
};

/* In borg's words and columns. */
static void on_item(const struct prune_item *it, void *ctx)
{
	char when[TIMES_BYTES], hex[OID_HEX_BYTES], text[96];
	const struct pruner *p = ctx;

	if (!p->o->list)
		return;
	if (it->fate == PRUNE_DELETED && p->a->o.dry_run)
		snprintf(text, sizeof(text), "Would prune:");
	else if (it->fate == PRUNE_DELETED)
		snprintf(text, sizeof(text), "Pruning archive (%zu/%zu):",
			 it->i, it->n);
	else if (it->fate == PRUNE_KEPT_PARTIAL)
		snprintf(text, sizeof(text), "Keeping checkpoint archive:");
	else if (it->nth)
		snprintf(text, sizeof(text), "Keeping archive (rule: %s #%zu):",
			 it->rule, it->nth);
	else
		snprintf(text, sizeof(text), "Keeping archive (rule: %s):",
			 it->rule);
	talk_line("%-40s %-36s %s [%s]", text, it->it->rec.name,
		  times_human(when, it->it->rec.start_nsec),
		  oid_hex(&it->it->id, hex));
}

static void on_suspended(const char *why, void *ctx)
{
	const struct pruner *p = ctx;

	app_warn(p->a, "nothing of these archives is pruned: %s. If that is "
		 "right, prune with --force once; else restore what is "
		 "missing", why);
}

int cmd_prune_task(struct app *a, struct task *t,
		   const struct prune_args *args, struct prune_result *res,
		   struct err *e)
{
	struct pruner p = { .a = a, .o = args };
	struct prune_opts po = {
		.keep = args->keep, .cancel = a->cancel,
		.flags = (a->o.dry_run ? PRUNE_DRY_RUN : 0u) |
			(args->force ? PRUNE_FORCE : 0u),
		.item = on_item, .suspended = on_suspended, .ctx = &p
	};
	struct pick pick;
	int rc;

	rc = pick_make(&pick, &args->pick, e);
	po.choice = &pick.o;
	if (rc == 0 && !a->o.dry_run)
		rc = witness_trust(t->r, "pruning", e);
	if (rc == 0)
		rc = prune_run(t->r, t->c, &po, res, e);
	pick_release(&pick);
	if (rc == 0)
		summary_pruned(a->summary, res->deleted);
	if (rc == 0 && args->stats)
		rc = report_deleted(a, t->r, res->bytes, res->stored_bytes, e);
	if (rc == 0)
		talk_info("%s %zu archives, kept %zu", a->o.dry_run ?
			  "would prune" : "pruned", res->deleted, res->kept);
	return rc;
}

static int run(struct app *a, struct call *c, struct err *e)
{
	const struct prune_args *o = c->args;
	struct prune_result res;
	struct task t = { 0 };
	struct pick judged;
	int rc;

	rc = repoarg_take(&t.ra, a, c, NULL, REPOARG_REPO, 0, e);
	if (rc == 0)
		rc = call_no_more(c, e);
	if (rc == 0)
		rc = retention_check(&o->keep, e);
	if (rc == 0) {
		rc = pick_make(&judged, &o->pick, e);
		pick_release(&judged);
	}
	if (rc == 0)
		rc = task_open_repo(&t, a, e);
	if (rc == 0)
		rc = task_load(&t, a, e);
	if (rc == 0)
		rc = cmd_prune_task(a, &t, o, &res, e);
	task_close(&t);
	return rc;
}

const struct cmd cmd_prune = {
	.name = "prune",
	.synopsis = "[REPO]",
	.brief = "delete the archives that are not to be kept",
	.text =
	"Keeps the newest archive of so many hours, days, weeks and so on,\n"
	"and deletes the others, by borg's rules. --dry-run --list shows each\n"
	"one, and the rule that keeps it. What is deleted takes its room till\n"
	"the next compaction.\n"
	"\n"
	"It refuses to leave nothing of most days, and stops after a change\n"
	"that looks like an accident; it keeps the newest of a series, and\n"
	"fails if a pattern fits none. --force does what the rules say.\n"
	"\n"
	"  muniment prune --list -H 24 -d 7 -w 4 -m 6 -a 'mail-*' /backup\n",
	.groups = groups,
	.args_bytes = sizeof(struct prune_args),
	.flags = CMD_DRY_RUN | CMD_EXCLUSIVE,
	.want = REPOARG_REPO,
	.words_max = 1,
	.run = run
};
