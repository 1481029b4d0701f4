/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_MARK_H
#define FORMAT_MARK_H

#include "base/buf.h"
#include "base/strv.h"
#include "format/fmt.h"
#include "format/segment.h"

/*
 * The small files beside the archives, all of one shape:
 *
 *   0  32  prefix
 *  32  16  repository id
 *  48  32  writer: Ed25519 public key
 *  80  16  salt, random
 *  96   4  body ciphertext length
 * 100  64  signature by writer over BLAKE2b-256 of all bytes but these 64
 * 164 ...  body: sealed with BLAKE2b-256(K_loc, "markbody" || u8 kind || name
 *          16 || salt), nonce 0, associated data: bytes 0..99; zeroes at its
 *          end make it a multiple of 256 bytes
 *
 * The name is the id in the file's name (a generation's number: le32 and
 * zeroes), kind the letter in the prefix.  Bodies (strings: varint length,
 * bytes without NUL):
 * tombstone   record id 32, le64 time, host, user, reason
 * session     client 16, le64 start, le32 pid, le64 pid_start, le64 pid_ns,
 *             host, boot id
 * pin         the same, varint count, archives' session ids 16
 * generation  varint count, { u8 kind, u8 tier, le32 generation, hash 32 },
 *             varint count, pack names 32,
 *             varint count, { archive's session id 16, record id 32 }
 * level       le16 thousandths
 *
 * tombstones/SESSION   the archive of that session is deleted
 * sessions/SESSION     a writer is at work (heartbeats: SESSION.N)
 * generations/NNNNNNNN base segments, condemned packs, and archives that are
 *                      gone with their tombstones, of a collection
 * pins/PIN.N           a mount reads these archives, or a heartbeat
 * parity/level.N       how much parity new packs get; the highest N counts
 */
struct mark_tombstone {
	struct sid archive;		/* the name */
	struct oid record;		/* id of the record it deletes */
	int64_t time_nsec;
	char *host, *user, *reason;
};
struct mark_session {
	struct sid session;		/* the name */
	struct sid client;
	int64_t start_nsec;
	uint32_t pid;
	char *host, *boot_id;		/* a dead process is told by these */
	uint64_t pid_start;		/* when it was started, in ticks */
	uint64_t pid_ns;		/* its pid namespace; 0: unknown */
};
struct mark_gone {
	struct sid archive;
	struct oid record;
};
struct mark_generation {
	uint32_t number;		/* the name, %08x */
	struct segment_name *base;
	uint32_t n_base;
	struct oid *condemned;		/* pack names */
	uint32_t n_condemned;
	struct mark_gone *gone;		/* deleted archives, collected before */
	uint32_t n_gone;
};
struct mark_pin {
	struct sid pin;			/* the name */
	struct sid client;
	int64_t start_nsec;
	uint32_t pid;
	char *host, *boot_id;
	uint64_t pid_start, pid_ns;
	struct sid *archives;
	uint32_t n_archives;
};
struct mark_level {
	uint32_t number;		/* in the name, from 1 */
	uint16_t mille;			/* up to PARITY_MILLE_MAX; 0: none */
};

int mark_put_tombstone(const struct fmt_ctx *ctx,
		       const struct mark_tombstone *t, struct buf *out,
		       struct err *e);
int mark_get_tombstone(struct mark_tombstone *t, const struct fmt_ctx *ctx,
		       const struct sid *name, const uint8_t *p, size_t len,
		       struct err *e);
void mark_tombstone_release(struct mark_tombstone *t);
int mark_put_session(const struct fmt_ctx *ctx, const struct mark_session *s,
		     struct buf *out, struct err *e);
int mark_get_session(struct mark_session *s, const struct fmt_ctx *ctx,
		     const struct sid *name, const uint8_t *p, size_t len,
		     struct err *e);
void mark_session_release(struct mark_session *s);
int mark_put_generation(const struct fmt_ctx *ctx,
			const struct mark_generation *g, struct buf *out,
			struct err *e);
int mark_get_generation(struct mark_generation *g, const struct fmt_ctx *ctx,
			uint32_t number, const uint8_t *p, size_t len,
			struct err *e);
void mark_generation_release(struct mark_generation *g);
int mark_put_pin(const struct fmt_ctx *ctx, const struct mark_pin *p,
		 struct buf *out, struct err *e);
int mark_get_pin(struct mark_pin *p, const struct fmt_ctx *ctx,
		 const struct sid *name, const uint8_t *bytes, size_t len,
		 struct err *e);
void mark_pin_release(struct mark_pin *p);
int mark_put_level(const struct fmt_ctx *ctx, const struct mark_level *l,
		   struct buf *out, struct err *e);
int mark_get_level(struct mark_level *l, const struct fmt_ctx *ctx,
		   uint32_t number, const uint8_t *p, size_t len,
		   struct err *e);

/* Without any key: repository, lengths, signature. */
int mark_scrub(enum fmt_kind kind, const struct sid *repo, const uint8_t *p,
	       size_t len, struct err *e);

#endif
