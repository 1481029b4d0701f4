/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "tools/cmd.h"

static int run(struct app *a, struct call *c, struct err *e)
{
	(void)a;
	if (call_no_more(c, e) < 0)
		return e->code;
	puts("muniment " MUNIMENT_VERSION);
	return 0;
}

static const struct opt_group groups[] = { { 0 } };

const struct cmd cmd_version = {
	.name = "version",
	.synopsis = "",
	.brief = "show the version",
	.text = "  muniment version\n",
	.groups = groups,
	.flags = CMD_ALONE,
	.run = run
};
