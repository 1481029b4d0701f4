/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HOOK_DB_H
#define HOOK_DB_H

#include "tools/config/config.h"
#include "tools/hook/db_cmd.h"

/*
 * Databases of a configuration: the kinds, and how their servers are reached.
 */

/* What the command line says about the server to restore to; NULL, 0: as the
 * configuration says. */
struct db_target {
	const char *hostname, *container, *username, *password, *path;
	int64_t port;
};
/* A server, or a file: the keys of one entry that count.  Strings are the
 * configuration's or the command line's. */
struct db_conn {
	const struct config_db *db;
	const struct db_kind *kind;
	const char *hostname, *socket_path, *username, *password, *path;
	int64_t port;
	unsigned tls;			/* enum config_tri */
	unsigned maria;			/* the same: the usual client programs
					 * are MariaDB's; AUTO: not asked */
	bool encrypted;			/* as 'tls: true' wants it: was seen */
	const char *options;		/* of the client program */
	char *address;			/* of the container */
	/* A dump goes there, not to stdout; it is made. */
	const char *folder;
	struct cancel *cancel;
};
/* For dumping ('to' NULL), or for restoring.  Asks docker or podman for the
 * address of a container.  Close in any case. */
int db_open(struct db_conn *c, const struct config_db *db,
	    const struct db_target *to, struct cancel *cancel,
	    struct err *e);
void db_close(struct db_conn *c);

/* What was seen of a dump. */
#define DB_TAIL_BYTES 1024
struct db_seen {
	uint64_t bytes;
	uint8_t head[8], tail[DB_TAIL_BYTES];
	size_t n_head, n_tail;
};
void db_seen_add(struct db_seen *s, const void *p, size_t len);
bool db_seen_ends(const struct db_seen *s, const char *mark);

/* A dump's way into a database. */
struct db_load {
	const char *name;	/* of the dump: a database, or "all" */
	const char *as;		/* the new name, or NULL */
	const struct strv *schema;
	const char *folder;	/* it is there, not on stdin */
	uint8_t head[8];	/* its first bytes */
	size_t n_head;
};

struct db_kind {
	const char *hook;	/* "mysql_databases" */
	const char *title;	/* "MySQL" */
	int64_t port;		/* the default; 0: there is none */
	const char *unit;	/* what it is: "database", "file" */
	bool folders;		/* knows dumps of 'format: directory' */
	/* The names that get a dump each, for "all"; NULL: "all" is a name.
	 * Nothing is found: ERR_NOENT. */
	int (*list)(struct db_conn *c, struct strv *out, struct err *e);
	/* The command that writes a dump of it to stdout, or to c->folder,
	 * which is of 'format: directory'.  Looks first at what
	 * server and user are able to do; *lacks is set if something will be
	 * missing, and was told. */
	int (*dump)(struct db_conn *c, const char *name, struct db_cmd *cmd,
		    bool *lacks, struct err *e);
	/* NULL, or what the dump lacks. */
	const char *(*judge)(const struct config_db *db,
			     const struct db_seen *s);
	/* Before anything is changed: can it be done?  Makes what has to be
	 * there. */
	int (*prepare)(struct db_conn *c, const struct db_load *l,
		       struct err *e);
	/* The command that reads the dump from stdin, or from l->folder. */
	int (*load)(struct db_conn *c, const struct db_load *l,
		    struct db_cmd *cmd, struct err *e);
	/* The new name in the text of a dump, line by line: what stands in
	 * its place, NULL: the line as it is.  NULL: not needed. */
	int (*rename)(const struct db_load *l, const char *line, size_t len,
		      struct buf *out, bool *changed, struct err *e);
	/* What mends what the client said when it failed; NULL, or returns
	 * NULL: nothing that it does not say itself. */
	const char *(*advice)(const char *said);
	/* After it; NULL: nothing. */
	int (*finish)(struct db_conn *c, const struct db_load *l,
		      struct err *e);
};
/* NULL: of Redis, which has no dumps. */
const struct db_kind *db_kind_of(enum config_db_kind kind);
/* "mysql_databases"; NULL: there is none. */
const struct db_kind *db_kind_find(const char *hook);

/* What mends it when a client fails so while it loads, or NULL. */
const char *db_advice(const struct db_kind *kind, const char *said);

/* The folder of an entry's dumps: its label, or container, or host and port;
 * malloc'ed. */
char *db_id(const struct config_db *db);
/* "database 'mailcow' of localhost", for messages; malloc'ed. */
char *db_words(const struct db_conn *c, const char *name);

extern const struct db_kind db_mysql, db_mysql_mariadb, db_postgres, db_sqlite,
	db_mongo;

#endif
