/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_CREATE_H
#define ARCHIVE_CREATE_H

#include "archive/fstate.h"
#include "archive/pattern.h"
#include "archive/walk.h"
#include "base/cancel.h"
#include "codec/comp.h"
#include "format/record.h"
#include "repo/repo.h"

/*
 * Make an archive: one walk, content read, chunked, hashed, compressed and
 * sealed on all cores, packed in order, committed.
 *
 * COMMIT POINT: session_commit's.
 */
enum create_flags {
	CREATE_ATIME = 1 << 0,
	CREATE_NO_CTIME = 1 << 1,	/* accepted; ctime is kept only with
					 * CREATE_CTIME */
	CREATE_CTIME = 1 << 2,
	CREATE_NO_XATTRS = 1 << 3,
	CREATE_NO_ACLS = 1 << 4,
	CREATE_NO_FLAGS = 1 << 5,
	CREATE_NUMERIC_IDS = 1 << 6,	/* no owner names in the record */
	CREATE_DRY_RUN = 1 << 7,	/* walks and reports, writes nothing */
	CREATE_READ_SPECIAL = 1 << 8,	/* FIFOs and devices are read */
	CREATE_NO_SPARSE = 1 << 9	/* holes are read as zeroes */
};

/* borg's letters: A added, M modified, U unchanged, C changed while read,
 * E error, d directory, b block, c char, h hard link, s symlink, f fifo,
 * i from standard input, - dry run, x excluded. */
typedef void create_item_fn(char status, const char *path, void *ctx);

struct create_progress {
	uint64_t files, bytes, new_bytes, stored_bytes;
	const char *path;		/* now at */
};
typedef void create_progress_fn(const struct create_progress *p, void *ctx);

/*
 * A stream that becomes one regular file (standard input, a command).  All
 * streams are read before the walk begins, one after the other.
 */
struct create_stream {
	/* Called when its turn comes: begins it (the command is started) and
	 * says where to read.  The fd stays the caller's.  NULL: 'fd' is open
	 * already, and can be read only once. */
	int (*open)(void *ctx, int *fd, struct err *e);
	int fd;
	/* Reads instead of read(2) from the fd: *got is 0 only at the end; an
	 * error ends the run.  NULL: the fd is read. */
	int (*read)(void *ctx, void *to, size_t len, size_t *got,
		    struct err *e);
	const char *name;	/* path in the archive: "stdin"; clean, and
				 * its first part is no source's */
	uint32_t mode;		/* 0660 as borg */
	uint32_t uid, gid;
	const int64_t *mtime_nsec;	/* wall, after 'open'; NULL: now */
	/* Called at the end of the stream: nonzero fails the run, and no
	 * archive is made (the command failed).  NULL: nothing to ask. */
	int (*finish)(void *ctx, struct err *e);
	void *ctx;
};

struct create_opts {
	const char *name;		/* passes catalog_name_check */
	const char *series;		/* NULL: the host's name */
	const char *host, *user;	/* NULL: what they are */
	const char *comment;
	int64_t timestamp_nsec;		/* 0: now */
	const struct strv *command;	/* argv for the record */
	struct walk_opts walk;		/* paths, patterns, excludes */
	const struct create_stream *stream;	/* beside paths, or alone */
	size_t n_streams;
	unsigned flags;			/* enum create_flags */
	unsigned files_cache;		/* enum fstate_mode */
	struct comp_spec comp;
	unsigned threads;		/* workers; 0: serial twin */
	bool threads_auto;		/* as many as there are processors */
	unsigned flush_secs;		/* see struct session_opts */
	struct cancel *cancel;		/* wanted: finish a partial archive */
	create_item_fn *item;		/* called from the owner thread */
	create_progress_fn *progress;	/* about five times a second */
	void *ctx;
};

struct create_result {
	struct record rec;		/* as committed */
	struct oid id;
	uint64_t walk_errors;		/* files that could not be read */
	uint64_t new_mails;		/* of the record's stats.added */
	/* Files that the last archive of the series has and this one has not,
	 * if that one was made of the same paths, from here. */
	bool gone_known;
	uint64_t gone;
	bool partial;
	double seconds;
};

/*
 * ERR_EXIST: an archive of that name is there (nothing was walked).
 * ERR_NOENT: none of the sources exists; no archive is made.
 * ERR_CANCEL: cancelled before there was anything to keep.
 * A fenced session is begun again inside, up to three times (not with a
 * stream that cannot be opened again: ERR_RETRY).  Release the result with
 * create_result_release.
 */
int create_run(struct repo *r, const struct create_opts *o,
	       struct create_result *res, struct err *e);
void create_result_release(struct create_result *res);

#endif
