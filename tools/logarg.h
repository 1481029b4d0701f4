/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_LOGARG_H
#define TOOLS_LOGARG_H

#include "tools/opt.h"

/* Options about logs. */
struct logarg {
	int syslog, file_level;		/* enum talk_level + 1; 0: not given */
	const char *file, *format;	/* NULL: not given */
};
extern const struct opt_row logarg_rows[];	/* into a struct logarg */

struct talk_opts;
/* What was given, over what is in 'to'. */
void logarg_fill(const struct logarg *o, struct talk_opts *to);
/* -2 .. 2 */
int logarg_number(int *out, const struct opt_row *row, const char *value,
		  struct err *e);

#endif
