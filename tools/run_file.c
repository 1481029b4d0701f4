/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/run_priv.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "tools/pick.h"
#include "tools/talk.h"

#define DEFAULT_FORMAT "{hostname}-{now:%Y-%m-%dT%H:%M:%S.%f}"

/* Which archives are those of this configuration, as borgmatic has it. */
static int find_match(struct run_file *f, struct err *e)
{
	const struct config *c = f->config;

	if (c->match_archives) {
		if (!strcmp(c->match_archives, "*"))
			return 0;
		f->match = mem_str(c->match_archives);
		return f->match ? 0 : err_nomem(e);
	}
	if (c->prefix)
		return 0;	/* it has an option of its own */
	return pick_glob_of_format(&f->match, c->archive_name_format ?
				   c->archive_name_format : DEFAULT_FORMAT, e);
}

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
		rc = find_match(f, e);
	if (rc == 0)
		r->n_files++;
	else
		config_free(f->config);
	return rc;
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
		if (rc < 0)
			first = *e;
	}
	if (first.code == ERR_OK)
		return 0;
	*e = first;
	if (r->n_files == 0)
		return first.code;
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
