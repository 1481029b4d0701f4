/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/run.h"

#include <stdio.h>

#include "tools/help.h"

static int run_call(struct app *a, struct call *c, struct err *e)
{
	if (a->o.help)
		return help_action(c->cmd, e);
	if (a->o.dry_run && !(c->cmd->flags & CMD_DRY_RUN))
		return err_set(e, ERR_CONFIG, "'%s' knows no --dry-run",
			       c->cmd->name);
	return c->cmd->run(a, c, e);
}

int run_all(struct run *r, struct err *e)
{
	size_t i;
	int rc = 0;

	if (r->a->o.version) {
		puts("muniment " MUNIMENT_VERSION);
		return 0;
	}
	if (r->n_calls == 0 && r->a->o.help) {
		help_program();
		return 0;
	}
	if (r->usual)
		return err_set(e, ERR_CONFIG, "no configuration was found, and "
			       "no action was named: begin with 'muniment "
			       "--help'");
	for (i = 0; rc == 0 && i < r->n_calls; i++)
		rc = run_call(r->a, &r->call[i], e);
	return rc;
}
