/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_CHECKS_H
#define TOOLS_CHECKS_H

#include "tools/app.h"
#include "tools/config/config.h"

/*
 * Which of the configured checks are due.  When one was done last is the
 * mtime of a file in the state folder (state.h, "checks"), for each
 * repository, and for each choice of archives; without a file it is due.
 */
#define CHECKS_NAMES CONFIG_CHECK_DISABLED
struct checks {
	bool due[CHECKS_NAMES];		/* enum config_check_name */
	const struct config_check *row[CHECKS_NAMES];	/* NULL: none */
	char *dir;			/* NULL: nothing is kept */
	char choice[33];		/* of archives, for file names */
	struct app *a;
};
/* 'only': names of the command line, empty: as configured; 'force': whatever
 * was done when.  ERR_CONFIG: a name that is none.  Release in any case. */
int checks_init(struct checks *k, struct app *a, const struct sid *repo,
		const struct strv *only, bool force, struct err *e);
/* Only for the position, of a check that the command line asks for. */
void checks_open(struct checks *k, struct app *a, const struct sid *repo);
bool checks_any(const struct checks *k);
/* It was done, and all was well. */
void checks_done(struct checks *k, enum config_check_name name);
void checks_release(struct checks *k);

/* Where a check of the repository that ran out of time goes on: malloc'ed, or
 * NULL.  Keep NULL when it is complete. */
char *checks_position(const struct checks *k);
void checks_keep_position(const struct checks *k, const char *at);

#endif
