/* SPDX-License-Identifier: BSD-2-Clause */
/* MongoDB. */
#include "tools/hook/db.h"

#include <stdlib.h>
#include <string.h>

#include "tools/hook/db_proc.h"

/* The password, as a file of options in YAML, through a pipe. */
static int add_password(const struct db_conn *c, struct db_cmd *cmd,
			struct err *e)
{
	struct buf b = { .max = 65536 };
	const char *p;
	int rc = buf_printf(&b, e, "password: \"");

	for (p = c->password; rc == 0 && *p; p++)
		rc = *p == '\n' ? buf_append(&b, "\\n", 2, e) :
			buf_printf(&b, e, *p == '"' || *p == '\\' ?
				   "\\%c" : "%c", *p);
	if (rc == 0)
		rc = buf_printf(&b, e, "\"\n");
	if (rc == 0)
		rc = buf_cstr(&b, e);
	if (rc == 0)
		rc = db_cmd_secret(cmd, "--config=",
				   (char *)buf_take(&b, NULL), e);
	buf_release(&b);
	return rc;
}

static int begin(const struct db_conn *c, struct db_cmd *cmd,
		 const char *program, struct err *e)
{
	const char *base = c->db->authentication_database;
	int rc = db_cmd_split(cmd, program, e);

	if (rc == 0 && c->password)
		rc = add_password(c, cmd, e);
	if (rc == 0 && c->hostname)
		rc = db_cmd_add(cmd, e, "--host", c->hostname, NULL);
	if (rc == 0)
		rc = db_cmd_add_port(cmd, "--port", c->port, e);
	if (rc == 0 && c->username)
		rc = db_cmd_add(cmd, e, "--username", c->username, NULL);
	if (rc == 0 && base)
		rc = db_cmd_add(cmd, e, "--authenticationDatabase", base,
				NULL);
	return rc;
}

static int dump(struct db_conn *c, const char *name, struct db_cmd *cmd,
		bool *lacks, struct err *e)
{
	int rc;

	*lacks = false;
	rc = begin(c, cmd, c->db->dump_command ? c->db->dump_command :
		   "mongodump", e);
	if (rc == 0 && strcmp(name, "all"))
		rc = db_cmd_add(cmd, e, "--db", name, NULL);
	if (rc == 0)
		rc = db_cmd_split(cmd, c->db->options, e);
	if (rc == 0 && c->folder)
		return db_cmd_add(cmd, e, "--out", c->folder, NULL);
	return rc == 0 ? db_cmd_add(cmd, e, "--archive", NULL) : rc;
}

static const char *judge(const struct config_db *db, const struct db_seen *s)
{
	static const uint8_t gzip[] = { 0x1f, 0x8b },
		magic[] = { 0x81, 0x99, 0xe2, 0x6d },
		end[] = { 0xff, 0xff, 0xff, 0xff };

	(void)db;
	if (s->n_head >= 2 && !memcmp(s->head, gzip, sizeof(gzip)))
		return NULL;
	if (s->n_head < 4 || memcmp(s->head, magic, sizeof(magic)))
		return "it is no archive of mongodump";
	return memcmp(s->tail + s->n_tail - 4, end, sizeof(end)) ?
		"it ends in the middle" : NULL;
}

static int prepare(struct db_conn *c, const struct db_load *l, struct err *e)
{
	(void)c;
	(void)l;
	(void)e;
	return 0;
}

static int add_names(const struct db_load *l, struct db_cmd *cmd,
		     const char *option, const char *name, struct err *e)
{
	char *text;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < (l->schema->n ? l->schema->n : 1); i++) {
		text = mem_printf("%s=%s.%s", option, name, l->schema->n ?
				  l->schema->v[i] : "*");
		rc = text ? strv_take(&cmd->argv, text, e) : err_nomem(e);
	}
	return rc;
}

static int load(struct db_conn *c, const struct db_load *l,
		struct db_cmd *cmd, struct err *e)
{
	bool all = !strcmp(l->name, "all");
	int rc = begin(c, cmd, c->db->restore_command ?
		       c->db->restore_command : "mongorestore", e);

	if (rc == 0)
		rc = l->folder ? db_cmd_add(cmd, e, "--dir", l->folder, NULL) :
			db_cmd_add(cmd, e, "--archive", NULL);
	if (rc == 0 && !l->as)
		rc = db_cmd_add(cmd, e, "--drop", NULL);
	if (rc == 0 && !all)
		rc = add_names(l, cmd, "--nsInclude", l->name, e);
	if (rc == 0 && l->as)
		rc = add_names(l, cmd, "--nsFrom", l->name, e);
	if (rc == 0 && l->as)
		rc = add_names(l, cmd, "--nsTo", l->as, e);
	return rc == 0 ? db_cmd_split(cmd, c->options, e) : rc;
}

const struct db_kind db_mongo = {
	.hook = "mongodb_databases", .title = "MongoDB", .port = 27017,
	.unit = "database", .folders = true, .dump = dump, .judge = judge,
	.prepare = prepare, .load = load
};
