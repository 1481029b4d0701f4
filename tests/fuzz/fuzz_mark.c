/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First byte: 0..3: the rest is a mark as stored, of each kind; 4..7: the body
 * of one, which is padded, sealed and signed here; 8, 12: the same of a fifth
 * kind.  What opens with the key is what it should be without it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "codec/aead.h"
#include "format/mark.h"
#include "format/sealed.h"
#include "tests/lib/formatkit.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

#define AT_SIGNATURE 100
#define AT_BODY 164

static const enum fmt_kind kinds[] = { FMT_TOMBSTONE, FMT_SESSION,
				       FMT_GENERATION, FMT_PIN, FMT_LEVEL };

static void open_mark(unsigned kind, const uint8_t *p, size_t len)
{
	const struct fmt_ctx *ctx = formatkit_ctx();
	const struct sid name = { { 1 } };	/* generation 1, too */
	struct buf again = BUF_INIT;
	int scrub = mark_scrub(kinds[kind], &ctx->repo, p, len, NULL);
	struct mark_generation g;
	struct mark_tombstone t;
	struct mark_session s;
	struct mark_level l;
	struct mark_pin pin;

	if (kind == 0) {
		if (mark_get_tombstone(&t, ctx, &name, p, len, NULL) == 0)
			BUG_ON(mark_put_tombstone(ctx, &t, &again, NULL) < 0);
		mark_tombstone_release(&t);
	} else if (kind == 1) {
		if (mark_get_session(&s, ctx, &name, p, len, NULL) == 0)
			BUG_ON(mark_put_session(ctx, &s, &again, NULL) < 0);
		mark_session_release(&s);
	} else if (kind == 2) {
		if (mark_get_generation(&g, ctx, 1, p, len, NULL) == 0)
			BUG_ON(mark_put_generation(ctx, &g, &again, NULL) < 0);
		mark_generation_release(&g);
	} else if (kind == 4) {
		if (mark_get_level(&l, ctx, 1, p, len, NULL) == 0)
			BUG_ON(mark_put_level(ctx, &l, &again, NULL) < 0);
	} else {
		if (mark_get_pin(&pin, ctx, &name, p, len, NULL) == 0)
			BUG_ON(mark_put_pin(ctx, &pin, &again, NULL) < 0);
		mark_pin_release(&pin);
	}
	BUG_ON(again.p && scrub < 0);
	/* The same text needs the same room: lengths have one form. */
	BUG_ON(again.p && again.len != len);
	buf_release(&again);
}

static void body_key(struct key *k, enum fmt_kind kind)
{
	uint8_t in[33] = { (uint8_t)kind, 1 };	/* name 1, salt 0 */
	struct oid h;

	key_hash(&h, formatkit_ctx()->loc, "markbody", 8, in, sizeof(in),
		NULL, 0);
	memcpy(k->b, h.b, sizeof(k->b));
}

static void seal_body(unsigned which, const uint8_t *p, size_t len)
{
	const struct fmt_ctx *ctx = formatkit_ctx();
	size_t padded = (len + 255) / 256 * 256;
	uint8_t *plain = mem_zero(padded, 1);
	struct key_signature sig;
	struct aead_nonce nonce;
	struct buf b = BUF_INIT;
	struct key k;
	struct wr w;

	BUG_ON(!plain);
	if (len)
		memcpy(plain, p, len);
	wr_init(&w, &b);
	fmt_put_prefix(&w, kinds[which]);
	wr_bytes(&w, ctx->repo.b, 16);
	wr_bytes(&w, ctx->signer->pub.b, 32);
	wr_zero(&w, 16);
	wr_le32(&w, (uint32_t)padded + AEAD_TAG_BYTES);
	wr_zero(&w, sizeof(sig) + padded + AEAD_TAG_BYTES);
	BUG_ON(wr_done(&w, NULL) < 0);
	body_key(&k, kinds[which]);
	aead_nonce_count(&nonce, 0);
	aead_seal(b.p + AT_BODY, plain, padded, b.p, AT_SIGNATURE, &nonce,
		&k);
	sealed_sign(&sig, ctx, b.p, AT_SIGNATURE, b.p + AT_BODY,
		b.len - AT_BODY);
	memcpy(b.p + AT_SIGNATURE, sig.b, sizeof(sig.b));
	open_mark(which, b.p, b.len);
	buf_release(&b);
	free(plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	if (len == 0 || len > 1u << 16)
		return 0;
	if (p[0] & 4)
		seal_body(p[0] & 8 ? 4 : p[0] & 3, p + 1, len - 1);
	else
		open_mark(p[0] & 8 ? 4 : p[0] & 3, p + 1, len - 1);
	return 0;
}
