/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_RUN_PRIV_H
#define TOOLS_RUN_PRIV_H

#include "tools/run.h"

/* An option that the action it stands behind does not have. */
struct run_option {
	char letter;
	const char *name, *value;	/* into argv, but for the copy: */
	char *copy;
};

#endif
