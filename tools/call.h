/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_CALL_H
#define TOOLS_CALL_H

#include "core/core.h"
#include "tools/opt.h"

struct cmd;

/* An action as it was asked for in a run. */
struct call {
	const struct cmd *cmd;
	void *args;		/* cmd->args_bytes, as the rows filled it */
	struct strv words;	/* operands */
	size_t at;		/* the first that nobody has taken yet */
	bool has_tail;		/* there was a "--" ... */
	size_t tail;		/* ... and this is the first word after it */
	struct opt_set opts;	/* into args; which were given */
	struct strv made;	/* values that call_set had to keep */
};

int call_init(struct call *c, const struct cmd *cmd, struct err *e);
/* The same asked for again, to be carried out by itself. */
int call_copy(struct call *c, const struct call *from, struct err *e);
/* Does the action have this option?  Was it given? */
bool call_knows(const struct call *c, const char *name);
bool call_given(const struct call *c, const char *name);
/* What the command line did not say: the option, unless it was given (a list
 * is added to); the value is copied.  Nothing if the action has no such
 * option. */
int call_set(struct call *c, const char *name, const char *value,
	     struct err *e);

/* The next operand, or NULL. */
const char *call_word(struct call *c);
size_t call_words_left(const struct call *c);
/* ERR_CONFIG if there are operands that nobody has taken. */
int call_no_more(const struct call *c, struct err *e);
void call_release(struct call *c);

#endif
