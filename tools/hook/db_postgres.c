/* SPDX-License-Identifier: BSD-2-Clause */
/* PostgreSQL. */
#include "tools/hook/db.h"

#include <stdlib.h>
#include <string.h>

#include "tools/hook/db_proc.h"
#include "tools/talk.h"

#define ASK_SECS 60

/* As --dbname takes it: what could be read as a connection string is put into
 * one.  malloc'ed. */
static char *dbname(const char *name)
{
	struct buf b = BUF_INIT;
	int rc;

	if (!strchr(name, '=') && !strstr(name, "://"))
		return mem_printf("--dbname=%s", name);
	rc = buf_printf(&b, NULL, "--dbname=dbname='");
	for (; rc == 0 && *name; name++)
		rc = buf_printf(&b, NULL, *name == '\'' || *name == '\\' ?
				"\\%c" : "%c", *name);
	if (rc == 0)
		rc = buf_append(&b, "'", 2, NULL);
	if (rc < 0) {
		buf_release(&b);
		return NULL;
	}
	return (char *)buf_take(&b, NULL);
}

static int add_login(const struct db_conn *c, struct db_cmd *cmd,
		     struct err *e)
{
	const struct config_db *db = c->db;
	int rc = db_cmd_env(cmd, "PGPASSWORD", c->password, e);

	if (rc == 0)
		rc = db_cmd_env(cmd, "PGSSLMODE", db->ssl_mode, e);
	if (rc == 0)
		rc = db_cmd_env(cmd, "PGSSLCERT", db->ssl_cert, e);
	if (rc == 0)
		rc = db_cmd_env(cmd, "PGSSLKEY", db->ssl_key, e);
	if (rc == 0)
		rc = db_cmd_env(cmd, "PGSSLROOTCERT", db->ssl_root_cert, e);
	if (rc == 0)
		rc = db_cmd_env(cmd, "PGSSLCRL", db->ssl_crl, e);
	if (rc == 0 && c->hostname)
		rc = db_cmd_add(cmd, e, "--host", c->hostname, NULL);
	if (rc == 0)
		rc = db_cmd_add_port(cmd, "--port", c->port, e);
	if (rc == 0 && c->username)
		rc = db_cmd_add(cmd, e, "--username", c->username, NULL);
	return rc;
}

/* The program, who logs in and where, the database (NULL: none). */
static int begin(const struct db_conn *c, struct db_cmd *cmd,
		 const char *program, const char *name, struct err *e)
{
	char *word;
	int rc = db_cmd_split(cmd, program, e);

	if (rc == 0)
		rc = db_cmd_add(cmd, e, "--no-password", NULL);
	if (rc == 0)
		rc = add_login(c, cmd, e);
	if (rc == 0 && name) {
		word = dbname(name);
		rc = word ? strv_take(&cmd->argv, word, e) : err_nomem(e);
	}
	return rc;
}

static const char *psql_of(const struct db_conn *c)
{
	return c->db->client_command ? c->db->client_command : "psql";
}

static int ask(const struct db_conn *c, const char *name, const char *options,
	       const char *sql, struct buf *out, struct err *e)
{
	struct db_cmd cmd = DB_CMD_INIT;
	int rc = begin(c, &cmd, psql_of(c), name, e);

	if (rc == 0)
		rc = db_cmd_add(&cmd, e, "--no-psqlrc", "--no-align",
				"--tuples-only", "--quiet", NULL);
	if (rc == 0)
		rc = db_cmd_split(&cmd, options, e);
	if (rc == 0)
		rc = db_cmd_add(&cmd, e, "--command", sql, NULL);
	if (rc == 0)
		rc = db_proc_capture(&cmd, out, ASK_SECS, c->cancel, e);
	db_cmd_release(&cmd);
	return rc;
}

static int list(struct db_conn *c, struct strv *out, struct err *e)
{
	struct buf text = BUF_INIT;
	char *at, *end;
	int rc;

	/* Without a format all are one dump, with roles. */
	if (c->db->format == CONFIG_DB_FORMAT_AUTO)
		return strv_add(out, "all", e);
	rc = ask(c, "postgres", c->db->list_options, "SELECT datname FROM "
		 "pg_database WHERE datallowconn AND NOT datistemplate ORDER "
		 "BY datname", &text, e);
	for (at = (char *)text.p; rc == 0 && at && *at; at = end) {
		end = at + strcspn(at, "\n");
		if (*end)
			*end++ = 0;
		rc = strv_add(out, at, e);
	}
	if (rc == 0 && out->n == 0)
		rc = err_set(e, ERR_NOENT, "the server has no database");
	buf_release(&text);
	return rc;
}

static int add_format(const struct db_conn *c, struct db_cmd *cmd, bool all,
		      struct err *e)
{
	static const char *const word[] = {
		[CONFIG_DB_FORMAT_AUTO] = "custom",
		[CONFIG_DB_FORMAT_PLAIN] = "plain",
		[CONFIG_DB_FORMAT_CUSTOM] = "custom",
		[CONFIG_DB_FORMAT_DIRECTORY] = "directory",
		[CONFIG_DB_FORMAT_TAR] = "tar"
	};
	int rc;

	if (all)
		return 0;
	if (c->db->format >= sizeof(word) / sizeof(word[0]) ||
	    !word[c->db->format])
		return err_set(e, ERR_CONFIG, "pg_dump has no such format");
	rc = db_cmd_add(cmd, e, "--format", word[c->db->format], NULL);
	if (rc == 0 && c->folder)
		rc = db_cmd_add(cmd, e, "--file", c->folder, NULL);
	if (rc == 0 && c->db->compression)
		rc = db_cmd_add(cmd, e, "--compress", c->db->compression,
				NULL);
	return rc;
}

static int dump(struct db_conn *c, const char *name, struct db_cmd *cmd,
		bool *lacks, struct err *e)
{
	bool all = !strcmp(name, "all");
	const char *program = c->db->dump_command ? c->db->dump_command :
		all ? "pg_dumpall" : "pg_dump";
	int rc = begin(c, cmd, program, all ? NULL : name, e);

	*lacks = false;
	if (rc == 0)
		rc = db_cmd_add(cmd, e, "--clean", "--if-exists", NULL);
	if (rc == 0 && c->db->no_owner)
		rc = db_cmd_add(cmd, e, "--no-owner", NULL);
	if (rc == 0)
		rc = add_format(c, cmd, all, e);
	return rc == 0 ? db_cmd_split(cmd, c->db->options, e) : rc;
}

static bool is_archive(const uint8_t *head, size_t n)
{
	return n >= 7 && (!memcmp(head, "PGDMP", 5) ||
			  !memcmp(head, "toc.dat", 7));
}

static const char *judge(const struct config_db *db, const struct db_seen *s)
{
	(void)db;
	if (s->bytes == 0)
		return "it is empty";
	if (is_archive(s->head, s->n_head) ||
	    db_seen_ends(s, "PostgreSQL database dump complete") ||
	    db_seen_ends(s, "PostgreSQL database cluster dump complete"))
		return NULL;
	return "it ends in the middle: its last line '-- PostgreSQL database "
		"dump complete' is missing";
}

static char *quoted(const char *text, char quote)
{
	struct buf b = BUF_INIT;
	int rc = buf_append(&b, &quote, 1, NULL);

	for (; rc == 0 && *text; text++) {
		if (*text == quote)
			rc = buf_append(&b, text, 1, NULL);
		if (rc == 0)
			rc = buf_append(&b, text, 1, NULL);
	}
	if (rc == 0)
		rc = buf_append(&b, &quote, 1, NULL);
	if (rc == 0)
		rc = buf_append(&b, "", 1, NULL);
	if (rc < 0) {
		buf_release(&b);
		return NULL;
	}
	return (char *)buf_take(&b, NULL);
}

/* A database that is not there is made. */
static int make(const struct db_conn *c, const char *name, struct err *e)
{
	char *word = quoted(name, '"'), *sql = NULL;
	struct buf out = BUF_INIT;
	int rc;

	if (word)
		sql = mem_printf("CREATE DATABASE %s TEMPLATE template0",
				 word);
	rc = sql ? ask(c, "postgres", NULL, sql, &out, e) : err_nomem(e);
	free(word);
	free(sql);
	buf_release(&out);
	return rc;
}

static int prepare(struct db_conn *c, const struct db_load *l, struct err *e)
{
	const char *name = l->as ? l->as : l->name;
	char *word = quoted(name, '\''), *sql = NULL;
	struct buf out = BUF_INIT;
	int rc;

	if (word)
		sql = mem_printf("SELECT COUNT(*) FROM pg_database WHERE "
				 "datname = %s", word);
	rc = sql ? ask(c, "postgres", NULL, sql, &out, e) : err_nomem(e);
	free(word);
	free(sql);
	if (rc < 0 || !strcmp(name, "all")) {
		buf_release(&out);
		return rc;
	}
	if (*(char *)out.p == '0')
		rc = make(c, name, e);
	else if (l->as)
		rc = err_set(e, ERR_EXIST, "there is a database '%s' already, "
			     "which is left alone: drop it, or choose "
			     "another name", name);
	buf_release(&out);
	return rc;
}

static int add_schemas(const struct db_load *l, struct db_cmd *cmd,
		       struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < l->schema->n; i++)
		rc = db_cmd_add(cmd, e, "--schema", l->schema->v[i], NULL);
	return rc;
}

static int load(struct db_conn *c, const struct db_load *l,
		struct db_cmd *cmd, struct err *e)
{
	bool all = !strcmp(l->name, "all");
	const char *name = l->as ? l->as : l->name;
	const char *restore = c->db->restore_command ?
		c->db->restore_command : "pg_restore";
	bool text = !l->folder && !is_archive(l->head, l->n_head);
	int rc;

	if (text && l->schema->n)
		return err_set(e, ERR_CONFIG, "--schema is for dumps of the "
			       "formats custom, directory and tar: this one "
			       "is text");
	rc = begin(c, cmd, text ? psql_of(c) : restore,
		   all ? "postgres" : name, e);
	if (rc == 0 && text)
		rc = db_cmd_add(cmd, e, "--no-psqlrc", "--quiet",
				"--output=/dev/null", NULL);
	/* A dump of all drops the role that reads it, which fails. */
	if (rc == 0 && text && !all)
		rc = db_cmd_add(cmd, e, "--set", "ON_ERROR_STOP=on", NULL);
	if (rc == 0 && !text)
		rc = db_cmd_add(cmd, e, "--exit-on-error", NULL);
	if (rc == 0 && !text && !l->as)
		rc = db_cmd_add(cmd, e, "--clean", "--if-exists", NULL);
	if (rc == 0 && !text && c->db->no_owner)
		rc = db_cmd_add(cmd, e, "--no-owner", NULL);
	if (rc == 0)
		rc = add_schemas(l, cmd, e);
	if (rc == 0)
		rc = db_cmd_split(cmd, c->options, e);
	return rc == 0 && l->folder ? db_cmd_add(cmd, e, l->folder, NULL) : rc;
}

static int finish(struct db_conn *c, const struct db_load *l, struct err *e)
{
	bool all = !strcmp(l->name, "all");
	struct buf out = BUF_INIT;
	int rc = ask(c, all ? "postgres" : l->as ? l->as : l->name,
		     c->db->analyze_options, "ANALYZE", &out, e);

	buf_release(&out);
	return rc;
}

const struct db_kind db_postgres = {
	.hook = "postgresql_databases", .title = "PostgreSQL", .port = 5432,
	.unit = "database", .folders = true, .list = list, .dump = dump,
	.judge = judge, .prepare = prepare, .load = load, .finish = finish
};
