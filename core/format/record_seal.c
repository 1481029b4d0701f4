/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/record.h"

#include <string.h>

#include "format/le.h"
#include "format/record_priv.h"
#include "format/sealed.h"

static int too_large(struct err *e)
{
	return err_set(e, ERR_CONFIG,
		"archive record is larger than %u bytes: shorten its command "
		"line, comment or warnings", RECORD_MAX_BYTES);
}

/* Pad the body so that the file is a multiple of RECORD_PAD_BYTES. */
static int pad_body(struct buf *body, size_t head_len, struct err *e)
{
	size_t bytes = RECORD_AT_HEAD + head_len + body->len +
		2 * AEAD_TAG_BYTES;
	size_t more = (RECORD_PAD_BYTES - bytes % RECORD_PAD_BYTES) %
		RECORD_PAD_BYTES;
	int rc;

	if (bytes + more > RECORD_MAX_BYTES)
		return too_large(e);
	if ((rc = buf_resize(body, body->len + more, e)) < 0)
		return rc;
	memset(body->p + body->len - more, 0, more);
	return 0;
}

static void put_salt(uint8_t salt[32], const struct object_keys *k,
	const struct buf *head, const struct buf *body)
{
	struct oid h;

	key_hash(&h, &k->nonce, "recsalt ", 8, head->p, head->len, body->p,
		body->len);
	memcpy(salt, h.b, 32);
}

static void seal_parts(uint8_t *p, const struct fmt_ctx *ctx,
	const struct record *r, const struct object_keys *k,
	const struct buf *head, const struct buf *body)
{
	struct aead_nonce nonce;
	struct key head_key;

	record_head_key(&head_key, ctx, &r->session, p + RECORD_AT_SALT);
	aead_nonce_count(&nonce, 0);
	aead_seal(p + RECORD_AT_HEAD, head->p, head->len, p, RECORD_AD_BYTES,
		&nonce, &head_key);
	record_body_nonce(&nonce, k, p + RECORD_AT_SALT);
	aead_seal(p + RECORD_AT_HEAD + head->len + AEAD_TAG_BYTES, body->p,
		body->len, p, RECORD_AD_BYTES, &nonce, &k->content);
	key_wipe(&head_key, sizeof(head_key));
}

static int put_clear(struct buf *file, const struct fmt_ctx *ctx,
	const struct record *r, const uint8_t salt[32], size_t head_len,
	size_t body_len, struct err *e)
{
	struct wr w;

	wr_init(&w, file);
	fmt_put_prefix(&w, FMT_RECORD);
	wr_bytes(&w, ctx->repo.b, sizeof(ctx->repo.b));
	wr_bytes(&w, r->session.b, sizeof(r->session.b));
	wr_bytes(&w, ctx->signer->pub.b, sizeof(ctx->signer->pub.b));
	pack_session_put(&w, &r->key);
	wr_bytes(&w, salt, 32);
	wr_le32(&w, (uint32_t)head_len);
	wr_le32(&w, (uint32_t)body_len);
	wr_zero(&w, sizeof(struct key_signature));
	wr_zero(&w, head_len + body_len);
	return wr_done(&w, e);
}

int record_seal(const struct fmt_ctx *ctx, const struct record *r,
	const struct object_keys *k, struct buf *file, struct oid *id,
	struct err *e)
{
	struct buf head = { .max = RECORD_MAX_BYTES };
	struct buf body = { .max = RECORD_MAX_BYTES };
	struct key_signature sig;
	uint8_t salt[32];
	int rc;

	BUG_ON(!ctx->signer);
	if ((rc = record_put_head(&head, r, e)) == 0)
		rc = record_put_body(&body, r, e);
	if (rc == ERR_CORRUPT)
		rc = too_large(e);
	if (rc < 0 || (rc = pad_body(&body, head.len, e)) < 0)
		goto out;
	put_salt(salt, k, &head, &body);
	buf_clear(file);
	rc = put_clear(file, ctx, r, salt, head.len + AEAD_TAG_BYTES,
		body.len + AEAD_TAG_BYTES, e);
	if (rc < 0)
		goto out;
	seal_parts(file->p, ctx, r, k, &head, &body);
	sealed_sign(&sig, ctx, file->p, RECORD_AT_SIGNATURE,
		file->p + RECORD_AT_HEAD, file->len - RECORD_AT_HEAD);
	memcpy(file->p + RECORD_AT_SIGNATURE, sig.b, sizeof(sig.b));
	key_hash(id, NULL, file->p, file->len, NULL, 0, NULL, 0);
out:
	buf_release(&head);
	buf_release(&body);
	return rc;
}

struct lengths {
	size_t head, body;	/* ciphertexts */
};

/* The clear part; verifies repository, name, signature, lengths. */
static int open_clear(struct record *r, struct lengths *l,
	const struct fmt_ctx *ctx, const uint8_t *p, size_t len,
	struct err *e)
{
	struct key_signature sig;
	struct sid repo, session;
	struct rd in;
	int rc;

	rd_init(&in, p, len);
	if ((rc = fmt_get_prefix(&in, FMT_RECORD, e)) < 0)
		return rc;
	rd_copy(&in, repo.b, sizeof(repo.b));
	rd_copy(&in, session.b, sizeof(session.b));
	rd_copy(&in, r->writer.b, sizeof(r->writer.b));
	pack_session_get(&in, &r->key);
	rd_bytes(&in, 32);
	l->head = rd_le32(&in);
	l->body = rd_le32(&in);
	rd_copy(&in, sig.b, sizeof(sig.b));
	if (in.bad || l->head < AEAD_TAG_BYTES || l->body < AEAD_TAG_BYTES ||
	    l->head + l->body != rd_left(&in) ||
	    len % RECORD_PAD_BYTES != 0 || len > RECORD_MAX_BYTES)
		return err_set(e, ERR_CORRUPT, "record's lengths are wrong");
	if (!sid_eq(&repo, &ctx->repo))
		return err_set(e, ERR_CORRUPT, "belongs to another repository");
	if (!sid_eq(&session, &r->session))
		return err_set(e, ERR_CORRUPT, "record has a wrong name");
	return sealed_verify(&sig, &r->writer, p, RECORD_AT_SIGNATURE,
		p + RECORD_AT_HEAD, len - RECORD_AT_HEAD, e);
}

int record_scrub(const struct sid *repo, const struct sid *session,
	const uint8_t *p, size_t len, struct err *e)
{
	const struct fmt_ctx ctx = { .repo = *repo };
	struct record r = { .session = *session };
	struct sid of[2];
	struct lengths l;
	struct rd in;

	if (!record_is_fence(p, len))
		return open_clear(&r, &l, &ctx, p, len, e);
	rd_init(&in, p + FMT_PREFIX_BYTES, len - FMT_PREFIX_BYTES);
	rd_copy(&in, of[0].b, sizeof(of[0].b));
	rd_copy(&in, of[1].b, sizeof(of[1].b));
	if (in.bad || !sid_eq(&of[0], repo) || !sid_eq(&of[1], session))
		return err_set(e, ERR_CORRUPT,
			"is the fence of another session or repository");
	return 0;
}

int record_open_head(struct record *r, const struct fmt_ctx *ctx,
	const struct sid *session, const uint8_t *p, size_t len,
	struct oid *id, struct err *e)
{
	struct buf plain = { .max = RECORD_MAX_BYTES };
	struct aead_nonce nonce;
	struct key head_key;
	struct lengths l;
	int rc;

	memset(r, 0, sizeof(*r));
	if (record_is_fence(p, len))
		return record_get_fence(ctx, session, p, e);
	r->session = *session;
	if ((rc = open_clear(r, &l, ctx, p, len, e)) < 0)
		goto out;
	if ((rc = buf_resize(&plain, l.head - AEAD_TAG_BYTES, e)) < 0)
		goto out;
	record_head_key(&head_key, ctx, session, p + RECORD_AT_SALT);
	aead_nonce_count(&nonce, 0);
	rc = aead_open(plain.p, p + RECORD_AT_HEAD, l.head, p,
		RECORD_AD_BYTES, &nonce, &head_key, e);
	key_wipe(&head_key, sizeof(head_key));
	if (rc == 0)
		rc = record_get_head(r, plain.p, plain.len, e);
	if (rc == 0)
		key_hash(id, NULL, p, len, NULL, 0, NULL, 0);
out:
	buf_release(&plain);
	if (rc < 0)
		record_release(r);
	return rc;
}

int record_open_body(struct record *r, const struct fmt_ctx *ctx,
	const struct object_keys *k, const uint8_t *p, size_t len,
	struct err *e)
{
	struct buf plain = { .max = RECORD_MAX_BYTES };
	struct record clear = { .session = r->session };
	struct aead_nonce nonce;
	struct lengths l;
	int rc;

	if ((rc = open_clear(&clear, &l, ctx, p, len, e)) < 0)
		return rc;
	if ((rc = buf_resize(&plain, l.body - AEAD_TAG_BYTES, e)) < 0)
		goto out;
	record_body_nonce(&nonce, k, p + RECORD_AT_SALT);
	rc = aead_open(plain.p, p + RECORD_AT_HEAD + l.head, l.body, p,
		RECORD_AD_BYTES, &nonce, &k->content, e);
	if (rc == 0)
		rc = record_get_body(r, plain.p, plain.len, e);
out:
	buf_release(&plain);
	return rc;
}
