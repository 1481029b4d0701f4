/* SPDX-License-Identifier: BSD-2-Clause */
/* What server and user let be dumped. */
#include "tools/hook/db_mysql_priv.h"

#include <stdlib.h>
#include <string.h>

#include "tools/talk.h"

struct look {
	struct db_conn *c;
	struct db_mysql_able *able;
	struct buf out;
	bool maria;
	char *user;		/* 'mailcow'@'%' */
};

static int ask_who(struct look *k, struct err *e)
{
	char *tab, *end;
	int rc = db_mysql_ask(k->c, "SELECT VERSION(), CONCAT("
		"QUOTE(SUBSTRING_INDEX(CURRENT_USER(), '@', 1)), '@', "
		"QUOTE(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)))", &k->out,
		e);

	if (rc < 0)
		return rc;
	tab = strchr((char *)k->out.p, '\t');
	if (!tab)
		return err_set(e, ERR_FAILED, "the client's answer makes no "
			       "sense: '%.100s'", (char *)k->out.p);
	*tab++ = 0;
	end = strchr(tab, '\n');
	if (end)
		*end = 0;
	k->maria = strstr((char *)k->out.p, "MariaDB") != NULL;
	k->user = mem_str(tab);
	return k->user ? 0 : err_nomem(e);
}

/* Tablespaces need a right that is the whole server's. */
static int look_tablespaces(struct look *k, struct err *e)
{
	unsigned wish = k->c->db->tablespaces;
	int rc;

	k->able->tablespaces = wish == CONFIG_YES;
	if (wish != CONFIG_AUTO)
		return 0;
	rc = db_mysql_ask(k->c, "SELECT FILE_NAME FROM "
			  "information_schema.FILES LIMIT 1", &k->out, e);
	k->able->tablespaces = rc == 0;
	if (rc != ERR_FAILED)
		return rc;
	/* MariaDB has none of them: nothing will be missing. */
	talk_say(k->maria ? TALK_INFO : TALK_WARNING, "the user %s has no "
		 "PROCESS privilege: tablespaces are not dumped (as the "
		 "server's administrator: GRANT PROCESS ON *.* TO %s; or "
		 "'tablespaces: false' in the entry)", k->user, k->user);
	return 0;
}

static int look_events(struct look *k, const char *name, struct err *e)
{
	char *quoted = db_mysql_quote(name, '`'), *sql = NULL;
	int rc;

	if (quoted)
		sql = mem_printf("SHOW EVENTS FROM %s", quoted);
	rc = sql ? db_mysql_ask(k->c, sql, &k->out, e) : err_nomem(e);
	if (rc == ERR_FAILED && (strstr(e->msg, "1044") ||
				 strstr(e->msg, "1142"))) {
		talk_warn("the user %s may not see the events of '%s': they "
			  "are not dumped (as the server's administrator: "
			  "GRANT EVENT ON %s.* TO %s; or 'events: false' in "
			  "the entry)", k->user, name, quoted, k->user);
		k->able->events = false;
		k->able->lacks = true;
		rc = 0;
	}
	free(quoted);
	free(sql);
	return rc;
}

static int look_routines(struct look *k, const char *name, struct err *e)
{
	char *quoted = db_mysql_quote(name, '\''), *sql = NULL;
	int rc;

	if (quoted)
		sql = mem_printf("SELECT COUNT(*) FROM information_schema."
			"ROUTINES WHERE ROUTINE_SCHEMA = %s AND "
			"ROUTINE_DEFINITION IS NULL", quoted);
	rc = sql ? db_mysql_ask(k->c, sql, &k->out, e) : err_nomem(e);
	if (rc == 0 && strncmp((char *)k->out.p, "0", 1)) {
		talk_warn("the user %s may not read all routines of '%s': "
			  "none is dumped (as the server's administrator: "
			  "GRANT %s TO %s; or 'routines: false' in the "
			  "entry)", k->user, name, k->maria ?
			  "SELECT ON mysql.proc" : "SHOW_ROUTINE ON *.*",
			  k->user);
		k->able->routines = false;
		k->able->lacks = true;
	}
	free(quoted);
	free(sql);
	return rc;
}

int db_mysql_look(struct db_conn *c, const struct strv *names,
		  struct db_mysql_able *able, struct err *e)
{
	struct look k = { .c = c, .able = able };
	size_t i;
	int rc;

	able->events = c->db->events != CONFIG_NO;
	able->routines = c->db->routines != CONFIG_NO;
	rc = ask_who(&k, e);
	if (rc == 0)
		rc = look_tablespaces(&k, e);
	for (i = 0; rc == 0 && i < names->n && able->events &&
	     c->db->events == CONFIG_AUTO; i++)
		rc = look_events(&k, names->v[i], e);
	for (i = 0; rc == 0 && i < names->n && able->routines &&
	     c->db->routines == CONFIG_AUTO; i++)
		rc = look_routines(&k, names->v[i], e);
	free(k.user);
	buf_release(&k.out);
	return rc;
}
