/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/runstate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/json.h"
#include "tools/status.h"
#include "tools/talk.h"

#define FILE_MAX (1u << 20)

void runstate_release(struct runstate *s)
{
	size_t i;

	for (i = 0; i < s->n_archives; i++) {
		free(s->archive[i].series);
		free(s->archive[i].name);
	}
	free(s->archive);
	free(s->url);
	free(s->label);
	free(s->config);
	free(s->error);
	strv_release(&s->actions);
	memset(s, 0, sizeof(*s));
}

/* STATE/status, made if missing, or the file in it. */
static int state_path(char **dir, char **path, const char *url, struct err *e)
{
	char *state = home_state();
	char hex[33];
	struct oid h;

	*dir = *path = NULL;
	key_hash(&h, NULL, url, strlen(url), NULL, 0, NULL, 0);
	if (state)
		*dir = mem_printf("%s/status", state);
	if (*dir)
		*path = mem_printf("%s/%s", *dir, hex_put(hex, h.b, 16));
	free(state);
	return *path ? 0 : err_set(e, ERR_IO, "there is no folder for the "
				   "state of this machine: set HOME or "
				   "MUNIMENT_STATE_DIR");
}

static int64_t get_int(const json_t *v, const char *key)
{
	return json_integer_value(json_object_get(v, key));
}

static uint64_t get_count(const json_t *v, const char *key)
{
	int64_t n = get_int(v, key);

	return n > 0 ? (uint64_t)n : 0;
}

/* NULL if it is missing or no string; -1: no memory. */
static int get_text(char **out, const json_t *v, const char *key)
{
	const char *text = json_string_value(json_object_get(v, key));

	free(*out);
	*out = NULL;
	return text && !(*out = mem_str(text)) ? -1 : 0;
}

static int get_archive(struct runstate_archive *x, const json_t *v)
{
	x->start_nsec = get_int(v, "start");
	x->end_nsec = get_int(v, "end");
	x->files = get_count(v, "files");
	x->bytes = get_count(v, "bytes");
	x->stored_bytes = get_count(v, "stored_bytes");
	if (get_text(&x->series, v, "series") < 0 ||
	    get_text(&x->name, v, "name") < 0)
		return -1;
	return 0;
}

static int get_archives(struct runstate *s, const json_t *list)
{
	size_t i, n = json_array_size(list);
	struct runstate_archive *x;

	s->archive = mem_zero(n + 1, sizeof(*s->archive));
	if (!s->archive)
		return -1;
	for (i = 0; i < n; i++) {
		x = &s->archive[s->n_archives++];
		if (get_archive(x, json_array_get(list, i)) < 0)
			return -1;
		if (!x->series || !x->name) {	/* damaged: not believed */
			free(x->series);
			free(x->name);
			memset(x, 0, sizeof(*x));
			s->n_archives--;
		}
	}
	return 0;
}

static int get_all(struct runstate *s, const json_t *v)
{
	const char *id = json_string_value(json_object_get(v, "id"));
	const json_t *list = json_object_get(v, "actions");
	const char *word;
	size_t i;

	s->has_id = id && sid_parse(&s->id, id);
	s->started_nsec = get_int(v, "started");
	s->finished_nsec = get_int(v, "finished");
	s->success_nsec = get_int(v, "success");
	s->status = (int)(get_int(v, "status") & 0xff);
	s->count = get_count(v, "count");
	s->free_bytes = get_count(v, "free_bytes");
	s->total_bytes = get_count(v, "total_bytes");
	s->read_nsec = get_int(v, "read");
	for (i = 0; i < json_array_size(list); i++) {
		word = json_string_value(json_array_get(list, i));
		if (word && strv_add(&s->actions, word, NULL) < 0)
			return -1;
	}
	if (get_text(&s->label, v, "label") < 0 ||
	    get_text(&s->config, v, "config") < 0 ||
	    get_text(&s->error, v, "error") < 0)
		return -1;
	return get_archives(s, json_object_get(v, "archives"));
}

int runstate_load(struct runstate *s, const char *url, struct err *e)
{
	struct buf b = { .max = FILE_MAX };
	char *dir, *path;
	json_t *v = NULL;
	const char *whose;
	int rc = 0;

	memset(s, 0, sizeof(*s));
	if (state_path(&dir, &path, url, NULL) == 0 &&
	    io_read_file(AT_FDCWD, path, &b, NULL) == 0)
		v = json_loadb((char *)b.p, b.len, 0, NULL);
	whose = json_string_value(json_object_get(v, "url"));
	if (whose && !strcmp(whose, url))
		rc = get_all(s, v);
	if (rc == 0 && !(s->url = mem_str(url)))
		rc = -1;
	json_decref(v);
	buf_release(&b);
	free(path);
	free(dir);
	return rc < 0 ? err_nomem(e) : 0;
}

static json_t *put_archives(const struct runstate *s)
{
	const struct runstate_archive *x;
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < s->n_archives; i++) {
		x = &s->archive[i];
		if (json_array_append_new(list, json_pack(
				"{s:o, s:o, s:I, s:I, s:o, s:o, s:o}",
				"series", json_text(x->series),
				"name", json_text(x->name),
				"start", (json_int_t)x->start_nsec,
				"end", (json_int_t)x->end_nsec,
				"files", json_int(x->files),
				"bytes", json_int(x->bytes),
				"stored_bytes", json_int(x->stored_bytes)))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *put_all(const struct runstate *s)
{
	char hex[SID_HEX_BYTES];
	json_t *v;

	v = json_pack("{s:o, s:I, s:I, s:I, s:i, s:o, s:o, s:o, s:o, s:o, "
		      "s:I}",
		      "url", json_text(s->url),
		      "started", (json_int_t)s->started_nsec,
		      "finished", (json_int_t)s->finished_nsec,
		      "success", (json_int_t)s->success_nsec,
		      "status", s->status,
		      "actions", json_strv(&s->actions),
		      "archives", put_archives(s),
		      "count", json_int(s->count),
		      "free_bytes", json_int(s->free_bytes),
		      "total_bytes", json_int(s->total_bytes),
		      "read", (json_int_t)s->read_nsec);
	if (v && ((s->has_id && json_object_set_new(v, "id",
			json_string(sid_hex(&s->id, hex)))) ||
		  (s->label && json_object_set_new(v, "label",
			json_text(s->label))) ||
		  (s->config && json_object_set_new(v, "config",
			json_text(s->config))) ||
		  (s->error && json_object_set_new(v, "error",
			json_text(s->error))))) {
		json_decref(v);
		return NULL;
	}
	return v;
}

int runstate_save(const struct runstate *s, struct err *e)
{
	json_t *v = put_all(s);
	char *text = v ? json_dumps(v, JSON_INDENT(1)) : NULL;
	char *dir = NULL, *path = NULL;
	int rc = text ? 0 : err_nomem(e);

	if (rc == 0)
		rc = state_path(&dir, &path, s->url, e);
	if (rc == 0)
		rc = io_make_dirs(dir, e);
	if (rc == 0)
		rc = io_publish(AT_FDCWD, path, text, strlen(text), 0600, e);
	free(path);
	free(dir);
	free(text);
	json_decref(v);
	return rc;
}

/* Where the newest archive of the series stands, or a new place for one. */
static struct runstate_archive *place_of(struct runstate *s,
					 const char *series)
{
	struct runstate_archive *more;
	size_t i;

	for (i = 0; i < s->n_archives; i++)
		if (!strcmp(s->archive[i].series, series))
			return &s->archive[i];
	more = mem_resize(s->archive, i + 1, sizeof(*more));
	if (!more)
		return NULL;
	s->archive = more;
	memset(&more[i], 0, sizeof(more[i]));
	more[i].series = mem_str(series);
	if (!more[i].series)
		return NULL;
	s->n_archives++;
	return &more[i];
}

static int take_record(struct runstate *s, const struct record *rec,
		       struct err *e)
{
	struct runstate_archive *x;
	char *name;

	if (rec->flags & RECORD_PARTIAL)
		return 0;
	name = mem_str(rec->name);
	x = name ? place_of(s, rec->series ? rec->series : "") : NULL;
	if (!x) {
		free(name);
		return err_nomem(e);
	}
	if (x->name && x->start_nsec > rec->start_nsec) {
		free(name);
		return 0;
	}
	free(x->name);
	x->name = name;
	x->start_nsec = rec->start_nsec;
	x->end_nsec = rec->end_nsec;
	x->files = rec->stats.files;
	x->bytes = rec->stats.bytes;
	x->stored_bytes = rec->stats.stored_bytes;
	return 0;
}

int runstate_take(struct runstate *s, struct repo *r, const struct catalog *c,
		  struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < s->n_archives; i++) {
		free(s->archive[i].series);
		free(s->archive[i].name);
	}
	s->n_archives = 0;
	for (i = 0; rc == 0 && i < c->n; i++)
		rc = take_record(s, &c->item[i]->rec, e);
	s->id = *repo_id(r);
	s->has_id = true;
	s->count = c->n;
	store_space(repo_store(r), &s->free_bytes, &s->total_bytes, NULL);
	s->read_nsec = clock_wall_nsec();
	return rc;
}

static void save(struct runstate *s, int rc, struct err *e)
{
	if (rc == 0)
		rc = runstate_save(s, e);
	if (rc < 0)
		talk_info("'muniment status' will not know of this: %s",
			  e->msg);
	runstate_release(s);
}

static int set_text(char **dst, const char *text)
{
	free(*dst);
	*dst = NULL;
	return text && !(*dst = mem_str(text)) ? -1 : 0;
}

void runstate_note_run(const struct runstate_run *run)
{
	struct runstate s;
	struct err e;
	size_t i;
	int rc = runstate_load(&s, run->url, &e);

	if (rc == 0 && (set_text(&s.label, run->label) < 0 ||
			set_text(&s.config, run->config) < 0 ||
			set_text(&s.error, run->error) < 0))
		rc = err_nomem(&e);
	strv_release(&s.actions);
	for (i = 0; rc == 0 && run->actions && i < run->actions->n; i++)
		rc = strv_add(&s.actions, run->actions->v[i], &e);
	s.started_nsec = run->started_nsec;
	s.finished_nsec = clock_wall_nsec();
	s.status = run->status;
	if (run->status <= STATUS_WARNING)
		s.success_nsec = s.finished_nsec;
	save(&s, rc, &e);
}

void runstate_note_archive(struct repo *r, const struct record *rec)
{
	struct runstate s;
	struct err e;
	int rc = runstate_load(&s, repo_url(r), &e);

	if (rc == 0)
		rc = take_record(&s, rec, &e);
	s.id = *repo_id(r);
	s.has_id = true;
	save(&s, rc, &e);
}

int runstate_forget(const char *url, struct err *e)
{
	char *dir, *path;
	int rc = state_path(&dir, &path, url, e);

	if (rc == 0 && unlink(path) < 0 && errno != ENOENT)
		rc = err_errno(e, errno, "cannot remove '%s'", path);
	free(path);
	free(dir);
	return rc;
}
