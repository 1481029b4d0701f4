/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAINT_ERASE_H
#define MAINT_ERASE_H

#include "base/cancel.h"
#include "store/store.h"

/*
 * A whole repository is deleted: archives first, so that whoever looks
 * meanwhile finds fewer, then all they were made of; keys and REPOSITORY last,
 * so that it can be begun again after an interruption.  Nothing is asked.
 * COMMIT POINT: there is none; the first deleted file is gone.
 */
struct erase_progress {
	uint64_t done, total;
};
struct erase_opts {
	unsigned threads;	/* deletions at once */
	struct cancel *cancel;
	void (*progress)(const struct erase_progress *p, void *ctx);
	void *ctx;
};
/* *files: how many are gone.  ERR_EXIST: all of it is, but in the folder is
 * something that is not ours. */
int erase_run(struct store *st, const struct erase_opts *o, uint64_t *files,
	      struct err *e);

#endif
