/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_FSTATE_PRIV_H
#define ARCHIVE_FSTATE_PRIV_H

#include <stdatomic.h>

#include "archive/fstate.h"
#include "base/buf.h"
#include "codec/key.h"

/*
 * CACHE/REPO-ID/files/HASH-OF-SERIES, a file of this machine only:
 *
 *    0    8  magic                8   8  records
 *   16    8  bytes of heap       24   8  offset of the records
 *   32   16  XXH3-128 of the front     48  16  XXH3-128 of bytes 0..47
 * 4096  ...  heap: per file its attributes and content (fstate_put_blob)
 *   ..  ...  padding to 65536; records * 64, sorted by device and inode
 *   ..  ...  front: fence (per block of records le64 device, le64 inode),
 *            then per block of records, then of heap, 8 bytes of its XXH3
 * Blocks are 64 KiB; each is compared when it is first used, so damage is
 * never believed and opening costs nothing.
 */
#define FSTATE_HEADER_BYTES 64
#define FSTATE_HEAP_AT 4096
#define FSTATE_BLOCK 65536u
#define FSTATE_RECORD 64u
#define FSTATE_BLOCK_RECORDS (FSTATE_BLOCK / FSTATE_RECORD)
#define FSTATE_SUM_BYTES 8

struct fstate_record {
	uint64_t dev, ino, size;
	int64_t mtime_sec, ctime_sec;
	uint32_t mtime_nsec, ctime_nsec;
	uint64_t name;			/* of a message: hash of its base */
	uint64_t blob;			/* offset in the heap << 24 | length */
};
struct fstate_key {
	uint64_t dev, ino, at;
};

/* The last run's file, mapped. */
struct fstate_old {
	uint8_t *map;			/* NULL: none */
	size_t map_len;
	uint64_t n;
	uint64_t heap_len;
	const uint8_t *records, *heap;
	const uint8_t *fence, *record_sums, *heap_sums;
	uint8_t *checked;		/* a byte per block: records, heap */
	uint64_t n_record_blocks, n_heap_blocks;
	unsigned finds;
};

/* This run's file, growing. */
struct fstate_new {
	int heap_fd, record_fd;		/* -1: not begun */
	char *heap_path;
	uint64_t heap_len, n;
	struct buf heap, records, heap_sums;	/* buffered */
	bool broken;			/* could not be written: give up */
};

struct fstate {
	char *path;			/* NULL: no cache */
	unsigned mode;
	struct fstate_old old;
	struct fstate_new new;
};

void fstate_record_put(uint8_t out[FSTATE_RECORD],
		       const struct fstate_record *r);
void fstate_record_get(struct fstate_record *r,
		       const uint8_t in[FSTATE_RECORD]);
void fstate_sum(uint8_t out[FSTATE_SUM_BYTES], const void *p, size_t len);

/* fstate_old.c */
void fstate_old_open(struct fstate_old *o, const char *path);
void fstate_old_close(struct fstate_old *o);
bool fstate_old_find(struct fstate_old *o, uint64_t dev, uint64_t ino,
		     struct fstate_record *out);
/* The blob of a record; NULL: damaged. */
const uint8_t *fstate_old_blob(struct fstate_old *o,
			       const struct fstate_record *r, size_t *len);
bool fstate_old_at(struct fstate_old *o, uint64_t i,
		   struct fstate_record *out);

/* fstate_save.c */
int fstate_append(struct fstate *f, struct fstate_record *r,
		  const uint8_t *blob, size_t len, struct err *e);
void fstate_new_discard(struct fstate_new *n);

#endif
