/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/help.h"

static int run(struct app *a, struct call *c, struct err *e)
{
	const char *word = call_word(c);
	const struct cmd *which;
	int rc;

	(void)a;
	if ((rc = call_no_more(c, e)) < 0)
		return rc;
	if (!word) {
		help_program();
		return 0;
	}
	if ((rc = cmd_find(&which, word, e)) < 0)
		return rc;
	return help_action(which, e);
}

static const struct opt_group groups[] = { { 0 } };

const struct cmd cmd_help = {
	.name = "help",
	.synopsis = "[ACTION]",
	.brief = "explain an action",
	.text = "  muniment help create\n",
	.groups = groups,
	.flags = CMD_ALONE,
	.keep = 1,
	.words_max = 1,
	.run = run
};
