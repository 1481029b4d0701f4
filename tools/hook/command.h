/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HOOK_COMMAND_H
#define HOOK_COMMAND_H

#include "tools/config/config.h"

/*
 * The commands of a configuration ("commands:", and the old before_backup and
 * its like, which are the same).
 */
struct command_point {
	/* One of the two is CONFIG_NOWHERE. */
	enum config_point before, after;
	/* Names of the actions it is about: an entry with "when" needs one of
	 * them. */
	const char *const *action;
	size_t n_actions;
	unsigned state;		/* after: CONFIG_FINISH or CONFIG_FAIL */
};
/* What {name} stands for in a command, in quotes for the shell; NULL: it
 * stays as it is. */
struct command_context {
	const char *configuration_filename, *log_file;
	const char *repository, *repository_label;
	const char *error, *output;
};
/* The command exited with 75: the rest is skipped, and that is no failure. */
#define COMMAND_SOFT_STATUS 75
enum { COMMAND_SOFT = 1 };

/*
 * Run what stands there for this point, one after the other, with /bin/sh.
 * Their output goes to stderr.  Those before something end when 'cancel' is
 * wanted; those after it are always run to their end.  A dry run only says
 * what would be run.
 * 0, COMMAND_SOFT, ERR_FAILED (the first that failed), ERR_CANCEL.
 */
int command_run(const struct config *c, const struct command_point *at,
		const struct command_context *x, bool dry_run,
		struct cancel *cancel, struct err *e);

/* One command, the context filled in; *out is malloc'ed. */
int command_fill(char **out, const char *text,
		 const struct command_context *x, struct err *e);

#endif
