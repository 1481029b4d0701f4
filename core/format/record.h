/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_RECORD_H
#define FORMAT_RECORD_H

#include "base/buf.h"
#include "base/strv.h"
#include "format/entry.h"
#include "format/fmt.h"
#include "format/object.h"
#include "format/pack.h"

/*
 * An archive record: archives/SESSION, put once; putting it is the commit.
 * A fence has the same name and makes that commit impossible.
 *
 *   0  32  prefix (FMT_RECORD)
 *  32  16  repository id
 *  48  16  session id (is the name)
 *  64  32  writer: Ed25519 public key
 *  96 104  session entry as in a pack's table
 * 200  32  salt = BLAKE2b-256(nonce key, "recsalt " || head || body), plain
 * 232   4  head ciphertext length     236  4  body ciphertext length
 * 240  64  signature by writer over BLAKE2b-256 of all bytes but these 64
 * 304 ...  head: sealed with BLAKE2b-256(K_loc, "rechead " || session id ||
 *          salt), nonce 0: what a client without read rights may see
 *  ..  ..  body: sealed with the session's content key, nonce: the first 24
 *          bytes of BLAKE2b-256(nonce key, "recbody " || salt); zeroes at
 *          its end make the file a multiple of 2,048 bytes
 * Associated data of both: bytes 0..95.  The salt is there because a record
 * may be made twice (the first put failed, the second has a later end).
 *
 * Id of an archive, shown to users: BLAKE2b-256 of the whole file.
 */
#define RECORD_MAX_BYTES (1u << 20)
#define RECORD_PAD_BYTES 2048
#define RECORD_NAME_MAX 1024

enum record_flags {
	RECORD_PARTIAL = 1 << 0,	/* the run was interrupted */
	RECORD_NO_XATTRS = 1 << 1	/* no entry has extended attributes */
};
#define RECORD_FLAGS (RECORD_PARTIAL | RECORD_NO_XATTRS)
struct record_seen {			/* newest record of another client */
	struct sid client;
	uint64_t seq;
	struct oid hash;
};
struct record_name {			/* number and name of an owner */
	uint32_t id;
	char *name;
};
struct record_stats {
	uint64_t files, dirs, bytes;	/* in the archive */
	uint64_t stored_bytes;		/* sealed, of all new objects */
	uint64_t new_bytes;		/* plain bytes of those */
	uint64_t comp_bytes;		/* estimate for all of it, or 0 */
	uint64_t added, changed, unchanged, errors;
};
struct record {
	/* clear */
	struct sid session;
	struct key writer;
	struct pack_session key;	/* the session that sealed the body */
	/* head */
	struct sid client;		/* the machine that wrote it */
	uint64_t seq;			/* 1, 2, ... per client */
	struct oid prev;		/* id of the client's last record */
	uint32_t generation;
	uint32_t flags;			/* enum record_flags */
	struct record_seen *seen;
	uint32_t n_seen;
	/* body */
	char *name, *series, *host, *user, *comment;
	struct strv command;		/* argv, without secrets */
	struct strv paths;		/* as given */
	int64_t start_nsec, end_nsec;
	int32_t utc_offset_secs;	/* of the machine then */
	struct dir_ref root;		/* kind DIR_ROOT */
	struct record_stats stats;
	struct strv warnings;		/* what is missing and why, <= 100 */
	struct record_name *users, *groups;
	uint32_t n_users, n_groups;
	char *program;			/* "muniment 0.1.0" */
};
void record_release(struct record *r);
/* 1 .. RECORD_NAME_MAX bytes, no '/', not "." or "..". */
bool record_name_ok(const char *name);

/* Encode and sign; *id gets the archive's id.  ERR_CONFIG: a name that cannot
 * be, or a text or list that is too long. */
int record_seal(const struct fmt_ctx *ctx, const struct record *r,
		const struct object_keys *k, struct buf *file, struct oid *id,
		struct err *e);
/*
 * Decode in two steps, as rights differ.  Both verify the signature by the
 * writer named in it; whether that writer is trusted is the caller's matter.
 * record_open_head: clear part and head.  ERR_EXIST: it is a fence.
 */
int record_open_head(struct record *r, const struct fmt_ctx *ctx,
		     const struct sid *session, const uint8_t *p, size_t len,
		     struct oid *id, struct err *e);
/* After record_open_head, with the keys of r->key.  Also after a failure r is
 * released with record_release. */
int record_open_body(struct record *r, const struct fmt_ctx *ctx,
		     const struct object_keys *k, const uint8_t *p, size_t len,
		     struct err *e);
/* Without any key: name, repository, lengths, signature; of a fence, which
 * has no signature, all but that. */
int record_scrub(const struct sid *repo, const struct sid *session,
		 const uint8_t *p, size_t len, struct err *e);

/* A fence: prefix 32 (FMT_FENCE), repository id 16, session id 16, and
 * BLAKE2b-256(K_loc, "fence   " || those 64 bytes). */
int record_put_fence(const struct fmt_ctx *ctx, const struct sid *session,
		     struct buf *file, struct err *e);
bool record_is_fence(const uint8_t *p, size_t len);

/* The plain parts, for the local copy of what was opened once. */
int record_put_head(struct buf *out, const struct record *r, struct err *e);
int record_put_body(struct buf *out, const struct record *r, struct err *e);
int record_get_head(struct record *r, const uint8_t *p, size_t len,
		    struct err *e);
int record_get_body(struct record *r, const uint8_t *p, size_t len,
		    struct err *e);

#endif
