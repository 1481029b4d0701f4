/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_MAILHOUR_PRIV_H
#define TESTS_MAILHOUR_PRIV_H

#include "tests/lib/mailhour.h"

/* The hour of one store, between mailhour.c and mailincident.c. */
struct mailhour {
	struct mailstore *s;
	struct mailhour_stats *st;
	struct buf scratch;
};

/* A new message for the folder, in new/ if bits say so. */
int mailhour_deliver(struct mailhour *h, unsigned user, size_t folder,
		     uint32_t bits, struct err *e);
/* Rename to the name that the new bits give. */
int mailhour_flag(struct mailhour *h, unsigned user, struct folder *f,
		  struct mail *m, uint32_t bits, struct err *e);
/* Link into another folder, under a new base name mostly; nothing if that
 * folder has the message. */
int mailhour_copy(struct mailhour *h, unsigned user, size_t from, size_t i,
		  size_t to, struct err *e);
int mailhour_move(struct mailhour *h, unsigned user, size_t from, size_t i,
		  size_t to, struct err *e);
int mailhour_expunge(struct mailhour *h, unsigned user, struct folder *f,
		     struct mail *m, struct err *e);
/* uidlist of all folders, rows of what is gone. */
int mailhour_finish(struct mailhour *h, unsigned user, struct err *e);

#endif
