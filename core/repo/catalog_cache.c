/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CACHE/REPO-ID/records: magic 8, then per record { session 16, id 32,
 * writer 32, le32 head length, head, le32 body length, body }, then
 * BLAKE2b-256 of all that keyed with BLAKE2b-256(K_loc, "records ").
 */
#include "repo/catalog_priv.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/rd.h"
#include "base/wr.h"
#include "format/record.h"
#include "repo/home.h"
#include "repo/repo.h"

#define CACHE_MAX_BYTES (256u << 20)
static const uint8_t catalog_cache_magic[8] = "MUrec\0\0\1";

struct catalog_cache {
	char *path;
	struct key key;
	struct buf old;		/* the file, when it was sound */
	struct map at;		/* session -> offset in old */
	struct buf fresh;	/* what the next file will have */
	size_t used;		/* records taken from old */
	size_t added;
	bool body;		/* this key reads bodies */
	bool all;		/* deleted archives are looked at, too */
};

static void catalog_cache_index(struct catalog_cache *k)
{
	struct rd r;
	uint64_t *value;
	bool was;

	rd_init(&r, k->old.p, k->old.len - 32);
	rd_bytes(&r, 8);
	while (rd_left(&r) > 0) {
		size_t at = (size_t)(r.p - k->old.p);
		const uint8_t *sid = rd_bytes(&r, 16);

		rd_bytes(&r, 64);
		rd_bytes(&r, rd_le32(&r));
		rd_bytes(&r, rd_le32(&r));
		if (r.bad || map_put(&k->at, sid, &value, &was, NULL) < 0)
			return;
		*value = at;
	}
}

static bool catalog_cache_sound(const struct catalog_cache *k)
{
	struct oid sum;

	if (k->old.len < 8 + 32 ||
	    memcmp(k->old.p, catalog_cache_magic, 8) != 0)
		return false;
	key_hash(&sum, &k->key, k->old.p, k->old.len - 32, NULL, 0, NULL, 0);
	return key_equal(sum.b, k->old.p + k->old.len - 32, 32);
}

struct catalog_cache *catalog_cache_open(struct repo *r, bool all)
{
	struct catalog_cache *k;
	struct oid key;
	char *dir = home_repo_cache(repo_id(r), NULL);

	if (!dir || !(k = mem_zero(1, sizeof(*k)))) {
		free(dir);
		return NULL;
	}
	k->all = all;
	k->body = repo_rights(r) & KEY_READ;
	k->path = mem_printf("%s/records", dir);
	free(dir);
	key_hash(&key, repo_ctx(r)->loc, "records ", 8,
		k->body ? "body" : "head", 4, NULL, 0);
	memcpy(k->key.b, key.b, sizeof(k->key.b));
	k->old.max = CACHE_MAX_BYTES;
	if (!k->path || io_read_file(AT_FDCWD, k->path, &k->old, NULL) < 0 ||
	    !catalog_cache_sound(k))
		buf_clear(&k->old);
	else
		catalog_cache_index(k);
	if (buf_append(&k->fresh, catalog_cache_magic, 8, NULL) < 0) {
		catalog_cache_close(k);
		return NULL;
	}
	return k;
}

bool catalog_cache_get(struct catalog_cache *k, const struct sid *session,
		       struct catalog_item *it)
{
	uint64_t *at = k ? map_get(&k->at, session->b) : NULL;
	const uint8_t *head, *body;
	uint32_t head_len, body_len;
	struct rd r;

	if (!at)
		return false;
	rd_init(&r, k->old.p + *at, k->old.len - 32 - *at);
	rd_copy(&r, it->rec.session.b, 16);
	rd_copy(&r, it->id.b, 32);
	rd_copy(&r, it->rec.writer.b, 32);
	head_len = rd_le32(&r);
	head = rd_bytes(&r, head_len);
	body_len = rd_le32(&r);
	body = rd_bytes(&r, body_len);
	if (r.bad || record_get_head(&it->rec, head, head_len, NULL) < 0 ||
	    (k->body && record_get_body(&it->rec, body, body_len, NULL) < 0) ||
	    buf_append(&k->fresh, k->old.p + *at,
		       (size_t)(r.p - (k->old.p + *at)), NULL) < 0) {
		record_release(&it->rec);
		memset(&it->rec, 0, sizeof(it->rec));
		return false;
	}
	k->used++;
	return true;
}

static void catalog_cache_part(struct wr *w, struct buf *part)
{
	wr_le32(w, (uint32_t)part->len);
	wr_bytes(w, part->p, part->len);
}

void catalog_cache_put(struct catalog_cache *k, const struct catalog_item *it)
{
	struct buf head = BUF_INIT, body = BUF_INIT;
	size_t before = k ? k->fresh.len : 0;
	struct wr w;

	if (!k || record_put_head(&head, &it->rec, NULL) < 0 ||
	    (k->body && record_put_body(&body, &it->rec, NULL) < 0))
		goto out;
	wr_init(&w, &k->fresh);
	wr_bytes(&w, it->rec.session.b, 16);
	wr_bytes(&w, it->id.b, 32);
	wr_bytes(&w, it->rec.writer.b, 32);
	catalog_cache_part(&w, &head);
	catalog_cache_part(&w, &body);
	if (wr_done(&w, NULL) < 0)
		k->fresh.len = before;
	else
		k->added++;
out:
	buf_release(&head);
	buf_release(&body);
}

void catalog_made(struct repo *r, const struct record *rec,
		  const struct oid *id)
{
	struct catalog_cache *k = catalog_cache_open(r, true);
	struct catalog_item it = { .rec = *rec, .id = *id };

	it.rec.writer = repo_ctx(r)->signer->pub;
	if (k && (k->old.len == 0 ||
		  buf_append(&k->fresh, k->old.p + 8, k->old.len - 8 - 32,
			     NULL) == 0)) {
		k->used = k->at.count;
		catalog_cache_put(k, &it);
	}
	catalog_cache_close(k);
}

/* Something is new; or, when all records were looked at, something is gone. */
static bool catalog_cache_differs(const struct catalog_cache *k)
{
	return k->added > 0 || (k->all && k->used != k->at.count);
}

void catalog_cache_close(struct catalog_cache *k)
{
	struct err e = { ERR_OK, "" };
	struct oid sum;

	if (!k)
		return;
	if (k->path && catalog_cache_differs(k)) {
		key_hash(&sum, &k->key, k->fresh.p, k->fresh.len, NULL, 0,
			NULL, 0);
		if (buf_append(&k->fresh, sum.b, 32, &e) == 0)
			io_publish(AT_FDCWD, k->path, k->fresh.p, k->fresh.len,
				0600, &e);
		if (e.code)
			log_debug("catalog", "no local copy: %s", e.msg);
	}
	key_wipe(&k->key, sizeof(k->key));
	buf_release(&k->old);
	buf_release(&k->fresh);
	map_release(&k->at);
	free(k->path);
	free(k);
}
