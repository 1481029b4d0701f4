/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/hook/db_restore.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/hook/db_feed.h"
#include "tools/hook/db_folder.h"
#include "tools/hook/db_proc.h"
#include "tools/hook/db_whole.h"
#include "tools/talk.h"

/* A dump and where it goes. */
struct todo {
	const struct db_found *from;
	const struct config_db *db;
	unsigned tls;		/* enum config_tri, as 'prepare' found it */
};
struct jobs {
	struct app *a;
	struct reader *rd;
	const struct record *rec;
	const struct db_restore_opts *o;
	struct db_finds finds;
	struct todo *v;
	size_t n;
	struct err *e;
};

/* --- which dumps --- */

static bool wants_all(const struct strv *names)
{
	size_t i;

	for (i = 0; i < names->n; i++)
		if (!strcmp(names->v[i], "all"))
			return true;
	return names->n == 0;
}

static bool same(const char *want, const char *is)
{
	return !want || (is && !strcmp(want, is));
}

/* --hook, --original-... */
static bool fits(const struct jobs *j, const struct db_found *d)
{
	const struct db_restore_opts *o = j->o;
	int64_t port = d->port ? d->port : d->kind->port;
	size_t n = o->hook ? strlen(o->hook) : 0;

	return (!n || !strcmp(o->hook, d->kind->hook) ||
		(!strncmp(o->hook, d->kind->hook, n) &&
		 !strcmp(d->kind->hook + n, "_databases"))) &&
		same(o->label, d->label ? d->label : d->id) &&
		same(o->container, d->container ? d->container : d->id) &&
		same(o->hostname, d->hostname ? d->hostname : "localhost") &&
		(o->port == 0 || o->port == port);
}

static int add_job(struct jobs *j, const struct db_found *d)
{
	struct todo *v = mem_resize(j->v, j->n + 1, sizeof(*v));

	if (!v)
		return err_nomem(j->e);
	j->v = v;
	v[j->n++] = (struct todo){ .from = d };
	return 0;
}

/* "mailcow (mysql_databases/localhost), ..." */
static int no_such_dump(struct jobs *j, const char *name)
{
	struct buf b = BUF_INIT;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < j->finds.n; i++)
		rc = buf_printf(&b, NULL, "%s%s (%s/%s)", i ? ", " : "",
				j->finds.v[i].name,
				j->finds.v[i].kind->hook, j->finds.v[i].id);
	rc = err_set(j->e, ERR_NOENT, "the archive '%s' has no dump of '%s' "
		     "that is asked for; it has: %.*s", j->rec->name, name,
		     (int)b.len, b.p ? (const char *)b.p : "");
	buf_release(&b);
	return rc;
}

static int pick_name(struct jobs *j, const char *name)
{
	const struct db_found *first = NULL;
	size_t i;

	for (i = 0; i < j->finds.n; i++) {
		const struct db_found *d = &j->finds.v[i];

		if (strcmp(d->name, name) || !fits(j, d))
			continue;
		if (first)
			return err_set(j->e, ERR_CONFIG, "there are dumps of "
				"'%s' in %s/%s and in %s/%s: say which with "
				"--hook, --original-hostname, "
				"--original-port, --original-label or "
				"--original-container", name,
				first->kind->hook, first->id, d->kind->hook,
				d->id);
		first = d;
	}
	return first ? add_job(j, first) : no_such_dump(j, name);
}

static int pick_dumps(struct jobs *j)
{
	size_t i;
	int rc = 0;

	if (j->finds.n == 0)
		return err_set(j->e, ERR_NOENT, "the archive '%s' has no dumps "
			       "of databases", j->rec->name);
	if (!wants_all(&j->o->names)) {
		for (i = 0; rc == 0 && i < j->o->names.n; i++)
			rc = pick_name(j, j->o->names.v[i]);
		return rc;
	}
	for (i = 0; rc == 0 && i < j->finds.n; i++)
		if (fits(j, &j->finds.v[i]))
			rc = add_job(j, &j->finds.v[i]);
	return rc == 0 && j->n == 0 ? no_such_dump(j, "all") : rc;
}

/* --- which entries of the configuration --- */

/* One reads the dumps of the other. */
static bool is_kin(const struct db_kind *a, const struct db_kind *b)
{
	return a == b || (a && b && a->port == b->port &&
			  a->rename && a->rename == b->rename);
}

static bool is_of(const struct config_db *db, const struct db_found *d)
{
	int64_t usual = d->kind->port;
	int64_t port = d->port ? d->port : usual;
	const char *host = d->hostname ? d->hostname : "localhost";
	char *id = db_id(db);
	bool exact = id && !strcmp(id, d->id);

	free(id);
	if (exact || db->label || d->label)
		return exact;
	if (db->container || d->container)
		return false;
	return !strcmp(db->hostname ? db->hostname : "localhost", host) &&
		(db->port ? db->port : usual) == port;
}

/* The entry that fits best; *others: how many have its name, wherever they
 * are. */
static const struct config_db *find_entry(const struct jobs *j,
					  const struct db_found *d,
					  unsigned *others)
{
	const struct config_dbs *all = &j->a->config->databases;
	const struct config_db *best = NULL, *named = NULL;
	int score, most = 0;
	size_t i;

	*others = 0;
	for (i = 0; i < all->n; i++) {
		const struct config_db *db = &all->v[i];
		const struct db_kind *kind = db_kind_of(db->kind);
		bool name = !strcmp(db->name, d->name);

		if (!is_kin(kind, d->kind) ||
		    !(name || !strcmp(db->name, "all")))
			continue;
		named = db;
		++*others;
		score = is_of(db, d) ? 1 + (name ? 4 : 0) +
			(kind == d->kind ? 2 : 0) : 0;
		if (score > most) {
			most = score;
			best = db;
		}
	}
	return best ? best : *others == 1 ? named : NULL;
}

static int find_entries(struct jobs *j)
{
	unsigned others;
	size_t i;

	if (!j->a->config)
		return err_set(j->e, ERR_CONFIG, "a restore needs the "
			       "configuration (-c), which says how databases "
			       "are reached; --to-stdout needs none");
	for (i = 0; i < j->n; i++) {
		const struct db_found *d = j->v[i].from;

		j->v[i].db = find_entry(j, d, &others);
		if (j->v[i].db)
			continue;
		return config_error(j->a->config, d->kind->hook, j->e, others ?
			"no entry for '%s' of '%s', but for others of that "
			"name: its label, container, hostname and port are "
			"those of the dump" : "no entry for '%s' of '%s', "
			"which says how to reach it: nothing was restored",
			d->name, d->id);
	}
	return 0;
}

static int judge_as(const struct jobs *j)
{
	if (!j->o->as)
		return 0;
	if (j->n > 1)
		return err_set(j->e, ERR_CONFIG, "--as-database is for one "
			       "dump, and these are %zu: say which with "
			       "--database", j->n);
	if (!strcmp(j->v[0].from->name, "all"))
		return err_set(j->e, ERR_CONFIG, "--as-database is not for "
			       "dumps of all databases in one");
	return 0;
}

static int open_jobs(struct jobs *j)
{
	int rc = db_find(&j->finds, j->rd, &j->rec->root, j->a->config, j->e);

	return rc == 0 ? pick_dumps(j) : rc;
}

static void jobs_release(struct jobs *j)
{
	db_find_release(&j->finds);
	free(j->v);
}

/* --- restoring --- */

struct work {
	struct jobs *j;
	struct todo *job;
	struct db_conn conn;
	struct db_load load;
	char *words;
	struct db_folder tmp;	/* of a dump that is a folder */
	char *folder;
};

static bool is_folder(const struct db_found *d)
{
	return S_ISDIR(d->file->e.mode);
}

/* Its first bytes. */
static int read_head(struct work *w)
{
	const struct entry *en = &w->job->from->file->e;
	struct file *f = NULL;
	int rc = file_open(&f, w->j->rd, &en->content, en->size, w->j->e);

	if (rc == 0)
		rc = file_read(f, 0, w->load.head, sizeof(w->load.head),
			       &w->load.n_head, w->j->e);
	file_close(f);
	return rc;
}

static int work_open(struct work *w, struct jobs *j, struct todo *job)
{
	int rc;

	*w = (struct work){ .j = j, .job = job };
	w->load = (struct db_load){ .name = job->from->name,
		.as = j->o->as, .schema = &j->o->schemas };
	rc = db_open(&w->conn, job->db, &j->o->to, j->a->cancel, j->e);
	if (rc == 0 && !(w->words = db_words(&w->conn, job->from->name)))
		rc = err_nomem(j->e);
	if (rc == 0 && !is_folder(job->from))
		rc = read_head(w);
	if (rc == 0 && j->o->schemas.n && w->conn.kind != &db_postgres &&
	    w->conn.kind != &db_mongo)
		rc = err_set(j->e, ERR_CONFIG, "--schema is for PostgreSQL "
			     "and MongoDB");
	return rc;
}

static void work_close(struct work *w)
{
	db_folder_remove(&w->tmp);
	free(w->folder);
	db_close(&w->conn);
	free(w->words);
}

/* A dump that is a folder, where its client can read it. */
static int extract(struct work *w)
{
	struct jobs *j = w->j;
	int rc = db_folder_make(&w->tmp, j->a->config, j->e);

	if (rc == 0 && !(w->folder = mem_printf("%s/dump", w->tmp.path)))
		rc = err_nomem(j->e);
	if (rc == 0 && mkdir(w->folder, 0700) < 0)
		rc = err_errno(j->e, errno, "cannot make '%s'", w->folder);
	if (rc == 0)
		rc = db_whole_extract(j->rd, j->rec, w->job->from->path,
				      w->folder, j->a->cancel, j->e);
	w->load.folder = w->folder;
	return rc;
}

static int check(struct jobs *j, const struct todo *job)
{
	int rc = db_whole(j->rd, j->rec, job->from, job->db, j->a->cancel,
			  j->e);

	if (rc < 0 && rc != ERR_NOMEM && rc != ERR_CANCEL)
		rc = err_ctx(j->e, "the dump '%s' of the archive '%s' cannot "
			     "be restored, and nothing was changed",
			     job->from->path, j->rec->name);
	return rc;
}

/* Nothing was changed yet. */
static int prepare(struct jobs *j, struct todo *job)
{
	struct work w;
	int rc = work_open(&w, j, job);

	if (rc == 0)
		rc = w.conn.kind->prepare(&w.conn, &w.load, j->e);
	job->tls = w.conn.tls;
	if (rc < 0 && rc != ERR_NOMEM && rc != ERR_CANCEL)
		rc = err_ctx(j->e, "the %s cannot be restored, and nothing "
			     "was changed", w.words ? w.words :
			     job->from->name);
	work_close(&w);
	return rc;
}

/* What a failure leaves behind. */
static int half_done(const struct work *w, uint64_t fed)
{
	struct err *e = w->j->e;
	uint64_t all = w->job->from->file->e.size;
	const char *of_new = w->load.as ? "the new database " : "";
	const char *name = w->load.as ? w->load.as : w->job->from->name;
	const char *advice = db_advice(w->conn.kind, e->msg);

	if (advice)
		err_set(e, ERR_FAILED, "%s (%s)", e->msg, advice);
	if (w->conn.kind == &db_sqlite)
		return err_ctx(e, "the %s could not be restored, and is as "
			       "it was", w->words);
	if (w->load.folder)
		return err_ctx(e, "the restore of the %s failed; %s'%s' is "
			       "incomplete: restore it again when this is "
			       "mended", w->words, of_new, name);
	return err_ctx(e, "the restore of the %s ended after %" PRIu64 " of %"
		       PRIu64 " bytes; %s'%s' is incomplete: restore it "
		       "again when this is mended", w->words, fed, all,
		       of_new, name);
}

static int restore(struct jobs *j, struct todo *job)
{
	struct db_cmd cmd = DB_CMD_INIT;
	struct db_proc p = DB_PROC_INIT;
	const struct entry *en = &job->from->file->e;
	struct work w;
	uint64_t fed = 0;
	bool begun = false;
	int rc = work_open(&w, j, job);

	w.conn.tls = job->tls;
	if (rc == 0 && is_folder(job->from))
		rc = extract(&w);
	if (rc == 0)
		rc = w.conn.kind->load(&w.conn, &w.load, &cmd, j->e);
	if (rc == 0) {
		talk_info("restoring the %s%s%s", w.words, w.load.as ?
			  " as " : "", w.load.as ? w.load.as : "");
		rc = db_proc_start(&p, &cmd, w.load.folder ? 0 : DB_PROC_IN,
				   0, j->a->cancel, j->e);
		begun = rc == 0;
	}
	if (rc == 0 && !w.load.folder)
		rc = db_feed(&p, j->rd, en, w.load.as ? w.conn.kind->rename :
			     NULL, &w.load, &fed, j->e);
	/* Why it reads no more is what it says at its end. */
	if (begun && rc == 0)
		rc = db_proc_finish(&p, j->e);
	else if (begun && rc == ERR_FAILED && db_proc_finish(&p, j->e) == 0)
		rc = err_set(j->e, ERR_FAILED, "the client ended before the "
			     "end of the dump");
	if (rc == 0 && p.said.len &&
	    memmem(p.said.p, p.said.len, "ERROR:", 6))
		app_warn(j->a, "%.*s", (int)p.said.len, (char *)p.said.p);
	if (rc == 0 && w.conn.kind->finish)
		rc = w.conn.kind->finish(&w.conn, &w.load, j->e);
	if (rc < 0 && begun)
		rc = half_done(&w, fed);
	db_proc_release(&p);
	db_cmd_release(&cmd);
	work_close(&w);
	return rc;
}

static void tell_left(const struct jobs *j, size_t done)
{
	size_t i;

	for (i = done; i < j->n; i++)
		talk_warn("'%s' was not touched", j->v[i].from->name);
}

static void tell_plan(const struct work *w)
{
	const struct db_found *d = w->job->from;
	const char *as = w->load.as;

	printf("would %s the %s%s%s%s from %s", as ? "leave alone" :
	       "drop and load", w->words, as ? ", and load '" : "",
	       as ? as : "", as ? "'" : "", d->path);
	if (is_folder(d))
		puts(" (a folder)");
	else
		printf(" (%" PRIu64 " bytes)\n", d->file->e.size);
}

static int dry_run(struct jobs *j)
{
	struct work w;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < j->n; i++) {
		rc = work_open(&w, j, &j->v[i]);
		if (rc == 0)
			tell_plan(&w);
		work_close(&w);
	}
	return rc;
}

int db_restore(struct app *a, struct reader *rd, const struct record *rec,
	       const struct db_restore_opts *o, struct err *e)
{
	struct jobs j = { .a = a, .rd = rd, .rec = rec, .o = o, .e = e };
	size_t i;
	int rc = open_jobs(&j);

	if (rc == 0)
		rc = find_entries(&j);
	if (rc == 0)
		rc = judge_as(&j);
	if (rc == 0 && a->o.dry_run) {
		rc = dry_run(&j);
		goto out;
	}
	for (i = 0; rc == 0 && i < j.n; i++)
		rc = check(&j, &j.v[i]);
	/* What goes wrong from here on is not the repository's fault. */
	if (rc == 0)
		a->restoring = a->repository;
	for (i = 0; rc == 0 && i < j.n; i++)
		rc = prepare(&j, &j.v[i]);
	for (i = 0; rc == 0 && i < j.n; i++) {
		rc = restore(&j, &j.v[i]);
		if (rc < 0)
			tell_left(&j, i + 1);
	}
out:
	jobs_release(&j);
	return rc;
}

int db_restore_print(struct app *a, struct reader *rd,
		     const struct record *rec,
		     const struct db_restore_opts *o, struct err *e)
{
	struct jobs j = { .a = a, .rd = rd, .rec = rec, .o = o, .e = e };
	struct db_proc p = DB_PROC_INIT;
	struct db_load l = { .as = NULL };
	uint64_t fed = 0;
	int rc = open_jobs(&j);

	if (rc == 0 && j.n > 1)
		rc = err_set(e, ERR_CONFIG, "--to-stdout is for one dump, and "
			     "these are %zu: say which with --database", j.n);
	if (rc == 0 && is_folder(j.v[0].from))
		rc = err_set(e, ERR_CONFIG, "the dump of '%s' is a folder "
			     "(format: directory): extract '%s'",
			     j.v[0].from->name, j.v[0].from->path);
	p.in = STDOUT_FILENO;
	p.cancel = a->cancel;
	if (rc == 0)
		rc = db_feed(&p, rd, &j.v[0].from->file->e, NULL, &l, &fed,
			     e);
	jobs_release(&j);
	return rc;
}
