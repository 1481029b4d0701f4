/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_TAR_READ_H
#define ARCHIVE_TAR_READ_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "format/entry.h"

/*
 * A tar stream, member by member: v7, ustar, pax, GNU and star.  Nothing in it
 * is believed: numbers are checked, sizes are capped, an end that is none is
 * an error.  Names are given as they stand there.
 */
#define TAR_READ_PAX_MAX (1u << 20)	/* bytes of a pax header, a name */
#define TAR_READ_MAP_MAX 1000000u	/* regions of a sparse file */

struct tar_member {
	const char *path;	/* never NULL; both end with a NUL, and have */
	size_t path_len;	/* no other */
	const char *link;	/* of a symlink or hard link, else "" */
	size_t link_len;
	bool hard_link;		/* no content; en.mode is a regular file's */
	bool lost;		/* has attributes that cannot be kept */
	bool unknown;		/* a type that is read as a regular file */
	bool sparse;		/* its content has holes */
	struct entry en;	/* mode, owner, times, flags, size, device,
				 * xattrs (may be longer than an entry's);
				 * no name, target, content */
	const char *uname, *gname;	/* "": not given */
};

/* As read(2): 0 is the end, -1 with errno. */
typedef ssize_t tar_read_fn(void *ctx, void *p, size_t len);

struct tar_read;
/* NULL: no memory. */
struct tar_read *tar_read_new(tar_read_fn *fn, void *ctx, bool ignore_zeros);
void tar_read_free(struct tar_read *t);		/* NULL ok */

/* The next member, valid until the next call; 1, or 0: the end of the archive
 * (what follows was read, too).  ERR_CORRUPT, ERR_IO, ERR_NOMEM. */
int tar_read_next(struct tar_read *t, const struct tar_member **m,
		  struct err *e);
/* The next part of its content: 1, and either *len bytes at *p, or a hole of
 * *len bytes; 0: the end.  In all they are en.size bytes.  What the caller
 * does not ask for is skipped. */
int tar_read_data(struct tar_read *t, const uint8_t **p, uint64_t *len,
		  bool *hole, struct err *e);

#endif
