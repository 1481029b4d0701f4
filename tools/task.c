/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/task.h"

#include <string.h>

#include "tools/pick.h"

#define READER_CACHE_BYTES (64u << 20)

int task_open_repo(struct task *t, struct app *a, struct err *e)
{
	return app_open(a, t->ra.url, &t->r, e);
}

int task_load(struct task *t, struct app *a, struct err *e)
{
	char hex[SID_HEX_BYTES];
	size_t i;
	int rc = repo_require(t->r, KEY_READ, e);

	if (rc == 0)
		rc = catalog_load(&t->c, t->r, e);
	for (i = 0; rc == 0 && i < t->c->n_bad; i++)
		app_warn(a, "the archive record %s cannot be read: %s",
			 sid_hex(&t->c->bad[i]->rec.session, hex),
			 t->c->bad[i]->bad.msg);
	return rc;
}

/* In a configured run, the newest of the configuration's own. */
static int find_latest(struct task *t, struct app *a,
		       const struct catalog_item **out, struct err *e)
{
	struct pick_args args = { .last = 1 };
	struct choice ch = { .item = NULL };
	int rc = strv_add(&args.match, a->match, e);

	if (rc == 0)
		rc = pick_run(&ch, t->c, &args, e);
	if (rc == 0 && ch.n)
		*out = ch.item[0];
	else if (rc == 0)
		rc = err_set(e, ERR_NOENT, "no archive of %s is called like "
			     "'%s' (match_archives or archive_name_format): "
			     "--archive NAME takes any", t->ra.url, a->match);
	choice_release(&ch);
	strv_release(&args.match);
	return rc;
}

int task_find(struct task *t, struct app *a, const char *name,
	      const struct catalog_item **out, struct err *e)
{
	int rc = a->match && !strcmp(name, "latest") ?
		find_latest(t, a, out, e) : catalog_find(t->c, name, out, e);

	if (rc == 0 && t->c->n_bad && !strcmp(name, "latest"))
		app_warn(a, "the latest archive that can be read is '%s'",
			 (*out)->rec.name);
	return rc;
}

int task_open(struct task *t, struct app *a, struct call *c,
	      const char *archive, enum repoarg_want want, size_t keep,
	      struct err *e)
{
	int rc;

	memset(t, 0, sizeof(*t));
	rc = repoarg_take(&t->ra, a, c, archive, want, keep, e);
	if (rc == 0)
		rc = task_open_repo(t, a, e);
	if (rc == 0)
		rc = task_load(t, a, e);
	if (rc == 0 && t->ra.archive)
		rc = task_find(t, a, t->ra.archive, &t->it, e);
	return rc;
}

int task_reader(struct task *t, struct err *e)
{
	return reader_open(&t->rd, t->r, READER_CACHE_BYTES, e);
}

void task_close(struct task *t)
{
	reader_close(t->rd);
	if (t->c)
		catalog_free(t->c);
	repo_close(t->r);
	repoarg_release(&t->ra);
	memset(t, 0, sizeof(*t));
}
