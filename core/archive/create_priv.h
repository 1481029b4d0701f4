/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_CREATE_PRIV_H
#define ARCHIVE_CREATE_PRIV_H

#include "archive/build.h"
#include "archive/create.h"
#include "archive/create_loose.h"
#include "archive/tree.h"
#include "base/map.h"
#include "base/pool.h"
#include "codec/chunker.h"
#include "repo/session.h"

/*
 * How an archive is made:
 *
 *   walk -> read -> batches of events -> pool (hash, compress, seal)
 *        -> finish, in order: packs, directory trees, file-state cache
 *
 * The owner thread walks, reads and finishes; workers only seal.  What is in
 * flight is bounded in bytes.
 */
#define BATCH_EVENTS 256
#define BATCH_STRINGS (128u << 10)
#define BATCH_STRINGS_ROOM (8u << 10)	/* one entry's at most */
#define BATCH_DATA (1u << 20)		/* put when it has this much */
#define CREATE_IN_FLIGHT (12u << 20)	/* bytes of data in the pool */
#define CREATE_SMALL CHUNKER_MIN_BYTES	/* below: one object */

enum event_type {
	EVENT_ENTER, EVENT_LEAVE,
	EVENT_ITEM,		/* the entry is complete */
	EVENT_FILE,		/* its content is one object: data */
	EVENT_BEGIN,		/* its content comes in pieces */
	EVENT_PIECE, EVENT_HOLE,
	EVENT_END,		/* entry of the whole */
	EVENT_DROP		/* the pieces become nothing: reading failed */
};
struct event {
	enum event_type type;
	struct entry en;
	struct stat st;		/* for the file-state cache */
	int64_t read_nsec;
	bool remember, message;
	uint64_t cookie;	/* of create_other */
	size_t data, data_len;	/* EVENT_FILE, EVENT_PIECE: in batch data */
	uint64_t hole;
	struct session_sealed sealed;
};
struct batch {
	struct job job;		/* first */
	struct event *event;
	unsigned n;
	uint8_t *strings;	/* names and such; never moves */
	size_t strings_len;
	struct buf data;	/* plain */
	struct buf arena;	/* sealed */
	struct batch *next;	/* free list */
};

/* A directory on the way down, on the finishing side. */
struct create_dir {
	struct create_dir *up;
	struct tree_entry *self;
};

/*
 * An archive from something else than a walk: all but the tree is the same.
 * 'fill' makes events for contents and, when it has drained them, the tree;
 * 'placed' gets what would have gone into the tree.  It cannot be begun again.
 */
struct create;
struct create_other {
	int (*fill)(struct create *c, void *ctx);
	int (*placed)(struct create *c, const struct event *ev, void *ctx);
	/* Name of user (0) or group (1) 'id', or NULL. */
	const char *(*owner)(unsigned which, uint32_t id, void *ctx);
	void *ctx;
};

/* A stream's file, whose content is stored, until its place in the tree. */
struct create_held {
	const struct create_stream *s;
	struct entry en;
	uint64_t stored;	/* see list_stored */
};

struct create {
	struct repo *repo;
	const struct create_opts *o;
	const struct create_other *other;	/* NULL: a walk */
	struct create_result *res;
	struct err *e;
	struct session *session;
	struct fstate *fstate;
	struct catalog *catalog;
	struct build *build;
	struct chunker chunker;
	struct pool *pool;
	struct session_worker **worker;
	unsigned n_worker;
	struct batch *batch;		/* being filled */
	struct batch *spare;
	size_t in_flight;
	struct create_dir *dir;
	struct build_list *list;	/* pieces of the file being finished */
	uint64_t list_stored;		/* their sealed bytes */
	struct map links;		/* hard links: group -> 1 + place in */
	struct buf link_contents;	/* see create_link_state */
	struct buf window;		/* large files */
	struct buf xattrs;		/* scratch */
	struct record *rec;
	struct map owners[2];		/* user, group numbers seen */
	struct strv warnings;
	uint64_t n_warnings;
	uint64_t files, bytes;		/* so far, for progress */
	int64_t progress_nsec;
	struct map devices;		/* st_dev -> ordinal */
	struct create_held *held;	/* streams that were read */
	size_t n_held, at_held;		/* before at_held: in the tree */
	bool any_source;
};

/* create.c */
int create_other(struct repo *r, const struct create_opts *o,
		 const struct create_other *other, struct create_result *res,
		 struct err *e);

/* create_batch.c */
int create_batch_start(struct create *c);
void create_batch_stop(struct create *c);
/* Room for one more event with 'data' bytes to come; NULL: c->e says why. */
struct event *create_event(struct create *c, enum event_type type);
/* Keep bytes as long as the event. */
const uint8_t *create_keep(struct create *c, const void *p, size_t len);
/* The event is complete; may hand the batch on. */
int create_event_done(struct create *c);
/* What an inode looked like when its content was read: CREATE_LINK_STATE
 * bytes, before fsflags and content in link_contents. */
#define CREATE_LINK_STATE 32
void create_link_state(struct wr *w, const struct stat *st);
/* Everything is finished; and flush when due. */
int create_drain(struct create *c);
int create_flush(struct create *c);

/* create_read.c: content of a regular file as events. */
struct create_source {
	int fd;
	const char *path;
	struct stat st;			/* before reading */
	struct entry en;		/* but for content; name is kept */
	int64_t read_nsec;		/* just before it was looked at */
	bool message, remember;
	char status;
	uint64_t cookie;
};
/* < 0: the store or memory failed; 1: the source failed, and was reported. */
int create_read(struct create *c, struct create_source *src);
int create_read_stream(struct create *c, const struct create_stream *s,
		       uint64_t cookie);
/* The content comes in parts, 'en.size' bytes in all: the last event has the
 * source's entry and cookie. */
int create_read_feed(struct create *c, struct create_source *src,
		     const struct create_feed *f);

/* create_walk.c */
int create_walk(struct create *c);
/* An entry as an event of its own; create_event_done is the caller's. */
int create_emit(struct create *c, enum event_type type,
		const struct entry *en, struct event **out);

/* create_stream.c: streams are read before the walk, and take their places
 * among the names of the root. */
int create_stream_all(struct create *c);
/* Before an entry of the root of this name: whose turn is it? */
int create_stream_turn(struct create *c, const char *name);
int create_stream_rest(struct create *c);
/* An EVENT_END or EVENT_ITEM with a cookie is a stream's: its content is
 * stored. */
void create_stream_stored(struct create *c, const struct event *ev);

/* create_meta.c */
int create_meta(struct create *c, const struct walk_item *it, int fd,
		struct entry *en);
int create_xattrs(struct create *c, const struct walk_item *it, int fd,
		  struct entry *en);
/* Remember who owns things, for the names in the record: user (0) or group
 * (1). */
int create_owner(struct create *c, unsigned which, uint32_t id);
void create_warn(struct create *c, const char *path, const char *op,
		 int errnum);
/* The same in words. */
void create_warn_text(struct create *c, const char *path, const char *why);
/* It is in the archive, without something of it. */
void create_warn_part(struct create *c, const char *path, const char *part,
		      const char *why);
void create_status(struct create *c, char status, const char *path);
void create_progress(struct create *c, const char *path);

#endif
