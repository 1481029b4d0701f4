/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FS_ARCH_H
#define FS_ARCH_H

#include <pthread.h>

#include "fs/dir.h"
#include "fs/idmap.h"

/*
 * An archive that the mount shows.  What costs something (names of owners,
 * the folders below the stripped ones) is done at the first look inside, so
 * that a thousand archives cost a thousand small structs.
 */
struct arch_opts {
	struct reader *rd;
	struct mount_pin *pin;
	struct pattern_set *patterns;	/* NULL: everything */
	unsigned strip_components;
	bool numeric_ids;
};

struct arch {
	/* Fixed by arch_new. */
	char *name;		/* as shown */
	struct sid session;
	struct oid id;
	uint64_t serial;	/* number in this mount, from 0 */
	uint64_t seed;		/* inode numbers are made from it */
	int64_t time_nsec;	/* when it was made */
	uint64_t files, bytes;
	bool partial;
	bool no_xattrs;		/* no entry has any */
	struct dir_ref root_ref;

	/* The view's lock. */
	bool listed;
	char *stamp;		/* dates.h; NULL: none yet */

	uint32_t inodes;	/* the inode table's lock: those of it */

	pthread_mutex_t mtx;	/* order: the inode table's lock may be taken
				 * under it; pins are put, and the tree is
				 * read, at most once, under it */
	bool pinned;		/* mtx */
	bool opened;		/* mtx; what follows is fixed once it is set */
	struct dir *root;
	char **prefix;		/* per layer of root: the stripped path */
	struct idmap *users, *groups;
};

/* 'name' is copied.  NULL: no memory. */
struct arch *arch_new(const struct catalog_item *it, const char *name,
		      uint64_t serial);
void arch_free(struct arch *a);			/* NULL ok */

/* Before root, prefix, users or groups is looked at; pins it.  Any thread.
 * ERR_CONFIG: strip_components merges too many folders.  ERR_RETRY: it was
 * deleted, and may be half gone. */
int arch_open(struct arch *a, const struct arch_opts *o, struct err *e);

/* Pin them all at once; those that were deleted become NULL. */
int arch_pin_all(struct arch **arch, size_t n, const struct arch_opts *o,
		 struct err *e);
bool arch_is_open(struct arch *a);
/* Nobody uses it: the kernel knows nothing of it, and it is not listed. */
struct inode_tab;
void arch_idle(struct arch *a, const struct arch_opts *o,
	       struct inode_tab *inodes);

/* The stored path of a name below the archive is shown: does the user want
 * it?  A directory is also wanted for what may be below it. */
bool arch_wants(const struct arch_opts *o, const char *path, uint32_t mode);

#endif
