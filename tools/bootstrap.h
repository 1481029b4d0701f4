/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_BOOTSTRAP_H
#define TOOLS_BOOTSTRAP_H

#include "tools/cmd.h"

/*
 * `config bootstrap`: the configuration files that an archive has, which its
 * borgmatic/bootstrap/manifest.json names, back to where they were.
 */
struct bootstrap_args {
	const char *archive, *destination, *strip;
};
extern const struct opt_row bootstrap_rows[];

int bootstrap_run(struct app *a, struct call *c,
		  const struct bootstrap_args *o, struct err *e);

#endif
