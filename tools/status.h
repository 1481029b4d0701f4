/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_STATUS_H
#define TOOLS_STATUS_H

#include "core/core.h"

/* Exit statuses, the same for every action. */
enum status {
	STATUS_OK = 0,
	STATUS_WARNING = 1,	/* done; what is missing was named */
	STATUS_FAILED = 2,
	STATUS_USAGE = 3,
	STATUS_NO_REPOSITORY = 10,
	STATUS_BUSY = 11,
	STATUS_AUTH = 12,
	STATUS_ROLLBACK = 13,
	STATUS_DAMAGED = 14,
	STATUS_FULL = 15
};
enum status status_of(int code);	/* enum err_code */
/* What borg calls this kind of failure in its JSON. */
const char *status_msgid(int code);
/* The table for --help, one line each. */
extern const char status_text[];

#endif
