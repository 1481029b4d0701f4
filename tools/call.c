/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/call.h"

#include <stdlib.h>
#include <string.h>

#include "tools/cmd.h"

int call_init(struct call *c, const struct cmd *cmd, struct err *e)
{
	memset(c, 0, sizeof(*c));
	c->cmd = cmd;
	c->args = mem_zero(1, cmd->args_bytes ? cmd->args_bytes : 1);
	if (!c->args)
		return err_nomem(e);
	c->opts.group = cmd->groups;
	c->opts.base = c->args;
	return 0;
}

int call_copy(struct call *c, const struct call *from, struct err *e)
{
	size_t i;
	int rc = call_init(c, from->cmd, e);

	if (rc < 0)
		return rc;
	if (c->cmd->args_bytes)
		memcpy(c->args, from->args, c->cmd->args_bytes);
	memcpy(c->opts.seen, from->opts.seen, sizeof(c->opts.seen));
	rc = opt_own(c->cmd->groups, c->args, e);
	for (i = 0; rc == 0 && i < from->words.n; i++)
		rc = strv_add(&c->words, from->words.v[i], e);
	c->has_tail = from->has_tail;
	c->tail = from->tail;
	return rc;
}

bool call_knows(const struct call *c, const char *name)
{
	unsigned i;

	return opt_find(c->cmd->groups, 0, name, &i) != NULL;
}

bool call_given(const struct call *c, const char *name)
{
	unsigned i;

	return opt_find(c->cmd->groups, 0, name, &i) && c->opts.seen[i];
}

int call_set(struct call *c, const char *name, const char *value,
	     struct err *e)
{
	const struct opt_row *row;
	unsigned i;
	int rc;

	row = opt_find(c->cmd->groups, 0, name, &i);
	if (!row || (c->opts.seen[i] && row->type != OPT_LIST))
		return 0;
	if (value && (rc = strv_add(&c->made, value, e)) < 0)
		return rc;
	return opt_put(&c->opts, 0, name, value ? c->made.v[c->made.n - 1] :
		       NULL, e);
}

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
	if (c->args)
		opt_release(c->cmd->groups, c->args);
	free(c->args);
	c->args = NULL;
	strv_release(&c->words);
	strv_release(&c->made);
}
