/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_STATE_H
#define TOOLS_STATE_H

#include "tools/config/config.h"

/*
 * Where runs remember things between them: user_state_directory,
 * $XDG_STATE_HOME, $STATE_DIRECTORY (systemd's) or ~/.local/state, and below
 * that muniment/.  Losing it costs time, or a check too many.
 */

/* "BASE/muniment/SUB/REPO-ID", made if missing.  NULL, and 'e' says why: it
 * cannot be.  'c' may be NULL. */
char *state_dir(const struct config *c, const char *sub,
		const struct sid *repo, struct err *e);

#endif
