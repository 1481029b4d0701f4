/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_LOG_FILE_H
#define TOOLS_LOG_FILE_H

#include "tools/log.h"

/*
 * A log file: appended to, made with mode 0600, one write a line.  When it is
 * rotated away (the name has gone, or is another file) it is opened anew, so
 * nobody has to send a signal.
 */
#define LOG_FILE_FORMAT "[{asctime}] {levelname}: {prefix}{message}"
struct log_file;

/* ERR_CONFIG: 'format' has a key that there is not. */
int log_file_open(struct log_file **out, const char *path, const char *format,
		  struct err *e);
/* A failure is the first of its kind, or has not been told for a while: the
 * caller tells it, and goes on. */
int log_file_write(struct log_file *f, const struct log_entry *entry,
		   struct err *e);
void log_file_close(struct log_file *f);	/* NULL ok */
/* "WARNING" */
const char *log_file_level(enum talk_level level);

#endif
