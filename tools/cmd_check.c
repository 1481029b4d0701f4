/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/checks.h"
#include "tools/cmd_drill.h"
#include "tools/cmd_repair.h"
#include "tools/finding.h"
#include "tools/json.h"
#include "tools/pick.h"
#include "tools/runstate.h"
#include "tools/spot.h"
#include "tools/summary.h"
#include "tools/talk.h"
#include "tools/task.h"

struct check_args {
	const char *archive, *level, *sample;
	bool repository_only, archives_only, verify_data, force, keyless;
	bool repair, json, save_space;
	struct strv only;
	unsigned max_secs;
	struct pick_args pick;
};
#define AT(member) offsetof(struct check_args, member)
static const struct opt_row rows[] = {
	{ OPT_STR, 0, "level", AT(level), "LEVEL",
	  "how deep: names, index, metadata, packs (the default) or data", 0,
	  NULL },
	{ OPT_BOOL, 0, "repository-only", AT(repository_only), NULL,
	  "only the packs and the index", 0, NULL },
	{ OPT_BOOL, 0, "archives-only", AT(archives_only), NULL,
	  "only the archives and their folders", 0, NULL },
	{ OPT_BOOL, 0, "verify-data", AT(verify_data), NULL,
	  "decrypt and compare all contents, too", 0, NULL },
	{ OPT_BOOL, 0, "keyless", AT(keyless), NULL,
	  "find rot without the key: no passphrase is needed", 0, NULL },
	{ OPT_STR, 0, "sample", AT(sample), "PERCENT",
	  "read only so many of the packs, chosen anew each time", 0, NULL },
	{ OPT_COUNT, 0, "max-duration", AT(max_secs), "SECONDS",
	  "stop reading packs then, and go on there the next time", 0, NULL },
	{ OPT_BOOL, 0, "repair", AT(repair), NULL,
	  "repair first, as the action 'repair' does", 0, NULL },
	{ OPT_BOOL, 0, "json", AT(json), NULL,
	  "what is found, as JSON", 0, NULL },
	{ OPT_BOOL, 0, "save-space", AT(save_space), NULL,
	  "accepted: it needs no space", 0, NULL },
	{ OPT_LIST, 0, "only", AT(only), "CHECK",
	  "configured: only this one: repository, archives, data, extract, "
	  "spot, drill; may be given more than once", 0, NULL },
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

static const struct {
	const char *name;
	unsigned flags;
} levels[] = {
	{ "names", CHECK_NAMES },
	{ "index", CHECK_NAMES | CHECK_INDEX },
	{ "metadata", CHECK_ARCHIVES | CHECK_INDEX },
	{ "packs", CHECK_ARCHIVES | CHECK_REPOSITORY },
	{ "data", CHECK_ARCHIVES | CHECK_REPOSITORY | CHECK_DATA },
};

static int parse_level(unsigned *flags, const struct check_args *o,
		       struct err *e)
{
	size_t i;

	if (o->repository_only || o->archives_only || o->verify_data)
		return err_set(e, ERR_CONFIG, "--level cannot be used "
			       "together with --repository-only, "
			       "--archives-only or --verify-data");
	for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (!strcmp(levels[i].name, o->level)) {
			*flags = levels[i].flags;
			return 0;
		}
	return err_set(e, ERR_CONFIG, "option '--level' takes names, index, "
		       "metadata, packs or data, not '%s'", o->level);
}

static int parse_flags(unsigned *flags, const struct check_args *o,
		       struct err *e)
{
	if (o->level)
		return parse_level(flags, o, e);
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

/* "1%", "0.5", into a share. */
static int parse_sample(double *share, const char *text, struct err *e)
{
	char *end;
	double v;

	*share = 0;
	if (!text)
		return 0;
	v = strtod(text, &end);
	if (end == text || !(v > 0 && v <= 100) ||
	    (*end && strcmp(end, "%")))
		return err_set(e, ERR_CONFIG, "option '--sample' takes a "
			       "percentage such as 1%%, not '%s'", text);
	*share = v / 100;
	return 0;
}

/* --- what is said --- */

static void tell(const struct check_result *res, bool good)
{
	char line[256];

	snprintf(line, sizeof(line), "checked %" PRIu64 " packs, %" PRIu64
		 " archives, %" PRIu64 " files, %" PRIu64 " objects: %s\n",
		 res->packs, res->archives, res->files, res->objects,
		 good ? "no problems found" : "damaged");
	talk_answer(line);
}

/* What a sample is worth. */
static void tell_sample(const struct check_result *res)
{
	uint64_t some = res->packs_there / 100 ? res->packs_there / 100 : 1;
	char line[400];

	if (res->packs_there == 0)
		return;
	snprintf(line, sizeof(line), "a sample of %" PRIu64 " of %" PRIu64
		 " packs was read: one damaged pack is found so with a "
		 "probability of %.1f %%, at least one of %" PRIu64
		 " damaged ones with %.1f %%\n", res->packs,
		 res->packs_there,
		 100 * check_chance(res->packs, res->packs_there, 1), some * 10,
		 100 * check_chance(res->packs, res->packs_there, some * 10));
	talk_answer(line);
}

/* What is looked at: a repository, or without its key a store. */
struct target {
	struct repo *r;
	struct store *st;
	struct sid id;
};

static int print(struct findings *f, const struct target *t,
		 const struct check_result *res, bool good, double sample,
		 struct err *e)
{
	json_t *doc = finding_document(f), *k = json_object();

	json_object_set_new(k, "packs", json_int(res->packs));
	json_object_set_new(k, "packs_there", json_int(res->packs_there));
	json_object_set_new(k, "packs_condemned",
			    json_int(res->packs_condemned));
	json_object_set_new(k, "segments", json_int(res->segments));
	json_object_set_new(k, "archives", json_int(res->archives));
	json_object_set_new(k, "files", json_int(res->files));
	json_object_set_new(k, "objects", json_int(res->objects));
	json_object_set_new(k, "bytes", json_int(res->bytes));
	json_object_set_new(k, "stored_bytes", json_int(res->stored_bytes));
	json_object_set_new(k, "damage", json_int(res->damage));
	json_object_set_new(k, "complete", json_boolean(!*res->position));
	if (sample > 0)
		json_object_set_new(k, "chance_of_one", json_real(
			check_chance(res->packs, res->packs_there, 1)));
	json_object_set_new(doc, "sound", json_boolean(good));
	if (json_object_set_new(doc, "checked", k) < 0 ||
	    (t->r && json_put_repo(doc, t->r, 0) < 0)) {
		json_decref(doc);
		return err_nomem(e);
	}
	return json_print(doc, e);
}

/* Carry it out; the result is told. */
static int check(struct app *a, const struct target *t, struct check_opts *co,
		 struct check_result *res, bool json, struct err *e)
{
	struct err why = { ERR_OK, "" };
	struct findings f;
	int rc, printed = 0;

	if ((rc = finding_begin(&f, a, "check", json, e)) < 0)
		goto out;
	co->threads = finding_threads();
	co->cancel = a->cancel;
	co->finding = finding_say;
	co->progress = finding_progress;
	co->ctx = &f;
	rc = t->r ? check_run(t->r, co, res, e) :
		check_scrub(t->st, &t->id, co, res, e);
	progress_end(&f.progress);
	if (rc != 0 && rc != ERR_CORRUPT)
		goto out;
	if (json) {
		printed = print(&f, t, res, rc == 0, co->sample, &why);
	} else {
		tell(res, rc == 0);
		if (co->sample > 0)
			tell_sample(res);
	}
	if (*res->position)
		talk_info("the time for reading packs was over before all "
			  "were read");
	if (rc == 0 && printed < 0) {
		*e = why;
		rc = printed;
	}
out:
	finding_end(&f);
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
		rc = check(a, &(struct target) { .r = t->r }, &co, &res,
			o->json, e);
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

	const struct drill_opts drill = { .mails = DRILL_MAILS,
					  .files = DRILL_FILES };

	if (!k->due[CONFIG_CHECK_EXTRACT] && !k->due[CONFIG_CHECK_SPOT] &&
	    !k->due[CONFIG_CHECK_DRILL])
		return 0;
	rc = task_load(t, a, e);
	if (rc == 0)
		rc = task_find(t, a, "latest", &t->it, e);
	if (rc == 0)
		rc = task_reader(t, e);
	if (rc == 0)
		reader_past_local(t->rd);
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
	if (rc == 0 && k->due[CONFIG_CHECK_DRILL] &&
	    (rc = cmd_drill_task(a, t, &drill, false, e)) == 0)
		checks_done(k, CONFIG_CHECK_DRILL);
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

/* Where a check that ran out of time goes on is kept for the next. */
static int check_on(struct app *a, const struct target *t,
		    struct check_opts *co, bool json, struct err *e)
{
	struct check_result res = { .packs = 0 };
	struct checks k = { .a = NULL };
	char *position = NULL;
	int rc;

	if (co->max_secs) {
		checks_open(&k, a, &t->id);
		position = checks_position(&k);
		co->position = position;
	}
	rc = check(a, t, co, &res, json, e);
	if (rc == 0 && co->max_secs)
		checks_keep_position(&k, *res.position ? res.position : NULL);
	free(position);
	checks_release(&k);
	return rc;
}

static int check_asked(struct app *a, struct task *t,
		       const struct check_args *o,
		       const struct choice_opts *choice, struct err *e)
{
	struct check_opts co = { .archive = t->ra.archive, .choice = choice,
				 .max_secs = o->max_secs };
	int rc;

	if (!a->config && (o->only.n || o->force))
		return err_set(e, ERR_CONFIG, "--only and --force are for the "
			       "checks of a configuration, and this run has "
			       "none");
	rc = parse_flags(&co.flags, o, e);
	if (rc == 0)
		rc = parse_sample(&co.sample, o->sample, e);
	if (rc == 0)
		rc = task_open_repo(t, a, e);
	if (rc == 0)
		rc = check_on(a, &(struct target) { .r = t->r,
			.id = *repo_id(t->r) }, &co, o->json, e);
	if (rc == 0)
		summary_checked(a->summary);
	return rc;
}

static int check_keyless(struct app *a, struct task *t,
			 const struct check_args *o, struct err *e)
{
	struct check_opts co = { .max_secs = o->max_secs };
	struct target at = { .r = NULL };
	struct slot_repo info;
	int rc;

	if (o->level || o->archives_only || o->verify_data || o->repair ||
	    t->ra.archive || pick_given(&o->pick))
		return err_set(e, ERR_CONFIG, "without the key packs, index "
			       "and records are looked at as a whole: "
			       "--keyless goes with --sample, --max-duration "
			       "and --json");
	rc = parse_sample(&co.sample, o->sample, e);
	if (rc == 0)
		rc = repo_probe(t->ra.url, &a->store, &info, e);
	if (rc == 0)
		rc = store_open_with(&at.st, t->ra.url, 0, &a->store, e);
	if (rc == 0) {
		at.id = info.id;
		rc = check_on(a, &at, &co, o->json, e);
	}
	store_close(at.st);
	return rc;
}

static int check_repair(struct app *a, struct task *t,
			const struct check_args *o, struct err *e)
{
	int rc = task_open_repo(t, a, e);

	if (rc == 0 && (t->ra.archive || pick_given(&o->pick)))
		talk_info("a repair is of all archives");
	if (rc == 0)
		rc = cmd_repair_task(a, t, o->verify_data, o->json, e);
	if (rc == 0)
		summary_checked(a->summary);
	return rc;
}

/* Options that fit together, and what they ask for. */
static int judge(const struct check_args *o, const struct task *t,
		 struct err *e)
{
	if (pick_given(&o->pick) && t->ra.archive)
		return err_set(e, ERR_CONFIG, "archive filters and the name of "
			       "an archive cannot be used together");
	if (pick_given(&o->pick) && o->repository_only)
		return err_set(e, ERR_CONFIG, "archive filters and "
			       "--repository-only cannot be used together");
	if (o->repair && (o->max_secs || o->sample))
		return err_set(e, ERR_CONFIG, "a repair reads every pack: "
			       "--repair cannot be used together with "
			       "--max-duration or --sample");
	return 0;
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
	if (rc == 0)
		rc = judge(o, &t, e);
	if (rc < 0)
		goto out;
	if (o->keyless)
		rc = check_keyless(a, &t, o, e);
	else if (o->repair)
		rc = check_repair(a, &t, o, e);
	else if (a->config && !t.ra.archive && !o->repository_only &&
		 !o->archives_only && !o->verify_data && !o->level &&
		 !o->sample)
		rc = check_due(a, &t, o, &pick.o, e);
	else
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
	"  muniment check --verify-data /backup/mail\n"
	"  muniment check --sample 1% --max-duration 3600 /backup/mail\n"
	"  muniment check --keyless /backup/mail\n",
	.groups = groups,
	.args_bytes = sizeof(struct check_args),
	.flags = CMD_EXCLUSIVE,
	.want = REPOARG_EITHER,
	.words_max = 1,
	.run = run
};
