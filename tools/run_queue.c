/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/run_priv.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/cmd_status.h"
#include "tools/hook/command.h"
#include "tools/hook/db_dump.h"
#include "tools/json.h"
#include "tools/summary.h"
#include "tools/talk.h"

/* The repositories of one file that are still to be done; one that failed and
 * may be tried again goes to the end. */
struct queue {
	struct run *r;
	struct run_file *f;
	struct run_repo *v;
	size_t n, at, cap;
	struct err first;	/* failure */
	const struct config_repository *failed;
};

static void keep_first(struct queue *q, const struct err *e,
		       const struct config_repository *repo)
{
	if (q->first.code != ERR_OK)
		return;
	q->first = *e;
	q->failed = repo;
}

static int fill(struct queue *q, struct err *e)
{
	const struct config_repositories *all = &q->f->config->repositories;
	size_t i, tries;

	tries = (size_t)(q->f->config->retries > 1000 ? 1000 :
			 q->f->config->retries) + 1;
	q->cap = all->n * tries;
	q->v = mem_zero(q->cap ? q->cap : 1, sizeof(*q->v));
	if (!q->v)
		return err_nomem(e);
	for (i = 0; i < all->n; i++)
		if (run_file_wants(q->r, &all->v[i]))
			q->v[q->n++] = (struct run_repo){
				.file = q->f, .repo = &all->v[i]
			};
	return 0;
}

/* The n-th retry waits n times as long. */
static int wait_turn(const struct queue *q, const struct run_repo *at,
		     struct err *e)
{
	const struct timespec look = { 0, 50000000 };
	int64_t secs = q->f->config->retry_wait * at->tries;
	int64_t end = clock_mono_nsec() + secs * 1000000000;

	if (at->tries == 0 || secs <= 0)
		return 0;
	talk_warn("%s: waiting %lld seconds before retry %u of %lld",
		  run_repo_label(at->repo),
		  (long long)secs, at->tries,
		  (long long)q->f->config->retries);
	while (clock_mono_nsec() < end && !cancel_wanted(q->r->a->cancel))
		nanosleep(&look, NULL);
	return cancel_check(q->r->a->cancel, e);
}

/* What is wrong with the configuration stays wrong. */
static bool may_retry(const struct queue *q, const struct run_repo *at,
		      const struct err *e)
{
	return e->code != ERR_CONFIG && e->code != ERR_CANCEL &&
		at->tries < q->f->config->retries && q->n < q->cap;
}

static void failed(struct queue *q, struct run_repo at, struct err *e)
{
	talk_set_prefix(run_repo_label(at.repo));
	if (may_retry(q, &at, e)) {
		at.tries++;
		q->v[q->n++] = at;
		talk_warn("%s (retry %u of %lld comes)", e->msg, at.tries,
			  (long long)q->f->config->retries);
	} else {
		talk_error(e);
		keep_first(q, e, at.repo);
	}
	talk_set_prefix(NULL);
}

/* Each repository; a failure of one is not one of the others'. */
static int repositories(struct queue *q, struct err *e)
{
	int rc = fill(q, e);

	while (rc == 0 && q->at < q->n) {
		struct run_repo *at = &q->v[q->at++];

		rc = wait_turn(q, at, e);
		if (at->tries)	/* they would be as old as the first try */
			db_dump_forget(q->r->a);
		if (rc == 0)
			rc = run_repo(q->r, at, e);
		if (rc == ERR_NOMEM)
			return rc;
		if (rc < 0)
			failed(q, *at, e);
		if (rc == COMMAND_SOFT)
			talk_warn("%s: a command asked to leave it out this "
				  "time", run_repo_label(at->repo));
		rc = rc == ERR_CANCEL ? rc : 0;
	}
	return rc;
}

/* The commands for failures. */
static void on_error(struct queue *q, const struct command_context *base)
{
	const char *name[RUN_NAMES];
	struct command_point at = { .after = CONFIG_ERROR, .action = name,
		.n_actions = run_repo_names(q->r, name),
		.state = CONFIG_FAIL };
	struct command_context x = *base;
	struct err e;

	x.error = q->first.msg;
	x.output = q->first.msg;
	x.repository = q->failed ? q->failed->path : "";
	x.repository_label = q->failed && q->failed->label ?
		q->failed->label : "";
	if (command_run(q->f->config, &at, &x, q->r->a->o.dry_run,
			q->r->a->cancel, &e) < 0)
		talk_error(&e);
}

/* The commands around a configuration, and all in it. */
static int around(struct queue *q, const struct command_context *x,
		  struct err *e)
{
	const char *name[RUN_NAMES];
	struct command_point at = { .before = CONFIG_CONFIGURATION,
		.action = name, .n_actions = run_repo_names(q->r, name) };
	bool dry = q->r->a->o.dry_run;
	int rc = command_run(q->f->config, &at, x, dry, q->r->a->cancel, e);

	if (rc == COMMAND_SOFT)
		return rc;
	if (rc == 0)
		rc = repositories(q, e);
	if (rc < 0 && q->first.code == ERR_OK) {
		talk_error(e);
		keep_first(q, e, NULL);
	}
	at.before = CONFIG_NOWHERE;
	at.after = CONFIG_CONFIGURATION;
	at.state = q->first.code != ERR_OK ? CONFIG_FAIL : CONFIG_FINISH;
	rc = command_run(q->f->config, &at, x, dry, q->r->a->cancel, e);
	if (rc < 0) {
		talk_error(e);
		keep_first(q, e, NULL);
	}
	return 0;
}

static int one_file(struct run *r, struct run_file *f, struct err *e)
{
	const struct command_context x = {
		.configuration_filename = f->config->file,
		.log_file = f->config->log_file
	};
	struct queue q = { .r = r, .f = f };
	struct run_env env;
	int rc;

	rc = run_env_enter(&env, r->a, f->config, e);
	if (rc < 0)
		talk_error(e);
	if (rc == 0) {
		around(&q, &x, e);
		if (q.first.code != ERR_OK) {
			on_error(&q, &x);
			*e = q.first;
			rc = q.first.code;
		}
	}
	db_dump_forget(r->a);
	run_env_leave(&env, r->a);
	free(q.v);
	return rc;
}

/* The commands before or after everything, of all files.  The first failure
 * ends those before it. */
static int everything(struct run *r, bool before, int state, struct err *e)
{
	const char *name[RUN_NAMES];
	struct command_point at = { .action = name,
		.n_actions = run_repo_names(r, name),
		.state = (unsigned)state };
	size_t i;
	int rc, first = 0;
	struct err mine;

	*(before ? &at.before : &at.after) = CONFIG_EVERYTHING;
	for (i = 0; i < r->n_files && !(before && first < 0); i++) {
		const struct config *c = r->file[i].config;
		const struct command_context x = {
			.configuration_filename = c->file,
			.log_file = c->log_file
		};

		rc = command_run(c, &at, &x, r->a->o.dry_run, r->a->cancel,
				 &mine);
		if (rc >= 0)
			continue;
		talk_error(&mine);
		if (first == 0)
			*e = mine;
		first = first < 0 ? first : rc;
	}
	return first;
}

static bool wants_json(const struct run *r)
{
	size_t i;

	for (i = 0; i < r->n_calls; i++)
		if (call_given(&r->call[i], "json"))
			return true;
	return false;
}

/* For those who watch.  A backup that is there is not undone by it. */
static void write_status(struct run *r)
{
	struct config **all = mem_zero(r->n_files, sizeof(*all));
	struct err e;
	size_t i;
	int rc;

	for (i = 0; all && i < r->n_files; i++)
		all[i] = r->file[i].config;
	rc = all ? cmd_status_files(r->a, all, r->n_files, &e) : err_nomem(&e);
	if (rc < 0)
		app_warn(r->a, "%s", e.msg);
	free(all);
}

int run_queue(struct run *r, struct err *e)
{
	struct err first = { ERR_OK, "" }, mine;
	size_t i;

	r->told = true;
	r->a->summary = summary_new();
	if (wants_json(r) && json_collect(&first) < 0)
		talk_error(&first);
	if (everything(r, true, 0, &first) == 0) {
		for (i = 0; i < r->n_files; i++)
			if (one_file(r, &r->file[i], &mine) < 0 &&
			    first.code == ERR_OK)
				first = mine;
	}
	if (everything(r, false, first.code != ERR_OK ? CONFIG_FAIL :
		       CONFIG_FINISH, &mine) < 0 && first.code == ERR_OK)
		first = mine;
	if (json_collected(&mine) < 0) {
		talk_error(&mine);
		first = first.code != ERR_OK ? first : mine;
	}
	if (!r->a->o.dry_run)
		write_status(r);
	if (r->broken) {
		summary_begin(r->a->summary, r->broken_file, NULL);
		summary_end(r->a->summary, "it could not be read");
	}
	summary_print(r->a->summary, r->a);
	summary_free(r->a->summary);
	r->a->summary = NULL;
	*e = first;
	return first.code != ERR_OK ? (int)first.code : r->broken;
}
