/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAINT_CHECK_H
#define MAINT_CHECK_H

#include "archive/choice.h"
#include "base/cancel.h"
#include "base/err.h"
#include "repo/repo.h"

/*
 * Check a repository.  Nothing is changed.  The levels, from quick to slow:
 * names     every record and tombstone, and that none went away unseen
 * index     every index segment; every pack that one names is there, its head
 *           and table are sound and agree with the index
 * trees     every node and list of every archive (or of those chosen) is read
 *           and authenticated; every object they need can be relied upon
 * packs     every pack is read in full: size, name, signature, checksum
 * data      every object is decrypted, decompressed and its id compared
 * What is lost is named with the archives and files that need it, if trees are
 * read.  Packs that a collection or a repair has condemned are passed over:
 * nothing relies on them, and the next compaction removes them.
 */
enum check_flags {
	CHECK_NAMES = 1 << 0,
	CHECK_INDEX = 1 << 1,
	CHECK_TREES = 1 << 2,
	CHECK_PACKS = 1 << 3,
	CHECK_DATA = 1 << 4,		/* --verify-data */
	/* borg's parts */
	CHECK_REPOSITORY = CHECK_INDEX | CHECK_PACKS,
	CHECK_ARCHIVES = CHECK_NAMES | CHECK_TREES
};
enum check_severity { CHECK_NOTE, CHECK_DAMAGE };
struct check_finding {
	enum check_severity severity;
	const char *file;	/* in the store, or NULL */
	const char *archive;	/* name, or NULL */
	const char *path;	/* in the archive, or NULL */
	const char *text;	/* one sentence */
};
struct check_progress {
	const char *what;
	uint64_t done, total;
};
struct check_opts {
	unsigned flags;
	unsigned threads;
	const char *archive;	/* one only; NULL: all that are chosen */
	const struct choice_opts *choice;	/* NULL: all */
	/* Read this share of the packs in full, chosen anew each time (0: all
	 * of them). */
	double sample;
	/* Stop reading packs after so many seconds (0: never); begin behind
	 * where the last check stopped (NULL: at the beginning).  If packs
	 * before that place came or went since, a note says so. */
	unsigned max_secs;
	const char *position;
	struct cancel *cancel;
	void (*finding)(const struct check_finding *f, void *ctx);
	void (*progress)(const struct check_progress *p, void *ctx);
	void *ctx;
};
#define CHECK_POSITION_BYTES 128
struct check_result {
	uint64_t packs_there;	/* in the store, without condemned ones */
	uint64_t packs_condemned;
	uint64_t packs, segments, archives, objects, bytes, files; /* read */
	uint64_t stored_bytes;	/* of packs that were read */
	uint64_t damage;	/* findings of that severity */
	/* "": every pack was read, or all that were left; else where it
	 * stopped. */
	char position[CHECK_POSITION_BYTES];
};
/* ERR_CORRUPT: something is damaged, all was looked at and reported. */
int check_run(struct repo *r, const struct check_opts *o,
	      struct check_result *res, struct err *e);

/*
 * Without the key: rot in packs, index, records and marks, found by names,
 * signatures and checksums.  Of the flags none count, nor the choice of
 * archives.  ERR_CORRUPT as above.
 */
int check_scrub(struct store *st, const struct sid *repo,
		const struct check_opts *o, struct check_result *res,
		struct err *e);

/*
 * How likely is it that a sample of 'read' of 'all' packs has one of those
 * 'damaged'?  0 .. 1.
 */
double check_chance(uint64_t read, uint64_t all, uint64_t damaged);

#endif
