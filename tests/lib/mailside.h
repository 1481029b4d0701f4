/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_MAILSIDE_H
#define TESTS_MAILSIDE_H

#include "tests/lib/mailstore.h"

/*
 * What lies beside the mail: keys, sieve scripts, redis, rspamd, the postfix
 * queue, the database's dump.  A pure function of seed and hour.
 */
int mailside_make(struct mailstore *s, struct err *e);	/* the fixed part */
/* Sieve scripts of all users; their homes must be there. */
int mailside_scripts(struct mailstore *s, struct err *e);
/* What the hour changes; also called once after mailside_make. */
int mailside_step(struct mailstore *s, struct err *e);

#endif
