/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/health.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/human.h"
#include "tools/status.h"

#define SEC 1000000000

void health_release(struct health *h)
{
	size_t i;

	for (i = 0; i < h->n_checks; i++)
		free(h->check[i].name);
	free(h->check);
	free(h->why_not);
	strv_release(&h->problem);
	runstate_release(&h->s);
	memset(h, 0, sizeof(*h));
}

const char *health_name(const struct health *h)
{
	return h->s.label ? h->s.label : h->s.url;
}

int64_t health_age_secs(const struct health *h,
			const struct runstate_archive *x)
{
	return (h->now_nsec - x->start_nsec) / SEC;
}

static int set_text(char **dst, const char *text, struct err *e)
{
	char *copy;

	if (!text)
		return 0;
	copy = mem_str(text);
	if (!copy)
		return err_nomem(e);
	free(*dst);
	*dst = copy;
	return 0;
}

static void see_prune(struct health *h, struct repo *r,
		      const struct catalog *c, const struct health_opts *o)
{
	struct choice_opts choice = { .match = o->match,
				      .prefix = o->prefix };
	struct prune_opts po = { .flags = PRUNE_DRY_RUN, .choice = &choice };
	struct prune_result res;

	if (!o->keep)
		return;
	po.keep = *o->keep;
	h->prune_known = prune_run(r, c, &po, &res, NULL) == 0;
	h->prune_deletes = h->prune_known ? res.deleted : 0;
}

/* What is not as this machine has seen it. */
static int see_findings(struct health *h, const struct repo *r, struct err *e)
{
	const struct witness_finding *f;
	size_t n = witness_findings(r, &f);
	int rc;

	if (n == 0)
		return 0;
	h->level = HEALTH_CRITICAL;
	rc = strv_add(&h->problem, f[0].text, e);
	return rc < 0 ? rc : 0;
}

/* From the repository itself. */
static int reach(struct health *h, struct app *a, const struct health_opts *o,
		 struct err *e)
{
	struct catalog *c = NULL;
	struct repo *r = NULL;
	int rc = app_open_quietly(a, o->url, &r, e);

	if (rc == 0)
		rc = catalog_load(&c, r, e);
	if (rc == 0)
		rc = see_findings(h, r, e);
	if (rc == 0)
		rc = runstate_take(&h->s, r, c, e);
	if (rc == 0) {
		see_prune(h, r, c, o);
		h->reached = true;
		runstate_save(&h->s, NULL);	/* best effort */
	}
	catalog_free(c);
	repo_close(r);
	return rc;
}

/* When a check was done last: its record is NAME, or NAME-CHOICE for each
 * choice of archives (checks.h). */
static int64_t done_last(const char *dir, const char *name)
{
	size_t len = strlen(name);
	int64_t newest = 0, t;
	struct dirent *d;
	struct stat st;
	DIR *list = opendir(dir);

	while (list && (d = readdir(list))) {
		if (strncmp(d->d_name, name, len) ||
		    (d->d_name[len] && d->d_name[len] != '-') ||
		    fstatat(dirfd(list), d->d_name, &st, 0) < 0)
			continue;
		t = (int64_t)st.st_mtim.tv_sec * SEC + st.st_mtim.tv_nsec;
		newest = t > newest ? t : newest;
	}
	if (list)
		closedir(list);
	return newest;
}

static int see_checks(struct health *h, const char *state, struct err *e)
{
	static const char *const name[] = {
		"repository", "archives", "data", "extract", "spot",
		"drill"
	};
	char hex[SID_HEX_BYTES];
	struct health_check *x;
	int64_t t;
	char *path;
	size_t i;

	h->check = mem_zero(sizeof(name) / sizeof(name[0]), sizeof(*x));
	if (!h->check)
		return err_nomem(e);
	for (i = 0; state && h->s.has_id &&
	     i < sizeof(name) / sizeof(name[0]); i++) {
		path = mem_printf("%s/checks/%s", state,
				  sid_hex(&h->s.id, hex));
		t = path ? done_last(path, name[i]) : 0;
		free(path);
		if (!t)
			continue;
		x = &h->check[h->n_checks];
		if (!(x->name = mem_str(name[i])))
			return err_nomem(e);
		x->done_nsec = t;
		h->n_checks++;
	}
	return 0;
}

static int __attribute__((format(printf, 4, 5)))
blame(struct health *h, enum health_level level, struct err *e,
      const char *fmt, ...)
{
	char text[1200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (level > h->level)
		h->level = level;
	return strv_add(&h->problem, text, e);
}

static bool is_judged(const struct health_opts *o, const char *series)
{
	size_t i;

	if (!o->series || !o->series->n)
		return true;
	for (i = 0; i < o->series->n; i++)
		if (!strcmp(o->series->v[i], series))
			return true;
	return false;
}

static int judge_ages(struct health *h, const struct health_opts *o,
		      struct err *e)
{
	const struct runstate_archive *x;
	char age[HUMAN_BYTES];
	size_t i, judged = 0;
	int rc = 0;

	for (i = 0; rc == 0 && i < h->s.n_archives; i++) {
		x = &h->s.archive[i];
		if (!is_judged(o, x->series))
			continue;
		judged++;
		if (h->now_nsec - x->start_nsec > o->max_age_nsec)
			rc = blame(h, HEALTH_CRITICAL, e, "the newest archive "
				   "of %s, '%s', is %s old", x->series,
				   x->name, human_age(age,
				   health_age_secs(h, x)));
	}
	if (rc == 0 && !judged)
		rc = blame(h, HEALTH_CRITICAL, e, "there is no complete "
			   "archive%s%s", h->s.n_archives ? " of " : "",
			   h->s.n_archives ? o->series->v[0] : "");
	return rc;
}

static int judge_run(struct health *h, struct err *e)
{
	const char *why = h->s.error ? h->s.error : "";

	if (!h->s.finished_nsec || h->s.status == STATUS_OK)
		return 0;
	if (h->s.status == STATUS_WARNING)
		return blame(h, HEALTH_WARNING, e, "the last run ended with "
			     "warnings%s%s", *why ? ": " : "", why);
	return blame(h, HEALTH_CRITICAL, e, "the last run failed (exit status "
		     "%d)%s%s", h->s.status, *why ? ": " : "", why);
}

/* Not to be reached may pass; damage, and to be somewhere else, do not. */
static int judge_reach(struct health *h, const struct health_opts *o,
		       struct err *e)
{
	bool bad = h->why_code == ERR_NOREPO || h->why_code == ERR_CORRUPT ||
		h->why_code == ERR_ROLLBACK || h->why_code == ERR_CONFIG;

	if (h->reached || o->local)
		return 0;
	return blame(h, bad ? HEALTH_CRITICAL : HEALTH_WARNING, e,
		     "the repository cannot be reached, this is what was "
		     "known here before: %s", h->why_not);
}

static int judge(struct health *h, const struct health_opts *o, struct err *e)
{
	int rc = judge_ages(h, o, e);

	if (rc == 0)
		rc = judge_run(h, e);
	if (rc == 0)
		rc = judge_reach(h, o, e);
	if (rc == 0 && h->s.has_id && !h->exported_nsec)
		rc = blame(h, HEALTH_WARNING, e, "no copy of the key was made "
			   "on this machine: without the key the backup is "
			   "lost; 'muniment key export' makes one");
	return rc;
}

int health_look(struct health *h, struct app *a, const struct health_opts *o,
		struct err *e)
{
	char *home = home_state();
	struct err why;
	int rc;

	memset(h, 0, sizeof(*h));
	h->local = o->local;
	rc = runstate_load(&h->s, o->url, e);
	if (rc == 0 && ((rc = set_text(&h->s.label, o->label, e)) < 0 ||
			(rc = set_text(&h->s.config, o->config, e)) < 0))
		goto out;
	if (rc == 0 && !o->local) {
		h->why_code = reach(h, a, o, &why);
		if (h->why_code == ERR_CANCEL || h->why_code == ERR_NOMEM)
			rc = err_set(e, h->why_code, "%s", why.msg);
		else if (h->why_code < 0)
			rc = set_text(&h->why_not, why.msg, e);
	}
	h->now_nsec = clock_wall_nsec();
	if (rc == 0)
		rc = see_checks(h, o->state ? o->state : home, e);
	if (rc == 0 && h->s.has_id)
		h->exported_nsec = pin_exported(&h->s.id);
	if (rc == 0)
		rc = judge(h, o, e);
out:
	free(home);
	return rc;
}
