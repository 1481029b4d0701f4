/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FS_OPS_H
#define FS_OPS_H

#include <fuse_lowlevel.h>

/* What the mount answers; user data of the session is its struct mount. */
extern const struct fuse_lowlevel_ops ops_table;

#endif
