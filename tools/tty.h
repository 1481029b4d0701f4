/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_TTY_H
#define TOOLS_TTY_H

#include "core/core.h"

/* The terminal, for secrets. */

/* Somebody sits there: there is a controlling terminal, and stdin or stderr
 * is a terminal. */
bool tty_present(void);
/* Ask without echo; at most 'size' - 1 bytes into out, without the newline.
 * ERR_CANCEL: interrupted.  ERR_AUTH: the end of the input. */
int tty_ask(const char *prompt, char *out, size_t size, struct cancel *cancel,
	    struct err *e);
/* The same for what is no secret: with echo. */
int tty_question(const char *prompt, char *out, size_t size,
		 struct cancel *cancel, struct err *e);
/* A line for the person, not for a log. */
void tty_say(const char *text);

#endif
