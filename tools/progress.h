/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_PROGRESS_H
#define TOOLS_PROGRESS_H

#include "tools/app.h"

/*
 * Where a long action is: one line that changes on a terminal; with
 * --progress and no terminal a line every half minute, or JSON; else nothing.
 * SIGUSR1 is answered by the next progress_show in any case.
 */
struct progress {
	const struct app *a;
	const char *what;	/* "create", "extract", "check" */
	bool live, lines;
	int64_t next_nsec;	/* monotonic */
};
struct progress_at {
	uint64_t files, bytes;
	uint64_t new_bytes, stored_bytes;	/* create */
	uint64_t done, total;			/* total 0: unknown */
	bool counts;		/* done and total are things, not bytes */
	const char *text;	/* a path, or what is being done */
};
void progress_begin(struct progress *p, const struct app *a,
		    const char *what);
void progress_show(struct progress *p, const struct progress_at *at);
void progress_end(struct progress *p);

#endif
