/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making an archive.  COMMIT POINT: session_commit's; before it nothing of the
 * archive exists, after it only the local cache is written.
 */
#include "archive/create_priv.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "repo/catalog.h"
#include "repo/home.h"

#define CREATE_LIST_BYTES (64u << 10)	/* of arguments, of paths */
#define CREATE_TRIES 3		/* sessions, when collectors fence them */

static int create_dup(char **out, const char *s, struct err *e)
{
	*out = mem_str(s ? s : "");
	return *out ? 0 : err_nomem(e);
}

/* A list for the record, which is small: what is too much is left out. */
static int create_dup_list(struct strv *out, const struct strv *in,
			   struct err *e)
{
	size_t i, room = CREATE_LIST_BYTES;
	int rc = 0;

	for (i = 0; in && rc == 0 && i < in->n; i++) {
		size_t len = strlen(in->v[i]) + 1;

		if (len > room)
			return strv_add(out, "...", e);
		room -= len;
		rc = strv_add(out, in->v[i], e);
	}
	return rc;
}

/* The part of the record that is known before the walk. */
static int create_record(struct create *c)
{
	const struct create_opts *o = c->o;
	const struct passwd *pw = getpwuid(geteuid());
	struct record *r = c->rec;
	time_t now = (time_t)(clock_wall_nsec() / 1000000000);
	struct tm tm;
	const char *host = o->host ? o->host : home_host_name();
	const char *user = o->user ? o->user : pw ? pw->pw_name : "";
	int rc;

	r->start_nsec = o->timestamp_nsec ? o->timestamp_nsec :
		clock_wall_nsec();
	if (localtime_r(&now, &tm))
		r->utc_offset_secs = (int32_t)tm.tm_gmtoff;
	if ((rc = create_dup(&r->name, o->name, c->e)) < 0 ||
	    (rc = create_dup(&r->series, o->series ? o->series : host,
			     c->e)) < 0 ||
	    (rc = create_dup(&r->host, host, c->e)) < 0 ||
	    (rc = create_dup(&r->user, user, c->e)) < 0 ||
	    (rc = create_dup(&r->comment, o->comment, c->e)) < 0 ||
	    (rc = create_dup(&r->program, "muniment " MUNIMENT_VERSION,
			     c->e)) < 0 ||
	    (rc = create_dup_list(&r->command, o->command, c->e)) < 0)
		return rc;
	return create_dup_list(&r->paths, o->walk.paths, c->e);
}

static int create_name_cmp(const void *a, const void *b)
{
	uint32_t x = ((const struct record_name *)a)->id;
	uint32_t y = ((const struct record_name *)b)->id;

	return x < y ? -1 : x > y;
}

/* Names of the owners that were seen; numbers without one are left out. */
static int create_names(struct create *c, unsigned which,
			struct record_name **out, uint32_t *n)
{
	const struct map *m = &c->owners[which];
	size_t i;

	*out = mem_array(m->count + 1, sizeof(**out));
	if (!*out)
		return err_nomem(c->e);
	for (i = 0; i < m->size; i++) {
		const struct passwd *pw;
		const struct group *gr;
		const char *name = NULL;
		uint32_t id;

		if (m->tab[i].key[0] == 0)
			continue;
		memcpy(&id, m->tab[i].key + 8, sizeof(id));
		if (c->other)
			name = c->other->owner(which, id, c->other->ctx);
		else if (which == 0 && (pw = getpwuid(id)))
			name = pw->pw_name;
		else if (which == 1 && (gr = getgrgid(id)))
			name = gr->gr_name;
		if (!name)
			continue;
		(*out)[*n].id = id;
		(*out)[*n].name = mem_str(name);
		if (!(*out)[(*n)++].name)
			return err_nomem(c->e);
	}
	qsort(*out, *n, sizeof(**out), create_name_cmp);
	return 0;
}

static int create_finish_record(struct create *c, bool partial)
{
	struct session_stats st;
	struct record *r = c->rec;
	int rc = 0;

	session_stats(c->session, &st);
	r->end_nsec = r->start_nsec + (int64_t)(1e9 * c->res->seconds);
	r->stats.new_bytes = st.plain_bytes;
	r->stats.stored_bytes = st.stored_bytes;
	if (partial)
		r->flags |= RECORD_PARTIAL;
	if (!build_has_xattrs(c->build))
		r->flags |= RECORD_NO_XATTRS;
	r->warnings = c->warnings;
	c->warnings = (struct strv)STRV_INIT;
	if (!(c->o->flags & CREATE_NUMERIC_IDS)) {
		rc = create_names(c, 0, &r->users, &r->n_users);
		if (rc == 0)
			rc = create_names(c, 1, &r->groups, &r->n_groups);
	}
	return rc;
}

/* "NAME", or for a partial archive "NAME.partial[.N]", whichever is free. */
static int create_partial_name(struct create *c)
{
	const struct catalog_item *it;
	unsigned n = 1;
	char *name;

	do {
		name = n == 1 ? mem_printf("%s.partial", c->o->name) :
			mem_printf("%s.partial.%u", c->o->name, n);
		if (!name)
			return err_nomem(c->e);
		free(c->rec->name);
		c->rec->name = name;
		n++;
	} while (catalog_find(c->catalog, name, &it, NULL) == 0);
	return 0;
}

/* What a run without attributes remembers is not enough for one with them:
 * each has a cache of its own. */
static int create_fstate(struct create *c)
{
	unsigned without = c->o->flags & (CREATE_NO_XATTRS | CREATE_NO_ACLS |
		CREATE_NO_FLAGS);
	char *dir = home_repo_cache(repo_id(c->repo), "files");
	char *series = without ? mem_printf("%s\n%u", c->rec->series,
		without) : mem_str(c->rec->series);
	int rc = series ? fstate_open(&c->fstate, dir, series,
		c->o->files_cache, c->e) : err_nomem(c->e);

	free(series);
	free(dir);
	return rc;
}

static int create_start(struct create *c)
{
	struct session_opts so = { .comp = c->o->comp,
				   .flush_secs = c->o->flush_secs };
	int rc;

	if ((rc = session_begin(&c->session, c->repo, &so, c->e)) < 0)
		return rc;
	if (!c->other && (rc = create_fstate(c)) < 0)
		return rc;
	c->build = build_new(c->session, repo_tree_key(c->repo));
	if (!c->build)
		return err_nomem(c->e);
	chunker_init(&c->chunker, repo_chunker_key(c->repo));
	if ((rc = create_batch_start(c)) < 0)
		return rc;
	return build_enter(c->build, c->e);
}

/* Leave out what is only in memory. */
static void create_stop(struct create *c)
{
	struct create_dir *d;

	create_batch_stop(c);
	while ((d = c->dir)) {
		c->dir = d->up;
		tree_entry_free(d->self);
		free(d);
	}
	build_list_free(c->list);
	build_free(c->build);
	fstate_close(c->fstate);
	session_free(c->session);
	catalog_free(c->catalog);
	map_release(&c->links);
	map_release(&c->devices);
	map_release(&c->owners[0]);
	map_release(&c->owners[1]);
	buf_release(&c->link_contents);
	free(c->held);
	buf_release(&c->window);
	buf_release(&c->xattrs);
	strv_release(&c->warnings);
}

static bool create_same_paths(const struct strv *a, const struct strv *b)
{
	size_t i;

	for (i = 0; i < a->n && i < b->n && !strcmp(a->v[i], b->v[i]); i++)
		;
	return i == a->n && i == b->n;
}

/* What the last run saw says what has gone only if it walked the same. */
static void create_gone(struct create *c)
{
	const struct record *last = NULL;
	size_t i;

	for (i = c->catalog->n; i-- > 0 && !last;)
		if (c->catalog->item[i]->rec.series &&
		    !strcmp(c->catalog->item[i]->rec.series, c->rec->series))
			last = &c->catalog->item[i]->rec;
	c->res->gone_known = c->fstate && last &&
		!(last->flags & RECORD_PARTIAL) &&
		create_same_paths(&last->paths, &c->rec->paths) &&
		fstate_gone(c->fstate, &c->res->gone);
}

static int create_commit(struct create *c, bool partial)
{
	struct err save = { ERR_OK, "" };
	int rc;

	if ((rc = create_drain(c)) < 0 ||
	    (rc = build_leave(c->build, &c->rec->root, c->e)) < 0 ||
	    (rc = create_finish_record(c, partial)) < 0)
		return rc;
	if (partial && (rc = create_partial_name(c)) < 0)
		return rc;
	if (!partial)
		create_gone(c);
	rc = session_commit(c->session, c->rec, &c->res->id, c->e);
	/* Only what an archive holds may be believed by the next run. */
	if (rc == 0 && c->fstate && fstate_save(c->fstate, partial,
						&save) < 0)
		log_info("files", "the cache of file states was not kept: %s",
			save.msg);
	return rc;
}

static int create_once(struct repo *r, const struct create_opts *o,
		       const struct create_other *other,
		       struct create_result *res, struct err *e)
{
	struct create c = { .repo = r, .o = o, .other = other, .res = res,
			    .e = e, .rec = &res->rec };
	int64_t begun = clock_mono_nsec();
	const struct catalog_item *it;
	bool partial = false;
	int rc;

	res->new_mails = res->gone = 0;
	res->gone_known = false;
	if ((rc = create_record(&c)) < 0 ||
	    (rc = catalog_load(&c.catalog, r, e)) < 0)
		goto out;
	if (catalog_find(c.catalog, o->name, &it, NULL) == 0) {
		rc = err_set(e, ERR_EXIST, "there is an archive '%s' already",
			o->name);
		goto out;
	}
	if (!(o->flags & CREATE_DRY_RUN) && (rc = create_start(&c)) < 0)
		goto out;
	rc = other ? other->fill(&c, other->ctx) : create_walk(&c);
	if (rc == ERR_CANCEL && c.n_held == o->n_streams && !other &&
	    c.rec->stats.files +
	    c.files > 0 && !(o->flags & CREATE_DRY_RUN)) {
		partial = true;
		rc = 0;
	}
	if (rc == 0 && !c.any_source)
		rc = err_set(e, ERR_NOENT, "none of the sources exists: no "
			"archive was made");
	res->seconds = (double)(clock_mono_nsec() - begun) / 1e9;
	if (rc == 0 && !(o->flags & CREATE_DRY_RUN))
		rc = create_commit(&c, partial);
	res->walk_errors = c.rec->stats.errors;
	res->partial = partial;
	res->seconds = (double)(clock_mono_nsec() - begun) / 1e9;
out:
	create_stop(&c);
	return rc;
}

/* Can all that it reads be read a second time? */
static bool create_again(const struct create_opts *o)
{
	size_t i;

	for (i = 0; i < o->n_streams; i++)
		if (!o->stream[i].open)
			return false;
	return true;
}

int create_other(struct repo *r, const struct create_opts *o,
		 const struct create_other *other, struct create_result *res,
		 struct err *e)
{
	struct err own = { ERR_OK, "" };
	int rc, tries = 0;

	if (!e)
		e = &own;
	memset(res, 0, sizeof(*res));
	if ((rc = catalog_name_check(o->name, e)) < 0)
		return rc;
	for (;;) {
		rc = create_once(r, o, other, res, e);
		if (rc != ERR_RETRY || !create_again(o) || other ||
		    ++tries == CREATE_TRIES)
			return rc;
		log_info("create", "%s; once more", e->msg);
		create_result_release(res);
	}
}

int create_run(struct repo *r, const struct create_opts *o,
	       struct create_result *res, struct err *e)
{
	return create_other(r, o, NULL, res, e);
}

void create_result_release(struct create_result *res)
{
	record_release(&res->rec);
	memset(res, 0, sizeof(*res));
}
