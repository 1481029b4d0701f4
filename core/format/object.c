/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/object.h"

#include <string.h>

#include "format/le.h"

#define AD_BYTES (16 + 32 + 1 + 1 + 4)
#define NONCE_INPUT_BYTES (32 + 1 + 1 + 4 + 4)

void object_keys(struct object_keys *k, const struct key *secret,
	const struct key *psk, const struct sid *session)
{
	uint8_t in[32 + 16];
	struct oid h;

	memcpy(in, secret->b, 32);
	memcpy(in + 32, session->b, 16);
	key_hash(&h, psk, in, sizeof(in), "content ", 8, NULL, 0);
	memcpy(k->content.b, h.b, sizeof(h.b));
	key_hash(&h, psk, in, sizeof(in), "nonce   ", 8, NULL, 0);
	memcpy(k->nonce.b, h.b, sizeof(h.b));
	key_wipe(&h, sizeof(h));
	key_wipe(in, sizeof(in));
}

void object_id(struct oid *out, const struct key *id_key, const void *p,
	size_t len)
{
	key_hash(out, id_key, p, len, NULL, 0, NULL, 0);
}

bool object_head_ok(const struct object_head *h)
{
	if (h->type < OBJ_DATA || h->type > OBJ_LIST ||
	    h->plain_len == 0 || h->plain_len > OBJ_MAX_BYTES ||
	    h->stored_len <= AEAD_TAG_BYTES)
		return false;
	if (h->codec == COMP_RAW)
		return h->stored_len == h->plain_len + AEAD_TAG_BYTES;
	return h->codec == COMP_ZSTD &&
		h->stored_len < h->plain_len + AEAD_TAG_BYTES;
}

static void object_ad(uint8_t ad[AD_BYTES], const struct object_head *h,
	const struct fmt_ctx *ctx)
{
	memcpy(ad, ctx->repo.b, 16);
	memcpy(ad + 16, h->id.b, 32);
	ad[48] = (uint8_t)h->type;
	ad[49] = (uint8_t)h->codec;
	le_put32(ad + 50, h->plain_len);
}

static void object_nonce(struct aead_nonce *n, const struct object_head *h,
	const struct key *nonce_key)
{
	uint8_t in[NONCE_INPUT_BYTES];
	struct oid hash;

	memcpy(in, h->id.b, 32);
	in[32] = (uint8_t)h->type;
	in[33] = (uint8_t)h->codec;
	le_put32(in + 34, h->plain_len);
	le_put32(in + 38, h->stored_len);
	key_hash(&hash, nonce_key, in, sizeof(in), NULL, 0, NULL, 0);
	memcpy(n->b, hash.b, sizeof(n->b));
}

void object_seal(struct object_head *h, const struct fmt_ctx *ctx,
	const struct object_keys *k, const void *p, size_t len, uint8_t *out)
{
	uint8_t ad[AD_BYTES];
	struct aead_nonce nonce;

	BUG_ON(len == 0 || len > h->plain_len);
	h->stored_len = (uint32_t)len + AEAD_TAG_BYTES;
	BUG_ON(!object_head_ok(h));
	object_ad(ad, h, ctx);
	object_nonce(&nonce, h, &k->nonce);
	aead_seal(out, p, len, ad, sizeof(ad), &nonce, &k->content);
}

int object_open(const struct object_head *h, const struct fmt_ctx *ctx,
	const struct object_keys *k, const struct key *id_key,
	const uint8_t *sealed, struct buf *scratch, void *out, struct err *e)
{
	uint8_t ad[AD_BYTES], *to = out;
	struct aead_nonce nonce;
	size_t len;
	struct oid id;
	int rc;

	if (!object_head_ok(h))
		return err_set(e, ERR_CORRUPT,
			"an object of lengths or kinds that cannot be");
	len = h->stored_len - AEAD_TAG_BYTES;
	if (h->codec != COMP_RAW) {
		if ((rc = buf_resize(scratch, len, e)) < 0)
			return rc;
		to = scratch->p;
	}
	object_ad(ad, h, ctx);
	object_nonce(&nonce, h, &k->nonce);
	rc = aead_open(to, sealed, h->stored_len, ad, sizeof(ad), &nonce,
		&k->content, e);
	if (rc == 0 && h->codec != COMP_RAW)
		rc = comp_unpack(h->codec, to, len, out, h->plain_len, e);
	if (rc == 0) {
		object_id(&id, id_key, out, h->plain_len);
		if (!oid_eq(&id, &h->id))
			rc = err_set(e, ERR_CORRUPT,
				"content does not have its id");
	}
	if (rc < 0)
		return err_ctx(e, "%s object", fmt_type_name(h->type));
	return 0;
}
