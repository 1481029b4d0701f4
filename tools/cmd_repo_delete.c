/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/cmd_repo_delete.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/forget.h"
#include "tools/progress.h"
#include "tools/talk.h"
#include "tools/times.h"
#include "tools/tty.h"

#define THREADS 8
#define VARIABLE "DELETE_I_KNOW_WHAT_I_AM_DOING"

#define AT(member) offsetof(struct repo_delete_args, member)
static const struct opt_row rows[] = {
	{ OPT_BOOL, 0, "list", AT(list), NULL,
	  "list the archives on stderr", 0, NULL },
	{ OPT_BOOL, 0, "force", AT(force), NULL,
	  "also if it is damaged, or the key is lost", OPT_REPEAT, NULL },
	{ OPT_BOOL, 0, "cache-only", AT(cache_only), NULL,
	  "delete only what this machine caches of it", 0, NULL },
	{ OPT_BOOL, 0, "keep-security-info", AT(keep_security_info), NULL,
	  "keep what this machine knows of its newest state", 0, NULL },
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" },
	{ 0 }
};

/* --- the question --- */

static void list_archives(const struct task *t)
{
	char when[TIMES_BYTES];
	size_t i;

	for (i = 0; t->c && i < t->c->n; i++)
		talk_line("%-36s %s", t->c->item[i]->rec.name,
			  times_human(when, t->c->item[i]->rec.start_nsec));
}

/* Only the very word is a yes. */
static int judge_answer(const char *answer, const char *from, struct err *e)
{
	if (!strcmp(answer, "YES"))
		return 0;
	return err_set(e, ERR_CANCEL, "nothing was deleted: %s '%s', not 'YES'",
		       from, answer);
}

static int ask(struct app *a, const struct task *t, struct err *e)
{
	const char *known = getenv("MUNIMENT_" VARIABLE);
	char answer[16], number[64] = "all its archives";
	int rc;

	if (!known)
		known = getenv("BORG_" VARIABLE);
	if (known)
		return judge_answer(known, "MUNIMENT_" VARIABLE " is", e);
	if (!tty_present())
		return err_set(e, ERR_DENIED, "a whole repository is deleted "
			       "only by somebody who says so: at a terminal, "
			       "or with MUNIMENT_" VARIABLE "=YES in the "
			       "environment. %s was not touched", t->ra.url);
	if (t->c)
		snprintf(number, sizeof(number), "%zu archives", t->c->n);
	talk_line("You are about to DELETE the repository %s with %s. This "
		  "cannot be undone.", t->ra.url, number);
	rc = tty_question("Type 'YES' if you understand this and want to "
			  "continue: ", answer, sizeof(answer), a->cancel, e);
	return rc < 0 ? rc : judge_answer(answer, "the answer was", e);
}

/* --- the deletion --- */

static void on_progress(const struct erase_progress *p, void *ctx)
{
	struct progress_at at = { .done = p->done, .total = p->total,
				  .counts = true, .text = "deleting" };

	progress_show(ctx, &at);
}

static int erase(struct app *a, struct store *st, struct err *e)
{
	struct progress p;
	struct erase_opts o = { .threads = THREADS, .cancel = a->cancel,
				.progress = on_progress, .ctx = &p };
	uint64_t files = 0;
	int rc;

	progress_begin(&p, a, "repo-delete");
	rc = erase_run(st, &o, &files, e);
	progress_end(&p);
	if (rc == ERR_EXIST) {
		app_warn(a, "%s", e->msg);
		err_clear(e);
		rc = 0;
	}
	if (rc == 0)
		talk_info("the repository is deleted: %" PRIu64 " files",
			  files);
	return rc;
}

/* A cache that cannot be removed costs room, no more. */
static void forget(struct app *a, const struct sid *id, const char *url,
		   bool security)
{
	struct err why = { ERR_OK, "" };

	kdf_ahead_forget(url);
	if (forget_cache(id, &why) < 0)
		app_warn(a, "%s", why.msg);
	if (security && forget_security(id, url, &why) < 0)
		app_warn(a, "%s", why.msg);
}

/* With the key, unless it is lost: whoever may delete a repository by mistake
 * shall not even get as far as the question. */
static int look(struct app *a, struct task *t,
		const struct repo_delete_args *o, struct err *e)
{
	int rc;

	if (o->force)
		return 0;
	rc = task_open_repo(t, a, e);
	if (rc == 0)
		rc = repo_require(t->r, KEY_DELETE | KEY_READ, e);
	return rc < 0 ? rc : task_load(t, a, e);
}

int cmd_repo_delete_task(struct app *a, struct task *t,
			 const struct repo_delete_args *o, struct err *e)
{
	struct store *st = NULL;
	struct slot_repo info;
	char *key = NULL;
	int rc = repo_probe(t->ra.url, &a->store, &info, e);

	if (rc < 0)
		return rc;
	if (o->cache_only) {
		if (!a->o.dry_run)
			forget(a, &info.id, t->ra.url, false);
		return 0;
	}
	if ((rc = look(a, t, o, e)) < 0)
		return rc;
	if (o->list || a->o.dry_run)
		list_archives(t);
	if (a->o.dry_run) {
		talk_line("Would delete the repository %s", t->ra.url);
		return 0;
	}
	if ((rc = ask(a, t, e)) < 0)
		return rc;
	key = t->r ? repo_key_path(t->r) : NULL;
	rc = store_open_with(&st, t->ra.url, 0, &a->store, e);
	if (rc == 0)
		rc = erase(a, st, e);
	store_close(st);
	if (rc == 0)
		forget(a, &info.id, t->ra.url, !o->keep_security_info);
	if (rc == 0 && key)
		talk_info("its key is still in %s", key);
	free(key);
	return rc;
}

static int run(struct app *a, struct call *c, struct err *e)
{
	struct task t = { 0 };
	int rc = repoarg_take(&t.ra, a, c, NULL, REPOARG_REPO, 0, e);

	if (rc == 0)
		rc = call_no_more(c, e);
	if (rc == 0)
		rc = cmd_repo_delete_task(a, &t, c->args, e);
	task_close(&t);
	return rc;
}

const struct cmd cmd_repo_delete = {
	.name = "repo-delete",
	.aliases = "rdelete",
	.synopsis = "[REPO]",
	.brief = "delete a whole repository",
	.text =
	"Deletes a repository with all its archives, after asking for the\n"
	"word YES. Without a terminal the environment has to say it:\n"
	"MUNIMENT_DELETE_I_KNOW_WHAT_I_AM_DOING=YES. What this machine caches\n"
	"and knows of it goes, too; a key file stays.\n"
	"\n"
	"  muniment repo-delete /backup/old\n",
	.groups = groups,
	.args_bytes = sizeof(struct repo_delete_args),
	.flags = CMD_DRY_RUN | CMD_EXCLUSIVE,
	.want = REPOARG_REPO,
	.words_max = 1,
	.run = run
};
