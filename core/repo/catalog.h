/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_CATALOG_H
#define REPO_CATALOG_H

#include "base/err.h"
#include "base/map.h"
#include "format/record.h"

/*
 * The archives of a repository: records that are there, are no fences, and
 * have no tombstone, oldest first (by start time, then name).  Records are
 * immutable, so what was once read is kept in the local cache.
 */
struct repo;

struct catalog_item {
	struct record rec;
	struct oid id;
	bool deleted;		/* has a tombstone (catalog_load_all) */
	struct err bad;		/* code != 0: the record cannot be read; only
				 * rec.session is set */
};
struct catalog {
	struct catalog_item **item;
	size_t n;
	size_t names_at_load;	/* of archives/ without a tombstone */
	size_t n_bad;		/* damaged ones: in 'bad', not in 'item' */
	struct catalog_item **bad;
};
/* A record that was just put: it need not be read by the next run. */
void catalog_made(struct repo *r, const struct record *rec,
		  const struct oid *id);
/* Read one record from the store.  ERR_EXIST: it is a fence.  Also after a
 * failure, record_release(&it->rec). */
int catalog_read(struct repo *r, const struct sid *session,
		 struct catalog_item *it, struct err *e);

/* Was an archive that was there deleted meanwhile, or is its record gone?  If
 * not, nothing that it needs was removed before this was called. */
int catalog_gone(struct repo *r, const struct sid *session, bool *gone,
		 struct err *e);

/* A damaged record does not hide the others.  Of a repository that was opened
 * just now: as it was then. */
int catalog_load(struct catalog **out, struct repo *r, struct err *e);
/* As it is now, and with deleted archives, too, as long as their records are
 * there. */
int catalog_load_all(struct catalog **out, struct repo *r, struct err *e);
void catalog_free(struct catalog *c);

/* Which of them have lost their records since?  Their sessions go into 'lost'.
 * Who deletes an archive because another is there asks first: a listing that
 * was made while a collection ended may show one that was deleted before. */
int catalog_lost(struct map *lost, struct repo *r, const struct catalog *c,
		 struct err *e);

/*
 * By name; by "latest"; by id as hex, at least 8 digits.  An exact name comes
 * first.  ERR_NOENT with the nearest name as a suggestion; ERR_CONFIG: an id
 * prefix that fits several.
 */
int catalog_find(const struct catalog *c, const char *name,
		 const struct catalog_item **out, struct err *e);
/* Newest complete archive, or NULL. */
const struct catalog_item *catalog_latest(const struct catalog *c);
/* Like catalog_load, but cheap: has anything changed since?  For mounts. */
int catalog_changed(const struct catalog *c, struct repo *r, bool *changed,
		    struct err *e);

/*
 * Delete: put a tombstone.  COMMIT POINT: the put, made durable by the sync
 * after it.  ERR_NOENT: already deleted.
 */
int catalog_delete(struct repo *r, const struct catalog_item *it,
		   const char *reason, struct err *e);
/*
 * Rename: the same tree under a new record (by a session, so that it cannot be
 * collected in between), then a tombstone for the old.  Between the two both
 * names exist.  COMMIT POINT: the new record.
 */
int catalog_rename(struct repo *r, const struct catalog_item *it,
		   const char *name, struct oid *id, struct err *e);

/*
 * A deleted archive becomes one again, under a new id: as renaming does it, so
 * the put of the new record decides the race with a collector.  COMMIT POINT:
 * that put.  ERR_NOENT: a collector was first.
 */
int catalog_undelete(struct repo *r, const struct catalog_item *it,
		     struct oid *id, struct err *e);

/*
 * The same archive under a new record, sealed with the newest master key; then
 * a tombstone for the old.  COMMIT POINT: the new record.
 */
int catalog_renew(struct repo *r, const struct catalog_item *it,
		  struct oid *id, struct err *e);

/* A name an archive may have: UTF-8, 1 .. 255 bytes, no '/', no control
 * characters, no "::", not starting or ending with a space, not "latest". */
int catalog_name_check(const char *name, struct err *e);

#endif
