/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FS_ATTR_H
#define FS_ATTR_H

#include <sys/stat.h>

#include "fs/state.h"

/*
 * st_ino of an entry of directory 'dir' (whose listing is 'd').  The same in
 * every mount, for it is made from the archive's session id and ordinals;
 * hard links share it.  Within a directory it grows with the place: programs
 * that read files in the order of inode numbers (cp, fts) then read in the
 * order of the packs.
 */
uint64_t attr_ino(const struct inode *dir, const struct dir *d, uint64_t place,
		  const struct entry *en);
/* Of an archive's directory, and of a "latest" that leads to it. */
uint64_t attr_arch_ino(const struct arch *a, enum inode_kind kind);

/* Of what no archive holds, by its parent's. */
uint64_t attr_made_ino(uint64_t parent, enum inode_kind kind, uint64_t place);

/* All of struct stat.  Directories have nlink 1, as on btrfs: it means that
 * the number of sub-directories is not known, and find(1) looks at each. */
void attr_entry(const struct mount *m, const struct arch *a,
		const struct entry *en, uint64_t ino, struct stat *st);
/* Of what no archive holds. */
void attr_made(const struct mount *m, mode_t mode, uint64_t ino,
	       uint64_t size, int64_t nsec, struct stat *st);

#endif
