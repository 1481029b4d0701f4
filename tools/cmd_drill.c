/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/cmd_drill.h"

#include <inttypes.h>
#include <stdio.h>

#include "tools/checks.h"
#include "tools/human.h"
#include "tools/json.h"
#include "tools/talk.h"

struct drill_args {
	const char *archive, *destination;
	unsigned mails, files;
	bool json;
};
#define AT(member) offsetof(struct drill_args, member)
static const struct opt_row rows[] = {
	{ OPT_COUNT, 0, "mails", AT(mails), "N",
	  "messages of each domain (default: 5)", 0, NULL },
	{ OPT_COUNT, 0, "files", AT(files), "N",
	  "other files (default: 20)", 0, NULL },
	{ OPT_STR, 0, "destination", AT(destination), "DIR",
	  "where the private folder is made (default: TMPDIR, or /tmp)", 0,
	  NULL },
	{ OPT_BOOL, 0, "json", AT(json), NULL, "the result as JSON", 0, NULL },
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" },
	{ repoarg_rows, AT(archive), "The archive" },
	{ 0 }
};

static void tell(const struct app *a, const struct task *t,
		 const struct drill_result *res)
{
	char line[640], size[HUMAN_BYTES];

	snprintf(line, sizeof(line), "drill: restored from '%.255s' and "
		 "compared: %" PRIu64 " mails of %" PRIu64 " domains, %" PRIu64
		 " of %" PRIu64 " configuration files, %" PRIu64 " database "
		 "dumps, %" PRIu64 " other files (%s); %" PRIu64 " are as "
		 "they are now, %" PRIu64 " have changed or gone since: %s\n",
		 t->it->rec.name, res->mails, res->domains, res->configs,
		 res->configs_all, res->dumps, res->files,
		 app_size(a, size, res->bytes), res->live, res->changed,
		 res->bad ? "something is wrong" : "no problems found");
	talk_answer(line);
}

static int print(const struct task *t, const struct drill_result *res,
		 bool good, struct err *e)
{
	json_t *doc = json_object(), *k = json_object();

	json_object_set_new(k, "archive", json_text(t->it->rec.name));
	json_object_set_new(k, "mails", json_int(res->mails));
	json_object_set_new(k, "domains", json_int(res->domains));
	json_object_set_new(k, "configuration_files", json_int(res->configs));
	json_object_set_new(k, "database_dumps", json_int(res->dumps));
	json_object_set_new(k, "other_files", json_int(res->files));
	json_object_set_new(k, "bytes", json_int(res->bytes));
	json_object_set_new(k, "as_the_source", json_int(res->live));
	json_object_set_new(k, "changed_since", json_int(res->changed));
	json_object_set_new(k, "wrong", json_int(res->bad));
	json_object_set_new(k, "good", json_boolean(good));
	if (json_object_set_new(doc, "drill", k) < 0 ||
	    json_put_repo(doc, t->r, 0) < 0) {
		json_decref(doc);
		return err_nomem(e);
	}
	return json_print(doc, e);
}

int cmd_drill_task(struct app *a, struct task *t, const struct drill_opts *o,
		   bool json, struct err *e)
{
	struct drill_result res;
	struct err why = { ERR_OK, "" };
	int rc = drill_run(a, t, o, &res, e), printed = 0;

	if (rc != 0 && rc != ERR_CORRUPT && rc != ERR_FAILED)
		return rc;
	if (json)
		printed = print(t, &res, rc == 0, &why);
	else
		tell(a, t, &res);
	if (rc == 0 && printed < 0) {
		*e = why;
		rc = printed;
	}
	return rc;
}

/* When it was done is kept, as for a configured one. */
static void remember(struct app *a, const struct task *t)
{
	struct checks k;

	checks_open(&k, a, repo_id(t->r));
	checks_done(&k, CONFIG_CHECK_DRILL);
	checks_release(&k);
}

static int run(struct app *a, struct call *c, struct err *e)
{
	const struct drill_args *o = c->args;
	struct drill_opts how = {
		.mails = call_given(c, "mails") ? o->mails : DRILL_MAILS,
		.files = call_given(c, "files") ? o->files : DRILL_FILES,
		.below = o->destination,
	};
	struct task t = { 0 };
	int rc = repoarg_take(&t.ra, a, c, o->archive, REPOARG_EITHER, 0, e);

	if (rc == 0)
		rc = call_no_more(c, e);
	if (rc == 0)
		rc = task_open_repo(&t, a, e);
	if (rc == 0)
		rc = task_load(&t, a, e);
	if (rc == 0)
		rc = task_find(&t, a, t.ra.archive ? t.ra.archive : "latest",
			       &t.it, e);
	if (rc == 0)
		rc = task_reader(&t, e);
	if (rc == 0)
		reader_past_local(t.rd);
	if (rc == 0)
		rc = cmd_drill_task(a, &t, &how, o->json, e);
	if (rc == 0)
		remember(a, &t);
	task_close(&t);
	return rc;
}

const struct cmd cmd_drill = {
	.name = "drill",
	.synopsis = "[REPO | REPO::ARCHIVE]",
	.brief = "restore a sample, as an exercise",
	.text =
	"Restores some messages of each domain, all small configuration\n"
	"files, every database dump and some other files, chosen anew each\n"
	"time, of the latest archive or of one, to a private folder that is\n"
	"removed afterwards. Each is compared with the archive and, where it\n"
	"has not changed since, with the live file; of each dump the end is\n"
	"looked for. 'status' shows when that was done last.\n"
	"\n"
	"  muniment drill /backup/mail\n",
	.groups = groups,
	.args_bytes = sizeof(struct drill_args),
	.want = REPOARG_EITHER,
	.words_max = 1,
	.run = run
};
