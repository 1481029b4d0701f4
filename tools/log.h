/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_LOG_H
#define TOOLS_LOG_H

#include "tools/talk.h"

/* A message on its way into the logs: one line, without control characters. */
struct log_entry {
	enum talk_level level;
	const char *topic;	/* "program", "walk" */
	const char *prefix;	/* a label, or "" */
	const char *msgid;	/* borg's name of a failure, or NULL */
	const char *text;
};

#endif
