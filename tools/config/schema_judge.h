/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CONFIG_SCHEMA_JUDGE_H
#define CONFIG_SCHEMA_JUDGE_H

#include "tools/config/schema.h"

/* Values that something else has to understand.  ERR_CONFIG. */
int schema_judge_files_cache(const char *text, struct err *e);
int schema_judge_pattern(const char *text, struct err *e);
int schema_judge_exclude(const char *text, struct err *e);
int schema_judge_compression(const char *text, struct err *e);
int schema_judge_name(const char *text, struct err *e);	/* of an archive */
int schema_judge_within(const char *text, struct err *e);
int schema_judge_parity(const char *text, struct err *e);
int schema_judge_database(const char *text, struct err *e);
int schema_judge_action(const char *text, struct err *e);

#endif
