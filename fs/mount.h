/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FS_MOUNT_H
#define FS_MOUNT_H

#include "core/core.h"

/*
 * The FUSE mount: a repository, or one archive, as a read-only directory tree.
 *
 * fuse_options: versions (merged.h), allow_other, uid=N, gid=N, umask=OCTAL,
 * ignore_permissions, nonempty, fsname=TEXT, (no)exec, (no)atime, allow_root,
 * and what fstab brings along.  The archived permissions hold, POSIX ACLs among
 * them; with uid, gid, umask or ignore_permissions the ACLs are shown but do
 * not hold, as they would grant what these take away.
 *
 * Where strip_components makes folders of the same name come together, they
 * are merged; of files of the same name the first is shown.
 */
enum mount_flags {
	MOUNT_NUMERIC_IDS = 1 << 0,
	MOUNT_IGNORE_PERMISSIONS = 1 << 1	/* no default_permissions */
};
struct mount_opts {
	const char *archive;		/* NULL: the whole repository */
	const char *mountpoint;
	struct pattern_set *patterns;	/* NULL: everything */
	unsigned strip_components;
	const char *fuse_options;	/* "allow_other,uid=5000,..." or NULL */
	unsigned flags;
	size_t cache_bytes;		/* plain objects; 0: 64 MiB */
	const struct choice_opts *choice;	/* which archives; as long as
					 * the mount */
};
struct mount;

/*
 * Mount: after return 0 the mount point shows the archives.  The daemon has
 * to be forked before (threads do not survive a fork): the caller forks,
 * opens the repository in the child, calls this, and reports to the parent.
 * Mistakes of the mount point (missing, not a folder, not empty, already
 * mounted) are ERR_CONFIG, ERR_NOENT, ERR_BUSY with the fix in the sentence.
 */
int mount_start(struct mount **out, struct repo *r,
		const struct mount_opts *o, struct err *e);
/* Serve until unmounted or cancelled (SIGTERM); then unmounts. */
int mount_serve(struct mount *m, struct cancel *cancel, struct err *e);
void mount_free(struct mount *m);		/* NULL ok */

/* Unmount, with umount2 or fusermount3; also what a killed mount left. */
int mount_undo(const char *mountpoint, struct err *e);

#endif
