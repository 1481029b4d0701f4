/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_FSTATE_PRIV_H
#define ARCHIVE_FSTATE_PRIV_H

#include <stddef.h>
#include <stdint.h>

#include "archive/fstate.h"
#include "base/buf.h"

/*
 * CACHE/REPO-ID/files/HASH-OF-SERIES, a file of this machine only:
 *
 *    0   8  magic                  8   8  le64 entries in the index
 *   16   8  le64 bytes of heap    24   8  le64 devices
 *   32  16  XXH3-128 of the front 48  16  XXH3-128 of bytes 0..47
 * 4096 ...  heap: records in the order of the walk, so that the next walk
 *           finds them one behind the other; none lies in two blocks, and
 *           zeroes fill a block up
 *  ...      index: 16 bytes an entry, sorted (struct fstate_key)
 *  ...      front: le64 st_dev per device; per block of the index its first
 *           key; per block of the index, then of the heap, 8 bytes of XXH3
 * Blocks are 64 KiB (the index's last one may be short); each is compared
 * when it is first used, so damage is never believed, and opening costs
 * nothing.
 *
 * Record:
 *   0  2  le16 length of what follows: > 0
 *   2  2  le16 number of the device   4  8  le64 inode
 *  12 ..  varint size; zigzag mtime seconds, le32 nanoseconds; ctime likewise;
 *         le64 hash of a message's base name, else 0; u8 flags; varint
 *         fsflags; varint length of extended attributes, these; their id if
 *         flag 1; content.  Flag 2: too young to be believed
 */
#define FSTATE_MAGIC "MUfil\0\0\3"
#define FSTATE_HEADER_BYTES 64
#define FSTATE_HEAP_AT 4096
#define FSTATE_BLOCK 65536u
#define FSTATE_KEY_BYTES 16u
#define FSTATE_BLOCK_KEYS (FSTATE_BLOCK / FSTATE_KEY_BYTES)
#define FSTATE_SUM_BYTES 8
#define FSTATE_RECORD_HEAD 12
#define FSTATE_RECORD_MIN 32	/* any is longer */
#define FSTATE_RECORD_MAX 4096
#define FSTATE_DEVICES_MAX 1024

/* In the index and in spooled runs: device, inode, place in the heap as one
 * number of 128 bits, that is 16 + 64 + 48. */
struct fstate_key {
	uint64_t hi, lo;
};
struct fstate_key fstate_key_of(unsigned dev, uint64_t ino, uint64_t at);
uint64_t fstate_key_at(struct fstate_key k);
int fstate_key_cmp(struct fstate_key a, struct fstate_key b);
/* The same device and inode. */
bool fstate_key_same(struct fstate_key a, struct fstate_key b);
struct fstate_key fstate_key_get(const uint8_t *p);
void fstate_key_put(uint8_t *p, struct fstate_key k);

struct fstate_record {
	unsigned dev;
	uint64_t ino, size;
	struct timespec mtime, ctime;
	uint64_t name;
	bool young;
	struct fstate_hit hit;
	uint64_t at;			/* fstate_old_find: in the heap */
};
/* One record from the start of [p, end); its whole length, or 0: damaged. */
size_t fstate_record_get(struct fstate_record *r, const uint8_t *p,
			 const uint8_t *end);
/* Its length alone, 0: no more in this block; device and inode. */
size_t fstate_record_peek(const uint8_t *p, const uint8_t *end, unsigned *dev,
			  uint64_t *ino);
/* Appends. */
int fstate_record_put(struct buf *b, const struct fstate_record *r,
		      const struct entry *en, struct err *e);
void fstate_sum(uint8_t out[FSTATE_SUM_BYTES], const void *p, size_t len);

/* The last run's file, mapped. */
struct fstate_old {
	uint8_t *map;			/* NULL: none */
	size_t map_len;
	uint64_t n, heap_len, n_devs;
	const uint8_t *heap, *index, *devs, *fence, *sums;
	uint8_t *state;			/* a byte per block: index, heap */
	uint64_t n_index_blocks, n_heap_blocks;
	unsigned n_touched;		/* blocks, since pages were dropped */
	uint64_t next;			/* record that the walk comes to */
	unsigned dev;			/* number of ... */
	uint64_t st_dev;		/* ... this one; only if n_devs */
	uint8_t *seen;			/* bits, by places in the heap */
	uint64_t n_seen;
};
void fstate_old_open(struct fstate_old *o, const char *path);
/* Takes a mapping; NULL in o->map after it: not such a file. */
void fstate_old_adopt(struct fstate_old *o, uint8_t *map, size_t len);
void fstate_old_close(struct fstate_old *o);
uint64_t fstate_old_dev(const struct fstate_old *o, unsigned dev);
/* The hit points into the mapping. */
bool fstate_old_find(struct fstate_old *o, uint64_t st_dev, uint64_t ino,
		     struct fstate_record *out);
/* This run has the file of the record, too.  'linked': it may have several
 * records, and counts once. */
void fstate_old_see(struct fstate_old *o, const struct fstate_record *r,
		    bool linked);
/* The i-th key in order; false: it is damaged. */
bool fstate_old_key(struct fstate_old *o, uint64_t i, struct fstate_key *k);
/* Up to which record starts at *at or behind it: NULL, no more. */
const uint8_t *fstate_old_record(struct fstate_old *o, uint64_t *at,
				 size_t *len);

/* This run's file, growing: the heap in its place, the keys as sorted runs in
 * a file without a name. */
#define FSTATE_RUN_KEYS 262144u
struct fstate_new {
	int heap_fd, key_fd;		/* -1: not begun */
	char *heap_path;
	uint64_t heap_len;		/* written */
	struct buf block, sums;		/* of the heap */
	struct buf run;			/* keys, not sorted yet */
	uint64_t spooled;		/* bytes in key_fd */
	struct buf run_ends;		/* there, a uint64_t each */
	uint64_t devs[FSTATE_DEVICES_MAX];
	unsigned n_devs, last_dev;
	bool broken;			/* could not be written: give up */
};
/* fstate_merge.c: sort the keys into a run of their own. */
int fstate_run_end(struct fstate_new *n, struct err *e);
/* All runs as one, each key once: the last added. */
struct fstate_merge {
	uint8_t *map;
	size_t len;
	struct fstate_run *run;		/* a heap, smallest first */
	size_t n_runs;
	uint64_t taken;
};
int fstate_merge_open(struct fstate_merge *m, const struct fstate_new *n,
		      struct err *e);
bool fstate_merge_next(struct fstate_merge *m, struct fstate_key *k);
void fstate_merge_close(struct fstate_merge *m);	/* zeroed ok */

struct fstate {
	char *path;			/* NULL: no cache */
	unsigned mode;
	struct fstate_old old;
	struct fstate_new new;
};

/* fstate_save.c: the number of a device, or -1: there are too many. */
int fstate_new_dev(struct fstate_new *n, uint64_t st_dev);
/* A whole record. */
int fstate_new_add(struct fstate *f, const uint8_t *p, size_t len,
		   struct err *e);
void fstate_new_discard(struct fstate_new *n);

#endif
