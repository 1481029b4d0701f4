/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_APP_H
#define TOOLS_APP_H

#include "core/core.h"
#include "tools/logarg.h"
#include "tools/opt.h"

struct config;
struct config_repository;

/* What all actions of a run share. */
enum app_progress { APP_PROGRESS_AUTO, APP_PROGRESS_ON, APP_PROGRESS_OFF };
struct app_opts {
	int level;			/* enum talk_level */
	enum app_progress progress;
	bool help, version, iec, log_json, show_rc, show_version, dry_run;
	unsigned lock_wait, umask, timeout, upload_kib;
	const char *repository, *rsh, *remote_path, *expect_head;
	struct strv config;		/* -c: files and folders */
	struct strv override;
	bool no_environment;
	struct logarg log;
};
extern const struct opt_group app_groups[];	/* into a struct app_opts */
void app_defaults(struct app_opts *o);

struct db_dumps;
struct summary;
struct app {
	struct app_opts o;
	const struct opt_set *given;	/* what of 'o' the command line says */
	struct summary *summary;	/* of a configured run, or NULL */
	struct cancel *cancel;
	struct strv command;	/* argv, for the record */
	struct strv rsh;	/* remote.h */
	struct store_opts store;
	bool warned;		/* exit status 1, if nothing is worse */
	bool restored;		/* databases: once in a run, */
	const struct config_repository *restoring;	/* from this one */
	bool failed;		/* exit status 2, and why was said already */
	struct strv alarmed;	/* what was said of a repository */
	bool unlike;		/* exit status 13: a repository is not as it
				 * was, which was said */
	/* What a configured run is at; NULL: the command line says it all. */
	const struct config *config;
	const struct config_repository *repository;
	struct db_dumps *dumps;	/* of this configuration, in an archive of this
				 * run; NULL: there are none */
	const char *match;	/* pattern of its archives; NULL: all */
};

/* A warning that the exit status tells of. */
void app_warn(struct app *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Open the repository at 'url'; asks for the passphrase. */
int app_open(struct app *a, const char *url, struct repo **out,
	     struct err *e);
/* The same quietly, for those who only look: nothing is said, and *out knows
 * the findings. */
int app_open_quietly(struct app *a, const char *url, struct repo **out,
		     struct err *e);
/* repo_open's options, for those who call it themselves. */
void app_repo_opts(struct app *a, struct repo_opts *o);

/* human_size with --iec. */
char *app_size(const struct app *a, char *out, uint64_t bytes);

#endif
