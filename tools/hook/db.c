/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/hook/db.h"

#include <stdlib.h>
#include <string.h>

#include "tools/hook/db_proc.h"

#define INSPECT_SECS 30

const struct db_kind *db_kind_of(enum config_db_kind kind)
{
	switch (kind) {
	case CONFIG_DB_POSTGRESQL:
		return &db_postgres;
	case CONFIG_DB_MARIADB:
		return &db_mysql_mariadb;
	case CONFIG_DB_MYSQL:
		return &db_mysql;
	case CONFIG_DB_SQLITE:
		return &db_sqlite;
	case CONFIG_DB_MONGODB:
		return &db_mongo;
	case CONFIG_DB_REDIS:
		break;
	}
	return NULL;
}

const struct db_kind *db_kind_find(const char *hook)
{
	static const struct db_kind *const all[] = {
		&db_mysql, &db_mysql_mariadb, &db_postgres, &db_sqlite,
		&db_mongo
	};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!strcmp(all[i]->hook, hook))
			return all[i];
	return NULL;
}

const char *db_advice(const struct db_kind *kind, const char *said)
{
	static const char full[] = "the disk of the database server is full: "
		"make room there";
	static const char perhaps[] = "the database server cannot write: look "
		"whether its disk is full, and into its log";
	static const struct {
		const char *said, *advice;
	} row[] = {
		{ "No space left on device", full }, { "disk is full", full },
		{ "ERROR 1114 ", full }, { "ERROR 1021 ", full },
		/* What InnoDB says in the middle of a commit. */
		{ "ERROR 1180 ", perhaps }, { "ERROR 1030 ", perhaps },
		{ "ERROR 1026 ", perhaps },
	};
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		if (strstr(said, row[i].said))
			return row[i].advice;
	return kind->advice ? kind->advice(said) : NULL;
}

char *db_id(const struct config_db *db)
{
	const char *host = db->hostname ? db->hostname : "localhost";

	if (db->label)
		return mem_str(db->label);
	if (db->container)
		return mem_str(db->container);
	return db->port ? mem_printf("%s:%lld", host, (long long)db->port) :
		mem_str(host);
}

char *db_words(const struct db_conn *c, const char *name)
{
	const char *all = strcmp(name, "all") ? "" : "databases: ";

	if (c->path)
		return mem_printf("%s database '%s' (%s)", c->kind->title,
				  name, c->path);
	return mem_printf("%s %s'%s' on %s%s", c->kind->title,
			  *all ? all : "database ", name,
			  c->db->container && c->address ? "container " : "",
			  c->socket_path ? "localhost" : c->hostname ?
			  c->hostname : "localhost");
}

/* The first word that the inspection prints. */
static int inspect(struct db_conn *c, const char *tool, const char *name,
		   struct err *e)
{
	struct db_cmd cmd = DB_CMD_INIT;
	struct buf out = BUF_INIT;
	const char *text;
	int rc;

	rc = db_cmd_add(&cmd, e, tool, "container", "inspect", "--format",
			"{{.NetworkSettings.IPAddress}} "
			"{{range .NetworkSettings.Networks}}{{.IPAddress}} "
			"{{end}}", "--", name, NULL);
	if (rc == 0)
		rc = db_proc_capture(&cmd, &out, INSPECT_SECS, c->cancel, e);
	if (rc == 0) {
		text = (const char *)out.p;
		text += strspn(text, " \n");
		out.len = strcspn(text, " \n");
		if (out.len == 0)
			rc = err_set(e, ERR_FAILED, "it has no address of "
				     "its own; is it running?");
		else if (!(c->address = mem_printf("%.*s", (int)out.len,
						   text)))
			rc = err_nomem(e);
	}
	buf_release(&out);
	db_cmd_release(&cmd);
	return rc;
}

static int find_container(struct db_conn *c, const char *name, struct err *e)
{
	struct err second;
	int rc = inspect(c, "docker", name, e);

	if (rc == ERR_FAILED && inspect(c, "podman", name, &second) == 0)
		rc = 0;
	if (rc < 0)
		return err_ctx(e, "cannot find the container '%s' (is docker "
			       "or podman there, and its socket?)", name);
	c->hostname = c->address;
	c->socket_path = NULL;
	return 0;
}

static const char *pick(const char *first, const char *second,
			const char *third)
{
	return first ? first : second ? second : third;
}

static void fill_restore(struct db_conn *c, const struct config_db *db,
			 const struct db_target *to)
{
	/* A host of the command line is not behind the entry's socket. */
	bool other = to->hostname || to->container ||
		(!db->restore_socket_path && (db->restore_hostname ||
					      db->restore_container));

	c->hostname = pick(to->hostname, db->restore_hostname, db->hostname);
	c->socket_path = other ? NULL : pick(db->restore_socket_path,
					     db->socket_path, NULL);
	c->username = pick(to->username, db->restore_username, db->username);
	c->password = pick(to->password, db->restore_password, db->password);
	c->path = db->path ? pick(to->path, db->restore_path, db->path) :
		NULL;
	c->port = to->port ? to->port : db->restore_port ? db->restore_port :
		db->port;
	if (db->restore_tls != CONFIG_AUTO)
		c->tls = db->restore_tls;
	c->options = db->restore_options;
}

int db_open(struct db_conn *c, const struct config_db *db,
	    const struct db_target *to, struct cancel *cancel, struct err *e)
{
	const char *container = db->container;

	*c = (struct db_conn){
		.db = db, .kind = db_kind_of(db->kind),
		.hostname = db->hostname, .socket_path = db->socket_path,
		.username = db->username, .password = db->password,
		.path = db->path, .port = db->port, .tls = db->tls,
		.options = db->list_options, .cancel = cancel
	};
	if (to) {
		fill_restore(c, db, to);
		container = to->hostname ? NULL :
			pick(to->container, db->restore_container,
			     db->restore_hostname ? NULL : db->container);
	}
	return container ? find_container(c, container, e) : 0;
}

void db_close(struct db_conn *c)
{
	free(c->address);
	memset(c, 0, sizeof(*c));
}

void db_seen_add(struct db_seen *s, const void *p, size_t len)
{
	const uint8_t *at = p;
	size_t n = sizeof(s->head) - s->n_head;

	s->bytes += len;
	n = n < len ? n : len;
	memcpy(s->head + s->n_head, at, n);
	s->n_head += n;
	if (len >= DB_TAIL_BYTES) {
		memcpy(s->tail, at + len - DB_TAIL_BYTES, DB_TAIL_BYTES);
		s->n_tail = DB_TAIL_BYTES;
		return;
	}
	if (s->n_tail + len > DB_TAIL_BYTES) {
		n = s->n_tail + len - DB_TAIL_BYTES;
		memmove(s->tail, s->tail + n, s->n_tail - n);
		s->n_tail -= n;
	}
	if (len)
		memcpy(s->tail + s->n_tail, at, len);
	s->n_tail += len;
}

bool db_seen_ends(const struct db_seen *s, const char *mark)
{
	return memmem(s->tail, s->n_tail, mark, strlen(mark)) != NULL;
}
