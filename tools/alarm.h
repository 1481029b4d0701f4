/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_ALARM_H
#define TOOLS_ALARM_H

#include "tools/app.h"

/*
 * What is said when a repository is not as this machine has seen it
 * (repo/witness.h, repo/place.h).  Reading goes on, backups are made; the exit
 * status is 13.
 */

/* Options of repo_open: findings are said, and count. */
void alarm_set(struct repo_opts *o, struct app *a);
/*
 * Is it the repository that was here?  Another one is ERR_ROLLBACK, unless
 * MUNIMENT_UNKNOWN_REPO_ACCESS_IS_OK is yes.  One that was elsewhere before is
 * said once; with MUNIMENT_RELOCATED_REPO_ACCESS_IS_OK (or BORG_...) yes it is
 * not, with no it is ERR_ROLLBACK.  The place is remembered.
 */
int alarm_place(const struct repo *r, struct err *e);
/* --expect-head. */
int alarm_expect(struct app *a, struct repo *r, struct err *e);

/* The state after an archive: eight words with hyphens. */
#define ALARM_WORDS_BYTES (WITNESS_HEAD_BYTES * 3)
char *alarm_words(char out[ALARM_WORDS_BYTES], const struct oid *record);

#endif
