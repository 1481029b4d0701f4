/* SPDX-License-Identifier: BSD-2-Clause */
/* MySQL and MariaDB. */
#include "tools/hook/db_mysql_priv.h"

#include <stdlib.h>
#include <string.h>

#include "tools/talk.h"

#define DEFAULTS "--defaults-extra-file="
/* Whatever the locale is. */
#define UTF8 "--default-character-set=utf8mb4"

/* A value of an option file. */
static int put_value(struct buf *b, const char *key, const char *value,
		     struct err *e)
{
	int rc = buf_printf(b, e, "%s=\"", key);

	for (; rc == 0 && *value; value++) {
		if (*value == '\n')
			rc = buf_append(b, "\\n", 2, e);
		else if (*value == '"' || *value == '\\')
			rc = buf_printf(b, e, "\\%c", *value);
		else
			rc = buf_append(b, value, 1, e);
	}
	return rc == 0 ? buf_append(b, "\"\n", 2, e) : rc;
}

/* Who logs in, as an option file that reaches the client through a pipe. */
static int add_login(const struct db_conn *c, struct db_cmd *cmd,
		     const char *include, struct err *e)
{
	struct buf b = { .max = 65536 };
	int rc = 0;

	if (include)
		rc = buf_printf(&b, e, "!include %s\n", include);
	if (rc == 0)
		rc = buf_printf(&b, e, "[client]\n");
	if (rc == 0 && c->username)
		rc = put_value(&b, "user", c->username, e);
	if (rc == 0 && c->password)
		rc = put_value(&b, "password", c->password, e);
	if (rc == 0)
		rc = buf_cstr(&b, e);
	if (rc == 0)
		rc = db_cmd_secret(cmd, DEFAULTS,
				   (char *)buf_take(&b, NULL), e);
	buf_release(&b);
	return rc;
}

static int add_who(const struct db_conn *c, struct db_cmd *cmd,
		   const char *include, struct err *e)
{
	char *text;
	int rc;

	if (!c->db->password_by_environment && (c->username || c->password))
		return add_login(c, cmd, include, e);
	if (include) {
		if (!(text = mem_printf(DEFAULTS "%s", include)))
			return err_nomem(e);
		if ((rc = strv_take(&cmd->argv, text, e)) < 0)
			return rc;
	}
	if (c->username &&
	    (rc = db_cmd_add(cmd, e, "--user", c->username, NULL)) < 0)
		return rc;
	return db_cmd_env(cmd, "MYSQL_PWD", c->password, e);
}

static int add_server(const struct db_conn *c, struct db_cmd *cmd,
		      struct err *e)
{
	int rc = 0;

	if (c->socket_path)
		return db_cmd_add(cmd, e, "--socket", c->socket_path, NULL);
	if (c->hostname)
		rc = db_cmd_add(cmd, e, "--host", c->hostname, NULL);
	if (rc == 0)
		rc = db_cmd_add_port(cmd, "--port", c->port, e);
	if (rc == 0 && (c->hostname || c->port))
		rc = db_cmd_add(cmd, e, "--protocol", "tcp", NULL);
	return rc;
}

/* What a program says of itself. */
static int ask_version(const struct db_conn *c, const char *program,
		       bool *maria, struct err *e)
{
	struct db_cmd cmd = DB_CMD_INIT;
	struct buf out = BUF_INIT;
	int rc = db_cmd_split(&cmd, program, e);

	if (rc == 0)
		rc = db_cmd_add(&cmd, e, "--version", NULL);
	if (rc == 0)
		rc = db_proc_capture(&cmd, &out, DB_MYSQL_ASK_SECS, c->cancel,
				     e);
	*maria = rc == 0 && strstr((char *)out.p, "MariaDB");
	buf_release(&out);
	db_cmd_release(&cmd);
	return rc;
}

/* Is it MariaDB's?  The usual programs are of one kind, which is asked for
 * once. */
static int is_maria(struct db_conn *c, const char *program, bool *maria,
		    struct err *e)
{
	bool usual = program != c->db->client_command &&
		program != c->db->dump_command;
	int rc;

	*maria = c->db->kind == CONFIG_DB_MARIADB;
	if (usual && *maria)
		return 0;
	if (usual && c->maria != CONFIG_AUTO) {
		*maria = c->maria == CONFIG_YES;
		return 0;
	}
	rc = ask_version(c, program, maria, e);
	if (rc == 0 && usual)
		c->maria = *maria ? CONFIG_YES : CONFIG_NO;
	return rc;
}

/* The programs of both have options of their own for TLS.  A certificate that
 * has to be looked at would be asked for even without it. */
static int add_tls(struct db_conn *c, struct db_cmd *cmd,
		   const char *program, struct err *e)
{
	bool maria;
	int rc;

	if (c->tls == CONFIG_AUTO)
		return 0;
	rc = is_maria(c, program, &maria, e);
	if (rc < 0)
		return rc;
	if (!maria)
		return db_cmd_add(cmd, e, c->tls == CONFIG_YES ?
				  "--ssl-mode=REQUIRED" :
				  "--ssl-mode=DISABLED", NULL);
	return c->tls == CONFIG_YES ? db_cmd_add(cmd, e, "--ssl", NULL) :
		db_cmd_add(cmd, e, "--skip-ssl",
			   "--skip-ssl-verify-server-cert", NULL);
}

/* The program, who logs in, options, where the server is. */
static int begin(struct db_conn *c, struct db_cmd *cmd,
		 const char *program, const char *options, struct err *e)
{
	struct db_cmd more = DB_CMD_INIT;
	const char *include = NULL;
	size_t i = 0;
	int rc = db_cmd_split(cmd, program, e);

	if (rc == 0)
		rc = db_cmd_split(&more, options, e);
	/* It must stand first, and there can be one. */
	if (rc == 0 && more.argv.n &&
	    !strncmp(more.argv.v[0], DEFAULTS, strlen(DEFAULTS))) {
		include = more.argv.v[0] + strlen(DEFAULTS);
		i = 1;
	}
	if (rc == 0)
		rc = add_who(c, cmd, include, e);
	for (; rc == 0 && i < more.argv.n; i++)
		rc = strv_add(&cmd->argv, more.argv.v[i], e);
	if (rc == 0)
		rc = add_server(c, cmd, e);
	if (rc == 0)
		rc = add_tls(c, cmd, program, e);
	db_cmd_release(&more);
	return rc;
}

static const char *client_of(const struct db_conn *c)
{
	return c->db->client_command ? c->db->client_command :
		c->db->kind == CONFIG_DB_MARIADB ? "mariadb" : "mysql";
}

/* 'more' is one more option, or NULL. */
static int ask_once(struct db_conn *c, const char *more, const char *sql,
		    struct buf *out, struct err *e)
{
	struct db_cmd cmd = DB_CMD_INIT;
	int rc = begin(c, &cmd, client_of(c), c->options, e);

	buf_clear(out);
	if (rc == 0)
		rc = db_cmd_add(&cmd, e, UTF8, "--skip-column-names",
				"--batch", "--execute", sql, more, NULL);
	if (rc == 0)
		rc = db_proc_capture(&cmd, out, DB_MYSQL_ASK_SECS, c->cancel,
				     e);
	db_cmd_release(&cmd);
	return rc;
}

static bool is_near(const struct db_conn *c)
{
	const char *h = c->hostname;

	return c->socket_path || !h || !strcmp(h, "localhost") ||
		!strncmp(h, "127.", 4) || !strcmp(h, "::1");
}

/* What can be done about a connection that is, or is not, encrypted. */
static int explain_tls(const struct db_conn *c, struct err *e)
{
	if (strstr(e->msg, "ERROR 3159"))
		return err_set(e, ERR_FAILED, "the server takes encrypted "
			       "connections only: say 'tls: true' in the "
			       "entry (%s)", e->msg);
	if (!strstr(e->msg, "ERROR 2026"))
		return ERR_FAILED;
	if (c->tls == CONFIG_YES)
		return err_set(e, ERR_FAILED, "the entry says 'tls: true', "
			       "and the server has no TLS, or none that the "
			       "client trusts: mend the server's certificate "
			       "(%s)", e->msg);
	return err_set(e, ERR_FAILED, "the client wants an encrypted "
		       "connection and the server gives it none that it "
		       "trusts: mend the server's certificate, or say 'tls: "
		       "false' in the entry, which sends data unencrypted "
		       "(%s)", e->msg);
}

/* Clients of MariaDB before 11 take --ssl for a wish. */
static int ensure_tls(struct db_conn *c, struct buf *out, struct err *e)
{
	const char *cipher;
	int rc;

	if (c->tls != CONFIG_YES || c->encrypted)
		return 0;
	rc = ask_once(c, NULL, "SHOW SESSION STATUS LIKE 'Ssl_cipher'", out,
		      e);
	if (rc < 0)
		return rc;
	cipher = strchr((char *)out->p, '\t');
	c->encrypted = cipher && cipher[1] && cipher[1] != '\n';
	return c->encrypted ? 0 : err_set(e, ERR_FAILED, "the entry says "
		"'tls: true', and the server has no TLS");
}

static int ask(struct db_conn *c, const char *more, const char *sql,
	       struct buf *out, struct err *e)
{
	int rc = ensure_tls(c, out, e);

	if (rc == 0)
		rc = ask_once(c, more, sql, out, e);
	if (rc == ERR_FAILED && c->tls == CONFIG_AUTO && is_near(c) &&
	    strstr(e->msg, "ERROR 2026")) {
		talk_info("the server on this machine has no TLS that the "
			  "client trusts; none is used");
		c->tls = CONFIG_NO;
		rc = ask_once(c, more, sql, out, e);
	}
	return rc == ERR_FAILED ? explain_tls(c, e) : rc;
}

int db_mysql_ask(struct db_conn *c, const char *sql, struct buf *out,
		 struct err *e)
{
	return ask(c, NULL, sql, out, e);
}

int db_mysql_ask_all(struct db_conn *c, const char *sql, struct buf *out,
		     struct err *e)
{
	return ask(c, "--force", sql, out, e);
}

/* In quotes; a quote in it is doubled. */
static int put_quoted(struct buf *b, const char *text, char quote,
		      struct err *e)
{
	int rc = buf_append(b, &quote, 1, e);

	for (; rc == 0 && *text; text++) {
		if (*text == quote || (*text == '\\' && quote == '\''))
			rc = buf_append(b, text, 1, e);
		if (rc == 0)
			rc = buf_append(b, text, 1, e);
	}
	return rc == 0 ? buf_append(b, &quote, 1, e) : rc;
}

char *db_mysql_quote(const char *text, char quote)
{
	struct buf b = BUF_INIT;

	if (put_quoted(&b, text, quote, NULL) < 0 || buf_cstr(&b, NULL) < 0) {
		buf_release(&b);
		return NULL;
	}
	return (char *)buf_take(&b, NULL);
}

static bool is_system(const char *name)
{
	static const char *const system[] = {
		"information_schema", "mysql", "performance_schema", "sys"
	};
	size_t i;

	for (i = 0; i < sizeof(system) / sizeof(system[0]); i++)
		if (!strcmp(system[i], name))
			return true;
	return false;
}

static bool is_skipped(const struct config_db *db, const char *name)
{
	size_t i;

	for (i = 0; i < db->skip_names.n; i++)
		if (!strcmp(db->skip_names.v[i], name))
			return true;
	return is_system(name);
}

int db_mysql_names(struct db_conn *c, struct strv *out, struct err *e)
{
	struct buf text = BUF_INIT;
	char *at, *end;
	int rc = db_mysql_ask(c, "SHOW SCHEMAS", &text, e);

	for (at = (char *)text.p; rc == 0 && at && *at; at = end) {
		end = at + strcspn(at, "\n");
		if (*end)
			*end++ = 0;
		if (*at && !is_skipped(c->db, at))
			rc = strv_add(out, at, e);
	}
	if (rc == 0 && out->n == 0)
		rc = err_set(e, ERR_NOENT, "there is no database that this "
			     "user can see");
	buf_release(&text);
	return rc;
}

static int list(struct db_conn *c, struct strv *out, struct err *e)
{
	/* Without a format all are one dump. */
	if (c->db->format == CONFIG_DB_FORMAT_AUTO)
		return strv_add(out, "all", e);
	return db_mysql_names(c, out, e);
}

static const char *dumper_of(const struct db_conn *c)
{
	return c->db->dump_command ? c->db->dump_command :
		c->db->kind == CONFIG_DB_MARIADB ? "mariadb-dump" :
		"mysqldump";
}

static int dump(struct db_conn *c, const char *name, struct db_cmd *cmd,
		bool *lacks, struct err *e)
{
	struct strv names = STRV_INIT;
	struct db_mysql_able able = { 0 };
	bool accounts = c->db->kind == CONFIG_DB_MARIADB &&
		!strcmp(name, "mysql");
	size_t i;
	int rc;

	rc = strcmp(name, "all") ? strv_add(&names, name, e) :
		db_mysql_names(c, &names, e);
	if (rc == 0)
		rc = db_mysql_look(c, &names, &able, e);
	*lacks = able.lacks;
	if (rc == 0)
		rc = begin(c, cmd, dumper_of(c), c->db->options, e);
	if (rc == 0 && c->db->add_drop_database)
		rc = db_cmd_add(cmd, e, "--add-drop-database", NULL);
	if (rc == 0)
		rc = db_cmd_add(cmd, e, "--single-transaction", able.events ?
				"--events" : "--skip-events", able.routines ?
				"--routines" : "--skip-routines",
				able.tablespaces ? "--all-tablespaces" :
				"--no-tablespaces", NULL);
	if (rc == 0)
		rc = accounts ? db_cmd_add(cmd, e,
				"--system=users,udfs,servers", NULL) :
			db_cmd_add(cmd, e, "--databases", "--", NULL);
	for (i = 0; rc == 0 && !accounts && i < names.n; i++)
		rc = strv_add(&cmd->argv, names.v[i], e);
	strv_release(&names);
	return rc;
}

static const char *judge(const struct config_db *db, const struct db_seen *s)
{
	const char *o = db->options ? db->options : "";

	if (s->bytes == 0)
		return "it is empty";
	/* These leave the mark out. */
	if (strstr(o, "--compact") || strstr(o, "--skip-comments") ||
	    strstr(o, "--comments=0") || strstr(o, "--xml"))
		return NULL;
	return db_seen_ends(s, "-- Dump completed") ? NULL :
		"it ends in the middle: its last line '-- Dump completed' is "
		"missing";
}

static int load(struct db_conn *c, const struct db_load *l,
		struct db_cmd *cmd, struct err *e)
{
	int rc = begin(c, cmd, client_of(c), c->options, e);

	(void)l;
	return rc == 0 ? db_cmd_add(cmd, e, "--batch", NULL) : rc;
}

static int is_new(struct db_conn *c, const char *name, struct err *e)
{
	char *text = db_mysql_quote(name, '\''), *sql = NULL;
	struct buf out = BUF_INIT;
	int rc = 0;

	if (text)
		sql = mem_printf("SELECT COUNT(*) FROM information_schema."
				 "SCHEMATA WHERE SCHEMA_NAME = %s", text);
	rc = sql ? db_mysql_ask(c, sql, &out, e) : err_nomem(e);
	if (rc == 0 && strncmp((char *)out.p, "0", 1))
		rc = err_set(e, ERR_EXIST, "there is a database '%s' already, "
			     "which is left alone: drop it, or choose "
			     "another name", name);
	free(text);
	free(sql);
	buf_release(&out);
	return rc;
}

static int prepare(struct db_conn *c, const struct db_load *l, struct err *e)
{
	struct buf out = BUF_INIT;
	int rc;

	if (l->as)
		return is_new(c, l->as, e);
	rc = db_mysql_ask(c, "SELECT 1", &out, e);
	buf_release(&out);
	return rc;
}

static const char *advice(const char *said)
{
	if (!strstr(said, "ERROR 1227 "))
		return NULL;
	return "a view, trigger, event or routine of the dump belongs to "
		"another user (its DEFINER), and this one may not make it so: "
		"restore as the server's administrator (--username, "
		"--password), or GRANT SET USER ON *.* TO the user; MySQL "
		"calls the right SET_USER_ID or SET_ANY_DEFINER";
}

static bool begins(const char *line, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len >= n && !memcmp(line, with, n);
}

/* The database's name in the statements that name it. */
static int rename_line(const struct db_load *l, const char *line, size_t len,
		       struct buf *out, bool *changed, struct err *e)
{
	static const char *const with[] = {
		"CREATE DATABASE ", "USE `", "ALTER DATABASE `",
		"-- Current Database: `", "/*!40000 DROP DATABASE "
	};
	const size_t drop = sizeof(with) / sizeof(with[0]) - 1;
	char *from, *to;
	const char *at;
	size_t i, n;
	int rc = 0;

	for (i = 0; i <= drop && !begins(line, len, with[i]); i++)
		;
	*changed = i <= drop;
	if (i >= drop)		/* nothing is dropped for a new name */
		return 0;
	from = db_mysql_quote(l->name, '`');
	to = db_mysql_quote(l->as, '`');
	n = from ? strlen(from) : 0;
	at = from ? memmem(line, len, from, n) : NULL;
	if (!from || !to)
		rc = err_nomem(e);
	else if (!at)
		rc = err_set(e, ERR_CONFIG, "the dump has more databases than "
			     "'%s', and they cannot all be called '%s'",
			     l->name, l->as);
	else if ((rc = buf_append(out, line, (size_t)(at - line), e)) == 0 &&
		 (rc = buf_append(out, to, strlen(to), e)) == 0)
		rc = buf_append(out, at + n, len - n - (size_t)(at - line), e);
	free(from);
	free(to);
	return rc;
}

#define KIND(hook_, title_) { \
	.hook = hook_, .title = title_, .port = 3306, .unit = "database", \
	.list = list, .dump = dump, .judge = judge, .prepare = prepare, \
	.load = load, .rename = rename_line, .advice = advice }
const struct db_kind db_mysql = KIND("mysql_databases", "MySQL");
const struct db_kind db_mysql_mariadb =
	KIND("mariadb_databases", "MariaDB");
