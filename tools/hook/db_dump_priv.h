/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HOOK_DB_DUMP_PRIV_H
#define HOOK_DB_DUMP_PRIV_H

#include "tools/hook/db.h"
#include "tools/hook/db_dump.h"
#include "tools/hook/db_proc.h"

/* db_dump_stream.c: a dump, and how it is read. */
struct db_dump {
	struct db_dump *next;
	struct db_dumps *all;
	const struct config_db *db;
	const struct db_kind *kind;
	char *name;		/* of the database, or "all" */
	char *path;		/* in the archive */
	char *words;		/* for messages */
	struct db_proc proc;
	struct db_seen seen;
	bool lacks;		/* something that could not be had */
	int64_t began_nsec, ended_nsec;		/* wall */
	uint64_t bytes;		/* of what is copied */
	bool folder;		/* 'format: directory': those behind it ... */
	bool part;		/* ... are its files */
	char *file;		/* of a part, if it is not copied */
	int fd;			/* of the file, or -1 */
};
/* As the stream of an archive. */
void db_dump_stream(struct db_dump *d, struct create_stream *st);
/* Which one, before what 'e' says. */
int db_dump_failed(const struct db_dump *d, struct err *e);
void db_dump_free(struct db_dump *d);

#endif
