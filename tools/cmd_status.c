/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/cmd_status.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/health_out.h"
#include "tools/health_prometheus.h"
#include "tools/pick.h"
#include "tools/repoarg.h"
#include "tools/run_env.h"
#include "tools/talk.h"

#define DEFAULT_AGE_SECS (26 * 3600)

struct status_args {
	bool json, nagios, prometheus, local;
	int64_t max_age_secs;		/* 0: the default */
	struct strv series;
};

/* "26h", "90min", "2d", "1w" */
static int set_age(void *dst, const struct opt_row *row, const char *value,
		   struct err *e)
{
	static const struct {
		const char *unit;
		int64_t secs;
	} table[] = {
		{ "s", 1 }, { "min", 60 }, { "h", 3600 }, { "H", 3600 },
		{ "d", 86400 }, { "w", 7 * 86400 }
	};
	unsigned long n;
	char *end;
	size_t i;

	errno = 0;
	n = strtoul(value, &end, 10);
	if (*value >= '0' && *value <= '9' && !errno && n > 0 && n < 1000000)
		for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
			if (!strcmp(end, table[i].unit)) {
				*(int64_t *)dst = (int64_t)n * table[i].secs;
				return 0;
			}
	return err_set(e, ERR_CONFIG, "option '--%s' takes an age such as "
		       "26h, 90min, 2d or 1w, not '%s'", row->name, value);
}

#define AT(member) offsetof(struct status_args, member)
#define BOOL(name, member, help) \
	{ OPT_BOOL, 0, name, AT(member), NULL, help, 0, NULL }
static const struct opt_row rows[] = {
	{ OPT_FN, 0, "max-age", AT(max_age_secs), "AGE",
	  "how old the newest archive may be: 90min, 26h (the default), 2d, "
	  "1w", 0, set_age },
	{ OPT_LIST, 0, "series", AT(series), "NAME",
	  "judge only this series (a host's name), not all of them", 0,
	  NULL },
	BOOL("local", local,
	     "do not ask the repository: what is known on this machine"),
	BOOL("json", json, "answer in JSON"),
	BOOL("nagios", nagios,
	     "answer as a plugin of Nagios, Icinga or Checkmk"),
	BOOL("prometheus", prometheus,
	     "answer in the text format of Prometheus"),
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" },
	{ 0 }
};

struct list {
	struct health *h;
	size_t n;
};

static void list_release(struct list *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		health_release(&l->h[i]);
	free(l->h);
}

static int look(struct list *l, struct app *a, struct health_opts *o,
		const struct status_args *args, struct err *e)
{
	struct health *more = mem_resize(l->h, l->n + 1, sizeof(*more));

	if (!more)
		return err_nomem(e);
	l->h = more;
	o->series = args ? &args->series : NULL;
	o->local |= args && args->local;
	o->max_age_nsec = (args && args->max_age_secs ? args->max_age_secs :
			   DEFAULT_AGE_SECS) * INT64_C(1000000000);
	return health_look(&l->h[l->n++], a, o, e);
}

static int keep_of(struct retention *keep, const struct config *c,
		   struct err *e)
{
	*keep = (struct retention){ .keep = {
		[RETENTION_SECONDLY] = c->keep_secondly,
		[RETENTION_MINUTELY] = c->keep_minutely,
		[RETENTION_HOURLY] = c->keep_hourly,
		[RETENTION_DAILY] = c->keep_daily,
		[RETENTION_WEEKLY] = c->keep_weekly,
		[RETENTION_MONTHLY] = c->keep_monthly,
		[RETENTION_13WEEKLY] = c->keep_13weekly,
		[RETENTION_3MONTHLY] = c->keep_3monthly,
		[RETENTION_YEARLY] = c->keep_yearly } };
	if (c->keep_within && retention_within(&keep->within_nsec,
					       c->keep_within, e) < 0)
		return e ? e->code : ERR_CONFIG;
	return retention_check(keep, e);
}

/* Label, path, or a glob of either. */
static bool is_wanted(const struct app *a, const struct config_repository *r)
{
	const char *name = a->o.repository;

	return !name || !strcmp(name, r->path) ||
		fnmatch(name, r->path, 0) == 0 ||
		(r->label && fnmatch(name, r->label, 0) == 0);
}

static int look_repositories(struct list *l, struct app *a,
			     const struct config *c, const struct pick *pick,
			     const struct status_args *args, struct err *e)
{
	const struct config_repository *r;
	struct retention keep;
	struct health_opts o;
	char *state = NULL;
	size_t i;
	int rc = 0;

	if (c->user_state_directory &&
	    !(state = mem_printf("%s/muniment", c->user_state_directory)))
		return err_nomem(e);
	for (i = 0; rc == 0 && i < c->repositories.n; i++) {
		r = &c->repositories.v[i];
		if (!is_wanted(a, r))
			continue;
		o = (struct health_opts){
			.url = r->path, .label = r->label, .config = c->file,
			.state = state, .prefix = pick->prefix,
			.match = pick->match.n ? &pick->match : NULL,
			.keep = keep_of(&keep, c, NULL) == 0 ? &keep : NULL,
			.local = !args
		};
		rc = look(l, a, &o, args, e);
	}
	free(state);
	return rc;
}

/* With the configuration's own passphrase, folders, ssh. */
static int look_config(struct list *l, struct app *a, const struct config *c,
		       const struct status_args *args, struct err *e)
{
	struct pick_args by = { .prefix = c->prefix };
	struct pick pick = { .prefix = NULL };
	struct run_env env;
	char *glob = NULL;
	int rc = run_env_enter(&env, a, c, e);

	if (rc == 0)
		rc = pick_glob_of_config(&glob, c, e);
	if (rc == 0 && glob)
		rc = strv_add(&by.match, glob, e);
	if (rc == 0)
		rc = pick_make(&pick, &by, e);
	if (rc == 0)
		rc = look_repositories(l, a, c, &pick, args, e);
	pick_release(&pick);
	strv_release(&by.match);
	free(glob);
	run_env_leave(&env, a);
	return rc;
}

static int look_file(struct list *l, struct app *a, const char *path,
		     const struct status_args *args, struct err *e)
{
	struct config_load_opts o = { .flags = NULL };
	struct strv warnings = STRV_INIT;
	struct config *c = NULL;
	int rc = config_load(&c, path, &o, &warnings, e);

	/* The run itself tells the warnings. */
	strv_release(&warnings);
	if (rc == 0)
		rc = look_config(l, a, c, args, e);
	config_free(c);
	return rc;
}

static int look_operand(struct list *l, struct app *a, struct call *c,
			const struct status_args *args, struct err *e)
{
	struct health_opts o = { .url = NULL };
	struct repoarg ra = { .url = NULL };
	int rc = repoarg_take(&ra, a, c, NULL, REPOARG_REPO, 0, e);

	o.url = ra.url;
	if (rc == 0)
		rc = call_no_more(c, e);
	if (rc == 0)
		rc = look(l, a, &o, args, e);
	repoarg_release(&ra);
	return rc;
}

static int look_all(struct list *l, struct app *a, struct call *c,
		    const struct status_args *args, struct err *e)
{
	struct strv files = STRV_INIT;
	size_t i;
	int rc = 0;

	if (!call_words_left(c) && (a->o.config.n ||
	    (!getenv("MUNIMENT_REPO") && !getenv("BORG_REPO"))))
		rc = config_find(&files, &a->o.config, e);
	for (i = 0; rc == 0 && i < files.n; i++)
		rc = look_file(l, a, files.v[i], args, e);
	if (rc == 0 && !l->n && !a->o.config.n)
		rc = look_operand(l, a, c, args, e);
	else if (rc == 0 && !l->n)
		rc = err_set(e, ERR_CONFIG, "no repository of the "
			     "configuration is called '%s'", a->o.repository ?
			     a->o.repository : "");
	strv_release(&files);
	return rc;
}

static int answer(const struct list *l, const struct app *a,
		  const struct status_args *args, struct err *e)
{
	struct buf b = BUF_INIT;
	int rc;

	if (args->json)
		return health_out_json(l->h, l->n, e);
	if (args->nagios)
		return health_out_nagios(l->h, l->n, e);
	if (!args->prometheus)
		return health_out_text(l->h, l->n, a, e);
	rc = health_prometheus_put(&b, l->h, l->n, e);
	if (rc == 0)
		fwrite(b.p, 1, b.len, stdout);
	buf_release(&b);
	return rc;
}

static int run(struct app *a, struct call *c, struct err *e)
{
	const struct status_args *args = c->args;
	struct list l = { NULL, 0 };
	int rc;

	if (args->json + args->nagios + args->prometheus > 1)
		return err_set(e, ERR_CONFIG, "--json, --nagios and "
			       "--prometheus cannot be used together");
	rc = look_all(&l, a, c, args, e);
	if (rc == 0)
		rc = answer(&l, a, args, e);
	/* The answer has said why. */
	if (rc == 0 && health_out_worst(l.h, l.n) == HEALTH_WARNING)
		a->warned = true;
	if (rc == 0 && health_out_worst(l.h, l.n) == HEALTH_CRITICAL)
		a->failed = true;
	list_release(&l);
	return rc;
}

/* The first of those that name the same file does it for all. */
static bool is_first(struct config *const *c, size_t i)
{
	size_t k;

	for (k = 0; k < i; k++)
		if (c[k]->prometheus_file && !strcmp(c[k]->prometheus_file,
						     c[i]->prometheus_file))
			return false;
	return true;
}

int cmd_status_files(struct app *a, struct config *const *c, size_t n,
		     struct err *e)
{
	struct list l = { NULL, 0 };
	const char *path;
	size_t i, k;
	int rc = 0;

	for (i = 0; rc == 0 && i < n; i++) {
		path = c[i]->prometheus_file;
		if (!path || !is_first(c, i))
			continue;
		for (k = i; rc == 0 && k < n; k++)
			if (c[k]->prometheus_file &&
			    !strcmp(c[k]->prometheus_file, path))
				rc = look_config(&l, a, c[k], NULL, e);
		if (rc == 0)
			rc = health_prometheus_write(path, l.h, l.n, e);
		list_release(&l);
		l = (struct list){ NULL, 0 };
	}
	return rc;
}

const struct cmd cmd_status = {
	.name = "status",
	.synopsis = "[REPO]",
	.brief = "is there a fresh backup, and is all well?",
	.text =
	"Tells of every repository of the configuration, or of one: the\n"
	"newest complete archive of each series, the last run, the last\n"
	"checks, what the next prune would delete, whether there is a copy\n"
	"of the key. If the repository cannot be reached it tells what this\n"
	"machine knows, and says so. Exit status: 0 good, 1 warning, 2 stale\n"
	"or failed, as Nagios has it.\n"
	"\n"
	"  muniment status --max-age 26h /backup/mail\n",
	.groups = groups,
	.args_bytes = sizeof(struct status_args),
	.flags = CMD_ALONE,
	.words_max = 1,
	.run = run
};
