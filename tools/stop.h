/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_STOP_H
#define TOOLS_STOP_H

#include "core/core.h"

/*
 * Signals.  SIGINT, SIGTERM and SIGHUP ask to stop (a second SIGINT ends the
 * process); SIGUSR1 asks where it is; SIGPIPE is ignored, so that a reader
 * that went away is an error of write.  System calls are interrupted.
 */
void stop_setup(void);
struct cancel *stop_cancel(void);
/* SIGUSR1 came since the last call. */
bool stop_where(void);
/* In a child, before exec: signals as they are by default. */
void stop_reset(void);

#endif
