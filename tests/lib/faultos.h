/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_LIB_FAULTOS_H
#define TESTS_LIB_FAULTOS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * System calls that go wrong.  While it is on, os_now counts its calls (from
 * any thread), and the one with number 'at' (1 is the first) goes wrong in one
 * of these ways.
 */
enum faultos_how {
	FAULTOS_BEFORE,		/* not done, fails; a close does close */
	FAULTOS_AFTER,		/* done, and says that it failed */
	FAULTOS_SHORT,		/* half of a read or write; others succeed */
	FAULTOS_KILL_BEFORE,	/* _exit(137), as if killed */
	FAULTOS_KILL_TORN,	/* the same, half of a write was done */
	FAULTOS_KILL_AFTER
};

enum faultos_call {
	FAULTOS_OPENAT, FAULTOS_PREAD, FAULTOS_WRITEV, FAULTOS_FDATASYNC,
	FAULTOS_FSYNC, FAULTOS_CLOSE, FAULTOS_MKDIRAT, FAULTOS_LINKAT,
	FAULTOS_RENAME_NEW, FAULTOS_RENAMEAT, FAULTOS_UNLINKAT,
	FAULTOS_FSTATAT, FAULTOS_FSTAT, FAULTOS_FDOPENDIR, FAULTOS_READDIR,
	FAULTOS_CLOSEDIR, FAULTOS_CALLS
};

struct faultos_plan {
	uint64_t at;		/* 0: never */
	enum faultos_how how;
	int errnum;
	bool on;		/* and every call after it */
	uint32_t only;		/* count these calls, by bit; 0: all */
	uint32_t lacks;		/* these are ENOSYS always, by bit */
	bool no_disk;		/* syncs do nothing, for speed */
	bool one_empty;		/* of the 256 folders of packs, the first
				 * empty one stands for all that are empty */
};

void faultos_start(const struct faultos_plan *p);
/* Back to the system; the number of calls that were counted. */
uint64_t faultos_stop(void);
/* What went wrong first; FAULTOS_CALLS: nothing did. */
enum faultos_call faultos_hit(void);
const char *faultos_name(enum faultos_call c);

#endif
