/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_WITNESS_H
#define REPO_WITNESS_H

#include "base/err.h"
#include "base/map.h"
#include "repo/catalog.h"

/*
 * This machine as a witness of a repository: whenever archives are listed,
 * they are compared with what it has seen before (seen.h), and what nobody can
 * have done in the open is a finding.  Pruning, compaction, undelete, renaming,
 * new keys, other machines, clocks, a lost cache and a lost or an older copy of
 * what was seen are none of that.
 *
 * Only for a repository that was opened with an alarm; others are not watched.
 * A finding stays until it is accepted, or put right.
 */
struct repo;

enum witness_kind {
	WITNESS_BACK,		/* the newest ones that were seen are gone */
	WITNESS_REMOVED,	/* one is gone, and nobody deleted it */
	WITNESS_RETURNED,	/* a deleted one is back */
	WITNESS_REPLACED,	/* the record has become another */
	WITNESS_TOMBSTONE,	/* a tombstone that nobody can have put */
	WITNESS_FORKED		/* a record names one that is not here */
};
struct witness_finding {
	enum witness_kind kind;
	struct sid session;	/* of the archive; WITNESS_FORKED: who names */
	struct oid record;
	char *text;		/* a sentence for an administrator */
};
/* "removed", "forked" ... for JSON. */
const char *witness_kind_name(enum witness_kind k);

/* Called once for each finding, by the thread that lists. */
typedef void witness_alarm_fn(const struct witness_finding *f, void *ctx);

/* What the last listing found; valid until the next one. */
size_t witness_findings(const struct repo *r,
			const struct witness_finding **out);
/* ERR_ROLLBACK, in words, if there are findings: what must not be done on a
 * view that may be a false one asks here, after it has listed. */
int witness_trust(const struct repo *r, const char *what, struct err *e);
/*
 * The administrator has decided that it is right as it is: of the last
 * listing's findings none comes again.  Each is noted, with the time, in
 * CONFIG/pins/REPO-ID.accepted.  A tombstone that is none is removed from the
 * store, for which the key must be one that deletes.  COMMIT POINT: the rename
 * of CONFIG/pins/REPO-ID.seen.
 */
int witness_accept(struct repo *r, struct err *e);
/* The notes of that, text; empty if there are none. */
int witness_accepted(const struct repo *r, struct buf *out, struct err *e);

/* The records that this machine has seen deleted, or accepted as missing; see
 * gone_load.  Nothing if it is not watched. */
int witness_gone(struct map *records, const struct repo *r, struct err *e);

/* The first 16 bytes of the newest archive's id, and so of all that went
 * before: shown as eight words.  ERR_ROLLBACK: neither an archive nor a
 * deleted one begins with them. */
#define WITNESS_HEAD_BYTES 16
int witness_expect(struct repo *r, const uint8_t head[WITNESS_HEAD_BYTES],
		   struct err *e);

/* --- for repo/ alone --- */

struct witness *witness_new(witness_alarm_fn *alarm, void *ctx);
/* Keeps what is pending. */
void witness_close(struct repo *r);

/* This process has made an archive (kept at once), deleted one. */
void witness_made(struct repo *r, const struct record *rec,
		  const struct oid *id);
void witness_deleted(struct repo *r, const struct sid *session,
		     const struct oid *record);

/*
 * One listing.  Begin before, with NULL in *out where nothing is watched;
 * witness_tombstone: does this one count, of an archive whose record is
 * listed?  witness_end: all that catalog_load_some knows.  'there': the names
 * in archives/; 'dead': in tombstones/, value 1 if it does not count.
 */
struct witness_look;
int witness_begin(struct witness_look **out, struct repo *r, struct err *e);
int witness_tombstone(struct witness_look *l, const struct sid *session,
		      bool listed, bool *counts, struct err *e);
int witness_end(struct witness_look *l, const struct catalog *c,
		const struct map *there, const struct map *dead,
		struct err *e);
void witness_look_free(struct witness_look *l);

#endif
