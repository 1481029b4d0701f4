/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "tools/cmd_repo_delete.h"
#include "tools/pick.h"
#include "tools/report.h"
#include "tools/talk.h"
#include "tools/task.h"
#include "tools/times.h"

struct delete_args {
	const char *archive;
	bool list, stats, force, save_space, cache_only, keep_security_info;
	unsigned checkpoint_secs;
	struct pick_args pick;
};
#define AT(member) offsetof(struct delete_args, member)
static const struct opt_row rows[] = {
	{ OPT_BOOL, 0, "list", AT(list), NULL,
	  "list the archives on stderr", 0, NULL },
	{ OPT_BOOL, 's', "stats", AT(stats), NULL,
	  "figures of what was deleted", 0, NULL },
	{ OPT_BOOL, 0, "force", AT(force), NULL,
	  "also archives whose record is damaged, named by it as in check's "
	  "archives/ID", OPT_REPEAT, NULL },
	{ OPT_BOOL, 0, "cache-only", AT(cache_only), NULL,
	  "of a whole repository: delete only what is cached of it", 0,
	  NULL },
	{ OPT_BOOL, 0, "keep-security-info", AT(keep_security_info), NULL,
	  "of a whole repository: as for repo-delete", 0, NULL },
	{ OPT_BOOL, 0, "save-space", AT(save_space), NULL,
	  "accepted: deleting an archive needs no space", 0, NULL },
	{ OPT_COUNT, 0, "checkpoint-interval", AT(checkpoint_secs),
	  "SECONDS", "accepted: each deletion is complete at once", 0, NULL },
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" },
	{ repoarg_rows, AT(archive), "The archive" },
	{ pick_rows, AT(pick), "Which archives" },
	{ pick_order_rows, AT(pick), "How many" },
	{ 0 }
};

/* A record that cannot be read has no name but that of its file. */
static bool find_damaged(const struct task *t, const char *word,
			 const struct catalog_item **out)
{
	char hex[SID_HEX_BYTES];
	size_t i;

	if (!strncmp(word, "archives/", 9))
		word += 9;
	for (i = 0; i < t->c->n_bad; i++) {
		*out = t->c->bad[i];
		if (!strcmp(sid_hex(&(*out)->rec.session, hex), word))
			return true;
	}
	return false;
}

static int add_named(struct choice *p, struct task *t, struct app *a,
		     const char *word, bool force, struct err *e)
{
	const struct catalog_item *it;
	size_t i;
	int rc;

	rc = task_find(t, a, word, &it, e);
	if (rc == ERR_NOENT && force && find_damaged(t, word, &it)) {
		err_clear(e);
		rc = 0;
	}
	if (rc < 0)
		return rc;
	for (i = 0; i < p->n; i++)
		if (p->item[i] == it)
			return 0;
	p->item[p->n++] = it;
	return 0;
}

/* All names are looked up before the first archive goes. */
static int pick_named(struct choice *p, struct task *t, struct app *a,
		      struct call *c, struct err *e)
{
	const struct delete_args *o = c->args;
	const char *word = t->ra.archive ? t->ra.archive : call_word(c);
	int rc = 0;

	p->item = mem_array(call_words_left(c) + 2, sizeof(*p->item));
	if (!p->item)
		return err_nomem(e);
	for (; rc == 0 && word; word = call_word(c))
		rc = add_named(p, t, a, word, o->force, e);
	return rc;
}

/* In borg's words. */
static void tell(const struct app *a, const struct catalog_item *it, size_t i,
		 size_t n)
{
	char when[TIMES_BYTES], hex[OID_HEX_BYTES], file[SID_HEX_BYTES];

	talk_line("%s %-36s %s [%s] (%zu/%zu)", a->o.dry_run ?
		  "Would delete archive:" : "Deleting archive:",
		  it->rec.name ? it->rec.name :
		  sid_hex(&it->rec.session, file),
		  times_human(when, it->rec.start_nsec),
		  oid_hex(&it->id, hex), i, n);
}

static int delete_one(struct app *a, struct repo *r,
		      const struct catalog_item *it, struct err *e)
{
	int rc = a->o.dry_run ? 0 : catalog_delete(r, it, "delete", e);

	if (rc == ERR_NOENT) {	/* somebody else has: it is gone */
		err_clear(e);
		rc = 0;
	}
	return rc;
}

static int delete_all(struct app *a, struct task *t,
		      const struct delete_args *o, const struct choice *p,
		      struct err *e)
{
	uint64_t bytes = 0, stored = 0;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < p->n; i++) {
		if ((rc = cancel_check(a->cancel, e)) < 0)
			break;
		if (o->list || a->o.dry_run)
			tell(a, p->item[i], i + 1, p->n);
		rc = delete_one(a, t->r, p->item[i], e);
		bytes += p->item[i]->rec.stats.bytes;
		stored += p->item[i]->rec.stats.stored_bytes;
	}
	if (rc < 0)
		return i > 0 ? err_ctx(e, "after %zu of %zu archives", i,
				       p->n) : rc;
	return o->stats ? report_deleted(a, t->r, bytes, stored, e) : 0;
}

static int choose(struct choice *p, struct task *t, struct app *a,
		  struct call *c, struct err *e)
{
	const struct delete_args *o = c->args;
	struct pick_args by = o->pick;

	if (!pick_given(&by))
		return pick_named(p, t, a, c, e);
	by.partial = true;
	return pick_run(p, t->c, &by, e);
}

/* What can be judged before the repository is opened. */
static int judge(const struct task *t, const struct call *c, struct err *e)
{
	const struct delete_args *o = c->args;
	bool named = t->ra.archive || call_words_left(c) > 0;
	struct pick pick;
	int rc;

	if (named && pick_given(&o->pick))
		return err_set(e, ERR_CONFIG, "archive filters and names of "
			       "archives cannot be used together");
	rc = pick_make(&pick, &o->pick, e);
	pick_release(&pick);
	return rc;
}

/* No archive is named: borg 1 then deletes the repository. */
static int delete_repo(struct app *a, struct task *t,
		       const struct delete_args *o, struct err *e)
{
	const struct repo_delete_args whole = {
		.list = o->list, .force = o->force,
		.cache_only = o->cache_only,
		.keep_security_info = o->keep_security_info,
	};

	return cmd_repo_delete_task(a, t, &whole, e);
}

static int run(struct app *a, struct call *c, struct err *e)
{
	const struct delete_args *o = c->args;
	struct choice p = { 0 };
	struct task t = { 0 };
	int rc;

	rc = repoarg_take(&t.ra, a, c, o->archive, REPOARG_EITHER, 0, e);
	if (rc == 0)
		rc = judge(&t, c, e);
	if (rc == 0 && !t.ra.archive && !call_words_left(c) &&
	    !pick_given(&o->pick)) {
		rc = delete_repo(a, &t, o, e);
		goto out;
	}
	if (rc == 0)
		rc = task_open_repo(&t, a, e);
	if (rc == 0)
		rc = task_load(&t, a, e);
	if (rc == 0)
		rc = choose(&p, &t, a, c, e);
	if (rc == 0 && p.n == 0)
		talk_warn("no archive matches");
	if (rc == 0)
		rc = delete_all(a, &t, o, &p, e);
out:
	choice_release(&p);
	task_close(&t);
	return rc;
}

const struct cmd cmd_delete = {
	.name = "delete",
	.synopsis = "REPO::ARCHIVE [ARCHIVE...] | REPO",
	.brief = "delete archives",
	.text =
	"Deletes the archives that are named, or that the filters choose. All\n"
	"are looked up first: if one is not there, none is deleted. The room\n"
	"they took is free after the next compaction. With a repository alone\n"
	"it is 'repo-delete', which asks.\n"
	"\n"
	"  muniment delete --dry-run -a 'test-*' /backup/mail\n",
	.groups = groups,
	.args_bytes = sizeof(struct delete_args),
	.flags = CMD_DRY_RUN,
	.want = REPOARG_EITHER,
	.run = run
};
