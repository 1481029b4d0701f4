/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_CREATE_LOOSE_H
#define ARCHIVE_CREATE_LOOSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "format/entry.h"

struct repo;
struct create_opts;
struct create_result;

/*
 * An archive of entries that come in any order, as in a tar stream.  Contents
 * are stored as they come; the entries stay in memory (about 200 bytes each)
 * and become trees at the end, parents that did not come become implicit.
 * A later entry replaces an earlier one of the same path; hard links have what
 * their target was when they came.
 *
 * COMMIT POINT: session_commit's.
 */
struct create_loose;

/* Content of a regular file, in parts. */
struct create_feed {
	/* 1, and *len bytes at *p (valid until the next call) or a hole; 0:
	 * the end; < 0: no archive is made. */
	int (*next)(const uint8_t **p, uint64_t *len, bool *hole, void *ctx,
		    struct err *e);
	void *ctx;
	bool holes;		/* there may be some */
};
struct create_loose_item {
	const char *path;	/* clean: "a/b", names that may be */
	size_t path_len;
	const char *link;	/* a hard link to this clean path, or NULL */
	size_t link_len;
	/* All but name, links, target and content; xattrs may be longer than
	 * an entry's.  Of a hard link nothing of it counts. */
	struct entry en;
	const char *target;	/* symlink: 1 .. ENTRY_TARGET_MAX bytes */
	size_t target_len;
	const char *uname, *gname;	/* "": not known */
	const struct create_feed *feed;	/* regular file: en.size bytes */
};

/* Adds the items; < 0: no archive is made. */
typedef int create_loose_fn(struct create_loose *l, void *ctx, struct err *e);
/* As create_run, with the options that are not about a walk. */
int create_loose_run(struct repo *r, const struct create_opts *o,
		     create_loose_fn *fn, void *ctx,
		     struct create_result *res, struct err *e);

/* For create_loose_fn. */
int create_loose_add(struct create_loose *l,
		     const struct create_loose_item *it);
/* Something is not in the archive, or a part of it is not. */
void create_loose_warn(struct create_loose *l, const char *path,
		       const char *why);
void create_loose_warn_part(struct create_loose *l, const char *path,
			    const char *part, const char *why);

#endif
