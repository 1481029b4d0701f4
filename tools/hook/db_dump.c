/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/hook/db_dump_priv.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/hook/db_redis.h"
#include "tools/human.h"
#include "tools/json.h"
#include "tools/talk.h"
#include "tools/times.h"

/* It is the list's from here on. */
static void append(struct db_dumps *all, struct db_dump *d)
{
	*all->last = d;
	all->last = &d->next;
}

static int add_stream(struct db_dumps *all, struct db_dump *d,
		      struct source *s, struct err *e)
{
	struct create_stream st;

	append(all, d);
	db_dump_stream(d, &st);
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

static struct db_dump *dump_new(struct db_dumps *all,
				const struct config_db *db)
{
	struct db_dump *d = mem_zero(1, sizeof(*d));

	if (!d)
		return NULL;
	d->proc = (struct db_proc)DB_PROC_INIT;
	d->all = all;
	d->db = db;
	d->kind = db_kind_of(db->kind);
	d->fd = -1;
	return d;
}

/* One file of a dump that is a folder at 'at'. */
static int add_part(struct db_dump *d, const char *at, const char *below,
		    struct source *s, struct err *e)
{
	struct db_dump *p = dump_new(d->all, d->db);
	struct stat st;

	if (!p)
		return err_nomem(e);
	p->part = true;
	p->began_nsec = d->began_nsec;
	p->name = mem_str(d->name);
	p->words = mem_str(d->words);
	p->path = mem_printf("%s/%s", d->path, below);
	p->file = mem_printf("%s/%s", at, below);
	if (!p->name || !p->words || !p->path || !p->file) {
		db_dump_free(p);
		return err_nomem(e);
	}
	if (stat(p->file, &st) == 0)
		d->seen.bytes += (uint64_t)st.st_size;
	return add_stream(d->all, p, s, e);
}

/* The dump of 'format: directory', made here. */
static int make_folder(struct db_dump *d, struct db_conn *c, struct source *s,
		       struct err *e)
{
	struct db_dumps *all = d->all;
	struct db_cmd cmd = DB_CMD_INIT;
	struct strv files = STRV_INIT;
	char *at = mem_printf("%s/%u", all->folder.path, all->in_folder++);
	size_t i;
	int rc = at ? 0 : err_nomem(e);

	d->folder = true;
	d->began_nsec = clock_wall_nsec();
	c->folder = at;
	if (rc == 0)
		rc = d->kind->dump(c, d->name, &cmd, &d->lacks, e);
	if (rc == 0)
		rc = db_proc_start(&d->proc, &cmd, 0, d->db->timeout,
				   all->a->cancel, e);
	if (rc == 0)
		rc = db_proc_finish(&d->proc, e);
	if (rc == 0)
		rc = db_folder_list(at, &files, e);
	if (rc == 0 && files.n == 0)
		rc = err_set(e, ERR_FAILED, "it is empty");
	if (rc < 0)
		rc = db_dump_failed(d, e);
	d->ended_nsec = clock_wall_nsec();
	for (i = 0; rc == 0 && i < files.n; i++)
		rc = add_part(d, at, files.v[i], s, e);
	c->folder = NULL;
	strv_release(&files);
	db_cmd_release(&cmd);
	free(at);
	return rc;
}

static int add_folder(struct db_dump *d, struct db_conn *c, struct source *s,
		      struct err *e)
{
	int rc;

	append(d->all, d);
	rc = db_folder_make(&d->all->folder, d->all->a->config, e);
	return rc == 0 ? make_folder(d, c, s, e) : rc;
}

static int add_one(struct db_dumps *all, struct db_conn *c, const char *name,
		   struct source *s, struct err *e)
{
	struct db_dump *d = dump_new(all, c->db);
	char *id = db_id(c->db);
	int rc = 0;

	if (d) {
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
		db_dump_free(d);
		return rc;
	}
	return c->db->format == CONFIG_DB_FORMAT_DIRECTORY &&
		!all->a->o.dry_run ? add_folder(d, c, s, e) :
		add_stream(all, d, s, e);
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
		if (d->kind != kind || d->part)
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

static int copy_one(struct db_dumps *all, const struct db_dump *from,
		    struct source *s, struct err *e)
{
	struct db_dump *d = dump_new(all, from->db);

	if (!d)
		return err_nomem(e);
	d->lacks = from->lacks;
	d->folder = from->folder;
	d->part = from->part;
	d->began_nsec = from->began_nsec;
	d->ended_nsec = from->ended_nsec;
	d->bytes = from->seen.bytes;
	d->name = mem_str(from->name);
	d->words = mem_str(from->words);
	d->path = mem_str(from->path);
	if (!d->name || !d->words || !d->path) {
		db_dump_free(d);
		return err_nomem(e);
	}
	if (!d->folder)
		return add_stream(all, d, s, e);
	d->seen.bytes = d->bytes;
	append(all, d);
	return 0;
}

/* As they are listed there, or from the servers. */
static int add_all(struct db_dumps *all, struct source *s, struct err *e)
{
	const struct config_dbs *dbs = &all->a->config->databases;
	const struct db_dump *d = all->from ? all->from->first : NULL;
	size_t i;
	int rc = 0;

	for (; rc == 0 && d; d = d->next)
		rc = copy_one(all, d, s, e);
	for (i = 0; rc == 0 && !all->from && i < dbs->n; i++)
		if (dbs->v[i].kind != CONFIG_DB_REDIS)
			rc = add_entry(all, &dbs->v[i], s, e);
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
	d->from = a->dumps;
	d->last = &d->first;
	for (i = 0; rc == 0 && i < dbs->n; i++)
		if (dbs->v[i].kind == CONFIG_DB_REDIS && !a->o.dry_run)
			rc = db_redis_save(&dbs->v[i], a->cancel, e);
	if (rc == 0)
		rc = add_all(d, s, e);
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
		if (!d->ended_nsec || d->part)
			continue;
		line = mem_printf("Dump of %s: began %s, took %s, %s%s%s\n",
			d->words, times_human(when, d->began_nsec),
			human_duration(took, (double)(d->ended_nsec -
						d->began_nsec) / 1e9),
			app_size(all->a, size, d->seen.bytes), all->from ?
			", taken from " : "", all->from ? all->from->at.url :
			"");
		if (line)
			talk_answer(line);
		free(line);
	}
}

int db_dump_keep(struct db_dumps *d, const char *url,
		 const struct record *rec, struct err *e)
{
	return d->first ? db_copy_place(&d->at, url, rec, e) : 0;
}

/* One of this machine is the better one to read from. */
static bool is_better(const struct db_dumps *d)
{
	const struct db_dumps *is = d->a ? d->a->dumps : NULL;

	if (!d->at.url)
		return false;
	return !is || !d->from || (!db_copy_is_local(&is->at) &&
				   db_copy_is_local(&d->at));
}

static void release(struct db_dumps *d)
{
	struct db_dump *at;

	while ((at = d->first)) {
		d->first = at->next;
		db_dump_free(at);
	}
	db_copy_close(&d->copy);
	db_folder_remove(&d->folder);
	db_copy_unplace(&d->at);
	strv_release(&d->names);
}

void db_dump_forget(struct app *a)
{
	if (a->dumps)
		release(a->dumps);
	free(a->dumps);
	a->dumps = NULL;
}

void db_dump_release(struct db_dumps *d)
{
	struct db_dumps *kept = is_better(d) ? mem_zero(1, sizeof(*kept)) :
		NULL;
	struct db_dump *at;

	if (kept) {
		db_copy_close(&d->copy);
		db_folder_remove(&d->folder);
		db_dump_forget(d->a);
		*kept = *d;
		kept->from = NULL;
		for (at = kept->first; at; at = at->next)
			at->all = kept;
		d->a->dumps = kept;
	} else {
		release(d);
	}
	memset(d, 0, sizeof(*d));
}
