/* SPDX-License-Identifier: BSD-2-Clause */
#include "fs/attr.h"

#include <string.h>
#include <sys/sysmacros.h>

/* A bijection that looks random (splitmix64's finaliser). */
static uint64_t attr_mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* Positive as a signed number, and neither 0 nor the root's. */
static uint64_t attr_fit(uint64_t ino)
{
	ino &= INT64_MAX;
	return ino < 2 ? ino + 2 : ino;
}

uint64_t attr_ino(const struct inode *dir, const struct dir *d, uint64_t place,
		  const struct entry *en)
{
	unsigned layer = dir_place_layer(place);
	uint64_t seed = dir->arch->seed, low = 0xff;

	if (en->link_group && !S_ISDIR(en->mode))
		return attr_fit(attr_mix(attr_mix(~seed) ^ en->link_group));
	while (low < d->layer[layer].ref.entries)
		low = low << 1 | 1;
	return attr_fit((attr_mix(attr_mix(seed + layer) ^ dir->ino) & ~low) |
			dir_place_ordinal(place));
}

uint64_t attr_arch_ino(const struct arch *a, enum inode_kind kind)
{
	return attr_fit(attr_mix(attr_mix(a->seed) + kind));
}

uint64_t attr_made_ino(uint64_t parent, enum inode_kind kind, uint64_t place)
{
	return attr_fit(attr_mix(attr_mix(parent + (uint64_t)kind) ^ place));
}

static void attr_owner(const struct mount *m, struct stat *st)
{
	if (m->o.has_uid)
		st->st_uid = m->o.uid;
	if (m->o.has_gid)
		st->st_gid = m->o.gid;
	if (!S_ISLNK(st->st_mode))
		st->st_mode &= ~m->o.umask;
}

static struct timespec attr_time(int64_t nsec)
{
	struct timespec t = { nsec / 1000000000, nsec % 1000000000 };

	if (t.tv_nsec < 0) {
		t.tv_nsec += 1000000000;
		t.tv_sec--;
	}
	return t;
}

void attr_made(const struct mount *m, mode_t mode, uint64_t ino,
	       uint64_t size, int64_t nsec, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = ino;
	st->st_mode = mode;
	st->st_nlink = 1;
	st->st_uid = m->uid;
	st->st_gid = m->gid;
	st->st_size = (off_t)size;
	st->st_blksize = 4096;
	st->st_mtim = st->st_atim = st->st_ctim = attr_time(nsec);
	attr_owner(m, st);
}

void attr_entry(const struct mount *m, const struct arch *a,
		const struct entry *en, uint64_t ino, struct stat *st)
{
	if (en->flags & ENTRY_IMPLICIT) {
		attr_made(m, S_IFDIR | 0755, ino, 0, a->time_nsec, st);
		return;
	}
	memset(st, 0, sizeof(*st));
	st->st_ino = ino;
	st->st_mode = en->mode;
	st->st_nlink = S_ISDIR(en->mode) ? 1 : (nlink_t)en->links;
	st->st_uid = m->ao.numeric_ids ? en->uid :
		     idmap_get(a->users, en->uid);
	st->st_gid = m->ao.numeric_ids ? en->gid :
		     idmap_get(a->groups, en->gid);
	st->st_blksize = 4096;
	if (S_ISREG(en->mode)) {
		st->st_size = (off_t)en->size;
		st->st_blocks = (blkcnt_t)ofile_blocks(m->rd, en);
	} else if (S_ISLNK(en->mode)) {
		st->st_size = (off_t)en->target_len;
	} else if (S_ISCHR(en->mode) || S_ISBLK(en->mode)) {
		st->st_rdev = makedev(en->rdev_major, en->rdev_minor);
	}
	st->st_mtim = en->mtime;
	st->st_atim = en->flags & ENTRY_ATIME ? en->atime : en->mtime;
	st->st_ctim = en->flags & ENTRY_CTIME ? en->ctime : en->mtime;
	attr_owner(m, st);
}
