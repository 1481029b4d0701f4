/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/alarm.h"
#include "tools/pass.h"
#include "tools/progress.h"
#include "tools/repoarg.h"
#include "tools/talk.h"

struct rekey_args {
	bool full, resume;
};
#define AT(member) offsetof(struct rekey_args, member)
static const struct opt_row rows[] = {
	{ OPT_BOOL, 0, "full", AT(full), NULL,
	  "and seal anew what is there, so that no old key opens it", 0,
	  NULL },
	{ OPT_BOOL, 0, "resume", AT(resume), NULL,
	  "go on with a --full that did not end: no other master key", 0,
	  NULL },
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" },
	{ 0 }
};

/* The passphrase is asked for once, and needed several times. */
struct rekey {
	struct app *a;
	const struct rekey_args *o;
	struct repo *r;
	char *pass;		/* from key_alloc; NULL: not known yet */
};

static char *copy_of(const char *pass)
{
	char *copy = key_alloc(strlen(pass) + 1);

	if (copy)
		memcpy(copy, pass, strlen(pass) + 1);
	return copy;
}

static int give(char **out, const char *url, unsigned attempt, bool confirm,
		void *ctx, struct err *e)
{
	struct rekey *k = ctx;
	int rc;

	if (k->pass && attempt == 0) {
		*out = copy_of(k->pass);
		return *out ? 0 : err_nomem(e);
	}
	rc = pass_get(out, url, attempt, confirm, k->a->cancel, e);
	if (rc < 0)
		return rc;
	key_free(k->pass);
	k->pass = copy_of(*out);
	if (k->pass)
		return 0;
	key_free(*out);
	*out = NULL;
	return err_nomem(e);
}

static int open_it(struct rekey *k, const char *url, struct err *e)
{
	struct repo_opts ro;
	int rc;

	repo_close(k->r);
	k->r = NULL;
	app_repo_opts(k->a, &ro);
	ro.pass = give;
	ro.pass_unasked = NULL;		/* it would not come by here */
	ro.pass_ctx = k;
	rc = repo_open(&k->r, url, &ro, e);
	return rc == 0 ? alarm_place(k->r, e) : rc;
}

static int new_master(struct rekey *k, struct err *e)
{
	unsigned removed = 0;
	int rc = repo_keys_rekey(k->r, k->pass, &removed, e);

	if (rc < 0)
		return rc;
	printf("the repository has a new master key; export it again "
	       "('muniment key export')\n");
	if (removed)
		printf("%u other key%s removed: make those that are still "
		       "wanted anew ('muniment key add')\n", removed,
		       removed == 1 ? " was" : "s were");
	return 0;
}

/* --- --full --- */

/* Was its record sealed for an older master key?  Not if it is gone. */
static int is_old(struct rekey *k, const struct sid *session, bool *old,
		  struct err *e)
{
	struct catalog_item *it = mem_zero(1, sizeof(*it));
	int rc;

	*old = false;
	if (!it)
		return err_nomem(e);
	rc = catalog_read(k->r, session, it, e);
	if (rc == 0)
		*old = it->rec.key.epoch < repo_epoch(k->r);
	record_release(&it->rec);
	free(it);
	if (rc == ERR_NOENT || rc == ERR_EXIST) {
		err_clear(e);
		rc = 0;
	}
	return rc;
}

static int renew_records(struct rekey *k, struct err *e)
{
	struct catalog *c = NULL;
	struct oid id;
	bool old;
	size_t i, n = 0;
	int rc = catalog_load(&c, k->r, e);

	if (rc == 0 && c->n_bad)
		rc = err_set(e, ERR_CORRUPT, "%zu archive%s cannot be read: "
			     "'muniment check' says which", c->n_bad,
			     c->n_bad == 1 ? "" : "s");
	if (rc == 0)
		rc = witness_trust(k->r, "rekey --full", e);
	for (i = 0; rc == 0 && i < c->n; i++) {
		rc = cancel_check(k->a->cancel, e);
		if (rc == 0)
			rc = is_old(k, &c->item[i]->rec.session, &old, e);
		if (rc == 0 && old)
			rc = catalog_renew(k->r, c->item[i], &id, e);
		n += rc == 0 && old;
	}
	if (rc == 0 && n)
		talk_info("the records of %zu archives were sealed anew", n);
	catalog_free(c);
	return rc;
}

static void on_progress(const struct compact_progress *p, void *ctx)
{
	struct progress_at at = { .done = p->done, .total = p->total,
				  .counts = true, .text = p->what };

	progress_show(ctx, &at);
}

static int renew_packs(struct rekey *k, struct compact_result *res,
		       struct err *e)
{
	struct compact_opts o = COMPACT_DEFAULT;
	struct progress p;
	int rc;

	o.reseal = true;
	o.cancel = k->a->cancel;
	o.progress = on_progress;
	o.ctx = &p;
	progress_begin(&p, k->a, "rekey");
	rc = compact_run(k->r, &o, res, e);
	progress_end(&p);
	return rc;
}

/* Deleted ones that a mount still shows, too. */
static int any_old_record(struct rekey *k, bool *any, struct err *e)
{
	struct catalog *c = NULL;
	size_t i;
	int rc = catalog_load_all(&c, k->r, e);

	*any = rc == 0 && c->n_bad > 0;
	for (i = 0; rc == 0 && !*any && i < c->n; i++)
		rc = is_old(k, &c->item[i]->rec.session, any, e);
	catalog_free(c);
	return rc;
}

static int full(struct rekey *k, const char *url, struct err *e)
{
	struct compact_result res = { 0 };
	bool left = true;
	int rc = open_it(k, url, e);

	if (rc == 0)
		rc = renew_records(k, e);
	if (rc == 0)
		rc = renew_packs(k, &res, e);
	if (rc == 0 && !res.stale && !res.waiting)
		rc = any_old_record(k, &left, e);
	if (rc < 0)
		return err_ctx(e, "not all is sealed anew yet ('muniment rekey "
			       "--resume' goes on)");
	if (left) {
		app_warn(k->a, "not all is sealed anew yet: backups or mounts "
			 "are at work; 'muniment rekey --resume %s' goes on",
			 url);
		return 0;
	}
	rc = repo_keys_forget_old(k->r, k->pass, e);
	if (rc == 0)
		printf("all that is there was sealed anew: no older key opens "
		       "any of it\n");
	return rc;
}

static int run(struct app *a, struct call *c, struct err *e)
{
	struct rekey k = { .a = a, .o = c->args };
	struct repoarg ra;
	int rc;

	rc = repoarg_take(&ra, a, c, NULL, REPOARG_REPO, 0, e);
	if (rc == 0)
		rc = call_no_more(c, e);
	if (rc == 0)
		rc = open_it(&k, ra.url, e);
	if (rc == 0)
		rc = alarm_expect(a, k.r, e);
	if (rc == 0)
		rc = repo_require(k.r, KEY_APPEND | KEY_READ | KEY_DELETE, e);
	if (rc == 0 && !k.o->resume)
		rc = new_master(&k, e);
	if (rc == 0 && (k.o->full || k.o->resume))
		rc = full(&k, ra.url, e);
	key_free(k.pass);
	repo_close(k.r);
	repoarg_release(&ra);
	return rc;
}

const struct cmd cmd_rekey = {
	.name = "rekey",
	.synopsis = "[REPO]",
	.brief = "a new master key, for when an old one is known to others",
	.text =
	"What is written from now on cannot be read with any key or export of\n"
	"before; what was written before can, unless --full seals it anew,\n"
	"which reads and writes the whole repository. The key that opens the\n"
	"repository now stays, with its passphrase; all others are removed,\n"
	"as they would lock out nobody. Machines with an append key need a\n"
	"new one.\n"
	"\n"
	"  muniment rekey /backup/mail\n",
	.groups = groups,
	.args_bytes = sizeof(struct rekey_args),
	.want = REPOARG_REPO,
	.words_max = 1,
	.run = run
};
