/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/cmd_repair.h"

#include <inttypes.h>
#include <stdio.h>

#include "tools/finding.h"
#include "tools/human.h"
#include "tools/json.h"
#include "tools/talk.h"

struct repair_args {
	bool verify_data, json;
};
#define AT(member) offsetof(struct repair_args, member)
static const struct opt_row rows[] = {
	{ OPT_BOOL, 0, "verify-data", AT(verify_data), NULL,
	  "decrypt and compare all contents, too", 0, NULL },
	{ OPT_BOOL, 0, "json", AT(json), NULL,
	  "what was found and done, as JSON", 0, NULL },
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" },
	{ 0 }
};

static void tell_packs(const struct repair_result *res)
{
	uint64_t listed = res->packs_listed - res->packs_rescued;
	char line[256];

	if (res->packs_bad == 0 && res->packs_listed == 0)
		return;
	snprintf(line, sizeof(line), "%" PRIu64 " of %" PRIu64 " packs are "
		 "damaged or missing; %" PRIu64 " had to be put into the index "
		 "anew\n", res->packs_bad, res->check.packs, listed);
	talk_answer(line);
	if (res->packs_rescued) {
		snprintf(line, sizeof(line), "%" PRIu64 " of them were mended "
			 "by their parity\n", res->packs_rescued);
		talk_answer(line);
	}
	if (res->moved) {
		snprintf(line, sizeof(line), "%" PRIu64 " objects of damaged "
			 "packs could be read and were stored again\n",
			 res->moved);
		talk_answer(line);
	}
}

static void tell(const struct app *a, const struct repair_result *res)
{
	char line[400], lost[HUMAN_BYTES];

	tell_packs(res);
	if (res->archives_damaged == 0) {
		talk_answer(res->generation || res->moved ?
			    "repaired: no archive has lost anything\n" :
			    "nothing to repair\n");
		return;
	}
	snprintf(line, sizeof(line), "%" PRIu64 " archives have lost "
		 "something: %" PRIu64 " files (%s) and %" PRIu64 " folders, "
		 "as listed above; %" PRIu64 " were written anew as "
		 "NAME.repaired\n", res->archives_damaged, res->files,
		 app_size(a, lost, res->lost_bytes), res->dirs,
		 res->archives_repaired);
	talk_answer(line);
	talk_answer("the next backup that has the same content heals the "
		    "originals; what never will be can be deleted, and then "
		    "'muniment compact' removes the damaged packs\n");
}

static int print(struct findings *f, struct task *t,
		 const struct repair_result *res, struct err *e)
{
	json_t *doc = finding_document(f), *k = json_object();

	json_object_set_new(k, "packs", json_int(res->check.packs));
	json_object_set_new(k, "packs_damaged", json_int(res->packs_bad));
	json_object_set_new(k, "packs_rebuilt", json_int(res->packs_rescued));
	json_object_set_new(k, "packs_listed", json_int(res->packs_listed));
	json_object_set_new(k, "generation", json_int(res->generation));
	json_object_set_new(k, "objects_moved", json_int(res->moved));
	json_object_set_new(k, "archives_damaged",
			    json_int(res->archives_damaged));
	json_object_set_new(k, "archives_repaired",
			    json_int(res->archives_repaired));
	json_object_set_new(k, "files", json_int(res->files));
	json_object_set_new(k, "folders", json_int(res->dirs));
	json_object_set_new(k, "lost_bytes", json_int(res->lost_bytes));
	if (json_object_set_new(doc, "repaired", k) < 0 ||
	    json_put_repo(doc, t->r, 0) < 0) {
		json_decref(doc);
		return err_nomem(e);
	}
	return json_print(doc, e);
}

int cmd_repair_task(struct app *a, struct task *t, bool verify_data,
		    bool json, struct err *e)
{
	struct repair_result res = { .packs_bad = 0 };
	struct findings f;
	struct repair_opts o = {
		.threads = finding_threads(), .verify_data = verify_data,
		.cancel = a->cancel, .finding = finding_say,
		.progress = finding_progress, .ctx = &f,
	};
	int rc = finding_begin(&f, a, "repair", json, e);

	if (rc == 0)
		rc = repair_run(t->r, &o, &res, e);
	progress_end(&f.progress);
	if (rc == 0 && json)
		rc = print(&f, t, &res, e);
	else if (rc == 0)
		tell(a, &res);
	finding_end(&f);
	return rc;
}

static int run(struct app *a, struct call *c, struct err *e)
{
	const struct repair_args *o = c->args;
	struct task t = { 0 };
	int rc = repoarg_take(&t.ra, a, c, NULL, REPOARG_REPO, 0, e);

	if (rc == 0)
		rc = call_no_more(c, e);
	if (rc == 0)
		rc = task_open_repo(&t, a, e);
	if (rc == 0)
		rc = cmd_repair_task(a, &t, o->verify_data, o->json, e);
	task_close(&t);
	return rc;
}

const struct cmd cmd_repair = {
	.name = "repair",
	.synopsis = "[REPO]",
	.brief = "make the best of a damaged repository",
	.text =
	"Makes the index anew where it is damaged, from the packs; mends\n"
	"damaged packs by their parity; stores again what else can be read in\n"
	"them; and of each archive that has lost something writes all the\n"
	"rest as NAME.repaired. Nothing is deleted. What is lost is named,\n"
	"file by file, with the bytes, and the next backup that has the same\n"
	"content heals it. Backups may run meanwhile. If anything was damaged\n"
	"the exit status is 1.\n"
	"\n"
	"  muniment repair /backup/mail\n",
	.groups = groups,
	.args_bytes = sizeof(struct repair_args),
	.flags = CMD_EXCLUSIVE,
	.want = REPOARG_REPO,
	.words_max = 1,
	.run = run
};
