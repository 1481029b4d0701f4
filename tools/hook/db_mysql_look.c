/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What server and user let be dumped.  One client asks for many things: after
 * each question the server says what was wrong with it, and ends its answer
 * with a mark.
 */
#include "tools/hook/db_mysql_priv.h"

#include <stdlib.h>
#include <string.h>

#include "tools/talk.h"

#define MARK "-"
#define END "; SHOW ERRORS; SELECT '" MARK "';\n"
/* Questions stand in argv, where a word has a limit. */
#define SQL_BYTES 32768

struct look {
	struct db_conn *c;
	struct db_mysql_able *able;
	bool events, routines;	/* are asked for */
	struct buf sql, out;
	char *at;		/* in 'out': the next answer */
	bool maria;
	char *user;		/* 'mailcow'@'%' */
};

/* An answer's last row, or NULL, and the error, or NULL. */
struct answer {
	const char *row, *error;
};

static char *next_line(struct look *k)
{
	char *line = k->at, *end = strchr(line, '\n');

	if (!end)
		return NULL;
	*end = 0;
	k->at = end + 1;
	return line;
}

/* A row of SHOW ERRORS: three columns, level, code and words. */
static const char *error_of(const char *line)
{
	static const char level[] = "Error\t";
	const char *tab;

	if (strncmp(line, level, strlen(level)))
		return NULL;
	line += strlen(level);
	tab = strchr(line, '\t');
	return tab && !strchr(tab + 1, '\t') ? line : NULL;
}

static int next(struct look *k, struct answer *a, struct err *e)
{
	const char *error;
	char *line;

	memset(a, 0, sizeof(*a));
	while ((line = next_line(k)) && strcmp(line, MARK)) {
		error = error_of(line);
		*(error ? &a->error : &a->row) = error ? error : line;
	}
	return line ? 0 : err_set(e, ERR_FAILED, "the client's answer ends "
				  "early: '%.100s'", (char *)k->out.p);
}

/* The right is missing: 1; another error: so. */
static int denied(const struct answer *a, struct err *e)
{
	static const char *const codes[] = { "1044\t", "1142\t", "1227\t" };
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (!strncmp(a->error, codes[i], strlen(codes[i])))
			return 1;
	return err_set(e, ERR_FAILED, "ERROR %s", a->error);
}

static int ask_who(struct look *k, struct err *e)
{
	return buf_printf(&k->sql, e, "SELECT VERSION(), CONCAT("
		"QUOTE(SUBSTRING_INDEX(CURRENT_USER(), '@', 1)), '@', "
		"QUOTE(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)))" END);
}

static int hear_who(struct look *k, struct err *e)
{
	struct answer a;
	const char *tab;
	int rc = next(k, &a, e);

	if (rc < 0)
		return rc;
	tab = a.row ? strchr(a.row, '\t') : NULL;
	if (!tab)
		return err_set(e, ERR_FAILED, "the client does not say who "
			       "the server takes it for");
	k->maria = strstr(a.row, "MariaDB") != NULL;
	k->user = mem_str(tab + 1);
	return k->user ? 0 : err_nomem(e);
}

/* Tablespaces need a right that is the whole server's. */
static int ask_tablespaces(struct look *k, struct err *e)
{
	return buf_printf(&k->sql, e, "SELECT COUNT(FILE_NAME) FROM "
			  "information_schema.FILES" END);
}

static int hear_tablespaces(struct look *k, struct err *e)
{
	struct answer a;
	int rc = next(k, &a, e);

	if (rc == 0 && a.error)
		rc = denied(&a, e);
	k->able->tablespaces = rc == 0;
	/* MariaDB has none of them: nothing will be missing. */
	if (rc > 0)
		talk_say(k->maria ? TALK_INFO : TALK_WARNING, "the user %s "
			 "has no PROCESS privilege: tablespaces are not "
			 "dumped (as the server's administrator: GRANT "
			 "PROCESS ON *.* TO %s; or 'tablespaces: false' in "
			 "the entry)", k->user, k->user);
	return rc < 0 ? rc : 0;
}

static int ask_database(struct look *k, const char *name, struct err *e)
{
	char *id = db_mysql_quote(name, '`'), *text;
	int rc = 0;

	text = db_mysql_quote(name, '\'');
	if (!id || !text)
		rc = err_nomem(e);
	if (rc == 0 && k->events)
		rc = buf_printf(&k->sql, e, "SHOW EVENTS FROM %s" END, id);
	if (rc == 0 && k->routines)
		rc = buf_printf(&k->sql, e, "SELECT COUNT(*) FROM "
				"information_schema.ROUTINES WHERE "
				"ROUTINE_SCHEMA = %s AND ROUTINE_DEFINITION "
				"IS NULL" END, text);
	free(id);
	free(text);
	return rc;
}

static int hear_events(struct look *k, const char *name, struct err *e)
{
	struct answer a;
	char *id;
	int rc = next(k, &a, e);

	if (rc < 0 || !a.error || (rc = denied(&a, e)) < 0)
		return rc;
	if (k->able->events) {
		if (!(id = db_mysql_quote(name, '`')))
			return err_nomem(e);
		talk_warn("the user %s may not see the events of '%s': they "
			  "are not dumped (as the server's administrator: "
			  "GRANT EVENT ON %s.* TO %s; or 'events: false' in "
			  "the entry)", k->user, name, id, k->user);
		free(id);
	}
	k->able->events = false;
	k->able->lacks = true;
	return 0;
}

static int hear_routines(struct look *k, const char *name, struct err *e)
{
	struct answer a;
	int rc = next(k, &a, e);

	if (rc == 0 && !a.row)
		return err_set(e, ERR_FAILED, "ERROR %s", a.error ? a.error :
			       "no answer");
	if (rc < 0 || !strcmp(a.row, "0"))
		return rc;
	if (k->able->routines)
		talk_warn("the user %s may not read all routines of '%s': "
			  "none is dumped (as the server's administrator: "
			  "GRANT %s TO %s; or 'routines: false' in the "
			  "entry)", k->user, name, k->maria ?
			  "SELECT ON mysql.proc" : "SHOW_ROUTINE ON *.*",
			  k->user);
	k->able->routines = false;
	k->able->lacks = true;
	return 0;
}

static int ask(struct look *k, struct err *e)
{
	int rc = buf_cstr(&k->sql, e);

	if (rc == 0)
		rc = db_mysql_ask_all(k->c, (char *)k->sql.p, &k->out, e);
	k->at = (char *)k->out.p;
	return rc;
}

/* Names from *i on, as many as one client is asked for. */
static int look_some(struct look *k, const struct strv *names, size_t *i,
		     struct err *e)
{
	bool first = *i == 0;
	bool spaces = first && k->c->db->tablespaces == CONFIG_AUTO;
	size_t at, from = *i;
	int rc = 0;

	buf_clear(&k->sql);
	if (first)
		rc = ask_who(k, e);
	if (rc == 0 && spaces)
		rc = ask_tablespaces(k, e);
	for (; rc == 0 && *i < names->n && k->sql.len < SQL_BYTES; ++*i)
		rc = ask_database(k, names->v[*i], e);
	if (rc == 0 && k->sql.len)
		rc = ask(k, e);
	if (rc == 0 && first)
		rc = hear_who(k, e);
	if (rc == 0 && spaces)
		rc = hear_tablespaces(k, e);
	for (at = from; rc == 0 && at < *i; at++) {
		if (k->events)
			rc = hear_events(k, names->v[at], e);
		if (rc == 0 && k->routines)
			rc = hear_routines(k, names->v[at], e);
	}
	return rc;
}

int db_mysql_look(struct db_conn *c, const struct strv *names,
		  struct db_mysql_able *able, struct err *e)
{
	struct look k = { .c = c, .able = able,
			  .events = c->db->events == CONFIG_AUTO,
			  .routines = c->db->routines == CONFIG_AUTO };
	size_t i = 0;
	int rc;

	able->events = c->db->events != CONFIG_NO;
	able->routines = c->db->routines != CONFIG_NO;
	able->tablespaces = c->db->tablespaces == CONFIG_YES;
	do {
		rc = look_some(&k, names, &i, e);
	} while (rc == 0 && i < names->n);
	free(k.user);
	buf_release(&k.sql);
	buf_release(&k.out);
	return rc;
}
