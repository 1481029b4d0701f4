/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CODEC_AEAD_H
#define CODEC_AEAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "codec/key.h"

/*
 * XChaCha20-Poly1305 (IETF), the one suite.  'in' and 'out' may be the same
 * place.  Safe from any thread.
 */
#define AEAD_TAG_BYTES 16
struct aead_nonce {
	uint8_t b[24];
};

/* A nonce that is a counter, eight little-endian bytes and 16 of zero: for
 * keys that are used for one file only. */
void aead_nonce_count(struct aead_nonce *n, uint64_t count);

/* Writes len + AEAD_TAG_BYTES bytes. */
void aead_seal(uint8_t *out, const void *in, size_t len, const void *ad,
	       size_t ad_len, const struct aead_nonce *n, const struct key *k);

/* Writes len - AEAD_TAG_BYTES bytes; nothing of 'out' may be used on failure.
 * ERR_CORRUPT: not what was sealed with this key, nonce and ad. */
int aead_open(void *out, const uint8_t *in, size_t len, const void *ad,
	      size_t ad_len, const struct aead_nonce *n, const struct key *k,
	      struct err *e);

#endif
