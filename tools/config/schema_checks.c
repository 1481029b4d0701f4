/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys: what is kept, checked, told. */
#include <stdlib.h>

#include "tools/config/schema_judge.h"
#include "tools/config/schema_priv.h"

const struct schema_row schema_exit_codes[] = {
	{ KEY_NOWHERE(code, INT), .min = -255, .max = 255,
	  .flags = SCHEMA_NEEDED },
	{ KEY_NOWHERE(treat_as, WORD), .words = "error|warning",
	  .flags = SCHEMA_NEEDED },
	{ 0 }
};

#define SCHEMA_OF config
const struct schema_row schema_group_keep[] = {
	{ KEY(keep_within, STR), .judge = schema_judge_within,
	  .help = "Keep all archives of this time: hours (H), days (d), weeks "
	  "(w), months (m), years (y).", .example = "3H" },
	{ KEY(keep_secondly, COUNT), .help = "How many of different seconds "
	  "are kept; -1: all.", .example = "60" },
	{ KEY(keep_minutely, COUNT), .help = "Of different minutes.",
	  .example = "60" },
	{ KEY(keep_hourly, COUNT), .help = "Of different hours.",
	  .example = "24" },
	{ KEY(keep_daily, COUNT), .help = "Of different days.",
	  .example = "7" },
	{ KEY(keep_weekly, COUNT), .help = "Of different weeks.",
	  .example = "4" },
	{ KEY(keep_monthly, COUNT), .help = "Of different months.",
	  .example = "6" },
	{ KEY(keep_13weekly, COUNT), .help = "Of different quarters of 13 "
	  "weeks.", .example = "13" },
	{ KEY(keep_3monthly, COUNT), .help = "Of different quarters of 3 "
	  "months.", .example = "13" },
	{ KEY(keep_yearly, COUNT), .help = "Of different years.",
	  .example = "1" },
	{ KEY(compact_threshold, INT), .max = 99, .fallback = 10,
	  .help = "Percent of a pack that must be garbage before it is "
	  "written again.", .example = "10" },
	{ 0 }
};
#undef SCHEMA_OF

#define SCHEMA_OF config_check
static const struct schema_row check[] = {
	{ KEY(name, WORD), .flags = SCHEMA_NEEDED,
	  .words = "repository|archives|data|extract|spot|drill|disabled" },
	{ KEY_AT(frequency, TIME, frequency_secs) },
	{ KEY(only_run_on, DAYS) },
	{ KEY(max_duration, INT), .max = INT32_MAX },
	{ KEY(count_tolerance_percentage, NUM), .max = 100 },
	{ KEY(data_sample_percentage, NUM), .max = 100 },
	{ KEY(data_tolerance_percentage, NUM), .max = 100 },
	{ KEY(xxh64sum_command, STR), IDLE, .note = "no program is needed "
	  "to compare files" },
	{ 0 }
};
#undef SCHEMA_OF

#define SCHEMA_OF config
const struct schema_row schema_group_checks[] = {
	{ KEY(checks, OBJS), .sub = check,
	  .bytes = sizeof(struct config_check), .help = "Checks and how often "
	  "they run: repository, archives, data, extract, spot and drill (a "
	  "key of muniment's own: a sample is restored and compared); without "
	  "this key the first two, once a month.",
	  .example = "\n    - name: repository\n      frequency: 2 weeks\n"
	  "    - name: archives\n      frequency: 1 month" },
	{ KEY(check_repositories, LIST), .help = "Check only these "
	  "repositories (paths or labels).",
	  .example = "\n    - offsite" },
	{ KEY(check_last, INT), .max = INT32_MAX, .help = "Check only this "
	  "many archives, the newest.", .example = "3" },
	{ 0 }
};

#define VERBOSITY .min = -2, .max = 2
const struct schema_row schema_group_output[] = {
	{ KEY(color, BOOL), .fallback = 1, .help = "Colours on a terminal.",
	  .example = "false" },
	{ KEY(verbosity, INT), VERBOSITY, .help = "-2 nothing, -1 errors, 0 "
	  "answers and warnings, 1 more, 2 everything.", .example = "0" },
	{ KEY(syslog_verbosity, INT), VERBOSITY, .fallback = -2,
	  .help = "The same for syslog.", .example = "-2" },
	{ KEY(log_file_verbosity, INT), VERBOSITY, .fallback = 1,
	  .help = "The same for log_file.", .example = "1" },
	{ KEY(monitoring_verbosity, INT), VERBOSITY, .fallback = 1, IDLE,
	  .note = "nothing is sent to monitoring services", .help = "The "
	  "same for monitoring services.", .example = "1" },
	{ KEY(log_file, STR), .help = "Write a log there.",
	  .example = "/var/log/muniment.log" },
	{ KEY(log_file_format, STR), .help = "Its lines.",
	  .example = "'[{asctime}] {levelname}: {prefix}{message}'" },
	{ KEY(log_json, BOOL), .help = "Messages as JSON.",
	  .example = "false" },
	{ KEY(progress, BOOL), .help = "Show progress.", .example = "true" },
	{ KEY(statistics, BOOL), .help = "Figures after each action "
	  "(--stats).", .example = "true" },
	{ KEY(quick_statistics, BOOL), .help = "The same after create only.",
	  .example = "true" },
	{ KEY(list_details, BOOL), .help = "List what is stored or deleted "
	  "(--list).", .example = "true" },
	{ KEY(default_actions, BOOL), .fallback = 1, .help = "Without an "
	  "action: create, prune, compact and check.  false: show help.",
	  .example = "true" },
	{ KEY(skip_actions, LIST), .judge = schema_judge_action,
	  .help = "Never run these.", .example = "\n    - compact" },
	{ KEY(prometheus_file, STR), .help = "Write figures there after each "
	  "run, for node_exporter.  (A key of muniment's own.)",
	  .example = "/var/lib/node_exporter/muniment.prom" },
	{ 0 }
};
#undef SCHEMA_OF
