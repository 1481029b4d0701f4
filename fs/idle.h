/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FS_IDLE_H
#define FS_IDLE_H

#include "fs/state.h"

/*
 * What a mount does beside answering: heartbeats of its pins, and letting go
 * of archives that were deleted and are used no more.  Every second or so, by
 * the thread that only waits.  While nothing is pinned the store is left alone.
 */
void idle_look(struct mount *m);

#endif
