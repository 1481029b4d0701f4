/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/run_priv.h"

#include <string.h>

#include "tools/help.h"
#include "tools/hook/command.h"
#include "tools/placeholder.h"
#include "tools/runstate.h"
#include "tools/status.h"
#include "tools/summary.h"
#include "tools/talk.h"

/* A repository at work. */
struct work {
	struct run *r;
	struct run_repo *q;
	struct run_lock lock;
	struct command_context x;
};

int run_repo_call(struct app *a, struct call *c, struct err *e)
{
	if (a->o.help)
		return help_action(c->cmd, e);
	if (a->o.dry_run && !(c->cmd->flags & CMD_DRY_RUN))
		return err_set(e, ERR_CONFIG, "'%s' knows no --dry-run",
			       c->cmd->name);
	return c->cmd->run(a, c, e);
}

static size_t names_of(const struct cmd *cmd, const char **out, size_t max)
{
	size_t n = 0;

	if (n < max)
		out[n++] = cmd->name;
	/* borgmatic's name where ours is borg's. */
	if (n < max && !strcmp(cmd->name, "init"))
		out[n++] = "repo-create";
	return n;
}

size_t run_repo_names(const struct run *r, const char *out[RUN_NAMES])
{
	size_t i, n = 0;

	for (i = 0; i < r->n_calls; i++)
		n += names_of(r->call[i].cmd, out + n, RUN_NAMES - n);
	return n;
}

static bool skipped(const struct config *c, const struct cmd *cmd)
{
	const char *name[RUN_NAMES];
	size_t i, k, n = names_of(cmd, name, RUN_NAMES);

	for (i = 0; i < c->skip_actions.n; i++)
		for (k = 0; k < n; k++)
			if (!strcmp(c->skip_actions.v[i], name[k]))
				return true;
	return false;
}

/* The action, with what the configuration says. */
static int act(struct work *w, const struct call *from, struct err *e)
{
	struct app *a = w->r->a;
	enum app_progress progress = a->o.progress;
	struct call c;
	int rc;

	if (a->o.dry_run && !(from->cmd->flags & CMD_DRY_RUN) &&
	    from->cmd->flags & CMD_EXCLUSIVE) {
		talk_info("dry run: '%s' is left out", from->cmd->name);
		return 0;
	}
	rc = call_copy(&c, from, e);
	if (rc == 0)
		rc = run_apply(&c, a, e);
	if (rc == 0)
		rc = run_repo_call(a, &c, e);
	call_release(&c);
	a->o.progress = progress;
	return rc;
}

static int commands(struct work *w, struct command_point *at, struct err *e)
{
	return command_run(w->q->file->config, at, &w->x,
			   w->r->a->o.dry_run, w->r->a->cancel, e);
}

/* The commands after: also when those before it, or it itself, failed.  'rc'
 * is what came of these; the first failure counts. */
static int commands_after(struct work *w, struct command_point *at, int rc,
			  struct err *e)
{
	struct err second = { ERR_OK, "" };
	int after;

	at->after = at->before;
	at->before = CONFIG_NOWHERE;
	at->state = rc < 0 ? CONFIG_FAIL : CONFIG_FINISH;
	after = commands(w, at, &second);
	if (after < 0 && rc < 0)
		talk_error(&second);
	else if (after < 0)
		*e = second;
	return rc < 0 ? rc : after != 0 ? after : rc;
}

static int action(struct work *w, const struct call *c, struct err *e)
{
	const char *name[2];
	struct command_point at = { .before = CONFIG_ACTION, .action = name,
				    .n_actions = names_of(c->cmd, name, 2) };
	struct app *a = w->r->a;
	int rc;

	if (skipped(w->q->file->config, c->cmd)) {
		talk_info("'%s' is one of skip_actions", c->cmd->name);
		return 0;
	}
	if ((rc = cancel_check(a->cancel, e)) < 0)
		return rc;
	if (!(c->cmd->flags & CMD_EXCLUSIVE))
		run_lock_drop(&w->lock);
	else if (!a->o.dry_run &&
		 (rc = run_lock_take(&w->lock, w->q, a, e)) < 0)
		return rc;
	rc = commands(w, &at, e);
	if (rc == 0)
		rc = act(w, c, e);
	return rc == COMMAND_SOFT ? rc : commands_after(w, &at, rc, e);
}

static int actions(struct work *w, struct err *e)
{
	const char *name[RUN_NAMES];
	struct command_point at = { .before = CONFIG_REPOSITORY,
		.action = name, .n_actions = run_repo_names(w->r, name) };
	size_t i;
	int rc = commands(w, &at, e);

	for (i = 0; rc == 0 && i < w->r->n_calls; i++)
		rc = action(w, &w->r->call[i], e);
	run_lock_drop(&w->lock);
	return rc == COMMAND_SOFT ? rc : commands_after(w, &at, rc, e);
}

/* For `status`. */
static void note(struct work *w, int64_t begun, int rc, const struct err *e)
{
	struct runstate_run run = {
		.url = w->q->repo->path, .label = w->q->repo->label,
		.config = w->q->file->config->file, .started_nsec = begun,
		.status = rc < 0 ? (int)status_of(rc) : w->r->a->failed ?
			STATUS_FAILED : w->r->a->unlike ? STATUS_ROLLBACK :
			w->r->a->warned ? STATUS_WARNING : STATUS_OK,
		.error = rc < 0 ? e->msg : NULL
	};
	struct strv names = STRV_INIT;
	bool noted = !w->r->a->o.dry_run;
	size_t i;

	for (i = 0; noted && i < w->r->n_calls; i++)
		if (w->r->call[i].cmd->flags & CMD_EXCLUSIVE)
			noted = strv_add(&names, w->r->call[i].cmd->name,
					 NULL) == 0;
	run.actions = &names;
	if (noted && names.n)
		runstate_note_run(&run);
	strv_release(&names);
}

const char *run_repo_label(const struct config_repository *k)
{
	return k->label ? k->label : k->path;
}

int run_repo(struct run *r, struct run_repo *q, struct err *e)
{
	struct work w = {
		.r = r, .q = q, .lock = { -1 },
		.x = { .configuration_filename = q->file->config->file,
		       .log_file = q->file->config->log_file,
		       .repository = q->repo->path,
		       .repository_label = q->repo->label ? q->repo->label :
			       "" }
	};
	struct app *a = r->a;
	const char *asked = a->o.repository;
	int64_t begun = clock_wall_nsec();
	bool warned = a->warned, unlike = a->unlike;
	int rc;

	placeholder_now();	/* a retry makes an archive of its own */
	a->warned = false;	/* what is noted is of this one */
	a->unlike = false;
	strv_release(&a->alarmed);
	a->config = q->file->config;
	a->repository = q->repo;
	a->match = q->file->match;
	a->o.repository = q->repo->path;
	talk_set_prefix(run_repo_label(q->repo));
	summary_begin(a->summary, q->file->config->file,
		      run_repo_label(q->repo));
	rc = actions(&w, e);
	summary_end(a->summary, rc < 0 ? e->msg : NULL);
	note(&w, begun, rc, e);
	a->warned |= warned;
	a->unlike |= unlike;
	talk_set_prefix(NULL);
	a->o.repository = asked;
	a->config = NULL;
	a->repository = NULL;
	a->match = NULL;
	return rc;
}
