/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FS_STATE_H
#define FS_STATE_H

#include <fuse_lowlevel.h>
#include <pthread.h>

#include "fs/ahead.h"
#include "fs/arch.h"
#include "fs/control.h"
#include "fs/cursor.h"
#include "fs/mount.h"
#include "fs/inode.h"
#include "fs/merged_tab.h"
#include "fs/ofile.h"
#include "fs/opts.h"
#include "fs/view.h"

#define MOUNT_TOLD 1024		/* inodes that are told of once */

/*
 * The mount as the operations see it.
 *
 * Locks: every table below has one of its own and all of them are leaves, so
 * none is ever held while another is taken; arch.mtx may be held while the
 * repository is read, and the inode table's may be taken under it.  No lock is
 * held when the kernel is answered.
 */
struct mount {
	/* Fixed by mount_start. */
	struct repo *r;
	struct reader *rd;
	struct mount_pin *pin;
	struct opts o;
	struct arch_opts ao;
	char *point;
	struct fuse_session *se;
	bool mounted;
	/*
	 * No archive has extended attributes: then the kernel is told so,
	 * which spares three requests in four when files are copied.  It
	 * never asks again, so what has some in an archive that comes later is
	 * listed, but not opened: shown without them, it would not be what
	 * was backed up.
	 */
	bool no_xattrs;
	bool no_open, no_opendir;	/* set by INIT: the kernel can do
					 * without these calls */
	struct view *view;		/* NULL: one archive */
	struct arch *single;		/* NULL: the whole repository */
	uid_t uid;			/* owner of what no archive holds */
	gid_t gid;
	/* The thread that waits (mount_idle) has these. */
	int64_t idle_nsec;		/* monotonic */
	unsigned idle_count;
	size_t cache_bytes;

	struct inode_tab *inodes;
	struct cursor_tab *cursors;
	struct ofile_tab *ofiles;
	struct control control;
	struct merged_tab merged;	/* -o versions */
	struct key place_key;		/* makes places of names in it */
	struct ahead *ahead;
	atomic_ullong pushed;		/* files, by it, to the kernel */

	pthread_mutex_t told_mtx;	/* a leaf */
	int64_t told_since_nsec;	/* told_mtx */
	unsigned told, untold;		/* told_mtx */
	uint64_t told_ino[MOUNT_TOLD];	/* told_mtx */
};

#endif
