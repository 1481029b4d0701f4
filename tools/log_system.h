/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_LOG_SYSTEM_H
#define TOOLS_LOG_SYSTEM_H

#include "tools/log.h"

/*
 * The system's log: journald, by its own protocol, with fields (PRIORITY,
 * MUNIMENT_LEVEL, MUNIMENT_TOPIC, MUNIMENT_PREFIX, MUNIMENT_ERROR), where its
 * socket is; else syslog.  One per process.
 */
/* ERR_IO: this system has neither. */
int log_system_open(struct err *e);
void log_system_write(const struct log_entry *entry);
/* It is the journal, and stderr goes there, too. */
bool log_system_is_stderr(void);
/* stderr is read by the journal, which understands "<4>" before a line. */
bool log_system_reads_stderr(void);
/* As syslog(3) has it: 0 .. 7. */
int log_system_priority(enum talk_level level);

#endif
