/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_OBJECT_H
#define FORMAT_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/oid.h"
#include "base/sid.h"
#include "codec/aead.h"
#include "codec/comp.h"
#include "format/fmt.h"

/*
 * One object, sealed.  Its id is BLAKE2b-256 of the plain bytes keyed per
 * type.  Its nonce is made from what both sides know (id, type, codec,
 * lengths) under the session's nonce key: nothing can make it repeat for
 * other bytes.
 *
 * Nonce: first 24 bytes of BLAKE2b-256(nonce key, id 32 | u8 type | u8 codec |
 * le32 plain_len | le32 stored_len).  Associated data: repository id 16 |
 * id 32 | u8 type | u8 codec | le32 plain_len.
 */
struct object_head {
	struct oid id;
	enum obj_type type;
	enum comp_codec codec;
	uint32_t plain_len;	/* 1 .. OBJ_MAX_BYTES */
	uint32_t stored_len;	/* with the tag; 17 .. plain_len + 16 */
};
/* Known type and codec; lengths in range; raw: stored = plain + 16, else less
 * than that. */
bool object_head_ok(const struct object_head *h);

/* The two keys of a session, from its secret, the pre-shared secret and its
 * id: BLAKE2b-256(key PSK, secret || session id || "content " | "nonce   "). */
struct object_keys {
	struct key content, nonce;
};
void object_keys(struct object_keys *k, const struct key *secret,
		 const struct key *psk, const struct sid *session);

void object_id(struct oid *out, const struct key *id_key, const void *p,
	       size_t len);

/* Seal 'len' (possibly compressed) bytes; h is complete but for stored_len,
 * which is set to len + 16, as many as are written to out. */
void object_seal(struct object_head *h, const struct fmt_ctx *ctx,
		 const struct object_keys *k, const void *p, size_t len,
		 uint8_t *out);

/*
 * Open, decompress, verify the id: the only way plain bytes come out of a
 * repository.  'out' has room for h->plain_len; nothing in it may be used on
 * failure.  'scratch' holds the compressed bytes.  ERR_CORRUPT, ERR_NOMEM.
 */
int object_open(const struct object_head *h, const struct fmt_ctx *ctx,
		const struct object_keys *k, const struct key *id_key,
		const uint8_t *sealed, struct buf *scratch, void *out,
		struct err *e);

#endif
