/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/logarg.h"

#include <stdlib.h>

#include "tools/talk.h"

int logarg_number(int *out, const struct opt_row *row, const char *value,
		  struct err *e)
{
	char *end;
	long n = strtol(value, &end, 10);
	char name[OPT_NAME_MAX];

	opt_name(row, 0, name);
	if (!*value || *end || n < -2 || n > 2)
		return err_set(e, ERR_CONFIG, "option '--%s' takes a number "
			       "from -2 (silent) to 2 (everything), not '%s'",
			       name, value);
	*out = (int)n;
	return 0;
}

static int set_level(void *dst, const struct opt_row *row, const char *value,
		     struct err *e)
{
	int n, rc = logarg_number(&n, row, value, e);

	if (rc == 0)
		*(int *)dst = (int)talk_level_of(n) + 1;
	return rc;
}

#define AT(member) offsetof(struct logarg, member)
const struct opt_row logarg_rows[] = {
	{ OPT_FN, 0, "syslog-verbosity", AT(syslog), "N",
	  "how much goes to the system's log, from -2 (nothing, the default) "
	  "to 2", OPT_REPEAT, set_level },
	{ OPT_STR, 0, "log-file", AT(file), "PATH",
	  "write a log to this file, too", OPT_REPEAT, NULL },
	{ OPT_FN, 0, "log-file-verbosity", AT(file_level), "N",
	  "how much goes there, from -2 to 2 (default: 1)", OPT_REPEAT,
	  set_level },
	{ OPT_STR, 0, "log-file-format", AT(format), "FORMAT",
	  "its lines (default: [{asctime}] {levelname}: {prefix}{message})",
	  OPT_REPEAT, NULL },
	{ 0 }
};

void logarg_fill(const struct logarg *o, struct talk_opts *to)
{
	if (o->syslog)
		to->syslog_level = (enum talk_level)(o->syslog - 1);
	if (o->file_level)
		to->file_level = (enum talk_level)(o->file_level - 1);
	if (o->file)
		to->file = o->file;
	if (o->format)
		to->file_format = o->format;
}
