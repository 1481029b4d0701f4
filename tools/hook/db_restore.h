/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HOOK_DB_RESTORE_H
#define HOOK_DB_RESTORE_H

#include "tools/app.h"
#include "tools/hook/db_find.h"

/*
 * From an archive's dumps back into databases.
 */
struct db_restore_opts {
	struct strv names;	/* "all", or none: every dump */
	struct strv schemas;
	struct db_target to;
	const char *as;		/* --as-database */
	/* Which dump, if there are more of that name; NULL, 0: any. */
	const char *hook, *label, *hostname, *container;
	int64_t port;
};
/*
 * What is wanted is judged as a whole, every dump is read to its end
 * (a->restoring is set then), and servers are asked, before anything is
 * changed.  The first that fails ends it: the message says what state its
 * database is in, and a line says which have not been touched.  A dry run
 * tells what would be done, on stdout.
 * ERR_NOENT: there is no such dump.  ERR_CONFIG, ERR_EXIST, ERR_FAILED.
 */
int db_restore(struct app *a, struct reader *rd, const struct record *rec,
	       const struct db_restore_opts *o, struct err *e);
/* The one dump that is wanted, to stdout. */
int db_restore_print(struct app *a, struct reader *rd,
		     const struct record *rec,
		     const struct db_restore_opts *o, struct err *e);

#endif
