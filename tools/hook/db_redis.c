/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/hook/db_redis.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/hook/db.h"
#include "tools/hook/db_proc.h"
#include "tools/talk.h"

#define ASK_SECS 60
#define SAVE_SECS 3600
#define LOOK_NSEC 100000000

static int ask(const struct db_conn *c, struct buf *out, struct err *e, ...)
{
	struct db_cmd cmd = DB_CMD_INIT;
	const struct config_db *db = c->db;
	const char *word;
	va_list ap;
	int rc = db_cmd_split(&cmd, db->dump_command ? db->dump_command :
			      "redis-cli", e);

	if (rc == 0)
		rc = db_cmd_env(&cmd, "REDISCLI_AUTH", c->password, e);
	if (rc == 0 && c->socket_path)
		rc = db_cmd_add(&cmd, e, "-s", c->socket_path, NULL);
	else if (rc == 0 && c->hostname)
		rc = db_cmd_add(&cmd, e, "-h", c->hostname, NULL);
	if (rc == 0)
		rc = db_cmd_add_port(&cmd, "-p", c->port, e);
	if (rc == 0 && c->tls == CONFIG_YES)
		rc = db_cmd_add(&cmd, e, "--tls", NULL);
	if (rc == 0 && c->username)
		rc = db_cmd_add(&cmd, e, "--user", c->username, NULL);
	if (rc == 0)
		rc = db_cmd_split(&cmd, db->options, e);
	va_start(ap, e);
	while (rc == 0 && (word = va_arg(ap, const char *)))
		rc = strv_add(&cmd.argv, word, e);
	va_end(ap);
	buf_clear(out);
	if (rc == 0)
		rc = db_proc_capture(&cmd, out, ASK_SECS, c->cancel, e);
	db_cmd_release(&cmd);
	return rc;
}

/* redis-cli ends with 0 whatever the server says. */
static int refused(const struct buf *out, struct err *e)
{
	const char *text = (const char *)out->p;

	return err_set(e, ERR_FAILED, "%.*s", (int)strcspn(text, "\r\n"),
		       text);
}

/* 1: it is done. */
static int look(const struct db_conn *c, struct buf *out, struct err *e)
{
	const char *text;
	int rc = ask(c, out, e, "INFO", "persistence", NULL);

	if (rc < 0)
		return rc;
	text = (const char *)out->p;
	if (!strstr(text, "rdb_bgsave_in_progress:"))
		return refused(out, e);
	if (!strstr(text, "rdb_bgsave_in_progress:0") ||
	    !strstr(text, "aof_rewrite_in_progress:0"))
		return 0;
	return strstr(text, "rdb_last_bgsave_status:ok") ? 1 :
		err_set(e, ERR_FAILED, "the server could not write its "
			"dump.rdb: its log says why");
}

static int save(const struct db_conn *c, struct buf *out, struct err *e)
{
	const struct timespec wait = { 0, LOOK_NSEC };
	int64_t secs = c->db->timeout ? c->db->timeout : SAVE_SECS;
	int64_t end = clock_mono_nsec() + secs * 1000000000;
	int rc = ask(c, out, e, "BGSAVE", "SCHEDULE", NULL);

	if (rc < 0)
		return rc;
	if (strncmp((char *)out->p, "Background saving", 17) &&
	    !strstr((char *)out->p, "already in progress"))
		return refused(out, e);
	while ((rc = look(c, out, e)) == 0) {
		if ((rc = cancel_check(c->cancel, e)) < 0)
			return rc;
		if (clock_mono_nsec() > end)
			return err_set(e, ERR_FAILED, "it took longer than "
				       "%lld seconds", (long long)secs);
		nanosleep(&wait, NULL);
	}
	return rc < 0 ? rc : 0;
}

int db_redis_save(const struct config_db *db, struct cancel *cancel,
		  struct err *e)
{
	struct buf out = BUF_INIT;
	struct db_conn c;
	int rc = db_open(&c, db, NULL, cancel, e);

	if (rc == 0)
		rc = save(&c, &out, e);
	if (rc == 0)
		talk_info("Redis '%s' has saved its data", db->name);
	buf_release(&out);
	db_close(&c);
	if (rc == ERR_FAILED || rc == ERR_NOENT)
		return err_ctx(e, "Redis '%s' could not save its data",
			       db->name);
	return rc;
}
