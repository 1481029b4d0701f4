/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_SESSION_H
#define REPO_SESSION_H

#include "base/buf.h"
#include "base/err.h"
#include "base/oid.h"
#include "codec/comp.h"
#include "format/object.h"
#include "format/record.h"

/*
 * A writing session: the writer's side of the collector's protocol (DESIGN
 * section 5, W0..W5).  The owner thread begins, adds, flushes, commits;
 * workers seal.  After any error of the store the session is dead: it can
 * only be aborted, and nothing of it was acknowledged.
 *
 * COMMIT POINT: putting archives/SESSION in session_commit.
 */
struct session;
struct session_worker;
struct repo;

struct session_opts {
	struct comp_spec comp;
	unsigned flush_secs;		/* index flush; 0: 300 */
	uint32_t flush_objects;		/* 0: 200,000 */
	unsigned heartbeat_secs;	/* 0: 300 */
	/* The archive that the new one stands for, and may be called like;
	 * or NULL.  It must live as long as the session. */
	const struct sid *replaces;
};

/* W0, W1. */
int session_begin(struct session **out, struct repo *r,
		  const struct session_opts *o, struct err *e);
const struct sid *session_id(const struct session *s);
uint32_t session_generation(const struct session *s);

/* Is an object with this id listed, or already sealed by this session?  Any
 * thread. */
bool session_has(struct session *s, const struct oid *id);
/* The same; *stored_len is its sealed size, 0 while that is not known. */
bool session_find(struct session *s, const struct oid *id,
		  uint32_t *stored_len);

/* What came of sealing.  !fresh: the repository has it, nothing to add. */
struct session_sealed {
	struct object_head head;
	bool fresh;
	size_t at;		/* of the sealed bytes in the arena */
};
/*
 * Hash, look up, compress, verify, seal: appends to 'arena' if fresh.  Any
 * thread, with a worker of its own.  The first to seal an id claims it: who
 * comes second gets !fresh, and relies on the first's session_add before the
 * next flush.
 */
int session_seal(struct session *s, struct session_worker *w, enum obj_type t,
		 const void *p, size_t len, struct buf *arena,
		 struct session_sealed *out, struct err *e);
/* Compressor and scratch memory of one worker thread.  NULL: no memory. */
struct session_worker *session_worker_new(struct session *s);
void session_worker_free(struct session_worker *w);	/* NULL ok */

/* Owner: pack a fresh sealed object. */
int session_add(struct session *s, const struct session_sealed *o,
		const struct buf *arena, struct err *e);
/* Owner: both at once, for nodes and lists. */
int session_put(struct session *s, enum obj_type t, const void *p, size_t len,
		struct oid *id, struct err *e);

/* Time for a flush?  Then the owner drains its workers (all that was sealed
 * is added) and calls session_flush: packs, barrier, segment, barrier. */
bool session_flush_due(const struct session *s);
int session_flush(struct session *s, struct err *e);

/* Owner: now and then during long work; puts a heartbeat when one is due. */
int session_tick(struct session *s, struct err *e);

struct session_stats {
	uint64_t objects, plain_bytes, stored_bytes;	/* fresh ones */
	uint64_t seen_objects, seen_bytes;	/* all that were sealed */
	uint64_t pack_bytes;				/* put on the store */
};
void session_stats(struct session *s, struct session_stats *out);

/*
 * W2..W5.  Fills in r's session, writer, key, client, seq, prev, generation
 * and seen; the rest is the caller's.  *id: the archive's id.  The root must
 * have been put in this session, or be DIR_EMPTY.
 * ERR_RETRY: a collector has fenced the session; nothing of it exists; begin
 * a new one and do the whole work again.
 * Always ends the session but for session_free.
 */
int session_commit(struct session *s, struct record *r, struct oid *id,
		   struct err *e);
/* Ends it without an archive; deletes sessions/S.  Free of every state. */
void session_free(struct session *s);		/* NULL ok */

#endif
