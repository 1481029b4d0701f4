/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/run_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/help.h"
#include "tools/repoarg.h"
#include "tools/talk.h"

/* The command line says where to work; nothing is configured. */
static int run_direct(struct run *r, struct err *e)
{
	size_t i;
	int rc = 0;

	if (r->flags.n)
		return err_set(e, ERR_CONFIG, "the option for '%.*s' belongs "
			       "to a configuration, and this run has none",
			       (int)strcspn(r->flags.v[0], "="),
			       r->flags.v[0]);
	for (i = 0; rc == 0 && i < r->n_calls; i++)
		rc = run_repo_call(r->a, &r->call[i], e);
	return rc;
}

static bool all_alone(const struct run *r)
{
	size_t i;

	for (i = 0; i < r->n_calls; i++)
		if (!(r->call[i].cmd->flags & CMD_ALONE))
			return false;
	return true;
}

/* Does the command line, or the environment, name a repository? */
static bool names_repository(const struct run *r)
{
	size_t i;

	for (i = 0; i < r->n_calls; i++)
		if (!(r->call[i].cmd->flags & CMD_ALONE) &&
		    repoarg_named(&r->call[i]))
			return true;
	return r->a->o.config.n == 0 && !r->usual && !r->a->o.repository &&
		!r->as_borgmatic && repoarg_from_env();
}

static int refuse_alone(const struct run *r, struct err *e)
{
	size_t i;

	for (i = 0; i < r->n_calls; i++)
		if (r->call[i].cmd->flags & CMD_ALONE)
			return err_set(e, ERR_CONFIG, "'%s' stands alone: it "
				       "cannot be in one run with others",
				       r->call[i].cmd->name);
	return 0;
}

static bool looks_like_place(const char *text)
{
	return strchr(text, '/') || strchr(text, ':') || *text == '.';
}

static bool is_wanted(const struct run *r)
{
	size_t i, k;

	for (i = 0; i < r->n_files; i++) {
		const struct config_repositories *all =
			&r->file[i].config->repositories;

		for (k = 0; k < all->n; k++)
			if (run_file_wants(r, &all->v[k]))
				return true;
	}
	return false;
}

static int no_such_label(const struct run *r, struct err *e)
{
	char *labels = run_file_labels(r);

	err_set(e, ERR_CONFIG, "no configured repository is called '%s'; "
		"there is: %s", r->a->o.repository, labels ? labels : "");
	free(labels);
	return ERR_CONFIG;
}

static int no_configuration(struct err *e)
{
	return err_set(e, ERR_CONFIG, "no configuration was found, and no "
		       "action was named: begin with 'muniment --help'");
}

/* borgmatic's default_actions: false. */
static bool wants_help(const struct run *r)
{
	size_t i;

	for (i = 0; r->usual && i < r->n_files; i++)
		if (r->file[i].config->default_actions)
			return false;
	return r->usual;
}

static int run_configured(struct run *r, const struct strv *files,
			  struct err *e)
{
	bool place = r->a->o.repository && r->a->o.config.n == 0 &&
		looks_like_place(r->a->o.repository);
	int rc = refuse_alone(r, e);

	if (rc == 0)
		rc = run_file_load(r, files, e);
	if (rc < 0 && place && !r->usual) {
		talk_warn("the configuration is not used: %s", e->msg);
		return run_direct(r, e);
	}
	if (rc < 0)
		return rc;
	if (wants_help(r)) {
		help_program();
		return 0;
	}
	if (!is_wanted(r)) {
		if (place && !r->usual)
			return run_direct(r, e);
		return no_such_label(r, e);
	}
	return run_queue(r, e);
}

int run_all(struct run *r, struct err *e)
{
	struct strv files = STRV_INIT;
	int rc;

	if (r->a->o.version) {
		puts("muniment " MUNIMENT_VERSION);
		return 0;
	}
	if (r->n_calls == 0) {
		help_program();
		return 0;
	}
	if (all_alone(r) || r->a->o.help || r->as_borg ||
	    names_repository(r))
		return run_direct(r, e);
	rc = config_find(&files, &r->a->o.config, e);
	if (rc == 0 && files.n == 0 && r->flags.n == 0)
		rc = r->usual ? no_configuration(e) : run_direct(r, e);
	else if (rc == 0)
		rc = run_configured(r, &files, e);
	strv_release(&files);
	return rc;
}
