/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Archives that are not whole are made again: what a backup of now may rely
 * upon is taken as it is, the rest is read, wherever it can be read, and
 * stored again; the same bytes give the same ids, so an archive of which
 * nothing is lost is whole after that.  Of the others one is put beside the
 * original.  COMMIT POINT: session_commit's.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/scan.h"
#include "base/mem.h"
#include "maint/repair_tree_priv.h"

#define TREE_CACHE_BYTES (16u << 20)
#define TREE_WARNINGS_MAX 100
#define TREE_SUFFIX ".repaired"

/* --- what is lost, in words --- */

int repair_tell(struct repair_tree *t, const char *path, const char *text)
{
	char line[600];

	t->holes++;
	check_say(&t->x->k, CHECK_DAMAGE, NULL, t->from->name, path, "%s",
		text);
	if (t->warnings.n >= TREE_WARNINGS_MAX - 1)
		return 0;
	snprintf(line, sizeof(line), "%s: %s", path, text);
	return strv_add(&t->warnings, line, t->x->e);
}

static void tree_damaged(const char *path, const struct err *why, void *ctx)
{
	struct repair_tree *t = ctx;

	(void)why;
	t->dirs++;
	if (repair_tell(t, *path ? path : "/",
			"a part of its listing is lost") < 0)
		t->nomem = true;
}

/* --- one archive --- */

static int tree_add_dir(struct repair_tree *t, const struct scan_item *it,
			const struct dir_ref *dir)
{
	struct entry en = *it->entry;
	int rc;

	if (dir)
		en.dir = *dir;
	rc = repair_xattrs(t, it->path, &en);
	return rc < 0 ? rc : build_add(t->b, &en, t->x->e);
}

static int tree_dir(struct repair_tree *t, const struct scan_item *it)
{
	const struct dir_ref *d = &it->entry->dir;
	struct dir_ref made;
	int rc;

	if (it->leave) {
		rc = build_leave(t->b, &made, t->x->e);
		return rc < 0 ? rc : tree_add_dir(t, it, &made);
	}
	if (d->kind == DIR_EMPTY ||
	    (d->kind == DIR_ROOT && session_has(t->s, &d->id))) {
		rc = tree_add_dir(t, it, NULL);
		return rc < 0 ? rc : 1;
	}
	return build_enter(t->b, t->x->e);
}

/* Long work: heartbeats, and what was stored becomes durable. */
static int tree_tick(struct repair_tree *t)
{
	int rc = session_tick(t->s, t->x->e);

	if (rc == 0 && session_flush_due(t->s))
		rc = session_flush(t->s, t->x->e);
	return rc;
}

static int tree_item(const struct scan_item *it, void *ctx)
{
	struct repair_tree *t = ctx;
	struct entry en;
	int rc;

	if (t->nomem)
		return err_nomem(t->x->e);
	if ((rc = tree_tick(t)) < 0)
		return rc;
	if (S_ISDIR(it->entry->mode))
		return tree_dir(t, it);
	en = *it->entry;
	if ((rc = repair_xattrs(t, it->path, &en)) < 0 ||
	    (rc = repair_file(t, it->path, &en)) < 0)
		return rc;
	return build_add(t->b, &en, t->x->e);
}

static int tree_build(struct repair_tree *t, struct dir_ref *root)
{
	const struct scan_opts so = {
		.flags = SCAN_LEAVE | SCAN_IMPLICIT,
		.cancel = t->x->o->cancel, .item = tree_item,
		.damaged = tree_damaged, .ctx = t,
	};
	int rc;

	t->b = build_new(t->s, repo_tree_key(t->x->r));
	if (!t->b)
		return err_nomem(t->x->e);
	rc = build_enter(t->b, t->x->e);
	if (rc == 0)
		rc = scan_run(t->rd, &t->from->root, &so, t->x->e);
	if (rc == 0 && t->nomem)
		rc = err_nomem(t->x->e);
	if (rc == 0)
		rc = build_leave(t->b, root, t->x->e);
	build_free(t->b);
	t->b = NULL;
	return rc;
}

/* --- its record --- */

static bool tree_named(const struct catalog *cat, const char *name)
{
	size_t i;

	for (i = 0; i < cat->n; i++)
		if (cat->item[i]->rec.name && !cat->item[i]->deleted &&
		    !strcmp(cat->item[i]->rec.name, name))
			return true;
	return false;
}

static char *tree_name(const struct repair_tree *t)
{
	const int room = RECORD_ARCHIVE_NAME - (int)sizeof(TREE_SUFFIX) - 4;
	unsigned n;
	char *name;

	/* Half of a character at the end would be no name. */
	int len = (int)strlen(t->from->name);

	if (len > room)
		for (len = room; len > 0 &&
		     ((uint8_t)t->from->name[len] & 0xc0) == 0x80; len--)
			;
	name = mem_printf("%.*s" TREE_SUFFIX, len, t->from->name);
	for (n = 2; name && tree_named(t->cat, name); n++) {
		free(name);
		name = mem_printf("%.*s" TREE_SUFFIX "-%u", len,
			t->from->name, n);
	}
	return name;
}

static int tree_words(struct repair_tree *t, struct record *r)
{
	char *comment;
	size_t i;
	int rc = 0;

	comment = mem_printf("%s%srepaired from '%.255s': parts of %" PRIu64
		" files or folders are lost", r->comment ? r->comment : "",
		r->comment && *r->comment ? "; " : "", t->from->name,
		t->holes);
	if (!comment)
		return err_nomem(t->x->e);
	free(r->comment);
	r->comment = comment;
	strv_release(&r->warnings);
	for (i = 0; rc == 0 && i < t->warnings.n; i++)
		rc = strv_add(&r->warnings, t->warnings.v[i], t->x->e);
	if (rc == 0 && t->holes > t->warnings.n)
		rc = strv_add(&r->warnings, "and more: 'muniment list --format "
			"{health}' has them all", t->x->e);
	return rc;
}

/* A nanosecond before the original, which has all that this one has: where
 * rules keep one archive of an hour or a day, it is that one. */
static int tree_commit(struct repair_tree *t, const struct dir_ref *root)
{
	struct repair *x = t->x;
	struct catalog_item copy = { .deleted = false };
	struct record *r = &copy.rec;
	struct oid id;
	int rc;

	rc = catalog_read(x->r, &t->from->session, &copy, x->e);
	if (rc == 0) {
		free(r->name);
		r->name = tree_name(t);
		rc = r->name ? tree_words(t, r) : err_nomem(x->e);
	}
	if (rc == 0) {
		free(r->seen);
		r->seen = NULL;
		r->n_seen = 0;
		memset(&r->prev, 0, sizeof(r->prev));
		r->root = *root;
		r->start_nsec--;
		r->stats.files = root->files;
		r->stats.bytes = root->bytes;
		rc = session_commit(t->s, r, &id, x->e);
	}
	if (rc == 0)
		check_say(&x->k, CHECK_NOTE, NULL, r->name, NULL, "has all of "
			"'%s' that can be read", t->from->name);
	record_release(r);
	return rc;
}

/* Was it made by an earlier repair? */
static bool tree_there(const struct catalog *cat, const struct dir_ref *root)
{
	size_t i;

	for (i = 0; i < cat->n; i++)
		if (!cat->item[i]->deleted &&
		    cat->item[i]->rec.root.kind == DIR_ROOT &&
		    oid_eq(&cat->item[i]->rec.root.id, &root->id))
			return true;
	return false;
}

static int tree_begin(struct repair_tree *t)
{
	static const struct session_opts opts = { .comp = COMP_SPEC_DEFAULT };

	return t->s ? 0 : session_begin(&t->s, t->x->r, &opts, t->x->e);
}

static int tree_archive(struct repair_tree *t, const struct record *rec)
{
	struct repair_result *res = t->x->res;
	struct dir_ref root;
	int rc;

	t->from = rec;
	t->holes = t->files = t->dirs = t->lost_bytes = 0;
	strv_release(&t->warnings);
	if ((rc = tree_begin(t)) < 0 || session_has(t->s, &rec->root.id) ||
	    (rc = tree_build(t, &root)) < 0 || t->holes == 0)
		return rc;
	res->archives_damaged++;
	res->files += t->files;
	res->dirs += t->dirs;
	res->lost_bytes += t->lost_bytes;
	if (root.kind != DIR_ROOT || tree_there(t->cat, &root))
		return 0;
	if ((rc = tree_commit(t, &root)) < 0)
		return rc;
	session_free(t->s);
	t->s = NULL;
	res->archives_repaired++;
	return 0;
}

int repair_archives(struct repair *x)
{
	struct repair_tree t = { .x = x };
	struct repair_result *res = x->res;
	size_t i;
	int rc;

	if (x->holed.count == 0)
		return 0;
	res->archives_damaged = res->files = res->dirs = 0;
	res->lost_bytes = 0;
	if ((rc = catalog_load(&t.cat, x->r, x->e)) < 0 ||
	    (rc = reader_open(&t.rd, x->r, TREE_CACHE_BYTES, x->e)) < 0)
		goto out;
	reader_past_local(t.rd);
	for (i = 0; rc == 0 && i < t.cat->n; i++) {
		x->k.done = i;
		x->k.total = t.cat->n;
		check_tick(&x->k, "archives");
		if (t.cat->item[i]->rec.root.kind == DIR_ROOT)
			rc = tree_archive(&t, &t.cat->item[i]->rec);
	}
	/* What was moved stays, also where no archive was made. */
	if (rc == 0 && t.s)
		rc = session_flush(t.s, x->e);
out:
	session_free(t.s);
	strv_release(&t.warnings);
	reader_close(t.rd);
	catalog_free(t.cat);
	return rc;
}
