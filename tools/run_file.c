/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/run_priv.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "tools/pick.h"
#include "tools/talk.h"

static int load_one(struct run *r, const char *path, struct err *e)
{
	const struct config_load_opts o = {
		.flags = &r->flags, .overrides = &r->a->o.override,
		.no_environment_interpolation = r->a->o.no_environment
	};
	struct run_file *f = &r->file[r->n_files];
	struct strv warnings = STRV_INIT;
	size_t i;
	int rc;

	memset(f, 0, sizeof(*f));
	rc = config_load(&f->config, path, &o, &warnings, e);
	for (i = 0; i < warnings.n; i++)
		talk_warn("%s", warnings.v[i]);
	strv_release(&warnings);
	if (rc == 0)
		rc = pick_glob_of_config(&f->match, f->config, e);
	if (rc == 0)
		r->n_files++;
	else
		config_free(f->config);
	return rc;
}

static bool level_given(const struct run *r)
{
	static const char *const name[] = {
		"verbose", "verbosity", "critical", "error", "warning", "info",
		"debug"
	};
	unsigned index;
	size_t i;

	for (i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		if (opt_find(app_groups, 0, name[i], &index) &&
		    r->all.seen[index])
			return true;
	return false;
}

static enum talk_level more(enum talk_level a, int64_t verbosity)
{
	enum talk_level b = talk_level_of(verbosity);

	return b < a ? b : a;
}

/* The file that wants most decides, as in borgmatic; the command line goes
 * before all. */
static void set_talk(struct run *r)
{
	struct talk_opts to = TALK_OPTS_INIT;
	struct app_opts *o = &r->a->o;
	struct err e;
	size_t i;

	to.json = o->log_json;
	to.level = to.syslog_level = to.file_level = TALK_OFF;
	for (i = 0; i < r->n_files; i++) {
		const struct config *c = r->file[i].config;

		to.level = more(to.level, c->verbosity);
		to.syslog_level = more(to.syslog_level, c->syslog_verbosity);
		to.file_level = more(to.file_level, c->log_file_verbosity);
		to.json = to.json || c->log_json;
		to.no_color = to.no_color || !c->color;
		if (!to.file) {
			to.file = c->log_file;
			to.file_format = c->log_file_format;
		}
	}
	if (level_given(r))
		to.level = (enum talk_level)o->level;
	o->level = (int)to.level;
	logarg_fill(&o->log, &to);
	if (talk_setup(&to, &e) < 0)
		app_warn(r->a, "%s", e.msg);
}

int run_file_load(struct run *r, const struct strv *paths, struct err *e)
{
	size_t i, n = paths->n ? paths->n : 1;
	struct err first = { ERR_OK, "" };
	int rc;

	r->file = mem_zero(n, sizeof(*r->file));
	if (!r->file)
		return err_nomem(e);
	for (i = 0; i < n; i++) {
		rc = load_one(r, paths->n ? paths->v[i] : NULL, e);
		if (rc == ERR_NOMEM)
			return rc;
		if (rc < 0 && first.code != ERR_OK)
			talk_error(&first);
		if (rc < 0) {
			first = *e;
			r->broken_file = paths->n ? paths->v[i] : NULL;
		}
	}
	*e = first;
	if (r->n_files == 0)
		return first.code;
	set_talk(r);
	if (first.code != ERR_OK)
		talk_error(&first);
	r->broken = first.code;
	return 0;
}

/* The same place, written in another way? */
static bool same_path(const char *a, const char *b)
{
	char *ra, *rb;
	bool same = !strcmp(a, b);

	if (same || strstr(a, "://") || strstr(b, "://"))
		return same;
	ra = realpath(a, NULL);
	rb = realpath(b, NULL);
	same = ra && rb && !strcmp(ra, rb);
	free(ra);
	free(rb);
	return same;
}

bool run_file_wants(const struct run *r, const struct config_repository *k)
{
	const char *asked = r->a->o.repository;

	if (!asked)
		return true;
	return (k->label && (!fnmatch(asked, k->label, FNM_NOESCAPE) ||
			     !fnmatch(k->label, asked, FNM_NOESCAPE))) ||
		!fnmatch(asked, k->path, FNM_NOESCAPE) ||
		!fnmatch(k->path, asked, FNM_NOESCAPE) ||
		same_path(asked, k->path);
}

char *run_file_labels(const struct run *r)
{
	char *all = NULL, *more;
	size_t i, k;

	for (i = 0; i < r->n_files; i++) {
		const struct config_repositories *v =
			&r->file[i].config->repositories;

		for (k = 0; k < v->n; k++) {
			more = mem_printf("%s%s%s", all ? all : "",
					  all ? ", " : "", v->v[k].label ?
					  v->v[k].label : v->v[k].path);
			free(all);
			if (!(all = more))
				return NULL;
		}
	}
	return all;
}

void run_file_release(struct run *r)
{
	size_t i;

	for (i = 0; i < r->n_files; i++) {
		config_free(r->file[i].config);
		free(r->file[i].match);
	}
	free(r->file);
}
