/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_LOCAL_TRASH_H
#define STORE_LOCAL_TRASH_H

#include "store/store.h"

/*
 * Instead of being deleted, files of a local store can be put aside, as
 * serve/trash/DAY/KIND/NAME below the repository (DAY: 2026-11-29): in the
 * same order of folders, so that copying a day's over the repository brings
 * everything back.
 */
#define LOCAL_TRASH "serve/trash"
#define LOCAL_TRASH_DAY_BYTES 16

/* As store_del(), and durable like that, but the file is put aside. */
int local_trash(struct store *s, enum store_kind k, const char *name,
		const char *day, struct err *e);
/* Remove the days before 'oldest' for good; *n: how many files. */
int local_trash_expire(struct store *s, const char *oldest, uint64_t *n,
		       struct err *e);
/* The bytes of all that lies there. */
int local_trash_bytes(struct store *s, uint64_t *bytes, struct err *e);
/* Do now what the first put would do: look for temporary files of dead
 * processes, which cannot be told from living ones behind a sandbox. */
void local_trash_tidy(struct store *s);
/* Names may have changed in every folder: the next barrier is about all. */
void local_trash_touch_all(struct store *s);

#endif
