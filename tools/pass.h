/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_PASS_H
#define TOOLS_PASS_H

#include "core/core.h"

/*
 * Where passphrases come from: MUNIMENT_PASSPHRASE, MUNIMENT_PASSPHRASE_FILE,
 * MUNIMENT_PASSCOMMAND, MUNIMENT_PASSPHRASE_FD, then the same with BORG_, then
 * the terminal; for a new one MUNIMENT_NEW_PASSPHRASE and BORG_NEW_PASSPHRASE
 * before them all.  Without a terminal nobody is asked.
 */
#define PASS_MAX 4096

/* A repo_pass_fn; ctx is the struct cancel.  A source that is not the
 * terminal is asked once, the terminal three times. */
int pass_get(char **out, const char *url, unsigned attempt, bool confirm,
	     void *ctx, struct err *e);
/* The same for what can do without: nobody is asked at a terminal.
 * ERR_AUTH. */
int pass_unasked(char **out, const char *url, unsigned attempt, bool confirm,
		 void *ctx, struct err *e);

/* A new passphrase instead of another: only from MUNIMENT_NEW_PASSPHRASE,
 * BORG_NEW_PASSPHRASE, or the terminal.  *out is from key_alloc. */
int pass_new(char **out, const char *url, struct cancel *cancel,
	     struct err *e);

/* What was read from a file descriptor is kept for the next repository, until
 * the run is over, or nothing more will be opened. */
void pass_forget(void);

/* In a child: take the variables that hold secrets out of the environment. */
void pass_clear_env(void);

#endif
