/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAINT_BRAKE_H
#define MAINT_BRAKE_H

#include "repo/catalog.h"
#include "repo/repo.h"

/*
 * A change that looks like an accident: a volume that was not mounted, mails
 * that were deleted or encrypted by somebody else.  As long as it may be one,
 * nothing older of that line of archives is pruned.
 *
 * A line is what one machine makes of the same paths.  Compared are complete
 * archives, by their records alone:
 *  - the newest has less than half the files, or less than half the bytes, of
 *    what there was in the seven days before it (the median over time);
 *  - in one of the last three and a half days more than half of the bytes was
 *    replaced at once, where in three runs before it was not.
 * So a new state that stays is accepted after three and a half days without
 * anybody; brake_accept does so at once.
 */
struct brake;

/* ERR_NOMEM; what cannot be read of earlier decisions counts as none. */
int brake_open(struct brake **out, struct repo *r, const struct catalog *c,
	       struct err *e);
void brake_free(struct brake *b);		/* NULL ok */

#define BRAKE_WHY_BYTES 320
/* Is there such a change in the line of 'it'?  Then 'why' is a sentence. */
int brake_on(struct brake *b, const struct catalog_item *it, bool *on,
	     char why[BRAKE_WHY_BYTES], struct err *e);
/* The newest archive of the line is what things are compared with from now
 * on.  Kept on this machine, CONFIG/accepted/REPO-ID. */
int brake_accept(struct brake *b, const struct catalog_item *it,
		 struct err *e);

/* Do both belong to one line? */
bool brake_same_line(const struct record *a, const struct record *b);

#endif
