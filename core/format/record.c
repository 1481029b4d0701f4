/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/record.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/content.h"
#include "format/record_priv.h"

#define FENCE_BYTES 96
#define FENCE_AT_MAC 64

static_assert(RECORD_AT_SALT == RECORD_AT_KEY + PACK_SESSION_BYTES, "layout");
static_assert(RECORD_AT_HEAD == RECORD_AT_SIGNATURE + 64, "layout");

void record_release(struct record *r)
{
	uint32_t i;

	free(r->seen);
	free(r->name);
	free(r->series);
	free(r->host);
	free(r->user);
	free(r->comment);
	free(r->program);
	strv_release(&r->command);
	strv_release(&r->paths);
	strv_release(&r->warnings);
	for (i = 0; r->users && i < r->n_users; i++)
		free(r->users[i].name);
	for (i = 0; r->groups && i < r->n_groups; i++)
		free(r->groups[i].name);
	free(r->users);
	free(r->groups);
	memset(r, 0, sizeof(*r));
}

bool record_name_ok(const char *name)
{
	size_t len = name ? strnlen(name, RECORD_NAME_MAX + 1) : 0;

	return len > 0 && len <= RECORD_NAME_MAX && !strchr(name, '/') &&
		strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

void record_head_key(struct key *k, const struct fmt_ctx *ctx,
	const struct sid *session, const uint8_t salt[32])
{
	uint8_t in[16 + 32];
	struct oid h;

	memcpy(in, session->b, 16);
	memcpy(in + 16, salt, 32);
	key_hash(&h, ctx->loc, "rechead ", 8, in, sizeof(in), NULL, 0);
	memcpy(k->b, h.b, sizeof(k->b));
	key_wipe(&h, sizeof(h));
}

void record_body_nonce(struct aead_nonce *n, const struct object_keys *k,
	const uint8_t salt[32])
{
	struct oid h;

	key_hash(&h, &k->nonce, "recbody ", 8, salt, 32, NULL, 0);
	memcpy(n->b, h.b, sizeof(n->b));
}

static void fence_mac(struct oid *mac, const struct fmt_ctx *ctx,
	const uint8_t *p)
{
	key_hash(mac, ctx->loc, "fence   ", 8, p, FENCE_AT_MAC, NULL, 0);
}

int record_put_fence(const struct fmt_ctx *ctx, const struct sid *session,
	struct buf *file, struct err *e)
{
	struct oid mac;
	struct wr w;
	int rc;

	buf_clear(file);
	wr_init(&w, file);
	fmt_put_prefix(&w, FMT_FENCE);
	wr_bytes(&w, ctx->repo.b, sizeof(ctx->repo.b));
	wr_bytes(&w, session->b, sizeof(session->b));
	if ((rc = wr_done(&w, e)) < 0)
		return rc;
	fence_mac(&mac, ctx, file->p);
	return buf_append(file, mac.b, sizeof(mac.b), e);
}

bool record_is_fence(const uint8_t *p, size_t len)
{
	struct rd r;

	if (len != FENCE_BYTES)
		return false;
	rd_init(&r, p, len);
	return fmt_get_prefix(&r, FMT_FENCE, NULL) == 0;
}

int record_get_fence(const struct fmt_ctx *ctx, const struct sid *session,
	const uint8_t *p, struct err *e)
{
	struct oid mac;

	fence_mac(&mac, ctx, p);
	if (memcmp(p + 32, ctx->repo.b, 16) != 0 ||
	    memcmp(p + 48, session->b, 16) != 0 ||
	    !key_equal(mac.b, p + FENCE_AT_MAC, sizeof(mac.b)))
		return err_set(e, ERR_CORRUPT,
			"fence is damaged, forged or has a wrong name");
	return err_set(e, ERR_EXIST,
		"no archive: a collector has fenced the session");
}
