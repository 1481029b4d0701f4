/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/pack.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/le.h"
#include "format/sealed.h"

static_assert(PACK_HEADER_BYTES == SEALED_HEAD_BYTES, "header");
static_assert(PACK_SESSION_BYTES == 16 + 4 + 1 + 3 + PACK_SEALED_BYTES,
	"session entry");
static_assert(PACK_ENTRY_BYTES == 32 + 1 + 1 + 2 + 4 + 4, "entry");

static size_t table_plain_bytes(uint32_t entries, uint16_t sessions)
{
	return (size_t)sessions * PACK_SESSION_BYTES +
		(size_t)entries * PACK_ENTRY_BYTES;
}

void pack_session_put(struct wr *w, const struct pack_session *s)
{
	wr_bytes(w, s->id.b, sizeof(s->id.b));
	wr_le32(w, s->epoch);
	wr_u8(w, (uint8_t)s->level);
	wr_zero(w, 3);
	wr_bytes(w, s->sealed, sizeof(s->sealed));
}

void pack_session_get(struct rd *r, struct pack_session *s)
{
	rd_copy(r, s->id.b, sizeof(s->id.b));
	s->epoch = rd_le32(r);
	s->level = (int8_t)rd_u8(r);
	rd_zero(r, 3);
	rd_copy(r, s->sealed, sizeof(s->sealed));
	if (s->epoch == 0)
		rd_fail(r);
}

/* Also sets the offsets. */
static int put_table(struct buf *plain, struct pack_table *t,
	size_t objects_len, struct err *e)
{
	uint64_t off = PACK_HEADER_BYTES + AEAD_TAG_BYTES +
		table_plain_bytes(t->n_entries, t->n_sessions);
	uint64_t end = off + objects_len;
	struct wr w;
	uint32_t i;

	wr_init(&w, plain);
	for (i = 0; i < t->n_sessions; i++)
		pack_session_put(&w, &t->sessions[i]);
	for (i = 0; i < t->n_entries; i++) {
		struct pack_entry *en = &t->entries[i];

		BUG_ON(!object_head_ok(&en->obj));
		BUG_ON(en->session >= t->n_sessions);
		BUG_ON(en->obj.stored_len > end - off);
		wr_bytes(&w, en->obj.id.b, sizeof(en->obj.id.b));
		wr_u8(&w, (uint8_t)en->obj.type);
		wr_u8(&w, (uint8_t)en->obj.codec);
		wr_le16(&w, en->session);
		wr_le32(&w, en->obj.stored_len);
		wr_le32(&w, en->obj.plain_len);
		en->off = (uint32_t)off;
		off += en->obj.stored_len;
	}
	BUG_ON(off != end);
	return wr_done(&w, e);
}

static void put_counts(uint8_t counts[SEALED_COUNTS_BYTES],
	const struct pack_table *t, enum pack_kind kind)
{
	le_put32(counts, t->n_entries);
	counts[4] = (uint8_t)t->n_sessions;
	counts[5] = (uint8_t)(t->n_sessions >> 8);
	counts[6] = (uint8_t)kind;
	counts[7] = 0;
}

static void put_salt(struct sealed_head *h, const struct fmt_ctx *ctx,
	const struct buf *plain)
{
	uint8_t in[8 + SEALED_COUNTS_BYTES] = "packsalt";
	struct oid salt;

	memcpy(in + 8, h->counts, SEALED_COUNTS_BYTES);
	key_hash(&salt, ctx->loc, in, sizeof(in), plain->p, plain->len,
		NULL, 0);
	memcpy(h->salt, salt.b, sizeof(h->salt));
}

static int put_sum(struct key_sum *sum, const struct buf *head,
	const uint8_t *objects, size_t objects_len, const struct buf *pad,
	struct err *e)
{
	struct key_sum_state *s = key_sum_new();

	if (!s)
		return err_nomem(e);
	key_sum_add(s, head->p + PACK_HEADER_BYTES,
		head->len - PACK_HEADER_BYTES);
	key_sum_add(s, objects, objects_len);
	key_sum_add(s, pad->p, pad->len);
	key_sum_end(s, sum);
	key_sum_free(s);
	return 0;
}

int pack_seal(const struct fmt_ctx *ctx, enum pack_kind kind,
	struct pack_table *t, const uint8_t *objects, size_t objects_len,
	struct buf *head, struct buf *pad, struct oid *name, struct err *e)
{
	struct buf plain = BUF_INIT;
	struct sealed_head h;
	uint64_t bytes;
	int rc;

	BUG_ON(t->n_entries == 0 || t->n_entries > PACK_MAX_OBJECTS);
	BUG_ON(t->n_sessions == 0 || t->n_sessions > PACK_MAX_SESSIONS);
	BUG_ON(!ctx->signer);
	memset(&h, 0, sizeof(h));
	buf_clear(head);
	buf_clear(pad);
	h.writer = ctx->signer->pub;
	bytes = PACK_HEADER_BYTES + AEAD_TAG_BYTES + objects_len +
		table_plain_bytes(t->n_entries, t->n_sessions);
	h.file_bytes = fmt_padme(bytes);
	BUG_ON(h.file_bytes > FMT_PACK_MAX_BYTES);
	if ((rc = put_table(&plain, t, objects_len, e)) < 0)
		goto out;
	put_counts(h.counts, t, kind);
	put_salt(&h, ctx, &plain);
	sealed_key(&h.key, ctx, FMT_PACK, h.salt);
	rc = buf_resize(head, PACK_HEADER_BYTES + plain.len + AEAD_TAG_BYTES,
		e);
	if (rc == 0)
		rc = buf_resize(pad, (size_t)(h.file_bytes - bytes), e);
	if (rc < 0)
		goto out;
	sealed_put_front(&h, ctx, plain.p, plain.len,
		head->p + PACK_HEADER_BYTES);
	sealed_pad(pad->p, pad->len, ctx, h.salt);
	if ((rc = put_sum(&h.sum, head, objects, objects_len, pad, e)) == 0)
		sealed_put_head(head->p, &h, ctx, FMT_PACK, name);
out:
	key_wipe(&h.key, sizeof(h.key));
	buf_release(&plain);
	return rc;
}

int pack_open_head(struct pack_head *h, const struct fmt_ctx *ctx,
	const struct oid *name, const uint8_t *p, size_t len, struct err *e)
{
	struct sealed_head s;
	unsigned kind;
	struct rd r;
	int rc;

	memset(h, 0, sizeof(*h));
	if ((rc = sealed_get_head(&s, ctx, FMT_PACK, name, p, len, e)) < 0)
		return rc;
	key_wipe(&s.key, sizeof(s.key));
	rd_init(&r, s.counts, sizeof(s.counts));
	h->n_entries = rd_le32(&r);
	h->n_sessions = rd_le16(&r);
	kind = rd_u8(&r);
	rd_zero(&r, 1);
	h->writer = s.writer;
	h->file_bytes = s.file_bytes;
	h->table_hash = s.front_hash;
	h->sum = s.sum;
	memcpy(h->salt, s.salt, sizeof(h->salt));
	if (!rd_done(&r) || (kind != PACK_DATA && kind != PACK_META) ||
	    h->n_entries == 0 || h->n_entries > PACK_MAX_OBJECTS ||
	    h->n_sessions == 0 || h->n_sessions > PACK_MAX_SESSIONS ||
	    h->file_bytes > FMT_PACK_MAX_BYTES)
		return err_set(e, ERR_CORRUPT, "counts that cannot be");
	h->kind = (enum pack_kind)kind;
	h->table_bytes = (uint32_t)(AEAD_TAG_BYTES +
		table_plain_bytes(h->n_entries, h->n_sessions));
	if (h->table_bytes > h->file_bytes - PACK_HEADER_BYTES)
		return err_set(e, ERR_CORRUPT, "table is longer than the file");
	return 0;
}

static void get_entries(struct pack_table *t, const struct pack_head *h,
	struct rd *r)
{
	uint64_t off = PACK_HEADER_BYTES + (uint64_t)h->table_bytes;
	uint32_t i;

	for (i = 0; i < t->n_sessions; i++)
		pack_session_get(r, &t->sessions[i]);
	for (i = 0; i < t->n_entries && !r->bad; i++) {
		struct pack_entry *en = &t->entries[i];

		rd_copy(r, en->obj.id.b, sizeof(en->obj.id.b));
		en->obj.type = (enum obj_type)rd_u8(r);
		en->obj.codec = (enum comp_codec)rd_u8(r);
		en->session = rd_le16(r);
		en->obj.stored_len = rd_le32(r);
		en->obj.plain_len = rd_le32(r);
		en->off = (uint32_t)off;
		if (!object_head_ok(&en->obj) ||
		    en->session >= t->n_sessions ||
		    en->obj.stored_len > h->file_bytes - off)
			rd_fail(r);
		else
			off += en->obj.stored_len;
	}
	if (fmt_padme(off) != h->file_bytes)
		rd_fail(r);
}

int pack_open_table(struct pack_table *t, const struct pack_head *h,
	const struct fmt_ctx *ctx, const uint8_t *p, size_t len,
	struct err *e)
{
	struct sealed_head s;
	uint8_t *plain = NULL;
	size_t plain_len = h->table_bytes - (size_t)AEAD_TAG_BYTES;
	struct rd r;
	int rc;

	memset(t, 0, sizeof(*t));
	memset(&s, 0, sizeof(s));
	if (len < h->table_bytes)
		return err_set(e, ERR_CORRUPT, "table is cut off");
	s.writer = h->writer;
	s.front_hash = h->table_hash;
	memcpy(s.salt, h->salt, sizeof(s.salt));
	sealed_key(&s.key, ctx, FMT_PACK, s.salt);
	t->n_entries = h->n_entries;
	t->n_sessions = h->n_sessions;
	plain = mem_alloc(plain_len);
	t->entries = mem_array(t->n_entries, sizeof(*t->entries));
	t->sessions = mem_array(t->n_sessions, sizeof(*t->sessions));
	if (!plain || !t->entries || !t->sessions) {
		rc = err_nomem(e);
		goto out;
	}
	if ((rc = sealed_get_front(plain, &s, ctx, p, plain_len, e)) < 0)
		goto out;
	rd_init(&r, plain, plain_len);
	get_entries(t, h, &r);
	if (!rd_done(&r))
		rc = err_set(e, ERR_CORRUPT, "table says what cannot be");
out:
	key_wipe(&s.key, sizeof(s.key));
	free(plain);
	if (rc < 0)
		pack_table_release(t);
	return rc;
}

void pack_table_release(struct pack_table *t)
{
	free(t->sessions);
	free(t->entries);
	memset(t, 0, sizeof(*t));
}

int pack_scrub(const struct oid *name, const uint8_t *p, size_t len,
	struct err *e)
{
	return sealed_scrub(FMT_PACK, name, p, len, e);
}
