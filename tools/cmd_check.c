/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/checks.h"
#include "tools/pick.h"
#include "tools/progress.h"
#include "tools/runstate.h"
#include "tools/spot.h"
#include "tools/summary.h"
#include "tools/talk.h"
#include "tools/task.h"

struct check_args {
	const char *archive;
	bool repository_only, archives_only, verify_data, force;
	struct strv only;
	unsigned max_secs;
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
	{ OPT_COUNT, 0, "max-duration", AT(max_secs), "SECONDS",
	  "stop reading packs then; a configured check goes on there the next "
	  "time", 0, NULL },
	{ OPT_LIST, 0, "only", AT(only), "CHECK",
	  "configured: only this one: repository, archives, data, extract, "
	  "spot; may be given more than once", 0, NULL },
	{ OPT_BOOL, 0, "force", AT(force), NULL,
	  "configured: whatever was checked when", OPT_REPEAT, NULL },
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

static void tell(const struct check_result *res, bool good)
{
	char line[256];

	snprintf(line, sizeof(line), "checked %" PRIu64 " packs, %" PRIu64
		 " archives, %" PRIu64 " files, %" PRIu64 " objects: %s\n",
		 res->packs, res->archives, res->files, res->objects,
		 good ? "no problems found" : "damaged");
	talk_answer(line);
}

/* Carry it out; the result is told. */
static int check(struct app *a, struct task *t, struct check_opts *co,
		 struct check_result *res, struct err *e)
{
	struct checker k = { .a = a };
	int rc;

	co->threads = 4;
	co->cancel = a->cancel;
	co->finding = on_finding;
	co->progress = on_progress;
	co->ctx = &k;
	progress_begin(&k.progress, a, "check");
	rc = check_run(t->r, co, res, e);
	progress_end(&k.progress);
	if (rc == 0 || rc == ERR_CORRUPT)
		tell(res, rc == 0);
	if (*res->position)
		talk_info("the time for reading packs was over before all "
			  "were read");
	return rc;
}

/* --- what is configured, when it is due --- */

static int check_parts(struct app *a, struct task *t, struct checks *k,
		       const struct check_args *o,
		       const struct choice_opts *choice, struct err *e)
{
	const struct config_check *row = k->row[CONFIG_CHECK_REPOSITORY];
	const bool *due = k->due;
	char *position = checks_position(k);
	struct check_result res = { .packs = 0 };
	struct check_opts co = {
		.flags = (due[CONFIG_CHECK_REPOSITORY] ? CHECK_REPOSITORY :
			  0u) |
			(due[CONFIG_CHECK_ARCHIVES] || due[CONFIG_CHECK_DATA] ?
			 CHECK_ARCHIVES : 0u) |
			(due[CONFIG_CHECK_DATA] ? CHECK_DATA : 0u),
		.choice = choice, .position = position,
		.max_secs = o->max_secs ? o->max_secs : row ?
			(unsigned)row->max_duration : 0
	};
	int rc = 0;

	/* All data is all data. */
	if (due[CONFIG_CHECK_DATA] || !co.max_secs) {
		co.max_secs = 0;
		co.position = NULL;
	}
	if (co.flags)
		rc = check(a, t, &co, &res, e);
	free(position);
	if (rc < 0 || !co.flags)
		return rc;
	if (due[CONFIG_CHECK_REPOSITORY]) {
		checks_keep_position(k, *res.position ? res.position : NULL);
		checks_done(k, CONFIG_CHECK_REPOSITORY);
	}
	if (co.flags & CHECK_ARCHIVES)
		checks_done(k, CONFIG_CHECK_ARCHIVES);
	if (due[CONFIG_CHECK_DATA])
		checks_done(k, CONFIG_CHECK_DATA);
	return 0;
}

/* Everything of the latest archive is read as an extract would. */
static int check_extract(struct app *a, struct task *t, struct err *e)
{
	struct extract_opts eo = { .flags = EXTRACT_DRY_RUN, .threads = 4,
				   .cancel = a->cancel };
	struct extract_result res = { 0 };
	int rc = extract_run(t->rd, &t->it->rec, &eo, &res, e);

	if (rc == 0)
		talk_info("all %" PRIu64 " files of '%s' can be extracted",
			  res.files, t->it->rec.name);
	return rc < 0 ? err_ctx(e, "extract check of '%s'",
				t->it->rec.name) : 0;
}

static int check_latest(struct app *a, struct task *t, struct checks *k,
			struct err *e)
{
	int rc;

	if (!k->due[CONFIG_CHECK_EXTRACT] && !k->due[CONFIG_CHECK_SPOT])
		return 0;
	rc = task_load(t, a, e);
	if (rc == 0)
		rc = task_find(t, a, "latest", &t->it, e);
	if (rc == 0)
		rc = task_reader(t, e);
	if (rc == 0 && k->due[CONFIG_CHECK_EXTRACT] &&
	    (rc = check_extract(a, t, e)) == 0)
		checks_done(k, CONFIG_CHECK_EXTRACT);
	if (rc == 0 && k->due[CONFIG_CHECK_SPOT] && !k->row[CONFIG_CHECK_SPOT])
		rc = config_error(a->config, "checks", e, "the check 'spot' "
				  "needs its percentages: there is none in "
				  "the configuration");
	if (rc == 0 && k->due[CONFIG_CHECK_SPOT] &&
	    (rc = spot_check(t, a, k->row[CONFIG_CHECK_SPOT], e)) == 0)
		checks_done(k, CONFIG_CHECK_SPOT);
	return rc;
}

/* Whose checks: as the last run knew it, for an answer without a connection,
 * or as the repository says. */
static int identify(struct app *a, const char *url, struct sid *id,
		    struct err *e)
{
	struct slot_repo info;
	struct runstate known;
	bool has_id = false;
	int rc;

	if (strstr(url, "://")) {
		if ((rc = runstate_load(&known, url, e)) < 0)
			return rc;
		has_id = known.has_id;
		*id = known.id;
		runstate_release(&known);
	}
	if (has_id)
		return 0;
	if ((rc = repo_probe(url, &a->store, &info, e)) == 0)
		*id = info.id;
	return rc;
}

static int check_due(struct app *a, struct task *t,
		     const struct check_args *o,
		     const struct choice_opts *choice, struct err *e)
{
	struct checks k = { .a = NULL };
	struct sid id;
	int rc;

	rc = identify(a, t->ra.url, &id, e);
	if (rc == 0)
		rc = checks_init(&k, a, &id, &o->only, o->force, e);
	if (rc < 0 || !checks_any(&k)) {
		if (rc == 0)
			talk_info("no check is due");
		goto out;
	}
	rc = task_open_repo(t, a, e);
	if (rc == 0)
		rc = check_parts(a, t, &k, o, choice, e);
	if (rc == 0)
		rc = check_latest(a, t, &k, e);
	if (rc == 0)
		summary_checked(a->summary);
out:
	checks_release(&k);
	return rc;
}

/* --- what the command line asks for --- */

static int check_asked(struct app *a, struct task *t,
		       const struct check_args *o,
		       const struct choice_opts *choice, struct err *e)
{
	struct check_result res = { .packs = 0 };
	struct check_opts co = { .archive = t->ra.archive, .choice = choice,
				 .max_secs = o->max_secs };
	int rc;

	if (!a->config && (o->only.n || o->force))
		return err_set(e, ERR_CONFIG, "--only and --force are for the "
			       "checks of a configuration, and this run has "
			       "none");
	rc = parse_flags(&co.flags, o, e);
	if (rc == 0)
		rc = task_open_repo(t, a, e);
	if (rc == 0)
		rc = check(a, t, &co, &res, e);
	if (rc == 0)
		summary_checked(a->summary);
	return rc;
}

static int run(struct app *a, struct call *c, struct err *e)
{
	struct check_args *o = c->args;
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
	if (rc == 0 && pick_given(&by) && t.ra.archive)
		rc = err_set(e, ERR_CONFIG, "archive filters and the name of "
			     "an archive cannot be used together");
	if (rc == 0 && pick_given(&by) && o->repository_only)
		rc = err_set(e, ERR_CONFIG, "archive filters and "
			     "--repository-only cannot be used together");
	if (rc == 0 && a->config && !t.ra.archive && !o->repository_only &&
	    !o->archives_only && !o->verify_data)
		rc = check_due(a, &t, o, &pick.o, e);
	else if (rc == 0)
		rc = check_asked(a, &t, o, &pick.o, e);
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
	"With a configuration, the checks that are due by their frequencies.\n"
	"\n"
	"  muniment check --verify-data /backup/mail\n",
	.groups = groups,
	.args_bytes = sizeof(struct check_args),
	.flags = CMD_EXCLUSIVE,
	.want = REPOARG_EITHER,
	.words_max = 1,
	.run = run
};
