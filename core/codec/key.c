/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/key.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>
#include <xxhash.h>

#include "base/mem.h"

#define KEY_KDF_PASSES_MAX 64
#define KEY_KDF_MEM_KIB_MIN (19u << 10)
#define KEY_KDF_MEM_KIB_MAX (4u << 20)

static_assert(sizeof(struct key) == crypto_generichash_KEYBYTES, "hash key");
static_assert(sizeof(struct key) == crypto_kdf_KEYBYTES, "master key");
static_assert(sizeof(struct key) == crypto_stream_chacha20_KEYBYTES,
	"stream key");
static_assert(sizeof(struct key) >= crypto_shorthash_KEYBYTES, "short hash");
static_assert(sizeof(struct key) == crypto_box_PUBLICKEYBYTES, "box public");
static_assert(sizeof(struct key) == crypto_box_SECRETKEYBYTES, "box secret");
static_assert(sizeof(struct key) == crypto_box_SEEDBYTES, "box seed");
static_assert(sizeof(struct key) == crypto_sign_SEEDBYTES, "sign seed");
static_assert(sizeof(struct key) == crypto_sign_PUBLICKEYBYTES, "sign public");
static_assert(sizeof(struct oid) == crypto_generichash_BYTES, "hash");
static_assert(KEY_SEALED_BYTES(0) == crypto_box_SEALBYTES, "sealed box");
static_assert(sizeof(((struct key_signer *)0)->sec) ==
	crypto_sign_SECRETKEYBYTES, "sign secret");
static_assert(sizeof(struct key_signature) == crypto_sign_BYTES, "signature");
static_assert(sizeof(struct key_sum) == sizeof(XXH128_canonical_t), "sum");

static _Atomic uint32_t key_kdf_mem_kib_min = KEY_KDF_MEM_KIB_MIN;

int key_setup(struct err *e)
{
	if (sodium_init() < 0)
		return err_set(e, ERR_IO,
			"the system gives no random numbers");
	return 0;
}

void key_random(void *p, size_t len)
{
	randombytes_buf(p, len);
}

void key_wipe(void *p, size_t len)
{
	sodium_memzero(p, len);
}

int key_equal(const void *a, const void *b, size_t len)
{
	return sodium_memcmp(a, b, len) == 0;
}

void *key_alloc(size_t len)
{
	void *p;

	/* The allocation ends at a guard page: only a round size is aligned. */
	if (len > SIZE_MAX - 15)
		return NULL;
	len = (len + 15) & ~(size_t)15;
	p = sodium_malloc(len);
	if (p)
		memset(p, 0, len);
	return p;
}

void key_free(void *p)
{
	sodium_free(p);
}

void key_derive(struct key *out, const struct key *master, uint64_t n,
		const char context[8])
{
	static_assert(crypto_kdf_CONTEXTBYTES == 8, "context");
	int rc = crypto_kdf_derive_from_key(out->b, sizeof(out->b), n, context,
		master->b);

	BUG_ON(rc != 0);
}

void key_hash(struct oid *out, const struct key *k, const void *a,
	      size_t alen, const void *b, size_t blen, const void *c,
	      size_t clen)
{
	crypto_generichash_state st;

	crypto_generichash_init(&st, k ? k->b : NULL, k ? sizeof(k->b) : 0,
		sizeof(out->b));
	crypto_generichash_update(&st, a, alen);
	crypto_generichash_update(&st, b, blen);
	crypto_generichash_update(&st, c, clen);
	crypto_generichash_final(&st, out->b, sizeof(out->b));
}

static uint64_t key_le64(const uint8_t *p)
{
	uint64_t v = 0;
	size_t i;

	for (i = 8; i-- > 0; )
		v = v << 8 | p[i];
	return v;
}

uint64_t key_siphash(const struct key *k, const void *p, size_t len)
{
	uint8_t h[crypto_shorthash_BYTES];

	crypto_shorthash(h, p, len, k->b);
	return key_le64(h);
}

/* xxHash wants its state on a 64-byte border, so it allocates it itself. */
struct key_sum_state {
	XXH3_state_t *xxh;
};

struct key_sum_state *key_sum_new(void)
{
	struct key_sum_state *s = mem_alloc(sizeof(*s));

	if (!s)
		return NULL;
	s->xxh = XXH3_createState();
	if (!s->xxh) {
		free(s);
		return NULL;
	}
	XXH3_128bits_reset(s->xxh);
	return s;
}

void key_sum_add(struct key_sum_state *s, const void *p, size_t len)
{
	if (len)
		XXH3_128bits_update(s->xxh, p, len);
}

static void key_sum_put(struct key_sum *out, XXH128_hash_t h)
{
	XXH128_canonical_t c;

	XXH128_canonicalFromHash(&c, h);
	memcpy(out->b, c.digest, sizeof(out->b));
}

void key_sum_end(struct key_sum_state *s, struct key_sum *out)
{
	key_sum_put(out, XXH3_128bits_digest(s->xxh));
}

void key_sum_free(struct key_sum_state *s)
{
	if (!s)
		return;
	XXH3_freeState(s->xxh);
	free(s);
}

void key_sum(struct key_sum *out, const void *p, size_t len)
{
	key_sum_put(out, XXH3_128bits(p, len));
}

void key_stream(void *out, size_t len, const struct key *k, uint64_t n)
{
	uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
	size_t i;

	for (i = 0; i < sizeof(nonce); i++)
		nonce[i] = (uint8_t)(n >> 8 * i);
	crypto_stream_chacha20(out, len, nonce, k->b);
}

void key_box_pair(struct key *pub, struct key *sec, const struct key *seed)
{
	crypto_box_seed_keypair(pub->b, sec->b, seed->b);
}

void key_box_seal(uint8_t *out, const void *p, size_t len,
		  const struct key *pub)
{
	int rc = crypto_box_seal(out, p, len, pub->b);

	BUG_ON(rc != 0);
}

int key_box_open(void *out, const uint8_t *sealed, size_t sealed_len,
		 const struct key *pub, const struct key *sec,
		 struct err *e)
{
	if (crypto_box_seal_open(out, sealed, sealed_len, pub->b,
	    sec->b) != 0)
		return err_set(e, ERR_AUTH,
			"sealed box is not for this key, or was changed");
	return 0;
}

void key_sign_pair(struct key_signer *s, const struct key *seed)
{
	crypto_sign_seed_keypair(s->pub.b, s->sec, seed->b);
}

void key_sign(struct key_signature *out, const struct key_signer *s,
	      const void *p, size_t len)
{
	crypto_sign_detached(out->b, NULL, p, len, s->sec);
}

int key_verify(const struct key_signature *sig, const struct key *pub,
	       const void *p, size_t len, struct err *e)
{
	if (crypto_sign_verify_detached(sig->b, p, len, pub->b) != 0)
		return err_set(e, ERR_AUTH, "signature is not valid");
	return 0;
}

int key_kdf(struct key *out, const struct key_kdf *par, const void *pass,
	    size_t pass_len, struct err *e)
{
	uint8_t salt[crypto_pwhash_argon2id_SALTBYTES];
	uint32_t floor = atomic_load(&key_kdf_mem_kib_min);
	size_t mem_bytes;

	if (par->passes < 1 || par->passes > KEY_KDF_PASSES_MAX)
		return err_set(e, ERR_CORRUPT,
			"passphrase hash wants %u passes, allowed are 1 to %u",
			par->passes, KEY_KDF_PASSES_MAX);
	if (par->mem_kib < floor || par->mem_kib > KEY_KDF_MEM_KIB_MAX)
		return err_set(e, ERR_CORRUPT, "passphrase hash wants %u KiB "
			"of memory, allowed are %u to %u", par->mem_kib,
			floor, KEY_KDF_MEM_KIB_MAX);
	if (pass_len > crypto_pwhash_argon2id_PASSWD_MAX)
		return err_set(e, ERR_CONFIG, "passphrase is too long");
	if (__builtin_mul_overflow(par->mem_kib, 1024u, &mem_bytes))
		return err_nomem(e);
	crypto_generichash(salt, sizeof(salt), par->salt, sizeof(par->salt),
		NULL, 0);
	if (crypto_pwhash(out->b, sizeof(out->b), pass_len ? pass : "",
	    pass_len, salt, par->passes, mem_bytes,
	    crypto_pwhash_ALG_ARGON2ID13) != 0) {
		key_wipe(out, sizeof(*out));
		return err_set(e, ERR_NOMEM, "passphrase hash needs %u MiB "
			"of memory, which this system does not give",
			par->mem_kib >> 10);
	}
	return 0;
}

void key_kdf_floor(uint32_t mem_kib)
{
	atomic_store(&key_kdf_mem_kib_min, mem_kib);
}
