/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FS_DATES_H
#define FS_DATES_H

#include "fs/arch.h"

/*
 * Archives by when they were made, as the clock on the wall here shows it:
 * YYYY/MM/DD/HH-MM-SS, the arch's stamp.  Of archives of one second all but
 * the first have the beginning of their id behind it.
 *
 * A folder is named by its path below by-date: "", "2026", "2026/11",
 * "2026/11/23".  Not thread-safe; zeroed storage is without archives.
 */
struct dates {
	struct arch **by;	/* sorted by stamp */
	size_t n;
};
#define DATES_DAY_LEN 10	/* of "2026/11/23" */

/* These archives and no others, from now on.  Gives those a stamp that have
 * none.  After failure there are none. */
int dates_fill(struct dates *d, struct arch *const *listed, size_t n,
	       struct err *e);
void dates_release(struct dates *d);

/* Is there an archive below the folder? */
bool dates_has(const struct dates *d, const char *folder);
/* The folder's first sub-folder whose number is >= from.  false: none. */
bool dates_next(const struct dates *d, const char *folder, unsigned from,
		unsigned *number);
/* By name in the folder of a day; NULL: none. */
struct arch *dates_find(const struct dates *d, const char *day,
			const char *name);
/* The day's archive with the smallest serial >= from; NULL: none. */
struct arch *dates_of_day(const struct dates *d, const char *day,
			  uint64_t from);

#endif
