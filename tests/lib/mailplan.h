/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_MAILPLAN_H
#define TESTS_MAILPLAN_H

#include "tests/lib/mailstore.h"

/* Fill a fresh store's model: mailboxes, folders, and three years of mail. */
int mailplan_make(struct mailstore *s, const struct mailstore_opts *o,
		  struct err *e);
/* A name for a new folder that 'b' does not have; with some luck below one of
 * its folders. */
int mailplan_add_folder(const struct mailstore *s, unsigned user,
			unsigned salt, struct err *e);
/* The user's folder for filed mail that 'key' picks, popular ones more
 * often; INBOX if there is none. */
size_t mailplan_pick_folder(const struct mailbox *b, uint64_t key);

/* How much of the parts (bodies and attachments, at their length in the
 * message) repeats: the corpus the recipe follows has 49 % unique bytes. */
struct mailplan_stats {
	uint64_t mails, bytes;
	uint64_t parts, part_bytes;
	uint64_t unique_parts, unique_part_bytes;
	uint64_t size[5];	/* of a mail: 10, 50, 90, 99 %, mean */
};
int mailplan_stats(const struct mailstore *s, struct mailplan_stats *st,
		   struct err *e);

#endif
