/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HOOK_DB_DUMP_H
#define HOOK_DB_DUMP_H

#include "tools/app.h"
#include "tools/config/config.h"
#include "tools/hook/db_copy.h"
#include "tools/hook/db_folder.h"
#include "tools/source.h"

/*
 * The databases of a configuration, dumped into an archive: streams of the
 * client programs, each a file borgmatic/HOOK/ID/NAME, and dumps.json beside
 * them, as borgmatic lays them out.
 */
struct db_dump;
struct db_dumps {
	struct app *a;
	struct db_dump *first, **last;
	struct strv names;		/* of the files dumps.json */
	struct db_place at;		/* where they are, after db_dump_keep */
	const struct db_dumps *from;	/* they are copied; NULL: made */
	struct db_copy copy;
	struct db_folder folder;	/* of 'format: directory' */
	unsigned in_folder;		/* how many dumps are there */
};
/*
 * Servers of Redis save first; then what is to be dumped is listed and added
 * to 's'.  Each dump begins when its turn comes, but for those of 'format:
 * directory', which are made here.  Release in any case, after
 * the source.  ERR_CONFIG, ERR_FAILED.
 *
 * If an archive of this run has the dumps already (a->dumps), they are read
 * from there, and no server is asked; if they cannot be, each is made anew.
 */
int db_dump_add(struct db_dumps *d, struct app *a, struct source *s,
		struct err *e);
/* The archive that was made of them is where the next repository of the run
 * finds them: they are a->dumps when they are released. */
int db_dump_keep(struct db_dumps *d, const char *url,
		 const struct record *rec, struct err *e);
/* When each began, how long it took, how large it was: as an answer. */
void db_dump_report(const struct db_dumps *d);
void db_dump_release(struct db_dumps *d);
/* a->dumps are no longer those of the next repository.  NULL ok. */
void db_dump_forget(struct app *a);

#endif
