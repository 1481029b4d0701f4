/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_SEEN_H
#define REPO_SEEN_H

#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/oid.h"
#include "base/sid.h"
#include "codec/key.h"

/*
 * What this machine has seen of a repository, kept on this machine in
 * CONFIG/pins/REPO-ID.seen: the archives that were there, those that were
 * deleted in the open, and those that another machine's record names and that
 * were not there.  It only grows, but for what becomes of its archives, so
 * that several processes may add to it at once, and an older copy of it is
 * as good as new.
 *
 * The file, little-endian: "MUseen" 00 01 | le32 the newest generation whose
 * deletions are in it | le32 archives, { session 16, record 32, client 16,
 * le64 sequence number, le64 start in ns, varint length, name } in the order
 * they were first seen | le32 deleted, { session 16, record's first 16 } |
 * le32 owed, { record 32, client 16, session 16 of who names it } |
 * BLAKE2b-256 of all before, keyed with BLAKE2b-256(K_loc, "seen    ").
 */
#define SEEN_NAME_MAX 255

struct seen_archive {
	struct sid session, client;
	struct oid record;
	uint64_t seq;
	int64_t start_nsec;		/* 0, name "": this key cannot read */
	char *name;
	bool gone;			/* deleted since; it is in 'dead' */
};
struct seen_dead {
	struct sid session;
	uint8_t record[16];		/* zeroes: not known */
};
struct seen_owed {
	struct oid record;
	struct sid client, by;
};
/*
 * Zeroed storage is empty.
 * 1. session of live[i] -> i + 2 in at_session unless it is gone; of dead[i]
 *    -> 1; of one that is neither any more -> 0.
 * 2. the first half of the record of each live[i], gone or not, and of each
 *    dead[i] that has one, is in at_record.
 */
struct seen {
	bool known;			/* there was a sound file */
	uint32_t generation;
	struct seen_archive *live;
	struct seen_dead *dead;
	struct seen_owed *owed;
	size_t n_live, n_dead, n_owed;
	struct map at_session, at_record;
};

/* NULL: it is not among them. */
const struct seen_archive *seen_live(const struct seen *s,
				     const struct sid *session);
bool seen_is_dead(const struct seen *s, const struct sid *session);
/* A record that was there at some time? */
bool seen_knows(const struct seen *s, const struct oid *record);
/* Nothing if it is there, or is dead.  The name is copied. */
int seen_add(struct seen *s, const struct seen_archive *a, struct err *e);
/* 'record': 16 bytes, or NULL.  Nothing if it is dead. */
int seen_bury(struct seen *s, const struct sid *session,
	      const uint8_t *record, struct err *e);
/* It is neither dead nor there: as if it had never been seen. */
void seen_forget(struct seen *s, const struct sid *session);
int seen_owe(struct seen *s, const struct seen_owed *o, struct err *e);
void seen_pay(struct seen *s, const struct oid *record);
/* All that 'more' has. */
int seen_merge(struct seen *s, const struct seen *more, struct err *e);
void seen_release(struct seen *s);

int seen_put(struct buf *out, const struct seen *s, const struct key *loc,
	     struct err *e);
/* ERR_CORRUPT: damaged, or of another repository. */
int seen_get(struct seen *s, const uint8_t *p, size_t len,
	     const struct key *loc, struct err *e);

#endif
