/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_TALK_H
#define TOOLS_TALK_H

#include <jansson.h>

#include "core/core.h"

/*
 * Words on stderr: messages by level, the list of files, progress; in borg's
 * JSON lines with --log-json.  Control characters of names are shown as \ooo.
 * Safe from any thread after talk_setup.
 */
enum talk_level {
	TALK_DEBUG, TALK_INFO, TALK_WARNING, TALK_ERROR, TALK_CRITICAL,
	TALK_OFF
};
struct talk_opts {
	enum talk_level level;	/* less important lines are not shown */
	bool json;
};
/* Also becomes the sink of the engine's log. */
void talk_setup(const struct talk_opts *o);
/* A daemon has no stderr: messages go to syslog from now on. */
void talk_to_syslog(void);
bool talk_is_json(void);
/* stderr is a terminal, and the talk is not JSON. */
bool talk_is_terminal(void);
unsigned talk_columns(void);

void talk_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void talk_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A failure, as "muniment: SENTENCE". */
void talk_error(const struct err *e);
/* Shown whatever the level is: what an option has asked for. */
void talk_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* One JSON object (taken; NULL: no memory, nothing) as a line. */
void talk_json(json_t *obj);
/* One line that the next line replaces; "" takes it away.  For terminals. */
void talk_transient(const char *text);
/* The status of a file in a list: "A srv/x". */
void talk_file(char status, const char *path);

#endif
