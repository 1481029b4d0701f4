/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/sealed.h"

#include <assert.h>
#include <string.h>

#include "codec/aead.h"
#include "format/le.h"

#define AT_REPO 32
#define AT_SALT 80
#define AT_COUNTS 112
#define AT_SIZE 168
#define AT_SUM 176
#define AT_SIGNATURE 192

enum { NONCE_COUNTS = 0, NONCE_FRONT = 1 };

static_assert(AT_COUNTS == AT_REPO + SEALED_AD_BYTES, "associated data");
static_assert(AT_SIGNATURE + sizeof(struct key_signature) ==
	SEALED_HEAD_BYTES, "header");

static void hash_key(struct key *out, const struct fmt_ctx *ctx,
	const char label[8], const uint8_t salt[32])
{
	struct oid h;

	key_hash(&h, ctx->loc, label, 8, salt, 32, NULL, 0);
	memcpy(out->b, h.b, sizeof(out->b));
	key_wipe(&h, sizeof(h));
}

void sealed_key(struct key *out, const struct fmt_ctx *ctx, enum fmt_kind kind,
	const uint8_t salt[32])
{
	hash_key(out, ctx, kind == FMT_PACK ? "packtabl" : "segmentk", salt);
}

void sealed_ad(uint8_t ad[SEALED_AD_BYTES], const struct fmt_ctx *ctx,
	const struct key *writer, const uint8_t salt[32])
{
	memcpy(ad, ctx->repo.b, 16);
	memcpy(ad + 16, writer->b, 32);
	memcpy(ad + 48, salt, 32);
}

void sealed_put_front(struct sealed_head *h, const struct fmt_ctx *ctx,
	const void *front, size_t len, uint8_t *out)
{
	uint8_t ad[SEALED_AD_BYTES];
	struct aead_nonce nonce;

	sealed_ad(ad, ctx, &h->writer, h->salt);
	aead_nonce_count(&nonce, NONCE_FRONT);
	aead_seal(out, front, len, ad, sizeof(ad), &nonce, &h->key);
	key_hash(&h->front_hash, NULL, out, len + AEAD_TAG_BYTES, NULL, 0,
		NULL, 0);
}

int sealed_get_front(void *out, const struct sealed_head *h,
	const struct fmt_ctx *ctx, const uint8_t *p, size_t len, struct err *e)
{
	uint8_t ad[SEALED_AD_BYTES];
	struct aead_nonce nonce;
	struct oid hash;

	key_hash(&hash, NULL, p, len + AEAD_TAG_BYTES, NULL, 0, NULL, 0);
	if (!oid_eq(&hash, &h->front_hash))
		return err_set(e, ERR_CORRUPT, "table is damaged");
	sealed_ad(ad, ctx, &h->writer, h->salt);
	aead_nonce_count(&nonce, NONCE_FRONT);
	return aead_open(out, p, len + AEAD_TAG_BYTES, ad, sizeof(ad), &nonce,
		&h->key, e);
}

void sealed_pad(uint8_t *out, size_t len, const struct fmt_ctx *ctx,
	const uint8_t salt[32])
{
	struct key k;

	if (len == 0)
		return;
	hash_key(&k, ctx, "padding ", salt);
	key_stream(out, len, &k, 0);
	key_wipe(&k, sizeof(k));
}

void sealed_put_head(uint8_t out[SEALED_HEAD_BYTES], struct sealed_head *h,
	const struct fmt_ctx *ctx, enum fmt_kind kind, struct oid *name)
{
	struct buf prefix = { .p = out, .cap = FMT_PREFIX_BYTES };
	struct key_signature sig;
	struct aead_nonce nonce;
	struct wr w;

	BUG_ON(!ctx->signer);
	wr_init(&w, &prefix);
	fmt_put_prefix(&w, kind);
	BUG_ON(w.rc != 0 || prefix.p != out);
	sealed_ad(out + AT_REPO, ctx, &h->writer, h->salt);
	aead_nonce_count(&nonce, NONCE_COUNTS);
	aead_seal(out + AT_COUNTS, h->counts, sizeof(h->counts), out + AT_REPO,
		SEALED_AD_BYTES, &nonce, &h->key);
	memcpy(out + AT_SIZE - 32, h->front_hash.b, 32);
	le_put64(out + AT_SIZE, h->file_bytes);
	memcpy(out + AT_SUM, h->sum.b, sizeof(h->sum.b));
	key_sign(&sig, ctx->signer, out, AT_SIGNATURE);
	memcpy(out + AT_SIGNATURE, sig.b, sizeof(sig.b));
	key_hash(name, NULL, out, SEALED_HEAD_BYTES, NULL, 0, NULL, 0);
}

/* What needs no key.  r is left at the counts. */
static int read_head(struct sealed_head *h, struct sid *repo, struct rd *r,
	enum fmt_kind kind, const struct oid *name, const uint8_t *p,
	size_t len, struct err *e)
{
	struct key_signature sig;
	struct oid hash;
	struct rd tail;
	int rc;

	if (len < SEALED_HEAD_BYTES)
		return err_set(e, ERR_CORRUPT, "cut off: only %zu bytes", len);
	rd_init(r, p, SEALED_HEAD_BYTES);
	if ((rc = fmt_get_prefix(r, kind, e)) < 0)
		return rc;
	key_hash(&hash, NULL, p, SEALED_HEAD_BYTES, NULL, 0, NULL, 0);
	if (!oid_eq(&hash, name))
		return err_set(e, ERR_CORRUPT,
			"header is damaged, or the file has a wrong name");
	rd_copy(r, repo->b, sizeof(repo->b));
	rd_copy(r, h->writer.b, sizeof(h->writer.b));
	rd_copy(r, h->salt, sizeof(h->salt));
	tail = *r;
	rd_bytes(&tail, SEALED_COUNTS_BYTES + AEAD_TAG_BYTES);
	rd_copy(&tail, h->front_hash.b, sizeof(h->front_hash.b));
	h->file_bytes = rd_le64(&tail);
	rd_copy(&tail, h->sum.b, sizeof(h->sum.b));
	rd_copy(&tail, sig.b, sizeof(sig.b));
	if (key_verify(&sig, &h->writer, p, AT_SIGNATURE, NULL) < 0)
		return err_set(e, ERR_CORRUPT, "header's signature is wrong");
	if (h->file_bytes < FMT_MIN_BYTES ||
	    h->file_bytes != fmt_padme(h->file_bytes))
		return err_set(e, ERR_CORRUPT,
			"header gives a size that cannot be");
	return 0;
}

int sealed_get_head(struct sealed_head *h, const struct fmt_ctx *ctx,
	enum fmt_kind kind, const struct oid *name, const uint8_t *p,
	size_t len, struct err *e)
{
	struct aead_nonce nonce;
	struct sid repo;
	struct rd r;
	int rc;

	if ((rc = read_head(h, &repo, &r, kind, name, p, len, e)) < 0)
		return rc;
	if (!sid_eq(&repo, &ctx->repo))
		return err_set(e, ERR_CORRUPT, "belongs to another repository");
	sealed_key(&h->key, ctx, kind, h->salt);
	aead_nonce_count(&nonce, NONCE_COUNTS);
	rc = aead_open(h->counts, p + AT_COUNTS,
		sizeof(h->counts) + AEAD_TAG_BYTES, p + AT_REPO,
		SEALED_AD_BYTES, &nonce, &h->key, e);
	if (rc < 0)
		key_wipe(&h->key, sizeof(h->key));
	return rc;
}

int sealed_scrub(enum fmt_kind kind, const struct oid *name, const uint8_t *p,
	size_t len, struct err *e)
{
	struct sealed_head h;
	struct key_sum sum;
	struct sid repo;
	struct rd r;
	int rc;

	if ((rc = read_head(&h, &repo, &r, kind, name, p, len, e)) < 0)
		return rc;
	if (h.file_bytes != len)
		return err_set(e, ERR_CORRUPT,
			"has %zu bytes, its header says %llu", len,
			(unsigned long long)h.file_bytes);
	key_sum(&sum, p + SEALED_HEAD_BYTES, len - SEALED_HEAD_BYTES);
	if (memcmp(sum.b, h.sum.b, sizeof(sum.b)) != 0)
		return err_set(e, ERR_CORRUPT, "checksum is wrong");
	return 0;
}

void sealed_sign(struct key_signature *sig, const struct fmt_ctx *ctx,
	const void *a, size_t alen, const void *b, size_t blen)
{
	struct oid h;

	BUG_ON(!ctx->signer);
	key_hash(&h, NULL, a, alen, b, blen, NULL, 0);
	key_sign(sig, ctx->signer, h.b, sizeof(h.b));
}

int sealed_verify(const struct key_signature *sig, const struct key *writer,
	const void *a, size_t alen, const void *b, size_t blen, struct err *e)
{
	struct oid h;

	key_hash(&h, NULL, a, alen, b, blen, NULL, 0);
	if (key_verify(sig, writer, h.b, sizeof(h.b), NULL) < 0)
		return err_set(e, ERR_CORRUPT,
			"signature is wrong: damaged or forged");
	return 0;
}
