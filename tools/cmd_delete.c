/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "tools/pick.h"
#include "tools/report.h"
#include "tools/talk.h"
#include "tools/task.h"
#include "tools/times.h"

struct delete_args {
	const char *archive;
	bool list, stats;
	struct pick_args pick;
};
#define AT(member) offsetof(struct delete_args, member)
static const struct opt_row rows[] = {
	{ OPT_BOOL, 0, "list", AT(list), NULL,
	  "list the archives on stderr", 0, NULL },
	{ OPT_BOOL, 's', "stats", AT(stats), NULL,
	  "figures of what was deleted", 0, NULL },
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" },
	{ repoarg_rows, AT(archive), "The archive" },
	{ pick_rows, AT(pick), "Which archives" },
	{ 0 }
};

/* All names are looked up before the first archive goes. */
static int pick_named(struct pick *p, struct task *t, struct app *a,
		      struct call *c, struct err *e)
{
	const char *word;
	size_t i;
	int rc = 0;

	p->item = mem_array(call_words_left(c) + 1, sizeof(*p->item));
	if (!p->item)
		return err_nomem(e);
	if (t->it)
		p->item[p->n++] = t->it;
	while (rc == 0 && (word = call_word(c))) {
		rc = task_find(t, a, word, &p->item[p->n], e);
		for (i = 0; rc == 0 && i < p->n; i++)
			if (p->item[i] == p->item[p->n])
				break;
		if (rc == 0 && i == p->n)
			p->n++;
	}
	return rc;
}

static int delete_one(struct app *a, struct repo *r,
		      const struct delete_args *o,
		      const struct catalog_item *it, struct err *e)
{
	char when[TIMES_BYTES], hex[OID_HEX_BYTES];
	int rc = 0;

	if (!a->o.dry_run)
		rc = catalog_delete(r, it, "delete", e);
	if (rc == ERR_NOENT) {	/* somebody else has: it is gone */
		err_clear(e);
		rc = 0;
	}
	if (rc == 0 && (o->list || a->o.dry_run))
		talk_line("%s %-36s %s [%s]", a->o.dry_run ?
			  "Would delete archive:" : "Deleted archive:",
			  it->rec.name, times_human(when, it->rec.start_nsec),
			  oid_hex(&it->id, hex));
	return rc;
}

static int delete_all(struct app *a, struct task *t,
		      const struct delete_args *o, const struct pick *p,
		      struct err *e)
{
	uint64_t bytes = 0, stored = 0;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < p->n; i++) {
		if ((rc = cancel_check(a->cancel, e)) < 0)
			break;
		rc = delete_one(a, t->r, o, p->item[i], e);
		bytes += p->item[i]->rec.stats.bytes;
		stored += p->item[i]->rec.stats.stored_bytes;
	}
	if (rc < 0)
		return i > 0 ? err_ctx(e, "after %zu of %zu archives", i,
				       p->n) : rc;
	if (o->stats) {
		report_rule();
		report_head();
		report_sizes(a, a->o.dry_run ? "Would delete:" :
			     "Deleted data:", bytes, 0, stored);
		report_rule();
	}
	return 0;
}

static int choose(struct pick *p, struct task *t, struct app *a,
		  struct call *c, struct err *e)
{
	const struct delete_args *o = c->args;
	bool named = t->it || call_words_left(c) > 0;

	if (named && pick_given(&o->pick))
		return err_set(e, ERR_CONFIG, "archive filters and names of "
			       "archives cannot be used together");
	if (named)
		return pick_named(p, t, a, c, e);
	if (pick_given(&o->pick))
		return pick_run(p, t->c, &o->pick, e);
	return err_set(e, ERR_CONFIG, "which archives? Name them, or choose "
		       "them with -a GLOB (a whole repository is deleted by "
		       "deleting its folder %s)", t->ra.url);
}

static int run(struct app *a, struct call *c, struct err *e)
{
	struct delete_args *o = c->args;
	struct pick p = { 0 };
	struct task t;
	int rc;

	rc = task_open(&t, a, c, o->archive, REPOARG_EITHER, 0, e);
	if (rc == 0)
		rc = choose(&p, &t, a, c, e);
	if (rc == 0 && p.n == 0)
		talk_warn("no archive matches");
	if (rc == 0)
		rc = delete_all(a, &t, o, &p, e);
	pick_release(&p);
	task_close(&t);
	return rc;
}

const struct cmd cmd_delete = {
	.name = "delete",
	.synopsis = "REPO::ARCHIVE [ARCHIVE...]",
	.brief = "delete archives",
	.text =
	"Deletes the archives that are named, or that the filters choose. All\n"
	"are looked up first: if one is not there, none is deleted. The room\n"
	"they took is free after the next compaction.\n"
	"\n"
	"  muniment delete --dry-run -a 'test-*' /backup/mail\n",
	.groups = groups,
	.args_bytes = sizeof(struct delete_args),
	.flags = CMD_DRY_RUN,
	.run = run
};
