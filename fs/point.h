/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FS_POINT_H
#define FS_POINT_H

#include "core/core.h"
#include "fs/opts.h"

/* Mount points: what is mounted where, and mistakes with them. */
#define POINT_TYPE "fuse.muniment"

/*
 * The absolute path without symlinks.  The last part is not looked at: behind
 * it may be a dead mount.  malloc'ed.  ERR_NOENT, ERR_CONFIG.
 */
int point_path(char **out, const char *mountpoint, struct err *e);

/* What is mounted there, on top: *type is malloc'ed, NULL for nothing. */
int point_type(char **type, const char *path, struct err *e);

/*
 * Can 'mountpoint' be mounted on by this user?  *path is as from point_path,
 * with the last part resolved.  Errors as mount_start has them; each says
 * what to do.
 */
int point_check(char **path, const char *mountpoint, const struct opts *o,
		struct err *e);

/* Who has files below 'path' open or is in it: " (bash, pid 17; ...)", or ""
 * if that cannot be seen. */
int point_users(struct buf *out, const char *path, struct err *e);

#endif
