/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_RUN_PRIV_H
#define TOOLS_RUN_PRIV_H

#include "tools/config/config.h"
#include "tools/run.h"
#include "tools/run_env.h"

/* An option that the action it stands behind does not have. */
struct run_option {
	char letter;
	const char *name, *value;	/* into argv, but for the copy: */
	char *copy;
};

/* A configuration file of the run. */
struct run_file {
	struct config *config;
	char *match;		/* its archives; NULL: all */
};
struct run_repo {
	struct run_file *file;
	const struct config_repository *repo;
	unsigned tries;		/* those that failed */
};

/* run_file.c: the configuration files. */
/* Reads them.  One that is broken is told of and left out; ERR_CONFIG if
 * there is a broken one and no other. */
int run_file_load(struct run *r, const struct strv *paths, struct err *e);
/* Is this one of those that --repository wants? */
bool run_file_wants(const struct run *r, const struct config_repository *k);
/* The labels or paths of all, for a message. */
char *run_file_labels(const struct run *r);
void run_file_release(struct run *r);

/* run_apply.c: what the command line did not say. */
int run_apply(struct call *c, struct app *a, struct err *e);

/* run_lock.c: one configured run at a time for each repository, on this
 * machine.  It keeps people from surprises; no data depends on it. */
struct run_lock {
	int fd;			/* -1: not held */
};
/* ERR_BUSY, with who holds it, after so many seconds. */
int run_lock_take(struct run_lock *l, const struct run_repo *q,
		  const struct app *a, struct err *e);
void run_lock_drop(struct run_lock *l);

/* run_repo.c: the actions of the run for one repository, with the commands
 * around them.  0, COMMAND_SOFT, or an error. */
int run_repo(struct run *r, struct run_repo *q, struct err *e);
/* What it is called in messages. */
const char *run_repo_label(const struct config_repository *k);
/* The names of the run's actions, for commands: at most so many. */
#define RUN_NAMES 96
size_t run_repo_names(const struct run *r, const char *out[RUN_NAMES]);
/* One action of the command line, as it is. */
int run_repo_call(struct app *a, struct call *c, struct err *e);

/* run_queue.c: all repositories of all files. */
int run_queue(struct run *r, struct err *e);

#endif
