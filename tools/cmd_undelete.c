/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "tools/talk.h"
#include "tools/task.h"
#include "tools/times.h"

struct undelete_args {
	const char *archive;
	bool list;
};
#define AT(member) offsetof(struct undelete_args, member)
static const struct opt_row rows[] = {
	{ OPT_BOOL, 0, "list", AT(list), NULL,
	  "only list what can still be brought back", 0, NULL },
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" },
	{ repoarg_rows, AT(archive), "The archive" },
	{ 0 }
};

static void show(const struct catalog *all)
{
	char when[TIMES_BYTES], hex[OID_HEX_BYTES];
	size_t i;

	for (i = 0; i < all->n; i++)
		if (all->item[i]->deleted)
			printf("%-36s %s [%s]\n", all->item[i]->rec.name,
			       times_human(when,
					   all->item[i]->rec.start_nsec),
			       oid_hex(&all->item[i]->id, hex));
}

/* By name the one that was made last; or by id. */
static int find(const struct catalog *all, const char *name,
		const struct catalog_item **out, struct err *e)
{
	char hex[OID_HEX_BYTES];
	size_t i, len = strlen(name);

	*out = NULL;
	for (i = 0; i < all->n; i++)
		if (all->item[i]->deleted &&
		    (!strcmp(all->item[i]->rec.name, name) ||
		     (len >= 8 && !strncmp(oid_hex(&all->item[i]->id, hex),
					   name, len))))
			*out = all->item[i];
	return *out ? 0 : err_set(e, ERR_NOENT, "there is no deleted archive "
		"'%s' that can be brought back: compaction has removed it, or "
		"there was none ('muniment undelete --list' shows them)",
		name);
}

static int run(struct app *a, struct call *c, struct err *e)
{
	const struct undelete_args *o = c->args;
	const struct catalog_item *it;
	struct catalog *all = NULL;
	struct task t = { 0 };
	struct oid id;
	int rc;

	rc = repoarg_take(&t.ra, a, c, o->archive, o->list ? REPOARG_REPO :
			  REPOARG_ARCHIVE, 0, e);
	if (rc == 0)
		rc = call_no_more(c, e);
	if (rc == 0)
		rc = task_open_repo(&t, a, e);
	if (rc == 0)
		rc = catalog_load_all(&all, t.r, e);
	if (rc == 0 && o->list)
		show(all);
	if (rc == 0 && !o->list && (rc = find(all, t.ra.archive, &it, e)) == 0)
		rc = catalog_undelete(t.r, it, &id, e);
	if (rc == 0 && !o->list)
		talk_info("'%s' is an archive again", it->rec.name);
	catalog_free(all);
	task_close(&t);
	return rc;
}

const struct cmd cmd_undelete = {
	.name = "undelete",
	.synopsis = "REPO::ARCHIVE",
	.brief = "bring a deleted archive back",
	.text =
	"Works until the next compaction. The archive's content and times are\n"
	"as they were; its id is a new one. Of several of one name it is the\n"
	"last; others are named by their ids, which --list shows.\n"
	"\n"
	"  muniment undelete /backup/mail::mail-2026-11-23\n",
	.groups = groups,
	.args_bytes = sizeof(struct undelete_args),
	.want = REPOARG_EITHER,
	.words_max = 1,
	.run = run
};
