/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FS_CONTROL_H
#define FS_CONTROL_H

#include <pthread.h>

#include "core/core.h"

/*
 * The text of .muniment, a file in the root that is there but not listed: how
 * the mount is doing, a line of "key: value" for each fact.  The text is made
 * when the file is looked at, and what is then read is that text.  Any thread.
 */
struct mount;
struct control {
	pthread_mutex_t mtx;	/* a leaf */
	struct buf text;	/* mtx */
	int64_t made_nsec;	/* mtx; wall */
};
void control_init(struct control *c);
void control_release(struct control *c);

/* Make the text new; how long it is, and since when it says this. */
int control_look(struct control *c, struct mount *m, size_t *len,
		 int64_t *nsec, struct err *e);
/* Append at most 'size' bytes from 'off' on to out. */
int control_read(struct control *c, uint64_t off, size_t size,
		 struct buf *out, struct err *e);

#endif
