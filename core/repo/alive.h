/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_ALIVE_H
#define REPO_ALIVE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/map.h"
#include "base/sid.h"
#include "base/strv.h"
#include "store/store.h"

/*
 * Who is at work on a repository: the owners of the marks in sessions/ and
 * pins/, each with the heartbeats (ID.N) that it puts beside its first one
 * (ID).  An owner counts as dead when its process is seen to be gone (the same
 * kernel and pid namespace; or the same machine, restarted since), or when its
 * newest mark is more than ALIVE_SECS away from now.
 *
 * The answer decides whether to wait for somebody, never whether data may be
 * deleted: a session that is taken for dead gets a fence first.
 */
#define ALIVE_SECS 3600

struct repo;

struct alive_owner {
	struct sid id;			/* in the names of the marks */
	bool alive;
	bool damaged;			/* no mark of it can be read: dead */
	char *host;			/* for messages; "" if damaged */
	uint32_t pid;
	int64_t beat_nsec;		/* the newest mark's time */
	struct strv names;		/* its marks */
	struct sid *archives;		/* pins: of all its marks, by session */
	size_t n_archives;
};
struct alive {
	enum store_kind kind;
	struct alive_owner *owner;
	size_t n, cap;
};
#define ALIVE_INIT { STORE_SESSIONS, NULL, 0, 0 }

/* kind: STORE_SESSIONS or STORE_PINS.  A mark that goes away meanwhile is not
 * there. */
int alive_load(struct alive *a, struct repo *r, enum store_kind kind,
	       struct err *e);
/* The ids of those that have a mark, from the names alone. */
int alive_names(struct map *out, struct repo *r, enum store_kind kind,
		struct err *e);
/* Delete the marks of one owner; the first one last. */
int alive_remove(struct repo *r, enum store_kind kind,
		 const struct alive_owner *o, struct err *e);
void alive_release(struct alive *a);		/* zeroed ok */

/* Tests: every process is taken for dead (or alive) from now on; 0: look. */
void alive_pretend(int verdict);

#endif
