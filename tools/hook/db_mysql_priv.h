/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HOOK_DB_MYSQL_PRIV_H
#define HOOK_DB_MYSQL_PRIV_H

#include "tools/hook/db.h"
#include "tools/hook/db_proc.h"

/* db_mysql.c */
#define DB_MYSQL_ASK_SECS 60
/* The rows of a query, as the client writes them with --batch; with a server
 * on this machine that has no TLS, without. */
int db_mysql_ask(struct db_conn *c, const char *sql, struct buf *out,
		 struct err *e);
/* Several statements: one that fails does not end them, and what SHOW ERRORS
 * gives behind it says why. */
int db_mysql_ask_all(struct db_conn *c, const char *sql, struct buf *out,
		     struct err *e);
/* All but those of the server and skip_names. */
int db_mysql_names(struct db_conn *c, struct strv *out, struct err *e);
/* As an SQL string or name; malloc'ed, or NULL. */
char *db_mysql_quote(const char *text, char quote);

/* db_mysql_look.c: what can be dumped. */
struct db_mysql_able {
	bool events, routines, tablespaces;
	bool lacks;		/* some of them are there and cannot be had */
};
/* What the user may not dump is left out, with a line that names the right
 * that is missing. */
int db_mysql_look(struct db_conn *c, const struct strv *names,
		  struct db_mysql_able *able, struct err *e);

#endif
