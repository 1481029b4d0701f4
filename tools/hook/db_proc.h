/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HOOK_DB_PROC_H
#define HOOK_DB_PROC_H

#include "tools/child.h"
#include "tools/hook/db_cmd.h"

/*
 * A client of a database at work, with what it says on stderr kept for the
 * message of its failure.
 */
struct db_proc {
	struct child child;
	int in, out, err;	/* our ends; -1: closed */
	bool large;		/* the pipe in use is a large one */
	struct buf said;	/* on stderr, the last of it */
	int64_t deadline;	/* monotonic nanoseconds; 0: none */
	int64_t secs;		/* as given */
	struct cancel *cancel;
};
#define DB_PROC_INIT { .in = -1, .out = -1, .err = -1 }

enum db_proc_ends { DB_PROC_IN = 1, DB_PROC_OUT = 2 };
/* With a pipe for each of 'ends'; without, stdin is /dev/null and stdout is
 * stderr.  The command's secret is used up.  'secs': all it may take; 0: any
 * time.  Release in any case. */
int db_proc_start(struct db_proc *p, struct db_cmd *c, unsigned ends,
		  int64_t secs, struct cancel *cancel, struct err *e);
/* *got 0: the end. */
int db_proc_read(struct db_proc *p, void *to, size_t len, size_t *got,
		 struct err *e);
/* All of it.  ERR_FAILED: it reads no more. */
int db_proc_write(struct db_proc *p, const void *from, size_t len,
		  struct err *e);
/* Close the pipes and wait.  ERR_FAILED: with what it said. */
int db_proc_finish(struct db_proc *p, struct err *e);
/* Ends it if it still runs. */
void db_proc_release(struct db_proc *p);

/* Run it and keep what it writes, at most 1 MiB, NUL-terminated. */
int db_proc_capture(struct db_cmd *c, struct buf *out, int64_t secs,
		    struct cancel *cancel, struct err *e);

#endif
