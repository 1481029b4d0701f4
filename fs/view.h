/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FS_VIEW_H
#define FS_VIEW_H

#include "fs/arch.h"

/*
 * The root of a mounted repository: a directory per archive; "latest", a
 * symlink to the newest complete one; "by-date", folders of symlinks to all.
 * It follows the repository: who looks at it later than a second after the
 * last time makes it look again.
 * Safe from any thread.
 */
struct view;
struct view_opts {
	const struct choice_opts *choice;	/* NULL: all; kept by the
						 * caller */
};

#define VIEW_LATEST "latest"
#define VIEW_DATES "by-date"
#define VIEW_CONTROL ".muniment"	/* control.h */

int view_open(struct view **out, struct reader *rd, const struct view_opts *o,
	      struct err *e);
void view_free(struct view *v);			/* NULL ok; its archives too */

/* Look for new and deleted archives, at most once a second.  A repository that
 * cannot be reached is logged, and what was last seen stays; so it does for
 * those who come while another thread looks. */
void view_refresh(struct view *v);
/* For a name that was not found: another thread's look is waited for, two
 * seconds at most.  false: none was under way. */
bool view_await(struct view *v);

/* Counts the changes of what is listed, from 1. */
uint64_t view_generation(struct view *v);
/* Those listed, oldest first; free(3) the array. */
int view_by_time(struct view *v, struct arch ***out, size_t *n,
		 struct err *e);
/* An archive that is not listed any more: the first whose serial is >= from;
 * NULL: none. */
struct arch *view_next_unlisted(struct view *v, uint64_t from);

/* An archive lives as long as the view, listed or not. */
struct arch *view_find(struct view *v, const char *name);
/* The first one listed whose serial is >= from; NULL: none. */
struct arch *view_next(struct view *v, uint64_t from);
struct arch *view_latest(struct view *v);	/* NULL: none */

/* The archives by date; folders as in dates.h. */
bool view_date_has(struct view *v, const char *folder);
bool view_date_next(struct view *v, const char *folder, unsigned from,
		    unsigned *number);
struct arch *view_date_find(struct view *v, const char *day,
			    const char *name);
struct arch *view_date_of_day(struct view *v, const char *day,
			      uint64_t from);

struct view_facts {
	uint64_t archives, files, bytes;
	int64_t changed_nsec;	/* mtime of the root */
};
void view_facts(struct view *v, struct view_facts *out);

#endif
