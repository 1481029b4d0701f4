/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/clean.h"
#include "tools/human.h"
#include "tools/json.h"
#include "tools/shlex.h"
#include "tools/template.h"
#include "tools/times.h"

enum value_type { VALUE_TEXT, VALUE_NUMBER, VALUE_TIME, VALUE_LIST };
struct value {
	enum value_type type;
	const char *s;
	size_t len;
	int64_t n;			/* number; nanoseconds */
	const struct strv *list;
	char small[80];			/* an id, a time, a mode, a number */
	bool raw;			/* text that stays as it is */
};
typedef int get_fn(const struct format_item *it, struct value *v,
		   struct err *e);

static int set_text(struct value *v, const char *s)
{
	v->type = VALUE_TEXT;
	v->s = s ? s : "";
	v->len = strlen(v->s);
	return 0;
}

static int set_number(struct value *v, uint64_t n)
{
	v->type = VALUE_NUMBER;
	v->n = n > INT64_MAX ? INT64_MAX : (int64_t)n;
	return 0;
}

static int set_time(struct value *v, int64_t nsec)
{
	v->type = VALUE_TIME;
	v->n = nsec;
	return 0;
}

static int64_t to_nsec(const struct timespec *t)
{
	if (t->tv_sec > INT64_MAX / 1000000000 - 1 ||
	    t->tv_sec < INT64_MIN / 1000000000 + 1)
		return 0;
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

#define GET(name) \
static int get_##name(const struct format_item *it, struct value *v, \
		      struct err *e)
#define UNUSED_E (void)e

/* Of an archive. */
GET(name) { UNUSED_E; return set_text(v, it->rec->name); }
GET(bname) { UNUSED_E; v->raw = true; return set_text(v, it->rec->name); }
GET(comment) { UNUSED_E; return set_text(v, it->rec->comment); }
GET(bcomment)
{
	UNUSED_E;
	v->raw = true;
	return set_text(v, it->rec->comment);
}
GET(id) { UNUSED_E; return set_text(v, oid_hex(it->id, v->small)) ; }
GET(start) { UNUSED_E; return set_time(v, it->rec->start_nsec); }
GET(end) { UNUSED_E; return set_time(v, it->rec->end_nsec); }
GET(command)
{
	UNUSED_E;
	v->type = VALUE_LIST;
	v->list = &it->rec->command;
	return 0;
}
GET(hostname) { UNUSED_E; return set_text(v, it->rec->host); }
GET(username) { UNUSED_E; return set_text(v, it->rec->user); }
GET(series) { UNUSED_E; return set_text(v, it->rec->series); }
GET(nfiles) { UNUSED_E; return set_number(v, it->rec->stats.files); }
GET(total) { UNUSED_E; return set_number(v, it->rec->stats.bytes); }
GET(partial)
{
	UNUSED_E;
	return set_text(v, it->rec->flags & RECORD_PARTIAL ? "partial" : "");
}

/* Of a file. */
GET(type)
{
	UNUSED_E;
	human_mode(v->small, it->en->mode);
	v->small[1] = 0;
	return set_text(v, v->small);
}
GET(mode)
{
	UNUSED_E;
	human_mode(v->small, it->en->mode);
	if (it->hard_link)
		v->small[0] = 'h';
	return set_text(v, v->small);
}
GET(uid) { UNUSED_E; return set_number(v, it->en->uid); }
GET(gid) { UNUSED_E; return set_number(v, it->en->gid); }
GET(user)
{
	UNUSED_E;
	return set_text(v, format_owner(it->rec->users, it->rec->n_users,
					it->en->uid, v->small));
}
GET(group)
{
	UNUSED_E;
	return set_text(v, format_owner(it->rec->groups, it->rec->n_groups,
					it->en->gid, v->small));
}
GET(path) { UNUSED_E; return set_text(v, it->path); }
GET(bpath) { UNUSED_E; v->raw = true; return set_text(v, it->path); }
GET(target)
{
	UNUSED_E;
	if (it->hard_link)
		return set_text(v, it->hard_link);
	set_text(v, "");
	if (it->en->target_len) {
		v->s = (const char *)it->en->target;
		v->len = it->en->target_len;
	}
	return 0;
}
GET(flags) { UNUSED_E; return set_number(v, it->en->fsflags); }
GET(size)
{
	UNUSED_E;
	/* As borg: the bytes of a hard link are counted where they are. */
	return set_number(v, it->hard_link || S_ISDIR(it->en->mode) ? 0 :
			  it->en->size);
}
GET(mtime) { UNUSED_E; return set_time(v, to_nsec(&it->en->mtime)); }
GET(ctime)
{
	UNUSED_E;
	return set_time(v, to_nsec(it->en->flags & ENTRY_CTIME ?
				   &it->en->ctime : &it->en->mtime));
}
GET(atime)
{
	UNUSED_E;
	return set_time(v, to_nsec(it->en->flags & ENTRY_ATIME ?
				   &it->en->atime : &it->en->mtime));
}
static int set_iso(struct value *v)
{
	return set_text(v, times_json(v->small, v->n));
}
GET(isomtime) { get_mtime(it, v, e); return set_iso(v); }
GET(isoctime) { get_ctime(it, v, e); return set_iso(v); }
GET(isoatime) { get_atime(it, v, e); return set_iso(v); }
static bool is_whole(const struct format_item *it)
{
	return !(it->en->flags & ENTRY_LOST);
}
GET(health)
{
	UNUSED_E;
	return set_text(v, is_whole(it) ? "healthy" : "broken");
}

static int count_piece(const struct piece *p, uint64_t off, void *ctx)
{
	(void)off;
	*(uint64_t *)ctx += p->transform != PIECE_HOLE;
	return 0;
}

GET(chunks)
{
	uint64_t n = 0;
	int rc = 0;

	if (it->rd && S_ISREG(it->en->mode) && !it->hard_link)
		rc = file_each(it->rd, &it->en->content, it->en->size,
			       count_piece, &n, e);
	set_number(v, n);
	return rc;
}

enum key_flags {
	KEY_FILE = 1 << 0, KEY_ARCHIVE = 1 << 1,
	KEY_ALWAYS = 1 << 2,	/* in JSON whatever the format is */
	KEY_LINKS = 1 << 3,	/* depends on hard links */
	KEY_EXTRA = 1 << 4,	/* prefix " -> " or " link to " */
	KEY_TEXT_ONLY = 1 << 5	/* never in JSON */
};
#define A KEY_ARCHIVE
#define F KEY_FILE
#define ALWAYS KEY_ALWAYS
#define LINKS KEY_LINKS
static const struct key_row {
	const char *name;
	get_fn *get;
	unsigned flags;
	const char *help;
} keys[] = {
	{ "archive", get_name, A | ALWAYS, "name of the archive" },
	{ "name", get_name, A | ALWAYS, "the same" },
	{ "barchive", get_bname, A | ALWAYS, "the same, byte for byte" },
	{ "comment", get_comment, A, "its comment" },
	{ "bcomment", get_bcomment, A, "the same, byte for byte" },
	{ "id", get_id, A | ALWAYS, "its id" },
	{ "start", get_start, A | ALWAYS, "when it was begun" },
	{ "time", get_start, A | ALWAYS, "the same" },
	{ "end", get_end, A, "when it was complete" },
	{ "command_line", get_command, A, "the command that made it" },
	{ "hostname", get_hostname, A, "the machine that made it" },
	{ "username", get_username, A, "the user that made it" },
	{ "series", get_series, A, "its series" },
	{ "nfiles", get_nfiles, A, "number of files" },
	{ "original_size", get_total, A, "size of all files, bytes" },
	{ "partial", get_partial, A, "'partial' if the run was interrupted" },
	{ "type", get_type, F | ALWAYS, "-, d, l, b, c, p or s" },
	{ "mode", get_mode, F | ALWAYS | LINKS, "-rw-r--r--; h: hard link" },
	{ "user", get_user, F | ALWAYS, "owner, by name if it has one" },
	{ "group", get_group, F | ALWAYS, "group, by name if it has one" },
	{ "uid", get_uid, F | ALWAYS, "owner, by number" },
	{ "gid", get_gid, F | ALWAYS, "group, by number" },
	{ "path", get_path, F | ALWAYS, "path, as text" },
	{ "bpath", get_bpath, F | KEY_TEXT_ONLY, "path, byte for byte" },
	{ "source", get_target, F | ALWAYS | LINKS, "what a link points to" },
	{ "linktarget", get_target, F | ALWAYS | LINKS, "the same" },
	{ "extra", get_target, F | LINKS | KEY_EXTRA | KEY_TEXT_ONLY,
	  "' -> ' or ' link to ' and what a link points to" },
	{ "flags", get_flags, F | ALWAYS, "file flags, a number" },
	{ "size", get_size, F | LINKS, "size, bytes" },
	{ "num_chunks", get_chunks, F | LINKS, "number of its pieces" },
	{ "mtime", get_mtime, F, "when it was changed" },
	{ "ctime", get_ctime, F, "when its inode was; else mtime" },
	{ "atime", get_atime, F, "when it was read; else mtime" },
	{ "isomtime", get_isomtime, F, "mtime, ISO 8601" },
	{ "isoctime", get_isoctime, F, "ctime, ISO 8601" },
	{ "isoatime", get_isoatime, F, "atime, ISO 8601" },
	{ "archiveid", get_id, F | KEY_TEXT_ONLY, "id of the archive" },
	{ "archivename", get_name, F | KEY_TEXT_ONLY, "name of the archive" },
	{ "health", get_health, F | KEY_TEXT_ONLY,
	  "'healthy', or 'broken': a repair made holes of what was lost" },
	{ "NL", NULL, A | F, "\n" }, { "NEWLINE", NULL, A | F, "\n" },
	{ "LF", NULL, A | F, "\n" }, { "CR", NULL, A | F, "\r" },
	{ "TAB", NULL, A | F, "\t" }, { "SPACE", NULL, A | F, " " },
	{ "NUL", NULL, A | F, "" },
};
#undef A
#undef F
#undef ALWAYS
#undef LINKS
#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

struct part {
	struct template_part t;
	int key;			/* < 0: literal */
};
struct format {
	char *text;
	enum format_kind kind;
	struct part *part;
	size_t n;
	bool used[N_KEYS];
};

static unsigned kind_flag(enum format_kind kind)
{
	return kind == FORMAT_FILE ? KEY_FILE : KEY_ARCHIVE;
}

static int find_key(const struct format *f, const char *name, struct err *e)
{
	struct suggest s = SUGGEST_INIT(name);
	size_t i;

	for (i = 0; i < N_KEYS; i++) {
		if (!(keys[i].flags & kind_flag(f->kind)))
			continue;
		if (!strcmp(keys[i].name, name))
			return (int)i;
		suggest_add(&s, keys[i].name);
	}
	if (suggest_best(&s))
		return err_set(e, ERR_CONFIG, "unknown key '{%s}' in the "
			       "format '%s': did you mean '{%s}'?", name,
			       f->text, suggest_best(&s));
	return err_set(e, ERR_CONFIG, "unknown key '{%s}' in the format '%s': "
		       "'muniment help list' lists those there are", name,
		       f->text);
}

static int add_part(struct format *f, const struct template_part *t,
		    struct err *e)
{
	struct part *p = mem_resize(f->part, f->n + 1, sizeof(*p));
	int key;

	if (!p)
		return err_nomem(e);
	f->part = p;
	p[f->n].t = *t;
	p[f->n].key = -1;
	if (!t->text) {
		if ((key = find_key(f, t->key, e)) < 0)
			return key;
		p[f->n].key = key;
		f->used[key] = true;
	}
	f->n++;
	return 0;
}

int format_new(struct format **out, const char *text, enum format_kind kind,
	       struct err *e)
{
	struct template_part part;
	struct format *f;
	struct template t;
	int rc;

	*out = NULL;
	f = mem_zero(1, sizeof(*f));
	if (!f || !(f->text = mem_str(text))) {
		format_free(f);
		return err_nomem(e);
	}
	f->kind = kind;
	template_init(&t, f->text);
	while ((rc = template_next(&t, &part, e)) > 0)
		if ((rc = add_part(f, &part, e)) < 0)
			break;
	if (rc < 0)
		format_free(f);
	else
		*out = f;
	return rc;
}

void format_free(struct format *f)
{
	if (!f)
		return;
	free(f->part);
	free(f->text);
	free(f);
}

bool format_wants_links(const struct format *f)
{
	size_t i;

	for (i = 0; i < N_KEYS; i++)
		if (f->used[i] && (keys[i].flags & KEY_LINKS))
			return true;
	return false;
}

const char *format_owner(const struct record_name *names, uint32_t n,
			 uint32_t id, char num[16])
{
	uint32_t i;

	for (i = 0; i < n; i++)
		if (names[i].id == id && names[i].name && *names[i].name)
			return names[i].name;
	snprintf(num, 16, "%u", id);
	return num;
}

/* Words with shell quotes, as one text. */
static int join(struct buf *out, const struct strv *list, struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < list->n; i++) {
		if (i > 0)
			rc = buf_append(out, " ", 1, e);
		if (rc == 0)
			rc = shlex_quote(out, list->v[i], e);
	}
	return rc;
}

static int put_value(const struct part *p, const struct format_item *it,
		     struct value *v, struct buf *out, struct err *e)
{
	struct buf b = BUF_INIT;
	int rc = 0;

	if (v->type == VALUE_NUMBER)
		return template_put_number(out, &p->t, v->n, e);
	if (v->type == VALUE_TIME)
		return times_format(out, v->n, p->t.spec[0] ? p->t.spec :
				    "%a, %Y-%m-%d %H:%M:%S", TIMES_LOCAL, e);
	if (v->type == VALUE_LIST) {
		rc = join(&b, v->list, e);
	} else {
		if ((keys[p->key].flags & KEY_EXTRA) && v->len > 0)
			rc = buf_printf(&b, e, "%s", it->hard_link ?
					" link to " : " -> ");
		if (rc == 0)
			rc = v->raw ? buf_append(&b, v->s, v->len, e) :
				clean_text(&b, v->s, v->len, CLEAN_STDOUT, e);
	}
	if (rc == 0)
		rc = template_put_text(out, &p->t, b.p ? (char *)b.p : "",
				       b.len, e);
	buf_release(&b);
	return rc;
}

int format_put(const struct format *f, const struct format_item *it,
	       struct buf *out, struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < f->n; i++) {
		const struct part *p = &f->part[i];
		struct value v;

		if (p->key < 0) {
			rc = buf_append(out, p->t.text, p->t.len, e);
		} else if (!keys[p->key].get) {
			/* NUL is a text of one byte, too. */
			rc = template_put_text(out, &p->t, keys[p->key].help,
					       1, e);
		} else {
			v.raw = false;
			rc = keys[p->key].get(it, &v, e);
			if (rc == 0)
				rc = put_value(p, it, &v, out, e);
		}
	}
	return rc;
}

static json_t *value_json(const struct value *v)
{
	switch (v->type) {
	case VALUE_NUMBER: return json_integer(v->n);
	case VALUE_TIME: return json_time(v->n);
	case VALUE_LIST: return json_strv(v->list);
	case VALUE_TEXT: break;
	}
	return json_text_n(v->s, v->len);
}

int format_json(const struct format *f, const struct format_item *it,
		json_t **out, struct err *e)
{
	json_t *obj = json_object();
	size_t i;
	int rc = 0;

	for (i = 0; obj && rc == 0 && i < N_KEYS; i++) {
		struct value v;

		if (!(keys[i].flags & kind_flag(f->kind)) || !keys[i].get ||
		    (keys[i].flags & KEY_TEXT_ONLY) ||
		    !(f->used[i] || (keys[i].flags & KEY_ALWAYS)))
			continue;
		v.raw = false;
		rc = keys[i].get(it, &v, e);
		if (rc == 0 && json_object_set_new(obj, keys[i].name,
						   value_json(&v)) < 0)
			rc = err_nomem(e);
	}
	if (obj && rc == 0 && f->kind == FORMAT_FILE &&
	    json_object_set_new(obj, "healthy",
				json_boolean(is_whole(it))) < 0)
		rc = err_nomem(e);
	if (!obj)
		rc = err_nomem(e);
	if (rc < 0) {
		json_decref(obj);
		obj = NULL;
	}
	*out = obj;
	return rc;
}

int format_help(struct buf *out, enum format_kind kind, struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < N_KEYS; i++)
		if (keys[i].get && (keys[i].flags & kind_flag(kind)))
			rc = buf_printf(out, e, "  {%s}%*s%s\n", keys[i].name,
					(int)(16 - strlen(keys[i].name)), "",
					keys[i].help);
	return rc;
}
