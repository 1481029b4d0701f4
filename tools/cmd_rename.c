/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "tools/placeholder.h"
#include "tools/talk.h"
#include "tools/task.h"

struct rename_args {
	const char *archive;
};
static const struct opt_group groups[] = {
	{ repoarg_rows, offsetof(struct rename_args, archive),
	  "The archive" },
	{ 0 }
};

static int run(struct app *a, struct call *c, struct err *e)
{
	struct rename_args *o = c->args;
	const char *word;
	char *name = NULL;
	struct oid id;
	struct task t = { 0 };
	int rc;

	rc = repoarg_take(&t.ra, a, c, o->archive, REPOARG_ARCHIVE, 1, e);
	word = rc == 0 ? call_word(c) : NULL;
	if (rc == 0 && !word)
		rc = err_set(e, ERR_CONFIG, "the new name is missing: "
			     "muniment rename REPO::ARCHIVE NEWNAME");
	if (rc == 0)
		rc = call_no_more(c, e);
	if (rc == 0)
		rc = placeholder_expand(&name, word, e);
	if (rc == 0)
		rc = catalog_name_check(name, e);
	if (rc == 0)
		rc = task_open_repo(&t, a, e);
	if (rc == 0)
		rc = task_load(&t, a, e);
	if (rc == 0)
		rc = task_find(&t, a, t.ra.archive, &t.it, e);
	if (rc == 0)
		rc = catalog_rename(t.r, t.it, name, &id, e);
	if (rc == 0)
		talk_info("renamed '%s' to '%s'", t.it->rec.name, name);
	free(name);
	task_close(&t);
	return rc;
}

const struct cmd cmd_rename = {
	.name = "rename",
	.synopsis = "REPO::ARCHIVE NEWNAME",
	.brief = "give an archive another name",
	.text =
	"Its content and its times stay; its id changes.\n"
	"\n"
	"  muniment rename /backup/mail::latest before-the-upgrade\n",
	.groups = groups,
	.args_bytes = sizeof(struct rename_args),
	.want = REPOARG_ARCHIVE,
	.keep = 1,
	.words_max = 2,
	.run = run
};
