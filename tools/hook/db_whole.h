/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HOOK_DB_WHOLE_H
#define HOOK_DB_WHOLE_H

#include "tools/hook/db_find.h"

/*
 * Read a dump from its archive, from the first byte to the last, and look for
 * its end mark: nothing is dropped for one that could not be loaded.  It is
 * of the entry 'db'.
 * ERR_CORRUPT: it is damaged, or was cut off before it was archived.
 */
int db_whole(struct reader *rd, const struct record *rec,
	     const struct db_found *d, const struct config_db *db,
	     struct cancel *cancel, struct err *e);

/* The files of a dump that is a folder into 'to'; NULL: they are only read. */
int db_whole_extract(struct reader *rd, const struct record *rec,
		     const char *path, const char *to, struct cancel *cancel,
		     struct err *e);

#endif
