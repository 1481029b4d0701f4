/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FS_LOOP_H
#define FS_LOOP_H

#include <fuse_lowlevel.h>

#include "core/core.h"

/*
 * Answer the kernel's requests on 'threads' threads until the file system is
 * unmounted (0) or *cancel is wanted (0, too), then end them.  The calling
 * thread only waits, and is the only one that gets signals; now and then it
 * calls idle(ctx), and ending(ctx) before it ends the threads: what waits for
 * the kernel, which may wait for an answer, has to be ended there.
 */
typedef void loop_owner_fn(void *ctx);
struct loop_owner {
	loop_owner_fn *idle, *ending;
	void *ctx;
};
int loop_run(struct fuse_session *se, unsigned threads, struct cancel *cancel,
	     const struct loop_owner *o, struct err *e);

#endif
