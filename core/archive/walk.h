/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_WALK_H
#define ARCHIVE_WALK_H

#include <stdbool.h>
#include <sys/stat.h>

#include "archive/pattern.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/strv.h"

/*
 * One pass over the sources: every directory once, its entries in the order
 * of their names' bytes, sub-directories where their names stand.  Sources are
 * merged into one tree first, so that the result is a tree too; parents that
 * nobody asked for come as implicit directories.  Only the names of the
 * directories on the way down are in memory.
 */

/* Trouble with the source.  Not a struct err: it can never be taken for
 * trouble with the store, and never stops the walk. */
struct walk_error {
	const char *path;
	const char *op;		/* "open", "read", "stat", "list" ... */
	int errnum;
};

struct walk_item {
	int dirfd;		/* of the directory that holds it */
	const char *name;	/* there */
	const char *path;	/* as the user knows it: "/srv/vmail/x" */
	const char *stored;	/* in the archive: "srv/vmail/x"; its last part
				 * is the entry's name, which differs from
				 * 'name' for a message that moved on */
	struct stat st;
	bool implicit;		/* st: for the type only */
	bool message;		/* a regular file of a maildir's cur/ or new/ */
};

struct walk_ops {
	/* A directory begins; its fd is open (an implicit one's perhaps not:
	 * -1).  The root of the archive ("/", "." as a source) is not
	 * announced.  A nonzero return ends the walk and is returned by
	 * walk_run, from all of these. */
	int (*enter)(const struct walk_item *it, int fd, void *ctx);
	int (*leave)(const struct walk_item *it, void *ctx);
	/* Anything else, in its place. */
	int (*item)(const struct walk_item *it, void *ctx);
	/* A source is there, or the patterns leave it out: either way it was
	 * not misspelt.  Sources that do not exist come as an error(). */
	void (*source)(const char *path, void *ctx);
	/* An excluded path ("x" in the list). */
	void (*excluded)(const char *path, void *ctx);
	void (*error)(const struct walk_error *we, void *ctx);
};

struct walk_opts {
	const struct strv *paths;	/* as given; "/a/./b" stores "b" */
	struct pattern_set *patterns;	/* NULL: everything */
	bool one_file_system;
	bool exclude_caches;		/* CACHEDIR.TAG with its signature */
	const struct strv *exclude_if_present;	/* NULL or names */
	bool keep_exclude_tags;
	bool exclude_nodump;
	dev_t skip_dev;			/* the repository's folder: left out, */
	ino_t skip_ino;			/* and said; 0: none */
	struct cancel *cancel;
};

/*
 * The rules of a live maildir: new/ is listed before cur/; a directory that
 * changed while it was listed is listed again (three times at most); a
 * message that vanished is looked for under its base name (before ":2,") in
 * cur/ and new/, and if it is there under another name it comes under that
 * one, or, where that would break the order, as stored under the listed one;
 * one message never comes twice.  None of this is an error, nor is anything
 * else that vanished before it was looked at.
 * A source that does not exist is reported by error() and the rest is walked,
 * and so is a second source that would have the same name in the archive.
 * ERR_CANCEL: cancelled; what was entered has been left.
 */
int walk_run(const struct walk_opts *o, const struct walk_ops *ops, void *ctx,
	     struct err *e);

/* A message that vanished between stat and open: find that very file (device
 * and inode) under its base name in the same directory (and in the sibling
 * new/ or cur/ when it moved).  Opens it; -1 and errno when it is gone. */
int walk_reopen_message(const struct walk_item *it, struct stat *st);

/* The length of a message's base name: up to ":2,". */
size_t walk_base_len(const char *name);

#endif
