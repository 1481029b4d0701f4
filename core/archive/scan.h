/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_SCAN_H
#define ARCHIVE_SCAN_H

#include "archive/pattern.h"
#include "base/cancel.h"
#include "format/record.h"
#include "repo/reader.h"

/*
 * Visit the entries of an archive in tree order, those that the patterns
 * want: the one loop under list, extract, export-tar, check and info.
 */
struct scan_item {
	const char *path;		/* "srv/vmail/x" */
	const struct entry *entry;	/* valid during the call */
	bool leave;			/* a directory, after all below it */
};
/* 0: go on; 1 (at a directory): not into it; < 0 ends the scan. */
typedef int scan_fn(const struct scan_item *it, void *ctx);

enum scan_flags {
	SCAN_LEAVE = 1 << 0,	/* call again when a directory ends */
	SCAN_IMPLICIT = 1 << 1	/* implicit directories, too */
};
/* A directory that cannot be read is given to damaged() (and the scan goes on
 * behind it) or, without that, ends the scan. */
struct scan_opts {
	struct pattern_set *patterns;	/* NULL: everything */
	unsigned flags;
	struct cancel *cancel;
	scan_fn *item;
	void (*damaged)(const char *path, const struct err *why, void *ctx);
	void *ctx;
};
int scan_run(struct reader *rd, const struct dir_ref *root,
	     const struct scan_opts *o, struct err *e);

#endif
