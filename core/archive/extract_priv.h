/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_EXTRACT_PRIV_H
#define ARCHIVE_EXTRACT_PRIV_H

#include <linux/fs.h>

#include "archive/extract.h"
#include "archive/tree.h"
#include "base/map.h"
#include "base/pool.h"

/*
 * The owner scans the archive and keeps the directories on the way down
 * open; workers write files; what depends on order (hard links, metadata of
 * directories) is done by the owner when it takes the batches back.
 */
#define EXTRACT_BATCH 64
#define EXTRACT_BATCH_BYTES (1u << 20)

/* A directory of the target, open.  Shared by the events in it. */
struct extract_dir {
	struct extract_dir *up;		/* one ref */
	int fd;
	unsigned refs;			/* owner only */
	size_t depth;			/* components below the destination */
};

enum extract_type {
	EXTRACT_FILE,			/* worker: anything but a directory */
	EXTRACT_LINK,			/* owner: a further hard link */
	EXTRACT_LEAVE			/* owner: metadata of a directory */
};
struct extract_event {
	enum extract_type type;
	struct tree_entry *entry;
	struct extract_dir *dir;	/* holds it; of LEAVE: itself */
	char *path;			/* in the archive, for messages */
	char *name;			/* in dir */
	struct err err;			/* code != 0: it is not there */
	char warn[160];			/* "" or what could not be set */
	dev_t dev;			/* what was made */
	ino_t ino;
};
struct extract_batch {
	struct job job;			/* first */
	struct extract_event event[EXTRACT_BATCH];
	unsigned n;
	uint64_t bytes;
};

/* Nothing can be linked to an inode that has one of these: they are set when
 * all links are there. */
#define EXTRACT_LATE_FLAGS ((uint32_t)(FS_IMMUTABLE_FL | FS_APPEND_FL))

/* The first of a hard-link group. */
struct extract_link {
	uint32_t fsflags;		/* of EXTRACT_LATE_FLAGS */
	char *path;			/* below the destination */
	dev_t dev;
	ino_t ino;
};

struct extract_ids {
	uint32_t from, to;
};

struct extract {
	struct reader *rd;
	const struct record *rec;
	const struct extract_opts *o;
	struct extract_result *res;
	struct err *e;
	struct extract_dir *root, *dir;	/* destination; where we are */
	struct strv at;			/* names of the open directories */
	struct pool *pool;
	struct extract_batch *batch;
	struct map links;		/* link group -> 1 + number in link */
	struct extract_link *link;
	size_t n_links, cap_links;
	struct extract_ids *users, *groups;
	size_t n_users, n_groups;
	bool root_user;
	mode_t umask;
};

/* extract_dir.c */
int extract_dir_open(struct extract *x, const char *destination);
struct extract_dir *extract_dir_ref(struct extract_dir *d);
void extract_dir_unref(struct extract_dir *d);
/* Make x->dir the directory of components [strip ..) of path but the last
 * (all of it with 'whole'); makes what is missing. */
int extract_dir_enter(struct extract *x, const char *path, bool whole,
		      struct err *e);
/* Open a directory below the destination without following anything. */
int extract_dir_walk(const struct extract *x, const char *path, size_t len);
/* The path behind the stripped components; NULL: nothing is left. */
const char *extract_stripped(const struct extract *x, const char *path);

/* extract_file.c; any thread */
void extract_file_make(const struct extract *x, struct extract_event *ev);
void extract_file_stdout(struct extract *x, const struct entry *en,
			 const char *path);

/* extract_meta.c */
int extract_meta_ids(struct extract *x);
/* Owner, attributes, mode, times, and of a folder flags, in that order; by
 * fd, or for what cannot be opened by name.  What fails is told in ev->warn. */
void extract_meta_set(const struct extract *x, struct extract_event *ev,
		      int fd);
/* Flags of a file that has its name: an immutable one cannot be renamed. */
void extract_meta_flags(const struct extract *x, struct extract_event *ev,
			int fd);
/* The flags that had to wait for the further links. */
void extract_meta_links(struct extract *x);

#endif
