/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HOOK_DB_CMD_H
#define HOOK_DB_CMD_H

#include "core/core.h"

/*
 * The command line of a client of a database, put together.
 */
struct db_cmd {
	struct strv argv, env;
	/* A secret goes through a pipe: argv[secret_at], "--config=", gets
	 * the pipe's name, /dev/fd/N.  NULL: there is none. */
	char *secret;
	size_t secret_at;
};
#define DB_CMD_INIT { STRV_INIT, STRV_INIT, NULL, 0 }

/* Words, up to NULL. */
int db_cmd_add(struct db_cmd *c, struct err *e, ...)
	__attribute__((sentinel));
/* Words as a shell would split them; NULL: none. */
int db_cmd_split(struct db_cmd *c, const char *text, struct err *e);
/* "--port N"; 0: nothing. */
int db_cmd_add_port(struct db_cmd *c, const char *option, int64_t port,
		    struct err *e);
/* The word that gets the name of the pipe, which gives 'secret' (taken). */
int db_cmd_secret(struct db_cmd *c, const char *option, char *secret,
		  struct err *e);
int db_cmd_env(struct db_cmd *c, const char *name, const char *value,
	       struct err *e);			/* value NULL: nothing */
/* As a line for a log; it has no secrets. */
void db_cmd_tell(const struct db_cmd *c);
void db_cmd_release(struct db_cmd *c);		/* wipes the secrets */

#endif
