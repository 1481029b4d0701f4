/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_TAR_H
#define ARCHIVE_TAR_H

#include "archive/create.h"
#include "archive/extract.h"

/*
 * Tar streams, POSIX pax format: everything an entry has survives, with GNU
 * sparse 1.0 for holes and SCHILY.xattr for attributes and ACLs.
 */
struct tar_export_opts {
	int fd;
	struct pattern_set *patterns;
	unsigned strip_components;
	struct cancel *cancel;
	void (*item)(const char *path, const struct entry *en, void *ctx);
	void (*warning)(const char *path, const char *text, void *ctx);
	void *ctx;
};
int tar_export(struct reader *rd, const struct record *rec,
	       const struct tar_export_opts *o, struct err *e);

struct tar_import_opts {
	int fd;
	bool ignore_zeros;	/* go on behind end-of-archive blocks */
	/* Called when the end was read and before anything is committed:
	 * nonzero fails the run (a filter has failed).  NULL: nothing to
	 * ask. */
	int (*finish)(void *ctx, struct err *e);
	void *finish_ctx;
	/* name, series, comment, timestamp, comp, flags, cancel, item, ctx */
	struct create_opts create;
};
/*
 * ustar, pax, GNU (long names, sparse old and new), borg's own export.  Any
 * order of members; a later member replaces an earlier of the same name; hard
 * links join their target's group.  ERR_CORRUPT: not a tar stream, or it ends
 * early: no archive is made.
 */
int tar_import(struct repo *r, const struct tar_import_opts *o,
	       struct create_result *res, struct err *e);

#endif
