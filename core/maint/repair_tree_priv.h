/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAINT_REPAIR_TREE_PRIV_H
#define MAINT_REPAIR_TREE_PRIV_H

#include "archive/build.h"
#include "base/strv.h"
#include "maint/repair_priv.h"

/* Archives that are made again. */
#define RECORD_ARCHIVE_NAME 255
struct repair_tree {
	struct repair *x;
	struct catalog *cat;
	struct reader *rd;
	struct session *s;		/* NULL: none is begun */
	struct build *b;
	/* this archive */
	const struct record *from;
	struct strv warnings;
	uint64_t holes, files, dirs, lost_bytes;
	bool nomem;
};

/* Something at this path is lost. */
int repair_tell(struct repair_tree *t, const char *path, const char *text);
/* repair_tree_file.c: what of it cannot be read is taken out of the entry. */
int repair_file(struct repair_tree *t, const char *path, struct entry *en);
int repair_xattrs(struct repair_tree *t, const char *path, struct entry *en);

#endif
