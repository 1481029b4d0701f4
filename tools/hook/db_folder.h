/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HOOK_DB_FOLDER_H
#define HOOK_DB_FOLDER_H

#include "tools/config/config.h"

/*
 * A folder for clients that know only folders ('format: directory'): nobody
 * else can look into it, and it is gone when the action ends.  What a run
 * left that was killed is removed by the next.
 */
struct db_folder {
	char *path;		/* NULL: there is none */
	int fd;			/* holds its lock */
};
/* Below user_runtime_directory, or TMPDIR, or /tmp.  Nothing is done if there
 * is one already. */
int db_folder_make(struct db_folder *f, const struct config *c,
		   struct err *e);
/* The regular files below 'path', as "x/y", sorted. */
int db_folder_list(const char *path, struct strv *out, struct err *e);
void db_folder_remove(struct db_folder *f);

#endif
