/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_RUN_H
#define TOOLS_RUN_H

#include "tools/cmd.h"

/*
 * A run of the program: the actions of the command line, in their order, for
 * the repository that it names, or for each repository of each configuration
 * file.
 */
struct run_option;
struct run_file;
struct run {
	struct app *a;
	struct call *call;
	size_t n_calls;
	struct opt_set all;		/* the program's own options */
	struct run_option *option;	/* of nobody yet */
	size_t n_options;
	struct strv flags;	/* options that are keys: "keep_daily=7" */
	struct strv argv;	/* as read: the old flags are words */
	bool usual;		/* no action was named */
	/* Called as "borg": no configuration, and called as "borgmatic": no
	 * repository from the environment. */
	bool as_borg, as_borgmatic;
	struct run_file *file;	/* the configurations */
	size_t n_files;
	int broken;		/* the error of one that could not be read */
	const char *broken_file;
	bool told;		/* the errors were shown */
};

/* The words of the command line.  Nothing is opened or read.  Release in any
 * case. */
int run_read(struct run *r, struct app *a, int argc, char *const *argv,
	     struct err *e);
/* All of it.  The error is the first one; r->told: all were shown. */
int run_all(struct run *r, struct err *e);
void run_release(struct run *r);

#endif
