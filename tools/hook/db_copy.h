/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HOOK_DB_COPY_H
#define HOOK_DB_COPY_H

#include "tools/app.h"

/*
 * Dumps that stand in an archive of this run already, read from there for the
 * archives of its other repositories: authenticated as every restore is, and
 * nothing of them is ever in a file outside of a repository.
 */
struct db_place {
	char *url, *archive;	/* NULL: nowhere */
	struct sid session;	/* of the archive */
};
int db_copy_place(struct db_place *p, const char *url,
		  const struct record *rec, struct err *e);
bool db_copy_is_local(const struct db_place *p);
void db_copy_unplace(struct db_place *p);

struct db_copy {
	struct repo *r;
	struct reader *rd;
	struct catalog_item it;
	struct file *file;
	uint64_t at;
};
/* The file at 'path', which has so many bytes.  The repository is opened the
 * first time; nobody is asked for its passphrase.  Close in any case. */
int db_copy_open(struct db_copy *c, struct app *a, const struct db_place *p,
		 const char *path, uint64_t bytes, struct err *e);
/* *got 0: the end. */
int db_copy_read(struct db_copy *c, void *to, size_t len, size_t *got,
		 struct err *e);
void db_copy_close(struct db_copy *c);

#endif
