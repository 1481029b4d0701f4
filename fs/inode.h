/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FS_INODE_H
#define FS_INODE_H

#include "fs/arch.h"
#include "fs/dir.h"

/*
 * What the kernel knows of: one inode per thing it has looked up and not
 * forgotten.  Only that is in memory; a file's entry is read from the tree
 * again when it is needed (cursor.h), a directory's place is kept.
 *
 * The kernel's name of an inode is generation << 32 | slot: a table index,
 * never a pointer; a name that was forgotten does not come back.
 */
enum inode_kind {
	INODE_ROOT,		/* of a whole repository: the archives */
	INODE_ARCH,		/* root directory of an archive */
	INODE_LATEST,		/* symlink to the newest archive */
	INODE_ENTRY,		/* an entry of an archive */
	INODE_DATE,		/* by-date, or a folder below it */
	INODE_STAMP,		/* symlink to an archive, in a day's folder */
	INODE_CONTROL,		/* .muniment in the root */
	INODE_MERGED		/* a directory of all archives together */
};

struct inode {
	/* Fixed while somebody has the inode. */
	uint64_t id;		/* the kernel's name; 0: a free slot */
	uint64_t ino;		/* st_ino */
	uint64_t place;		/* ENTRY: in the parent, dir_place();
				 * ARCH, LATEST, STAMP: serial of the archive;
				 * DATE: year, month or day; 0: by-date;
				 * MERGED: merged_place of its name */
	uint64_t group;		/* hard links: of the archive; else 0 */
	struct inode *parent;	/* lives as long as this; NULL: FUSE's root */
	struct arch *arch;	/* NULL: ROOT, DATE, CONTROL, MERGED */
	struct dir *dir;	/* ENTRY, a directory: owned; MERGED: of this
				 * name, without layers */
	uint32_t type;		/* S_IFMT */
	uint8_t kind;		/* enum inode_kind */
	bool plain;		/* ENTRY: no extended attributes */

	/* The table's. */
	uint32_t children;	/* inodes whose parent this is */
	uint64_t lookups;	/* that the kernel owes a FORGET for */
	struct inode *next;	/* in the bucket, or of the free slots */
};

/*
 * Whenever no call is running:
 * 1. a slot but the root's is in use if and only if lookups + children > 0;
 * 2. no two inodes have the same identity: archive and group where there is a
 *    group, else kind, parent and place.
 */
struct inode_tab;

/* What makes an inode the one it is, and what it is made of. */
struct inode_make {
	struct inode *parent;
	struct arch *arch;
	struct dir *dir;
	uint64_t ino, place, group;
	uint32_t type;
	uint8_t kind;
	bool plain;
};

/* With FUSE's root in it: ROOT, MERGED, or ARCH of 'arch'.  NULL: no memory. */
struct inode_tab *inode_tab_new(enum inode_kind kind, struct arch *arch);
void inode_tab_free(struct inode_tab *t);		/* NULL ok */
bool inode_tab_sane(struct inode_tab *t);		/* 1. and 2.; slow */
uint64_t inode_tab_count(struct inode_tab *t);		/* in use */
/* The id of the inode with m's identity; 0: the kernel does not know it. */
uint64_t inode_tab_find(struct inode_tab *t, const struct inode_make *m);
/* The same for a file that is at 'place' of the directory 'parent', an id, and
 * of 'group' if it has hard links. */
uint64_t inode_tab_child(struct inode_tab *t, uint64_t parent, uint64_t place,
			 uint64_t group);
/* How many of one archive are in use. */
uint32_t inode_tab_of(struct inode_tab *t, const struct arch *a);

/* NULL: no such inode (any more).  Valid until the kernel forgets it, so at
 * least while it waits for an answer about it. */
struct inode *inode_get(struct inode_tab *t, uint64_t id);

/*
 * Look up: find the inode with m's identity or make it, and count one lookup,
 * in one critical section.  m->dir is given away, also on failure.
 */
int inode_enter(struct inode_tab *t, const struct inode_make *m,
	       struct inode **out, struct err *e);
/* A bug if the kernel forgets more than it was told. */
void inode_forget(struct inode_tab *t, uint64_t id, uint64_t lookups);

#endif
