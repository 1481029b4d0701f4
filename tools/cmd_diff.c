/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/clean.h"
#include "tools/format.h"
#include "tools/human.h"
#include "tools/json.h"
#include "tools/rules.h"
#include "tools/task.h"
#include "tools/times.h"

struct diff_args {
	const char *archive, *second;
	bool content_only, numeric, json_lines, sort;
	struct rules_args rules;
};
#define AT(member) offsetof(struct diff_args, member)
static const struct opt_row rows[] = {
	{ OPT_BOOL, 0, "content-only", AT(content_only), NULL,
	  "only what differs in content", 0, NULL },
	{ OPT_BOOL, 0, "numeric-ids|numeric-owner", AT(numeric), NULL,
	  "owners by number, not by name", 0, NULL },
	{ OPT_BOOL, 0, "json-lines", AT(json_lines), NULL,
	  "one JSON object a line", 0, NULL },
	{ OPT_BOOL, 0, "sort", AT(sort), NULL, "sort the lines by path", 0,
	  NULL },
	{ OPT_STR, 0, "second-archive", AT(second), "NAME",
	  "the archive to compare with, instead of an operand", 0, NULL },
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" },
	{ repoarg_rows, AT(archive), "The archive" },
	{ rules_rows, AT(rules), "Which files" },
	{ 0 }
};

struct row {
	char *path, *line;
};

struct differ {
	struct app *a;
	const struct diff_args *o;
	const struct record *rec_a, *rec_b;
	struct row *row;	/* with --sort */
	size_t n_rows;
	struct err *e;
};

/* One file's changes, as words and as JSON. */
struct change {
	struct buf text;
	json_t *list;
	bool bad;
};

static void __attribute__((format(printf, 3, 4)))
add(struct change *c, json_t *v, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (json_array_append_new(c->list, v) < 0 ||
	    (c->text.len && buf_append(&c->text, " ", 1, NULL) < 0) ||
	    buf_append(&c->text, text, strlen(text), NULL) < 0)
		c->bad = true;
}

static const char *kind_of(const struct entry *en)
{
	switch (en->mode & S_IFMT) {
	case S_IFDIR: return "directory";
	case S_IFLNK: return "link";
	case S_IFBLK: return "blkdev";
	case S_IFCHR: return "chrdev";
	case S_IFIFO: return "fifo";
	case S_IFSOCK: return "socket";
	default: return NULL;
	}
}

static char *size_of(const struct app *a, char *out, uint64_t bytes,
		     unsigned flags)
{
	int64_t n = bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;

	return human_size(out, n, flags | (a->o.iec ? HUMAN_IEC : 0));
}

/* The whole thing has come or gone. */
static void add_whole(struct change *c, const struct app *a, const char *verb,
		      const struct entry *en)
{
	const char *kind = kind_of(en);
	char size[HUMAN_BYTES], type[64];

	if (kind) {
		snprintf(type, sizeof(type), "%s %s", verb, kind);
		add(c, json_pack("{s:s}", "type", type), "%s", type);
		return;
	}
	size_of(a, size, en->size, 0);
	add(c, json_pack("{s:s, s:o}", "type", verb, "size",
			 json_int(en->size)), "%s %*s", verb,
	    19 - (int)strlen(verb) - 1, size);
}

static void add_content(struct change *c, const struct app *a,
			const struct diff_item *it)
{
	char plus[HUMAN_BYTES], minus[HUMAN_BYTES];
	uint64_t gone = it->removed_bytes;

	size_of(a, plus, it->added_bytes, HUMAN_SIGN | HUMAN_SHORT);
	human_size(minus, gone > INT64_MAX ? -INT64_MAX : -(int64_t)gone,
		   HUMAN_SHORT | (a->o.iec ? HUMAN_IEC : 0));
	add(c, json_pack("{s:s, s:o, s:o}", "type", "modified", "added",
			 json_int(it->added_bytes), "removed",
			 json_int(gone)), "%9s %9s", plus, minus);
}

static void add_owner(struct change *c, const struct differ *d,
		      const struct diff_item *it)
{
	const struct record *ra = d->rec_a, *rb = d->rec_b;
	uint32_t named = d->o->numeric ? 0 : UINT32_MAX;
	char n[4][16];
	const char *ou, *og, *nu, *ng;

	ou = format_owner(ra->users, ra->n_users & named, it->a->uid, n[0]);
	og = format_owner(ra->groups, ra->n_groups & named, it->a->gid, n[1]);
	nu = format_owner(rb->users, rb->n_users & named, it->b->uid, n[2]);
	ng = format_owner(rb->groups, rb->n_groups & named, it->b->gid, n[3]);
	add(c, json_pack("{s:s, s:o, s:o, s:o, s:o}", "type", "owner",
			 "old_user", json_text(ou), "old_group", json_text(og),
			 "new_user", json_text(nu), "new_group",
			 json_text(ng)), "[%s:%s -> %s:%s]", ou, og, nu, ng);
}

static void add_time(struct change *c, const char *name,
		     const struct timespec *a, const struct timespec *b)
{
	int64_t ta = (int64_t)a->tv_sec * 1000000000 + a->tv_nsec;
	int64_t tb = (int64_t)b->tv_sec * 1000000000 + b->tv_nsec;
	char was[TIMES_BYTES], is[TIMES_BYTES], key[2][16];

	snprintf(key[0], sizeof(key[0]), "new_%s", name);
	snprintf(key[1], sizeof(key[1]), "old_%s", name);
	add(c, json_pack("{s:o, s:o, s:s}", key[0], json_time(tb), key[1],
			 json_time(ta), "type", name), "[%s: %s -> %s]", name,
	    times_human(was, ta), times_human(is, tb));
}

static void add_changes(struct change *c, const struct differ *d,
			const struct diff_item *it)
{
	char was[HUMAN_BYTES], is[HUMAN_BYTES];

	if (it->changes & DIFF_LINK)
		add(c, json_pack("{s:s}", "type", "changed link"),
		    "changed link");
	if (it->changes & DIFF_CONTENT)
		add_content(c, d->a, it);
	if (it->changes & (DIFF_MODE | DIFF_TYPE)) {
		human_mode(was, it->a->mode);
		human_mode(is, it->b->mode);
		add(c, json_pack("{s:s, s:s, s:s}", "new_mode", is, "old_mode",
				 was, "type", "mode"), "[%s -> %s]", was, is);
	}
	if (it->changes & DIFF_OWNER)
		add_owner(c, d, it);
	if (it->changes & DIFF_XATTR)
		add(c, json_pack("{s:s}", "type", "xattrs"), "[xattrs]");
	if (it->changes & DIFF_CTIME)
		add_time(c, "ctime", &it->a->ctime, &it->b->ctime);
	if (it->changes & DIFF_MTIME)
		add_time(c, "mtime", &it->a->mtime, &it->b->mtime);
}

static char *make_line(struct differ *d, struct change *c, const char *path)
{
	struct buf clean = BUF_INIT;
	char *line = NULL;
	json_t *v;

	if (buf_append(&c->text, "", 1, NULL) < 0)
		return NULL;
	if (!d->o->json_lines) {
		if (clean_text(&clean, path, strlen(path), CLEAN_STDOUT,
			       NULL) == 0 &&
		    buf_cstr(&clean, NULL) == 0)
			line = mem_printf("%-19s %s", (char *)c->text.p,
					  (char *)clean.p);
		buf_release(&clean);
		return line;
	}
	v = json_pack("{s:O, s:o}", "changes", c->list, "path",
		      json_text(path));
	line = v ? json_dumps(v, JSON_SORT_KEYS) : NULL;
	json_decref(v);
	return line;
}

/* Owns 'line'. */
static int keep(struct differ *d, const char *path, char *line)
{
	char *copy = mem_str(path);
	struct row *row = NULL;

	/* Room for 2, 4, 8 ... rows. */
	if (copy && (d->n_rows & (d->n_rows + 1)) == 0)
		row = mem_resize(d->row, (d->n_rows + 1) * 2, sizeof(*row));
	else if (copy)
		row = d->row;
	if (!row) {
		free(copy);
		free(line);
		return err_nomem(d->e);
	}
	d->row = row;
	row[d->n_rows++] = (struct row){ copy, line };
	return 0;
}

static int row_cmp(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->path,
		      ((const struct row *)b)->path);
}

static int on_item(const struct diff_item *it, void *ctx)
{
	struct differ *d = ctx;
	struct change c = { .text = BUF_INIT, .list = json_array() };
	char *line = NULL;
	int rc = 0;

	c.bad = !c.list;
	if (!c.bad && !it->a)
		add_whole(&c, d->a, "added", it->b);
	else if (!c.bad && !it->b)
		add_whole(&c, d->a, "removed", it->a);
	else if (!c.bad)
		add_changes(&c, d, it);
	if (!c.bad && c.text.len == 0)
		goto out;
	line = c.bad ? NULL : make_line(d, &c, it->path);
	if (!line) {
		rc = err_nomem(d->e);
	} else if (d->o->sort) {
		rc = keep(d, it->path, line);
		line = NULL;
	} else {
		puts(line);
	}
out:
	free(line);
	json_decref(c.list);
	buf_release(&c.text);
	return rc;
}

static int compare(struct app *a, struct task *t, const char *second,
		   const struct diff_args *o, struct pattern_set *set,
		   struct err *e)
{
	struct differ d = { .a = a, .o = o, .rec_a = &t->it->rec, .e = e };
	struct diff_opts opts = {
		.patterns = set, .numeric_ids = o->numeric,
		.content_only = o->content_only, .cancel = a->cancel,
		.item = on_item, .ctx = &d
	};
	const struct catalog_item *it;
	size_t i;
	int rc;

	if ((rc = task_find(t, a, second, &it, e)) < 0 ||
	    (rc = task_reader(t, e)) < 0)
		return rc;
	d.rec_b = &it->rec;
	rc = diff_run(t->rd, d.rec_a, d.rec_b, &opts, e);
	if (d.n_rows > 1)
		qsort(d.row, d.n_rows, sizeof(*d.row), row_cmp);
	for (i = 0; i < d.n_rows; i++) {
		if (rc == 0)
			puts(d.row[i].line);
		free(d.row[i].path);
		free(d.row[i].line);
	}
	free(d.row);
	return rc;
}

static int run(struct app *a, struct call *c, struct err *e)
{
	struct diff_args *o = c->args;
	struct pattern_set *set = NULL;
	struct task t = { 0 };
	const char *second;
	int rc;

	rc = repoarg_take(&t.ra, a, c, o->archive, REPOARG_ARCHIVE,
			  o->second ? 0 : 1, e);
	second = o->second ? o->second : rc == 0 ? call_word(c) : NULL;
	if (rc == 0 && !second)
		rc = err_set(e, ERR_CONFIG, "the second archive is missing: "
			     "muniment diff REPO::ARCHIVE ARCHIVE2 [PATH...]");
	if (rc == 0)
		rc = rules_build(&set, &o->rules, &c->words, c->at, e);
	if (rc == 0)
		rc = task_open_repo(&t, a, e);
	if (rc == 0)
		rc = task_load(&t, a, e);
	if (rc == 0)
		rc = task_find(&t, a, t.ra.archive, &t.it, e);
	if (rc == 0)
		rc = compare(a, &t, second, o, set, e);
	if (rc == 0)
		rc = rules_unmatched(a, set, e);
	pattern_free(set);
	task_close(&t);
	return rc;
}

const struct cmd cmd_diff = {
	.name = "diff",
	.synopsis = "REPO::ARCHIVE ARCHIVE2 [PATH...]",
	.brief = "compare two archives",
	.text =
	"Shows what ARCHIVE2 has that ARCHIVE has not, the other way round,\n"
	"and what has changed.\n"
	"\n"
	"  muniment diff /backup/mail::monday tuesday vmail/example.org/anna\n",
	.groups = groups,
	.args_bytes = sizeof(struct diff_args),
	.want = REPOARG_ARCHIVE,
	.keep = 1,
	.instead = "second-archive",
	.run = run
};
