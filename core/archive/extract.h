/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_EXTRACT_H
#define ARCHIVE_EXTRACT_H

#include "archive/pattern.h"
#include "base/cancel.h"
#include "format/record.h"
#include "repo/reader.h"

/*
 * Extract: recreate what an archive holds below one directory, and nothing
 * outside it, whatever the archive says (openat2 with RESOLVE_BENEATH and no
 * symlinks, one directory fd after the other where the kernel lacks it).
 * Existing files are replaced (a new file renamed over the old, so that a
 * reader sees the one or the other); existing directories are kept and get
 * the archive's metadata; nothing is deleted.
 */
enum extract_flags {
	EXTRACT_DRY_RUN = 1 << 0,	/* reads and verifies, writes nothing */
	EXTRACT_NUMERIC_IDS = 1 << 1,	/* owner by number, not by name */
	EXTRACT_SPARSE = 1 << 2,	/* runs of zeroes become holes, too */
	EXTRACT_NO_XATTRS = 1 << 3,
	EXTRACT_NO_ACLS = 1 << 4,
	EXTRACT_NO_FLAGS = 1 << 5,
	EXTRACT_STDOUT = 1 << 6		/* contents of regular files to fd 1 */
};
struct extract_progress {
	uint64_t files, bytes, bytes_total;
	const char *path;
};
struct extract_opts {
	const char *destination;	/* NULL: the current directory */
	struct pattern_set *patterns;	/* NULL: everything */
	unsigned strip_components;
	unsigned flags;			/* enum extract_flags */
	unsigned threads;		/* 0: serial */
	struct cancel *cancel;
	void (*item)(const char *path, const struct entry *en, void *ctx);
	void (*warning)(const char *path, const char *text, void *ctx);
	void (*progress)(const struct extract_progress *p, void *ctx);
	void *ctx;
};
struct extract_result {
	uint64_t files, dirs, bytes;
	uint64_t damaged;	/* files that could not be read back: nothing of
				 * them is left under their names */
	uint64_t warnings;	/* owner, ACL ... could not be set */
};
/*
 * Damage of one file does not stop the others: the result is ERR_CORRUPT in
 * the end, with the count, after all the rest was extracted.
 */
int extract_run(struct reader *rd, const struct record *rec,
		const struct extract_opts *o, struct extract_result *res,
		struct err *e);

#endif
