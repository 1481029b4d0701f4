/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_MAILHOUR_H
#define TESTS_MAILHOUR_H

#include "tests/lib/mailstore.h"

/* What happened, for the caller's report. */
struct mailhour_stats {
	uint64_t delivered, delivered_bytes, seen, flagged, moved, copied,
		expunged, folders, boxes;
};

/*
 * One hour of mail: deliveries, sessions, flags, moves (a hard link and an
 * unlink), copies, deletions, folders and mailboxes renamed and deleted, by
 * the office clock.  Adds to '*st'.  A pure function of the store before.
 */
int mailhour_step(struct mailstore *s, struct mailhour_stats *st,
		  struct err *e);

/*
 * Something that goes wrong once, in the hour that has begun:
 *   hacked       INBOX and Sent of a user are emptied, then filled with spam
 *   client-bug   all folders of a user are moved into one
 *   imapsync     mail of years arrives in one hour
 *   rsync        every file gets a new inode
 *   extract      a restore over the live mail: old names beside the new
 *   rewrite      every message of a user is a new file of the same name
 */
int mailhour_incident(struct mailstore *s, const char *name,
		      struct mailhour_stats *st, struct err *e);

#endif
