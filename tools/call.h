/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_CALL_H
#define TOOLS_CALL_H

#include "core/core.h"

struct cmd;

/* An action as it was asked for in a run. */
struct call {
	const struct cmd *cmd;
	void *args;		/* cmd->args_bytes, as the rows filled it */
	struct strv words;	/* operands */
	size_t at;		/* the first that nobody has taken yet */
	bool has_tail;		/* there was a "--" ... */
	size_t tail;		/* ... and this is the first word after it */
};

/* The next operand, or NULL. */
const char *call_word(struct call *c);
size_t call_words_left(const struct call *c);
/* ERR_CONFIG if there are operands that nobody has taken. */
int call_no_more(const struct call *c, struct err *e);
void call_release(struct call *c);

#endif
