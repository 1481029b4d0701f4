/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FS_OPTS_H
#define FS_OPTS_H

#include <sys/types.h>

#include "core/core.h"

/* What -o says.  Options that are the kernel's or libfuse's are collected in
 * 'pass'; what fstab brings along and means nothing here is dropped. */
struct opts {
	bool allow_other, ignore_permissions, nonempty, versions;
	bool has_uid, has_gid, has_umask;
	uid_t uid;
	gid_t gid;
	mode_t umask;
	char *fsname;		/* NULL: "muniment" */
	struct buf pass;	/* ",noexec,..." */
};

/* 'text' may be NULL.  ERR_CONFIG names the option and what it takes.
 * Release also after failure. */
int opts_parse(struct opts *o, const char *text, struct err *e);
void opts_release(struct opts *o);

#endif
