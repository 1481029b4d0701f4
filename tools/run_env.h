/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_RUN_ENV_H
#define TOOLS_RUN_ENV_H

#include <sys/types.h>

#include "tools/app.h"
#include "tools/config/config.h"

/*
 * What a configuration changes about the process: variables, options that
 * were not given, the umask, the current folder.
 */
struct run_env {
	struct strv saved;	/* "NAME=VALUE", or "NAME": it was not set */
	struct app_opts o;
	mode_t umask;
	int cwd;		/* -1: it did not change */
};
/* Leave in any case. */
int run_env_enter(struct run_env *v, struct app *a, const struct config *c,
		  struct err *e);
void run_env_leave(struct run_env *v, struct app *a);

#endif
