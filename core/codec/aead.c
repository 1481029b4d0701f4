/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/aead.h"

#include <assert.h>

#include <sodium.h>

static_assert(AEAD_TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES,
	"tag");
static_assert(sizeof(struct aead_nonce) ==
	crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
static_assert(sizeof(struct key) ==
	crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key");

void aead_nonce_count(struct aead_nonce *n, uint64_t count)
{
	size_t i;

	for (i = 0; i < sizeof(n->b); i++) {
		n->b[i] = (uint8_t)count;
		count >>= 8;
	}
}

void aead_seal(uint8_t *out, const void *in, size_t len, const void *ad,
	       size_t ad_len, const struct aead_nonce *n, const struct key *k)
{
	crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, in, len, ad,
		ad_len, NULL, n->b, k->b);
}

int aead_open(void *out, const uint8_t *in, size_t len, const void *ad,
	      size_t ad_len, const struct aead_nonce *n, const struct key *k,
	      struct err *e)
{
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, in,
	    len, ad, ad_len, n->b, k->b) != 0)
		return err_set(e, ERR_CORRUPT, "sealed bytes are damaged or "
			"not from this repository and key");
	return 0;
}
