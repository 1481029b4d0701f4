/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FS_LOOP_H
#define FS_LOOP_H

#include <fuse_lowlevel.h>

#include "core/core.h"

/*
 * Answer the kernel's requests on 'threads' threads until the file system is
 * unmounted (0) or *cancel is wanted (0, too), then end them.  The calling
 * thread only waits, and is the only one that gets signals; now and then it
 * calls idle(ctx).
 */
typedef void loop_idle_fn(void *ctx);
int loop_run(struct fuse_session *se, unsigned threads, struct cancel *cancel,
	     loop_idle_fn *idle, void *ctx, struct err *e);

#endif
