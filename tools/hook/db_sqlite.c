/* SPDX-License-Identifier: BSD-2-Clause */
/* SQLite: one file is one database. */
#include "tools/hook/db.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/hook/db_proc.h"

/* What is being restored, until it is whole. */
#define PART ".muniment-restore"

/* A path that cannot be taken for an option. */
static int add_path(struct db_cmd *cmd, const char *path, const char *suffix,
		    struct err *e)
{
	char *text = mem_printf("%s%s%s", *path == '-' ? "./" : "", path,
				suffix);

	return text ? strv_take(&cmd->argv, text, e) : err_nomem(e);
}

static int dump(struct db_conn *c, const char *name, struct db_cmd *cmd,
		bool *lacks, struct err *e)
{
	struct stat st;
	int rc;

	(void)name;
	*lacks = false;
	/* sqlite3 would make it. */
	if (stat(c->path, &st) < 0)
		return err_errno(e, errno, "'%s'", c->path);
	rc = db_cmd_split(cmd, c->db->dump_command ? c->db->dump_command :
			  "sqlite3", e);
	if (rc == 0)
		rc = db_cmd_add(cmd, e, "-bail", NULL);
	if (rc == 0)
		rc = add_path(cmd, c->path, "", e);
	return rc == 0 ? db_cmd_add(cmd, e, ".dump", NULL) : rc;
}

static const char *judge(const struct config_db *db, const struct db_seen *s)
{
	(void)db;
	if (s->n_tail >= 8 &&
	    !memcmp(s->tail + s->n_tail - 8, "COMMIT;\n", 8))
		return NULL;
	return db_seen_ends(s, "ROLLBACK; -- due to errors") ?
		"the file is damaged" :
		"it ends in the middle: its last line 'COMMIT;' is missing";
}

static int drop(const char *path, const char *suffix, struct err *e)
{
	char *text = mem_printf("%s%s", path, suffix);
	int rc = 0;

	if (!text)
		return err_nomem(e);
	if (unlink(text) < 0 && errno != ENOENT)
		rc = err_errno(e, errno, "cannot remove '%s'", text);
	free(text);
	return rc;
}

static const char *target(const struct db_conn *c, const struct db_load *l)
{
	return l->as ? l->as : c->path;
}

static int prepare(struct db_conn *c, const struct db_load *l, struct err *e)
{
	struct stat st;

	if (l->as && lstat(l->as, &st) == 0)
		return err_set(e, ERR_EXIST, "there is a file '%s' already, "
			       "which is left alone", l->as);
	return drop(target(c, l), PART, e);
}

static int load(struct db_conn *c, const struct db_load *l,
		struct db_cmd *cmd, struct err *e)
{
	int rc = db_cmd_split(cmd, c->db->restore_command ?
			      c->db->restore_command : "sqlite3", e);

	if (rc == 0)
		rc = db_cmd_add(cmd, e, "-bail", NULL);
	return rc == 0 ? add_path(cmd, target(c, l), PART, e) : rc;
}

/* As the file that it replaces. */
static int take_owner(const char *path, const char *from, struct err *e)
{
	struct stat st;

	if (stat(from, &st) < 0)
		return 0;
	if (chown(path, st.st_uid, st.st_gid) < 0 ||
	    chmod(path, st.st_mode & 07777) < 0)
		return err_errno(e, errno, "cannot give '%s' to its owner",
				 path);
	return 0;
}

static int finish(struct db_conn *c, const struct db_load *l, struct err *e)
{
	const char *path = target(c, l);
	char *part = mem_printf("%s" PART, path);
	int rc = part ? take_owner(part, path, e) : err_nomem(e);

	/* What they say is of the file that goes. */
	if (rc == 0)
		rc = drop(path, "-wal", e);
	if (rc == 0)
		rc = drop(path, "-shm", e);
	if (rc == 0)
		rc = drop(path, "-journal", e);
	if (rc == 0 && rename(part, path) < 0)
		rc = err_errno(e, errno, "cannot replace '%s'", path);
	free(part);
	return rc;
}

const struct db_kind db_sqlite = {
	.hook = "sqlite_databases", .title = "SQLite", .unit = "file",
	.dump = dump, .judge = judge, .prepare = prepare, .load = load,
	.finish = finish
};
