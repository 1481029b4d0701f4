/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/hook/db_dump.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/hook/db.h"
#include "tools/hook/db_proc.h"
#include "tools/hook/db_redis.h"
#include "tools/human.h"
#include "tools/json.h"
#include "tools/talk.h"
#include "tools/times.h"

struct db_dump {
	struct db_dump *next;
	struct app *a;
	const struct config_db *db;
	const struct db_kind *kind;
	char *name;		/* of the database, or "all" */
	char *path;		/* in the archive */
	char *words;		/* for messages */
	struct db_proc proc;
	struct db_seen seen;
	int64_t began_nsec, ended_nsec;		/* wall */
};

static int failed(const struct db_dump *d, struct err *e)
{
	if (e->code == ERR_CANCEL || e->code == ERR_NOMEM)
		return e->code;
	return err_ctx(e, "the dump of the %s failed", d->words);
}

static int start(struct db_dump *d, struct err *e)
{
	struct db_conn c;
	struct db_cmd cmd = DB_CMD_INIT;
	bool lacks = false;
	int rc;

	db_proc_release(&d->proc);
	memset(&d->seen, 0, sizeof(d->seen));
	d->began_nsec = clock_wall_nsec();
	rc = db_open(&c, d->db, NULL, d->a->cancel, e);
	if (rc == 0)
		rc = d->kind->dump(&c, d->name, &cmd, &lacks, e);
	if (rc == 0)
		rc = db_proc_start(&d->proc, &cmd, DB_PROC_OUT,
				   d->db->timeout, d->a->cancel, e);
	if (lacks)
		d->a->warned = true;
	db_cmd_release(&cmd);
	db_close(&c);
	return rc < 0 ? failed(d, e) : 0;
}

static int stream_open(void *ctx, int *fd, struct err *e)
{
	struct db_dump *d = ctx;
	int rc = start(d, e);

	*fd = d->proc.out;
	return rc;
}

static int stream_read(void *ctx, void *to, size_t len, size_t *got,
		       struct err *e)
{
	struct db_dump *d = ctx;
	int rc = db_proc_read(&d->proc, to, len, got, e);

	if (rc < 0)
		return failed(d, e);
	db_seen_add(&d->seen, to, *got);
	return 0;
}

static int stream_finish(void *ctx, struct err *e)
{
	struct db_dump *d = ctx;
	const char *lacks;
	int rc = db_proc_finish(&d->proc, e);

	if (rc < 0)
		return failed(d, e);
	lacks = d->kind->judge(d->db, &d->seen);
	if (lacks) {
		err_set(e, ERR_FAILED, "%s", lacks);
		return failed(d, e);
	}
	d->ended_nsec = clock_wall_nsec();
	return 0;
}

static void dump_free(struct db_dump *d)
{
	if (!d)
		return;
	db_proc_release(&d->proc);
	free(d->name);
	free(d->path);
	free(d->words);
	free(d);
}

static int add_stream(struct db_dumps *all, struct db_dump *d,
		      struct source *s, struct err *e)
{
	const struct create_stream st = {
		.open = stream_open, .read = stream_read,
		.finish = stream_finish, .name = d->path, .mode = 0600,
		.uid = geteuid(), .gid = getegid(), .ctx = d
	};

	*all->last = d;
	all->last = &d->next;
	return source_add_stream(s, &st, e);
}

static bool is_there(const struct db_dumps *all, const char *path)
{
	const struct db_dump *d;

	for (d = all->first; d; d = d->next)
		if (!strcmp(d->path, path))
			return true;
	return false;
}

static int add_one(struct db_dumps *all, const struct db_conn *c,
		   const char *name, struct source *s, struct err *e)
{
	struct db_dump *d = mem_zero(1, sizeof(*d));
	char *id = db_id(c->db);
	int rc = 0;

	if (d) {
		d->proc = (struct db_proc)DB_PROC_INIT;
		d->a = all->a;
		d->db = c->db;
		d->kind = c->kind;
		d->name = mem_str(name);
		d->words = db_words(c, name);
		d->path = id ? mem_printf("borgmatic/%s/%s/%s", c->kind->hook,
					  id, name) : NULL;
	}
	if (!d || !d->name || !d->path || !d->words)
		rc = err_nomem(e);
	else if (strchr(name, '/') || strchr(id, '/') || !strcmp(name, ".") ||
		 !strcmp(name, ".."))
		rc = err_set(e, ERR_CONFIG, "the %s cannot be dumped: '/' "
			     "cannot be in its name or its label", d->words);
	else if (is_there(all, d->path))
		rc = err_set(e, ERR_CONFIG, "two entries for the %s: give one "
			     "of them a 'label'", d->words);
	free(id);
	if (rc < 0) {
		dump_free(d);
		return rc;
	}
	return add_stream(all, d, s, e);
}

static int add_entry(struct db_dumps *all, const struct config_db *db,
		     struct source *s, struct err *e)
{
	struct strv names = STRV_INIT;
	struct db_conn c;
	size_t i;
	int rc = db_open(&c, db, NULL, all->a->cancel, e);

	if (rc == 0 && !strcmp(db->name, "all") && c.kind->list)
		rc = c.kind->list(&c, &names, e);
	else if (rc == 0)
		rc = strv_add(&names, db->name, e);
	for (i = 0; rc == 0 && i < names.n; i++)
		rc = add_one(all, &c, names.v[i], s, e);
	strv_release(&names);
	db_close(&c);
	if (rc == ERR_FAILED || rc == ERR_NOENT)
		return err_ctx(e, "%s of '%s'", db_kind_of(db->kind)->hook,
			       db->name);
	return rc;
}

static json_t *text_or_null(const char *text)
{
	return text ? json_text(text) : json_null();
}

/* One entry of dumps.json. */
static json_t *describe(const struct db_dump *d)
{
	const struct config_db *db = d->db;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}",
		"hook_name", json_text(d->kind->hook),
		"data_source_name", json_text(d->name),
		"hostname", text_or_null(db->hostname),
		"port", db->port ? json_integer(db->port) : json_null(),
		"label", text_or_null(db->label),
		"container", text_or_null(db->container));
}

/* The dumps.json of one kind. */
static int add_list(struct db_dumps *all, const struct db_kind *kind,
		    struct source *s, struct err *e)
{
	json_t *list = json_array(), *doc;
	const struct db_dump *d;
	char *text = NULL, *name;
	bool bad = !list, any = false;
	int rc;

	for (d = all->first; !bad && d; d = d->next) {
		if (d->kind != kind)
			continue;
		any = true;
		bad = json_array_append_new(list, describe(d)) < 0;
	}
	doc = json_pack("{s:o}", "dumps", list);
	if (doc)
		text = json_dumps(doc, JSON_SORT_KEYS);
	json_decref(doc);
	name = mem_printf("borgmatic/%s/dumps.json", kind->hook);
	if (bad || !text || !name) {
		free(name);
		free(text);
		return err_nomem(e);
	}
	rc = strv_take(&all->names, name, e);
	if (rc == 0 && any)
		rc = source_add_text(s, name, text, e);
	free(text);
	return rc;
}

int db_dump_add(struct db_dumps *d, struct app *a, struct source *s,
		struct err *e)
{
	static const enum config_db_kind kind[] = {
		CONFIG_DB_MYSQL, CONFIG_DB_MARIADB, CONFIG_DB_POSTGRESQL,
		CONFIG_DB_SQLITE, CONFIG_DB_MONGODB
	};
	const struct config_dbs *dbs = &a->config->databases;
	size_t i;
	int rc = 0;

	memset(d, 0, sizeof(*d));
	d->a = a;
	d->last = &d->first;
	for (i = 0; rc == 0 && i < dbs->n; i++)
		if (dbs->v[i].kind == CONFIG_DB_REDIS && !a->o.dry_run)
			rc = db_redis_save(&dbs->v[i], a->cancel, e);
	for (i = 0; rc == 0 && i < dbs->n; i++)
		if (dbs->v[i].kind != CONFIG_DB_REDIS)
			rc = add_entry(d, &dbs->v[i], s, e);
	for (i = 0; rc == 0 && i < sizeof(kind) / sizeof(kind[0]); i++)
		rc = add_list(d, db_kind_of(kind[i]), s, e);
	return rc;
}

void db_dump_report(const struct db_dumps *all)
{
	char when[TIMES_BYTES], size[HUMAN_BYTES], took[HUMAN_BYTES];
	const struct db_dump *d;
	char *line;

	for (d = all->first; d; d = d->next) {
		if (!d->ended_nsec)
			continue;
		line = mem_printf("Dump of %s: began %s, took %s, %s\n",
			d->words, times_human(when, d->began_nsec),
			human_duration(took, (double)(d->ended_nsec -
						d->began_nsec) / 1e9),
			app_size(all->a, size, d->seen.bytes));
		if (line)
			talk_answer(line);
		free(line);
	}
}

void db_dump_release(struct db_dumps *d)
{
	struct db_dump *at;

	while ((at = d->first)) {
		d->first = at->next;
		dump_free(at);
	}
	strv_release(&d->names);
}
