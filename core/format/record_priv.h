/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_RECORD_PRIV_H
#define FORMAT_RECORD_PRIV_H

#include "codec/aead.h"
#include "format/record.h"

#define RECORD_AT_REPO 32
#define RECORD_AT_SESSION 48
#define RECORD_AT_WRITER 64
#define RECORD_AT_KEY 96
#define RECORD_AT_SALT 200
#define RECORD_AT_LENGTHS 232
#define RECORD_AT_SIGNATURE 240
#define RECORD_AT_HEAD 304
#define RECORD_AD_BYTES 96

#define RECORD_TEXT_MAX 4096	/* host, user, series, program, an owner */
#define RECORD_COMMENT_MAX (64u << 10)
#define RECORD_ARGS_MAX 16384	/* and paths */
#define RECORD_ARG_MAX (128u << 10)
#define RECORD_WARNINGS_MAX 100
#define RECORD_OWNERS_MAX 65536
#define RECORD_SEEN_MAX 4096
#define RECORD_STATS 10

void record_head_key(struct key *k, const struct fmt_ctx *ctx,
		     const struct sid *session, const uint8_t salt[32]);
void record_body_nonce(struct aead_nonce *n, const struct object_keys *k,
		       const uint8_t salt[32]);
/* p has the size of a fence and its prefix.  ERR_EXIST: it is sound. */
int record_get_fence(const struct fmt_ctx *ctx, const struct sid *session,
		     const uint8_t *p, struct err *e);

#endif
