/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_FSTATE_H
#define ARCHIVE_FSTATE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/err.h"
#include "format/entry.h"

/*
 * The file-state cache: what the last run of a series saw of each file, so
 * that files that did not change are not read.  Keyed by (device, inode), so
 * renames and moves cost nothing.  A local file, mapped, disposable; one per
 * series and repository; memory stays bounded.
 */
struct fstate;

enum fstate_mode {		/* borg's --files-cache */
	FSTATE_CTIME = 1 << 0,
	FSTATE_MTIME = 1 << 1,
	FSTATE_SIZE = 1 << 2,
	FSTATE_INODE = 1 << 3,
	FSTATE_RECHUNK = 1 << 4,	/* remember, never believe */
	FSTATE_DISABLED = 0
};
#define FSTATE_DEFAULT (FSTATE_CTIME | FSTATE_SIZE | FSTATE_INODE)
/* "ctime,size,inode" ...; ERR_CONFIG with the words that are allowed.  The
 * modes without "inode" are taken, but a file is still known by its inode
 * only: that can cost reading it again, never a wrong hit. */
int fstate_parse_mode(unsigned *mode, const char *text, struct err *e);

/*
 * dir: CACHE/REPO-ID (NULL: no cache, finds nothing and keeps nothing).
 * series names the file.  One that is missing, damaged, of another
 * repository, or of another version is as an empty one.
 */
int fstate_open(struct fstate **out, const char *dir, const char *series,
		unsigned mode, struct err *e);
void fstate_close(struct fstate *f);		/* NULL ok; discards */

struct fstate_hit {
	struct content content;		/* points into the cache's memory, */
	const uint8_t *xattrs;		/* valid until the next find */
	uint32_t xattrs_len;
	struct oid xattrs_id;
	uint32_t fsflags;
	bool same_ctime;	/* xattrs and flags can be believed, too */
	bool known;		/* also without a hit: the last run saw this
				 * inode, so the file was modified ... */
	bool young;		/* ... or not, but it was too young then to
				 * be believed now */
};
/*
 * Is the file as it was?  A hit needs size, mtime and ctime as the mode says
 * (the default trusts ctime and mtime both); for a message (maildir cur/ or
 * new/) ctime may differ if inode, size, mtime and the base name agree.
 */
bool fstate_find(struct fstate *f, const struct stat *st, bool message,
		 const char *name, struct fstate_hit *hit);

/*
 * Remember for the next run.  A file whose mtime or ctime is not older than
 * 'read_nsec' (the wall time just before it was looked at) by two seconds
 * will be known but not be a hit: it could change again without showing it.
 * An mtime that somebody has set in the future says nothing, as ctime has to
 * be old.  The same for one that changed while it was read.  Never fails for
 * want of space.
 */
int fstate_add(struct fstate *f, const struct stat *st, bool message,
	       const char *name, const struct entry *en, int64_t read_nsec,
	       struct err *e);

/* How many files of the last run no fstate_find has asked for in this one;
 * before fstate_save.  false: it is not known. */
bool fstate_gone(const struct fstate *f, uint64_t *gone);

/* Replace the file: with what was added; with 'keep_old' also what the last
 * run saw and this one did not reach (it was interrupted).  A failure only
 * costs the next run time. */
int fstate_save(struct fstate *f, bool keep_old, struct err *e);

#endif
