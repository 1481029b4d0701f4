/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys of databases, of all kinds in one table. */
#include <stdlib.h>

#include "tools/config/schema_judge.h"
#include "tools/config/schema_priv.h"

#define POSTGRESQL (1 << CONFIG_DB_POSTGRESQL)
#define MYSQL (1 << CONFIG_DB_MYSQL)
#define MARIADB (1 << CONFIG_DB_MARIADB)
#define MY (MYSQL | MARIADB)
#define SQLITE (1 << CONFIG_DB_SQLITE)
#define MONGODB (1 << CONFIG_DB_MONGODB)
#define REDIS (1 << CONFIG_DB_REDIS)
#define RESTORED (POSTGRESQL | MY | MONGODB)
#define SERVER (RESTORED | REDIS)

#define PORT .max = 65535
#define SECRET .flags = SCHEMA_SECRET
#define SCHEMA_OF config_db
const struct schema_row schema_db_rows[] = {
	{ KEY(name, STR), .flags = SCHEMA_NEEDED,
	  .judge = schema_judge_database },
	{ KEY(path, STR), .kinds = SQLITE, .flags = SCHEMA_NEEDED },
	{ KEY(skip_names, LIST), .kinds = MY },
	{ KEY(label, STR) },
	{ KEY(container, STR), .kinds = SERVER },
	{ KEY(restore_container, STR), .kinds = RESTORED },
	{ KEY(hostname, STR), .kinds = SERVER },
	{ KEY(restore_hostname, STR), .kinds = RESTORED },
	{ KEY(port, INT), PORT, .kinds = SERVER },
	{ KEY(restore_port, INT), PORT, .kinds = RESTORED },
	{ KEY(socket_path, STR), .kinds = MY | REDIS },
	{ KEY(restore_socket_path, STR), .kinds = MY },
	{ KEY(username, STR), .kinds = SERVER },
	{ KEY(restore_username, STR), .kinds = RESTORED },
	{ KEY(password, STR), SECRET, .kinds = SERVER },
	{ KEY(restore_password, STR), SECRET, .kinds = RESTORED },
	{ KEY_AT(password_transport, IS, password_by_environment),
	  .words = "pipe|environment", .kinds = MY },
	{ KEY(tls, TRI), .kinds = MY | REDIS },
	{ KEY(restore_tls, TRI), .kinds = MY },
	{ KEY(events, TRI), .kinds = MY },
	{ KEY(routines, TRI), .kinds = MY },
	{ KEY(tablespaces, TRI), .kinds = MY },
	{ KEY(add_drop_database, BOOL), .fallback = 1, .kinds = MY },
	{ KEY(no_owner, BOOL), .kinds = POSTGRESQL },
	{ KEY(format, WORD), .kinds = POSTGRESQL,
	  .words = "plain|custom|tar|directory",
	  .min = CONFIG_DB_FORMAT_PLAIN },
	{ KEY(format, WORD), .kinds = MY, .words = "sql",
	  .min = CONFIG_DB_FORMAT_SQL },
	{ KEY(format, WORD), .kinds = MONGODB, .words = "directory|archive",
	  .min = CONFIG_DB_FORMAT_DIRECTORY },
	{ KEY(compression, STR), .kinds = POSTGRESQL },
	{ KEY(ssl_mode, STR), .kinds = POSTGRESQL },
	{ KEY(ssl_cert, STR), .kinds = POSTGRESQL },
	{ KEY(ssl_key, STR), .kinds = POSTGRESQL },
	{ KEY(ssl_root_cert, STR), .kinds = POSTGRESQL },
	{ KEY(ssl_crl, STR), .kinds = POSTGRESQL },
	{ KEY(authentication_database, STR), .kinds = MONGODB },
	{ KEY(restore_path, STR), .kinds = SQLITE },
	{ KEY_AT(pg_dump_command, STR, dump_command), .kinds = POSTGRESQL },
	{ KEY_AT(pg_restore_command, STR, restore_command),
	  .kinds = POSTGRESQL },
	{ KEY_AT(psql_command, STR, client_command), .kinds = POSTGRESQL },
	{ KEY_AT(mariadb_dump_command, STR, dump_command), .kinds = MARIADB },
	{ KEY_AT(mariadb_command, STR, client_command), .kinds = MARIADB },
	{ KEY_AT(mysql_dump_command, STR, dump_command), .kinds = MYSQL },
	{ KEY_AT(mysql_command, STR, client_command), .kinds = MYSQL },
	{ KEY_AT(sqlite_command, STR, dump_command), .kinds = SQLITE },
	{ KEY_AT(sqlite_restore_command, STR, restore_command),
	  .kinds = SQLITE },
	{ KEY_AT(mongodump_command, STR, dump_command), .kinds = MONGODB },
	{ KEY_AT(mongorestore_command, STR, restore_command),
	  .kinds = MONGODB },
	{ KEY_AT(redis_command, STR, dump_command), .kinds = REDIS },
	{ KEY(options, STR), .kinds = SERVER },
	{ KEY(list_options, STR), .kinds = POSTGRESQL | MY },
	{ KEY(restore_options, STR), .kinds = RESTORED },
	{ KEY(analyze_options, STR), .kinds = POSTGRESQL },
	{ KEY(timeout, INT), .max = INT32_MAX },
	{ 0 }
};
