/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_MAILDISK_H
#define TESTS_MAILDISK_H

#include "tests/lib/mailstore.h"

/*
 * What a mail server does to the files of a mailstore.  Paths are below the
 * store's folder.  Nothing here decides anything and nothing is synced.
 */

/* Folders and control files of a new mailbox, and its messages, on 'threads'
 * threads: one file per message, hard links for its other rows. */
int maildisk_make_box(struct mailstore *s, unsigned user, unsigned threads,
		      struct err *e);
int maildisk_make_folder(struct mailstore *s, unsigned user,
			 const struct folder *f, struct err *e);
/* Bring dovecot-uidlist up to date: append what is new, or write it again
 * when a quarter of its lines is stale. */
int maildisk_uidlist(struct mailstore *s, unsigned user, struct folder *f,
		     struct err *e);
/* Write the file of a new row; fills in its sizes.  'b' is scratch. */
int maildisk_deliver(struct mailstore *s, unsigned user,
		     const struct folder *f, struct mail *m, struct buf *b,
		     struct err *e);

/* Owner: the store's own uid for 0, if the files are given away at all. */
int maildisk_put(const struct mailstore *s, const char *path, mode_t mode,
		 uid_t uid, const void *p, size_t len, struct err *e);
int maildisk_dir(const struct mailstore *s, const char *path, mode_t mode,
		 uid_t uid, struct err *e);	/* one that exists is fine */
int maildisk_symlink(const struct mailstore *s, const char *target,
		     const char *path, struct err *e);
int maildisk_link(const struct mailstore *s, const char *from, const char *to,
		  struct err *e);
int maildisk_rename(const struct mailstore *s, const char *from,
		    const char *to, struct err *e);
int maildisk_unlink(const struct mailstore *s, const char *path,
		    struct err *e);
int maildisk_remove_tree(const struct mailstore *s, const char *path,
			 struct err *e);
/* Folders and links that this run has touched get an mtime of the model's
 * time, as files have from the start. */
int maildisk_settle(const struct mailstore *s, struct err *e);

#endif
