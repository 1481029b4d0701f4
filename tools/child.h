/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_CHILD_H
#define TOOLS_CHILD_H

#include <sys/types.h>

#include "core/core.h"

/*
 * A command that runs for the user: in a process group of its own, with the
 * default signals, without the variables that hold passphrases.
 */
struct child {
	/* Set before it is started; zero: nothing of the kind. */
	const struct strv *env;	/* "NAME=VALUE", beside ours */
	int err;		/* its stderr */
	int pass;		/* one more fd that it gets, by its number */

	pid_t pid;		/* 0: none runs */
	const char *name;	/* the caller's argv[0] */
	int status;		/* after child_wait: what it exited with; 128
				 * and the signal's number if that ended it */
};

/* stdin and stdout of the command; -1: /dev/null for 'in', ours for 'out'.
 * The fds stay the caller's.  ERR_FAILED: it cannot be started. */
int child_start(struct child *p, char *const *argv, int in, int out,
	       struct err *e);
/* The same, with a pipe to its stdout (*fd to read) or from its stdin (*fd to
 * write). */
int child_read_from(struct child *p, char *const *argv, int in, int *fd,
		   struct err *e);
int child_write_to(struct child *p, char *const *argv, int out, int *fd,
		  struct err *e);
/* Until it ends; ERR_FAILED: not with status 0.  None runs: 0. */
int child_wait(struct child *p, struct err *e);
/* The same, but it has only so many seconds (0: any number).  When they are
 * over (ERR_FAILED), or 'cancel' is wanted (ERR_CANCEL; NULL: never), its
 * group is asked to end, and ten seconds later ended. */
int child_wait_secs(struct child *p, unsigned secs,
		    const struct cancel *cancel, struct err *e);
/* End it, if it runs, with all its group, and wait. */
void child_kill(struct child *p);

#endif
