/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HOOK_DB_DUMP_H
#define HOOK_DB_DUMP_H

#include "tools/app.h"
#include "tools/config/config.h"
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
};
/*
 * Servers of Redis save first; then what is to be dumped is listed and added
 * to 's'.  Each dump begins when its turn comes.  Release in any case, after
 * the source.  ERR_CONFIG, ERR_FAILED.
 */
int db_dump_add(struct db_dumps *d, struct app *a, struct source *s,
		struct err *e);
/* When each began, how long it took, how large it was: as an answer. */
void db_dump_report(const struct db_dumps *d);
void db_dump_release(struct db_dumps *d);

#endif
