/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_DIFF_H
#define ARCHIVE_DIFF_H

#include "archive/pattern.h"
#include "base/cancel.h"
#include "format/record.h"
#include "repo/reader.h"

/*
 * Compare two archives, in time that grows with what differs: sub-trees with
 * one id are equal.
 */
enum diff_change {
	DIFF_ADDED = 1 << 0, DIFF_REMOVED = 1 << 1,
	DIFF_CONTENT = 1 << 2, DIFF_MODE = 1 << 3, DIFF_OWNER = 1 << 4,
	DIFF_TYPE = 1 << 5, DIFF_LINK = 1 << 6, DIFF_MTIME = 1 << 7,
	DIFF_XATTR = 1 << 8, DIFF_CTIME = 1 << 9
};
struct diff_item {
	const char *path;
	unsigned changes;		/* enum diff_change */
	const struct entry *a, *b;	/* NULL: not there */
	uint64_t added_bytes, removed_bytes;	/* of content, by pieces */
};
typedef int diff_fn(const struct diff_item *it, void *ctx);
struct diff_opts {
	struct pattern_set *patterns;
	bool numeric_ids, content_only;
	struct cancel *cancel;
	diff_fn *item;
	void *ctx;
};
int diff_run(struct reader *rd, const struct record *a, const struct record *b,
	     const struct diff_opts *o, struct err *e);

#endif
