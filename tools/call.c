/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/call.h"

#include <stdlib.h>

#include "tools/cmd.h"

const char *call_word(struct call *c)
{
	return c->at < c->words.n ? c->words.v[c->at++] : NULL;
}

size_t call_words_left(const struct call *c)
{
	return c->words.n - c->at;
}

int call_no_more(const struct call *c, struct err *e)
{
	if (c->at >= c->words.n)
		return 0;
	return err_set(e, ERR_CONFIG, "'%s' is one operand too many: muniment "
		       "%s %s", c->words.v[c->at], c->cmd->name,
		       c->cmd->synopsis);
}

void call_release(struct call *c)
{
	if (c->args && c->cmd->groups)
		opt_release(c->cmd->groups, c->args);
	free(c->args);
	c->args = NULL;
	strv_release(&c->words);
}
