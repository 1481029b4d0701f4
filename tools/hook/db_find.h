/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HOOK_DB_FIND_H
#define HOOK_DB_FIND_H

#include "tools/hook/db.h"

/*
 * The dumps in an archive, of ours and of any borgmatic's layout:
 * borgmatic/..., root/.borgmatic/..., run/user/0/borgmatic-X/borgmatic/...
 * Nothing below a folder that somebody else could have made is believed.
 */
struct db_found {
	const struct db_kind *kind;
	char *id, *name;	/* borgmatic/HOOK/ID/NAME */
	char *path;		/* in the archive */
	char *hostname, *label, *container;	/* or NULL */
	int64_t port;		/* 0: the default */
	struct tree_entry *file;	/* a folder: of 'format: directory' */
};
struct db_finds {
	struct db_found *v;
	size_t n;
};
/* None is no error.  'c' has the folder of its own, or is NULL.  Release in
 * any case. */
int db_find(struct db_finds *f, struct reader *rd, const struct dir_ref *root,
	    const struct config *c, struct err *e);
void db_find_release(struct db_finds *f);

#endif
