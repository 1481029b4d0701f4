/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_PIN_H
#define REPO_PIN_H

#include "base/err.h"
#include "base/oid.h"
#include "base/sid.h"
#include "base/strv.h"

/*
 * The newest archive record that this machine has written to a repository,
 * kept on this machine: CONFIG/pins/REPO-ID.  With it a repository that lost
 * that record, or went back to before it, is found out.
 */
struct repo;

struct pin {
	struct sid client;
	uint64_t seq;		/* 0: nothing is pinned */
	struct oid record;	/* id of the archive */
};

/* No pin, or one that cannot be read, is seq 0. */
void pin_load(struct pin *p, const struct repo *r);
/* COMMIT POINT: the rename of the file. */
int pin_save(const struct pin *p, const struct repo *r, struct err *e);

/*
 * The archives that this machine has deleted, as session ids, one a line in
 * CONFIG/pins/REPO-ID.deleted: a tombstone that goes away is found out.  Best
 * effort: a note that cannot be kept is only not kept.
 */
void pin_note_deleted(const struct repo *r, const struct sid *session);
int pin_deleted(const struct repo *r, struct strv *out, struct err *e);

/* It may be back: the note goes. */
void pin_forget_deleted(const struct repo *r, const struct sid *session);

/* The key was exported on this machine: CONFIG/pins/REPO-ID.exported, whose
 * mtime says when.  Best effort. */
void pin_note_exported(const struct sid *repo);
/* When that was, wall time in ns; 0: never. */
int64_t pin_exported(const struct sid *repo);

#endif
