/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_SESSION_PRIV_H
#define REPO_SESSION_PRIV_H

#include <pthread.h>

#include "base/map.h"
#include "base/pool.h"
#include "base/thread.h"
#include "format/pack.h"
#include "repo/idx.h"
#include "repo/session.h"
#include "store/store.h"

/* A pack on its way: filled by the owner, sealed and put by the uploader. */
struct session_pack {
	struct job job;			/* first */
	enum pack_kind kind;
	struct buf objects;
	struct pack_entry *entries;
	uint32_t n, cap;
	struct oid name;		/* set by the uploader */
	uint64_t file_bytes;		/* likewise */
};

/* A file of this session, looked at again before the commit. */
struct session_file {
	enum store_kind kind;
	struct oid hash;		/* packs */
	struct segment_name segment;	/* index segments */
	uint64_t bytes;
};

struct session {
	struct repo *repo;
	struct session_opts opts;
	struct sid id;
	struct pack_session key;	/* sealed secret */
	struct object_keys *keys;	/* key_alloc */
	struct idx *idx;
	struct session_worker *worker;	/* the owner's */
	struct buf arena;		/* the owner's */
	struct err dead;		/* code != 0: no way on */
	bool opened;			/* sessions/S was put */
	bool ended;
	uint64_t heartbeats;
	int64_t heartbeat_nsec, flush_nsec;	/* monotonic: last time */

	pthread_mutex_t mtx;		/* claimed, seen; a leaf */
	struct map claimed;		/* mtx: sealed since the last flush */
	uint64_t seen_objects, seen_bytes;	/* mtx */

	struct session_pack *open[2];	/* data, meta: being filled */
	unsigned n_closed;		/* data packs */
	struct session_pack *spare;	/* keeps its buffers */
	struct pool *uploader;
	pthread_mutex_t up_mtx;		/* a leaf, of the four below */
	pthread_cond_t up_cv;
	/* Of the uploader's tickets: all below up_done have ended, and those
	 * of up_done + i for which bit i is set. */
	uint64_t up_done, up_ended;
	bool up_failed;			/* one of them without success */
	struct thread_aside asker;	/* for 'mille' */
	_Atomic int mille;		/* how much parity new packs get; -1:
					 * not yet known, and two uploaders may
					 * find it out at the same time */

	struct segment_pack *packs;	/* put since the last segment */
	uint32_t n_packs, cap_packs;
	uint8_t *entries;		/* theirs, 32 bytes each, unsorted */
	uint32_t n_entries, cap_entries;
	struct session_file *files;
	size_t n_files, cap_files;
	struct session_stats stats;
};

/* session.c */
int session_die(struct session *s, struct err *e);
void session_end(struct session *s);
int session_note_file(struct session *s, const struct session_file *f,
		      struct err *e);

/* session_pack.c */
int session_pack_start(struct session *s, struct err *e);
/* Close the open packs (data, then meta) and wait until all are put. */
int session_pack_drain(struct session *s, struct err *e);
/* Fill in s->mille.  Safe from any thread. */
int session_mille(struct session *s, struct err *e);
void session_pack_stop(struct session *s);

#endif
