/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CODEC_KEY_H
#define CODEC_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/oid.h"

/*
 * Keys and the primitives on them, all libsodium's: BLAKE2b, X25519 sealed
 * boxes, Ed25519, crypto_kdf, Argon2id.  Everything here is safe from any
 * thread after key_setup().
 */
struct key {
	uint8_t b[32];
};

/* Call once before anything else of codec/.  ERR_IO: no randomness. */
int key_setup(struct err *e);

void key_random(void *p, size_t len);
void key_wipe(void *p, size_t len);	/* cannot be optimised away */
/* Constant time; nonzero if equal. */
int key_equal(const void *a, const void *b, size_t len);

/* A page-locked, guarded, zeroed allocation that key_free wipes.  NULL: no
 * memory.  Locking is best effort (RLIMIT_MEMLOCK). */
void *key_alloc(size_t len);
void key_free(void *p);			/* NULL ok */

/* Sub-key 'n' of 'master' for an eight-letter context (crypto_kdf). */
void key_derive(struct key *out, const struct key *master, uint64_t n,
		const char context[8]);

/* BLAKE2b-256 keyed with k (NULL: not keyed) over up to three parts in turn;
 * empty parts are allowed. */
void key_hash(struct oid *out, const struct key *k, const void *a,
	      size_t alen, const void *b, size_t blen, const void *c,
	      size_t clen);

/* SipHash-2-4 of a short string under the first half of k. */
uint64_t key_siphash(const struct key *k, const void *p, size_t len);

/* XXH3-128 in its canonical (big-endian) form: finds rot, not malice. */
struct key_sum {
	uint8_t b[16];
};
struct key_sum_state;
struct key_sum_state *key_sum_new(void);	/* NULL: no memory */
void key_sum_add(struct key_sum_state *s, const void *p, size_t len);
void key_sum_end(struct key_sum_state *s, struct key_sum *out); /* may go on */
void key_sum_free(struct key_sum_state *s);
void key_sum(struct key_sum *out, const void *p, size_t len);

/* ChaCha20 (DJB's: 64-bit counter from 0) stream from k, its nonce n as eight
 * little-endian bytes: padding that looks like data. */
void key_stream(void *out, size_t len, const struct key *k, uint64_t n);

/* X25519 sealed boxes: who seals needs only the public half.  A public key of
 * small order is a bug: they come from key_box_pair, or out of a bundle. */
#define KEY_SEALED_BYTES(n) ((n) + 48)
void key_box_pair(struct key *pub, struct key *sec, const struct key *seed);
void key_box_seal(uint8_t *out, const void *p, size_t len,
		  const struct key *pub);
/* ERR_AUTH: not sealed for this key, or changed. */
int key_box_open(void *out, const uint8_t *sealed, size_t sealed_len,
		 const struct key *pub, const struct key *sec,
		 struct err *e);

/* Ed25519. */
struct key_signature {
	uint8_t b[64];
};
struct key_signer {
	struct key pub;
	uint8_t sec[64];	/* secret */
};
void key_sign_pair(struct key_signer *s, const struct key *seed);
void key_sign(struct key_signature *out, const struct key_signer *s,
	      const void *p, size_t len);
int key_verify(const struct key_signature *sig, const struct key *pub,
	       const void *p, size_t len, struct err *e);	/* ERR_AUTH */

/* Argon2id.  Limits are checked: 1 <= passes <= 64, and mem_kib between
 * 19 MiB and 4 GiB (tests may go lower through key_kdf_floor).
 * ERR_CORRUPT: parameters outside, ERR_NOMEM. */
struct key_kdf {
	uint32_t passes;
	uint32_t mem_kib;
	uint8_t salt[32];	/* all of it counts: BLAKE2b folds it to 16 */
};
#define KEY_KDF_PASSES 3
#define KEY_KDF_MEM_KIB (64u << 10)
#define KEY_KDF_STRONG_MEM_KIB (1u << 20)
int key_kdf(struct key *out, const struct key_kdf *par, const void *pass,
	    size_t pass_len, struct err *e);
void key_kdf_floor(uint32_t mem_kib);	/* tests only */

#endif
