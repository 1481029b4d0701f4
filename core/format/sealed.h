/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_SEALED_H
#define FORMAT_SEALED_H

#include "base/buf.h"
#include "base/oid.h"
#include "format/fmt.h"

/*
 * What packs and index segments have in common: a header of 256 bytes, then
 * the front (a pack's table, a segment's own), then a body, then padding.
 * Private to format/.
 *
 *   0  32  prefix
 *  32  16  repository id
 *  48  32  writer: Ed25519 public key
 *  80  32  salt, from K_loc and all that the file's key seals
 * 112  24  counts, 8 bytes: sealed, nonce 0
 * 136  32  BLAKE2b-256 of the front's ciphertext
 * 168   8  size of the whole file
 * 176  16  XXH3-128 of bytes 256 .. end
 * 192  64  signature by writer over bytes 0..191
 * 256 ...  front: sealed, nonce 1
 *
 * The file's key is BLAKE2b-256(K_loc, label || salt), label "packtabl" or
 * "segmentk"; the front's and body's associated data, and that of the counts,
 * are bytes 32..111.  The padding is the ChaCha20 stream of
 * BLAKE2b-256(K_loc, "padding " || salt), nonce 0: a key of its own, since
 * XChaCha20 and ChaCha20 must not share one.
 */
#define SEALED_HEAD_BYTES 256
#define SEALED_AD_BYTES 80
#define SEALED_COUNTS_BYTES 8

struct sealed_head {
	struct key writer, key;		/* key: the file's, secret */
	uint8_t salt[32];
	uint8_t counts[SEALED_COUNTS_BYTES];
	struct oid front_hash;
	uint64_t file_bytes;
	struct key_sum sum;
};

/* The file's key from its salt. */
void sealed_key(struct key *out, const struct fmt_ctx *ctx, enum fmt_kind kind,
		const uint8_t salt[32]);
/* Associated data. */
void sealed_ad(uint8_t ad[SEALED_AD_BYTES], const struct fmt_ctx *ctx,
	       const struct key *writer, const uint8_t salt[32]);
/* Seal a front of h->salt and h->key: len + 16 bytes to 'out'; sets
 * h->front_hash. */
void sealed_put_front(struct sealed_head *h, const struct fmt_ctx *ctx,
		      const void *front, size_t len, uint8_t *out);
/* Verify the hash, open len + 16 bytes. */
int sealed_get_front(void *out, const struct sealed_head *h,
		     const struct fmt_ctx *ctx, const uint8_t *p, size_t len,
		     struct err *e);
void sealed_pad(uint8_t *out, size_t len, const struct fmt_ctx *ctx,
		const uint8_t salt[32]);

/* Write the header, sign it, and name it. */
void sealed_put_head(uint8_t out[SEALED_HEAD_BYTES], struct sealed_head *h,
		     const struct fmt_ctx *ctx, enum fmt_kind kind,
		     struct oid *name);
/* Verifies name, signature, repository id; opens the counts. */
int sealed_get_head(struct sealed_head *h, const struct fmt_ctx *ctx,
		    enum fmt_kind kind, const struct oid *name,
		    const uint8_t *p, size_t len, struct err *e);
/* A whole file, without any key. */
int sealed_scrub(enum fmt_kind kind, const struct oid *name, const uint8_t *p,
		 size_t len, struct err *e);

/* Sign, verify BLAKE2b-256(a || b).  ERR_CORRUPT: not by that writer. */
void sealed_sign(struct key_signature *sig, const struct fmt_ctx *ctx,
		 const void *a, size_t alen, const void *b, size_t blen);
int sealed_verify(const struct key_signature *sig, const struct key *writer,
		  const void *a, size_t alen, const void *b, size_t blen,
		  struct err *e);

#endif
