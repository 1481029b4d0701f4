/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/drill.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/forget.h"
#include "tools/talk.h"

#define PART (256u << 10)

struct drill {
	struct app *a;
	struct task *t;
	struct drill_result *res;
	char *dir;		/* the private folder */
	struct buf part, live;
	struct err *e;
};

static void bad(struct drill *d, const char *path, const char *why)
{
	d->res->bad++;
	app_warn(d->a, "drill: '%s': %s", path, why);
}

/* Exactly len bytes: true. */
static bool read_at(int fd, struct buf *b, uint64_t off, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = pread(fd, b->p + done, len - done, (off_t)(off + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

/* --- against the ids in the archive --- */

struct against {
	struct drill *d;
	int fd;
	bool same;
};

static bool all_zero(const uint8_t *p, size_t len)
{
	return len == 0 || (p[0] == 0 && !memcmp(p, p + 1, len - 1));
}

/* A raw piece by its id; holes by zeroes.  What was stored in another form has
 * been made of its object, whose id is compared whenever one is read. */
static int piece_cb(const struct piece *p, uint64_t off, void *ctx)
{
	struct against *k = ctx;
	struct drill *d = k->d;
	uint64_t at;
	struct oid id;
	int rc;

	if (p->transform == PIECE_HOLE) {
		for (at = 0; k->same && at < p->len; at += PART) {
			size_t len = p->len - at < PART ?
				(size_t)(p->len - at) : PART;

			k->same = read_at(k->fd, &d->part, off + at, len) &&
				all_zero(d->part.p, len);
		}
		return 0;
	}
	if (p->transform != PIECE_RAW || oid_is_zero(&p->id))
		return 0;
	if ((rc = buf_resize(&d->part, (size_t)p->len > PART ?
			     (size_t)p->len : PART, d->e)) < 0)
		return rc;
	if (!read_at(k->fd, &d->part, off, (size_t)p->len)) {
		k->same = false;
		return 0;
	}
	object_id(&id, repo_id_key(d->t->r, OBJ_DATA), d->part.p,
		  (size_t)p->len);
	k->same = k->same && oid_eq(&id, &p->id);
	return 0;
}

static int same_ids(struct drill *d, int fd, const struct entry *en,
		    bool *same)
{
	struct against k = { d, fd, true };
	struct stat st;
	int rc;

	*same = false;
	if (fstat(fd, &st) < 0 || (uint64_t)st.st_size != en->size)
		return 0;
	rc = file_each(d->t->rd, &en->content, en->size, piece_cb, &k, d->e);
	if (rc == 0 && en->content.kind == CONTENT_INLINE)
		k.same = read_at(fd, &d->part, 0, en->content.data_len) &&
			!memcmp(d->part.p, en->content.data,
				en->content.data_len);
	*same = k.same;
	return rc;
}

/* --- against the live source --- */

/* 1: the same bytes; 0: not; -1: it has changed, or is gone. */
static int same_live(struct drill *d, int fd, const char *path,
		     const struct entry *en)
{
	char *abs = mem_printf("/%s", path);
	struct stat st;
	uint64_t off;
	int live = abs ? open(abs, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
			      O_NONBLOCK | O_NOCTTY) : -1, rc = -1;

	free(abs);
	if (live >= 0 && fstat(live, &st) == 0 && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size == en->size &&
	    st.st_mtim.tv_sec == en->mtime.tv_sec &&
	    st.st_mtim.tv_nsec == en->mtime.tv_nsec)
		rc = 1;
	for (off = 0; rc == 1 && off < en->size; off += PART) {
		size_t len = en->size - off < PART ? (size_t)(en->size - off) :
			PART;

		if (!read_at(fd, &d->part, off, len) ||
		    !read_at(live, &d->live, off, len) ||
		    memcmp(d->part.p, d->live.p, len))
			rc = 0;
	}
	/* It may have changed under the comparison. */
	if (rc == 0 && (fstat(live, &st) < 0 ||
			st.st_mtim.tv_sec != en->mtime.tv_sec ||
			st.st_mtim.tv_nsec != en->mtime.tv_nsec))
		rc = -1;
	if (live >= 0)
		close(live);
	return rc;
}

/* --- dumps --- */

static const struct config_db *db_of(const struct app *a,
				     const struct db_found *f)
{
	static const struct config_db none;
	size_t i;

	for (i = 0; a->config && i < a->config->databases.n; i++) {
		const struct config_db *db = &a->config->databases.v[i];
		char *id = db_id(db);
		bool same = id && !strcmp(id, f->id) &&
			db_kind_of(db->kind) == f->kind;

		free(id);
		if (same)
			return db;
	}
	return &none;
}

static void look_at_dump(struct drill *d, int fd, const struct drill_file *f,
			 uint64_t size)
{
	struct db_seen seen = { .bytes = 0 };
	const char *lacks;
	uint64_t off;

	for (off = 0; off < size; off += PART) {
		size_t len = size - off < PART ? (size_t)(size - off) : PART;

		if (!read_at(fd, &d->part, off, len))
			break;
		db_seen_add(&seen, d->part.p, len);
	}
	lacks = f->dump->kind->judge ?
		f->dump->kind->judge(db_of(d->a, f->dump), &seen) : NULL;
	if (lacks)
		bad(d, f->path, lacks);
}

/* --- one file --- */

static void count(struct drill *d, const struct drill_file *f)
{
	struct drill_result *res = d->res;

	switch (f->kind) {
	case DRILL_MAIL:
		res->mails++;
		break;
	case DRILL_CONFIG:
		res->configs++;
		break;
	case DRILL_DUMP:
		res->dumps++;
		break;
	case DRILL_OTHER:
		res->files++;
		break;
	}
}

static int compare(struct drill *d, const struct drill_file *f,
		   const struct entry *en)
{
	char *path = mem_printf("%s/%s", d->dir, f->path);
	bool same = false;
	int fd, rc = 0, live = -1;

	if (!path)
		return err_nomem(d->e);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		bad(d, f->path, "it was not restored");
	else if ((rc = same_ids(d, fd, en, &same)) == 0 && !same)
		bad(d, f->path, "what was restored is not what is in the "
		    "archive");
	if (rc == 0 && same) {
		count(d, f);
		d->res->bytes += en->size;
		if (f->kind == DRILL_DUMP)
			look_at_dump(d, fd, f, en->size);
		else
			live = same_live(d, fd, f->path, en);
		d->res->live += live == 1;
		d->res->changed += f->kind != DRILL_DUMP && live < 0;
		if (f->kind != DRILL_DUMP && live == 0)
			bad(d, f->path, "the live file has another content, "
			    "though size and time are the same");
	}
	if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}

static int compare_all(struct drill *d, const struct drill_pick *p)
{
	struct tree_iter at = { .rd = NULL };
	const struct entry *en;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < p->n; i++) {
		if ((rc = cancel_check(d->a->cancel, d->e)) < 0)
			break;
		rc = tree_find(&at, d->t->rd, &d->t->it->rec.root,
			       p->v[i].path, &en, d->e);
		if (rc == 0)
			rc = compare(d, &p->v[i], en);
		tree_iter_release(&at);
		memset(&at, 0, sizeof(at));
	}
	return rc;
}

/* --- the whole --- */

static void on_warning(const char *path, const char *text, void *ctx)
{
	bad(ctx, path, text);
}

static int restore(struct drill *d, const struct drill_pick *p)
{
	struct pattern_set *set = pattern_new();
	struct extract_result res = { 0 };
	struct extract_opts eo = {
		.destination = d->dir, .patterns = set, .threads = 4,
		.flags = EXTRACT_NUMERIC_IDS | EXTRACT_NO_FLAGS,
		.cancel = d->a->cancel, .warning = on_warning, .ctx = d,
	};
	size_t i;
	int rc = set ? 0 : err_nomem(d->e);

	for (i = 0; rc == 0 && i < p->n; i++) {
		char *text = mem_printf("pf:%s", p->v[i].path);

		rc = text ? pattern_add_path(set, text, d->e) :
			err_nomem(d->e);
		free(text);
	}
	if (rc == 0)
		rc = extract_run(d->t->rd, &d->t->it->rec, &eo, &res, d->e);
	pattern_free(set);
	return rc;
}

static int make_dir(struct drill *d, const char *below)
{
	const char *tmp = getenv("TMPDIR");

	if (!below)
		below = tmp && *tmp ? tmp : "/tmp";
	d->dir = mem_printf("%s/muniment-drill-XXXXXX", below);
	if (!d->dir)
		return err_nomem(d->e);
	if (mkdtemp(d->dir))		/* 0700 */
		return 0;
	free(d->dir);
	d->dir = NULL;
	return err_errno(d->e, errno, "cannot make a folder in '%s'", below);
}

static int judge(const struct drill *d, const struct drill_pick *p, int rc)
{
	if (rc == ERR_CORRUPT && d->res->bad)
		return err_set(d->e, rc, "restore drill: %" PRIu64 " files of "
			       "'%s' could not be restored", d->res->bad,
			       d->t->it->rec.name);
	if (rc < 0)
		return rc;
	if (p->n == 0)
		return err_set(d->e, ERR_FAILED, "restore drill: there is "
			       "nothing to restore in '%s'",
			       d->t->it->rec.name);
	if (d->res->bad)
		return err_set(d->e, ERR_FAILED, "restore drill of '%s': %"
			       PRIu64 " things are wrong", d->t->it->rec.name,
			       d->res->bad);
	return 0;
}

int drill_run(struct app *a, struct task *t, const struct drill_opts *o,
	      struct drill_result *res, struct err *e)
{
	struct drill d = { .a = a, .t = t, .res = res, .e = e };
	struct drill_pick p = { .v = NULL };
	struct db_finds dumps = { .v = NULL };
	struct err why = { ERR_OK, "" };
	int rc;

	memset(res, 0, sizeof(*res));
	rc = db_find(&dumps, t->rd, &t->it->rec.root, a->config, e);
	if (rc == 0)
		rc = drill_pick_make(&p, t, o, &dumps, a->cancel, e);
	if (rc == 0)
		rc = buf_resize(&d.part, PART, e);
	if (rc == 0)
		rc = buf_resize(&d.live, PART, e);
	if (rc == 0 && p.n)
		rc = make_dir(&d, o->below);
	if (rc == 0 && p.n)
		rc = restore(&d, &p);
	res->domains = p.domains;
	res->configs_all = p.configs_all;
	if (rc == 0)
		rc = compare_all(&d, &p);
	rc = judge(&d, &p, rc);
	if (d.dir && forget_tree(d.dir, &why) < 0)
		app_warn(a, "what was restored is still there: %s", why.msg);
	free(d.dir);
	buf_release(&d.part);
	buf_release(&d.live);
	drill_pick_release(&p);
	db_find_release(&dumps);
	return rc;
}
