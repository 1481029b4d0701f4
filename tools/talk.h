/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_TALK_H
#define TOOLS_TALK_H

#include <jansson.h>

#include "core/core.h"

/*
 * Words: messages by level, the list of files, progress.  They go to stderr,
 * in borg's JSON lines with --log-json, and to the logs that are on: the
 * system's and a file.  Control characters of names are shown as \ooo.
 * Safe from any thread after talk_setup.
 */
enum talk_level {
	TALK_DEBUG, TALK_INFO,
	TALK_ANSWER,		/* figures and summaries, on stdout */
	TALK_WARNING, TALK_ERROR, TALK_CRITICAL,
	TALK_OFF
};
/* Less important lines than a place's level do not get there. */
struct talk_opts {
	enum talk_level level;		/* stderr, and figures on stdout */
	bool json, no_color;
	enum talk_level syslog_level;	/* OFF: nothing goes there */
	const char *file;		/* NULL: none */
	enum talk_level file_level;
	const char *file_format;	/* NULL: LOG_FILE_FORMAT */
};
#define TALK_OPTS_INIT { .level = TALK_ANSWER, .syslog_level = TALK_OFF, \
			 .file_level = TALK_INFO }
/* borgmatic's numbers: -2 nothing, -1 errors, 0 warnings and answers,
 * 1 information, 2 everything. */
enum talk_level talk_level_of(int64_t verbosity);

/*
 * Also becomes the sink of the engine's log.  May be called again, between
 * actions, when a configuration says more.  After a failure (a log cannot be
 * opened, ERR_CONFIG: its format is wrong) all else of it is as was wanted,
 * and there is nothing but to warn.
 */
int talk_setup(const struct talk_opts *o, struct err *e);
/* A daemon has no stderr: what would go there goes to the system's log. */
void talk_to_syslog(void);
/* Before the messages and figures that follow, as "LABEL: "; NULL: none. */
void talk_set_prefix(const char *label);
bool talk_is_json(void);
/* stderr is a terminal, and the talk is not JSON. */
bool talk_is_terminal(void);
unsigned talk_columns(void);

void talk_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void talk_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void talk_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* At a level that is known only when it is said; not of the program's own
 * making ("muniment: "). */
void talk_say(enum talk_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A failure, as "muniment: SENTENCE". */
void talk_error(const struct err *e);
/* Lines of an answer: figures, a summary.  On stdout, and in the logs. */
void talk_answer(const char *lines);
/* Shown whatever the level is: what an option has asked for. */
void talk_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* One JSON object (taken; NULL: no memory, nothing) as a line. */
void talk_json(json_t *obj);
/* One line that the next line replaces; "" takes it away.  For terminals. */
void talk_transient(const char *text);
/* The status of a file in a list: "A srv/x". */
void talk_file(char status, const char *path);

#endif
