/* SPDX-License-Identifier: BSD-2-Clause */
/* Archives: every record and node read, every object they need listed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/scan.h"
#include "archive/tree.h"
#include "base/mem.h"
#include "format/mark.h"
#include "maint/check_priv.h"
#include "maint/pieces.h"
#include "repo/catalog.h"
#include "repo/gone.h"
#include "repo/pin.h"

#define CHECK_MARK_MAX_BYTES (1u << 20)

/* One archive. */
struct check_archive {
	struct check *c;
	struct reader *rd;
	const struct record *rec;
	bool asked, gone;	/* was it deleted meanwhile? */
	struct map *sound;	/* directories without findings, by id */
	uint64_t *before;	/* findings when each open one was entered */
	size_t depth, cap;
};

/* What is found of it: if it was deleted meanwhile, a collection may have taken
 * what it needs, and that is no damage. */
static void check_archive_say(struct check_archive *a, const char *path,
			      const char *text)
{
	if (!a->asked &&
	    catalog_gone(a->c->repo, &a->rec->session, &a->gone, NULL) < 0)
		a->gone = false;
	a->asked = true;
	if (!a->gone)
		check_say(a->c, CHECK_DAMAGE, NULL, a->rec->name, path, "%s",
			text);
}

/* The bytes of a file that cannot be read. */
struct check_pieces {
	struct check_archive *a;
	struct ranges lost;
};

static int check_piece_cb(const struct piece *p, uint64_t off, bool lost,
			  void *ctx)
{
	struct check_pieces *k = ctx;
	int rc = 1;

	if (lost)
		rc = 0;
	else if (p->transform != PIECE_HOLE)
		rc = sound_object(&k->a->c->sound, OBJ_DATA, &p->id,
			k->a->c->e);
	if (rc == 0)
		pieces_lost_add(&k->lost, off, p->len);
	return rc < 0 ? rc : 0;
}

static int check_file(struct check_archive *a, const struct scan_item *it)
{
	const struct entry *en = it->entry;
	struct check_pieces k = { a, { .n = 0 } };
	char text[512];
	int rc = 1;

	a->c->res->files++;
	if (!oid_is_zero(&en->xattrs_id))
		rc = sound_object(&a->c->sound, OBJ_DATA, &en->xattrs_id,
			a->c->e);
	if (rc == 0)
		check_archive_say(a, it->path,
			"its extended attributes are lost");
	if (rc < 0 || !S_ISREG(en->mode))
		return rc < 0 ? rc : 0;
	rc = pieces_each(a->rd, &en->content, en->size, check_piece_cb, &k,
		a->c->e);
	if (rc < 0)
		return rc;
	if (k.lost.n) {
		pieces_lost_text(&k.lost, en->size, text, sizeof(text));
		check_archive_say(a, it->path, text);
	}
	return 0;
}

static int check_enter(struct check_archive *a, const struct entry *en)
{
	if (en->dir.kind == DIR_ROOT && map_get(a->sound, en->dir.id.b))
		return 1;
	if (a->depth == a->cap) {
		size_t cap = a->cap ? a->cap * 2 : 64;
		uint64_t *p = mem_resize(a->before, cap, sizeof(*p));

		if (!p)
			return err_nomem(a->c->e);
		a->before = p;
		a->cap = cap;
	}
	a->before[a->depth++] = a->c->res->damage;
	return 0;
}

static int check_leave(struct check_archive *a, const struct entry *en)
{
	uint64_t *value;
	bool was;

	if (a->c->res->damage != a->before[--a->depth] ||
	    en->dir.kind != DIR_ROOT)
		return 0;
	return map_put(a->sound, en->dir.id.b, &value, &was, a->c->e);
}

static int check_item(const struct scan_item *it, void *ctx)
{
	struct check_archive *a = ctx;

	if (!S_ISDIR(it->entry->mode))
		return check_file(a, it);
	return it->leave ? check_leave(a, it->entry) :
		check_enter(a, it->entry);
}

static void check_damaged_dir(const char *path, const struct err *why,
			      void *ctx)
{
	struct check_archive *a = ctx;

	check_archive_say(a, *path ? path : "/", why->msg);
}

static int check_tree(struct check *c, struct reader *rd, struct map *sound,
		      const struct record *rec)
{
	struct check_archive a = { .c = c, .rd = rd, .rec = rec,
				   .sound = sound };
	struct scan_opts so = {
		.flags = SCAN_LEAVE | SCAN_IMPLICIT, .cancel = c->o->cancel,
		.item = check_item, .damaged = check_damaged_dir, .ctx = &a,
	};
	int rc = scan_run(rd, &rec->root, &so, c->e);

	free(a.before);
	return rc;
}

/* The record as it is in the store, not as the local cache has it. */
static int check_record(struct check *c, const struct catalog_item *it)
{
	struct catalog_item now = { 0 };
	struct err why = { ERR_OK, "" };
	char hex[SID_HEX_BYTES], file[SID_HEX_BYTES + 16];
	bool gone;
	int rc;

	rc = catalog_read(c->repo, &it->rec.session, &now, &why);
	if (rc == 0 && !oid_eq(&now.id, &it->id))
		rc = err_set(&why, ERR_CORRUPT,
			"the record was replaced by another");
	record_release(&now.rec);
	if (rc == ERR_NOMEM)
		return err_nomem(c->e);
	if (rc == ERR_NOENT && catalog_gone(c->repo, &it->rec.session, &gone,
			NULL) == 0 && gone)
		return 0;
	if (rc < 0) {
		snprintf(file, sizeof(file), "archives/%s",
			sid_hex(&it->rec.session, hex));
		check_say(c, CHECK_DAMAGE, file, it->rec.name, NULL, "%s",
			why.msg);
	}
	return 0;
}

static void check_bad_records(struct check *c, const struct catalog *cat)
{
	char hex[SID_HEX_BYTES], file[SID_HEX_BYTES + 16];
	size_t i;

	for (i = 0; i < cat->n_bad; i++) {
		snprintf(file, sizeof(file), "archives/%s",
			sid_hex(&cat->bad[i]->rec.session, hex));
		check_say(c, CHECK_DAMAGE, file, NULL, NULL, "%s",
			cat->bad[i]->bad.msg);
	}
}

/* --- the chain: no record went away without a tombstone --- */

static const struct catalog_item *check_by_id(const struct catalog *all,
					      const struct oid *id)
{
	size_t i;

	for (i = 0; i < all->n; i++)
		if (oid_eq(&all->item[i]->id, id))
			return all->item[i];
	return NULL;
}

static int check_chain(struct check *c, const struct catalog *all,
		       const struct pin *pin)
{
	struct map gone = MAP_INIT;
	char hex[OID_HEX_BYTES];
	size_t i;
	int rc;

	if ((rc = gone_load(&gone, c->repo, c->e)) < 0)
		goto out;
	for (i = 0; i < all->n; i++) {
		const struct record *r = &all->item[i]->rec;

		if (!oid_is_zero(&r->prev) && !check_by_id(all, &r->prev) &&
		    !map_get(&gone, r->prev.b))
			check_say(c, CHECK_DAMAGE, NULL, r->name, NULL,
				"the archive before it on that machine, with "
				"the id %.16s, is gone without having been "
				"deleted", oid_hex(&r->prev, hex));
	}
	if (pin->seq && !check_by_id(all, &pin->record) &&
	    !map_get(&gone, pin->record.b))
		check_say(c, CHECK_DAMAGE, NULL, NULL, NULL, "the newest "
			"archive of this machine, with the id %.16s, is gone "
			"without having been deleted: was an older copy of "
			"the repository put in its place?",
			oid_hex(&pin->record, hex));
out:
	map_release(&gone);
	return rc;
}

static int check_tombstone_cb(const char *name, uint64_t size, void *ctx)
{
	struct check *c = ctx;
	struct mark_tombstone t = { 0 };
	struct err why = { ERR_OK, "" };
	struct buf b = BUF_INIT;
	char file[STORE_NAME_MAX + 16];
	struct sid sid;
	int rc = 0;

	(void)size;
	snprintf(file, sizeof(file), "tombstones/%s", name);
	if (!sid_parse(&sid, name)) {
		check_say(c, CHECK_NOTE, file, NULL, NULL,
			"is no tombstone: ignored");
		return 0;
	}
	rc = store_get_all(repo_store(c->repo), STORE_TOMBSTONES, name,
		CHECK_MARK_MAX_BYTES, &b, &why);
	if (rc == 0)
		rc = mark_get_tombstone(&t, repo_ctx(c->repo), &sid, b.p,
			b.len, &why);
	if (rc < 0 && rc != ERR_NOENT)
		check_say(c, CHECK_DAMAGE, file, NULL, NULL, "%s", why.msg);
	mark_tombstone_release(&t);
	buf_release(&b);
	return 0;
}

/* An archive that this machine deleted must not come back. */
static void check_undead(struct check *c, const struct catalog *all,
			 const struct strv *gone)
{
	char hex[SID_HEX_BYTES];
	size_t i, k;

	for (i = 0; i < all->n; i++) {
		const struct record *r = &all->item[i]->rec;

		if (all->item[i]->deleted)
			continue;
		sid_hex(&r->session, hex);
		for (k = 0; k < gone->n; k++)
			if (strcmp(gone->v[k], hex) == 0)
				check_say(c, CHECK_DAMAGE, NULL, r->name, NULL,
					"was deleted by this machine and is "
					"back: its tombstone is gone");
	}
}

/* Records and tombstones as a whole.  What this machine knows is taken first:
 * backups and deletions beside this add to it after they have added to the
 * store. */
static int check_log(struct check *c)
{
	struct strv gone = STRV_INIT;
	struct catalog *all = NULL;
	struct pin pin;
	int rc;

	pin_load(&pin, c->repo);
	if ((rc = pin_deleted(c->repo, &gone, c->e)) < 0 ||
	    (rc = catalog_load_all(&all, c->repo, c->e)) < 0)
		goto out;
	check_bad_records(c, all);	/* also of those that are deleted */
	check_undead(c, all, &gone);
	rc = check_chain(c, all, &pin);
out:
	strv_release(&gone);
	catalog_free(all);
	if (rc < 0)
		return rc;
	return store_list(repo_store(c->repo), STORE_TOMBSTONES,
		check_tombstone_cb, c, c->e);
}

/* Those that were asked for. */
static int check_choose(struct check *c, const struct catalog *cat,
			struct choice *ch)
{
	static const struct choice_opts all = { .partial = true };
	const struct catalog_item *only;
	int rc;

	rc = choice_run(ch, cat, c->o->choice && !c->o->archive ?
			c->o->choice : &all, c->e);
	if (rc < 0 || !c->o->archive)
		return rc;
	rc = catalog_find(cat, c->o->archive, &only, c->e);
	if (rc < 0)
		return rc;
	ch->item[0] = only;
	ch->n = 1;
	return 0;
}

int check_archives(struct check *c)
{
	struct map sound = MAP_INIT;
	struct catalog *cat = NULL;
	struct choice ch = { 0 };
	size_t i;
	int rc;

	if ((rc = catalog_load(&cat, c->repo, c->e)) < 0 ||
	    (rc = check_choose(c, cat, &ch)) < 0)
		goto out;
	if (c->o->flags & CHECK_NAMES && !c->o->archive &&
	    !(c->o->choice && choice_given(c->o->choice))) {
		if ((rc = check_log(c)) < 0)
			goto out;
	}
	c->done = 0;
	c->total = ch.n;
	for (i = 0; rc == 0 && i < ch.n; i++) {
		rc = check_record(c, ch.item[i]);
		if (rc == 0 && c->o->flags & CHECK_TREES)
			rc = check_tree(c, c->sound.rd, &sound,
				&ch.item[i]->rec);
		if (rc == 0)
			rc = cancel_check(c->o->cancel, c->e);
		c->res->archives++;
		c->done++;
		check_tick(c, "archives");
	}
out:
	choice_release(&ch);
	catalog_free(cat);
	map_release(&sound);
	return rc;
}
