/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/segment.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/mem.h"
#include "format/le.h"
#include "format/sealed.h"

#define PACK_BYTES 40
#define FRONT_BYTES 16		/* without the arrays */
#define FENCE_BYTES 8
#define FILTER_BYTES 64
#define FILTER_BITS_EACH 12
#define NONCE_BLOCK 2

static_assert(SEGMENT_ENTRY_BYTES ==
	SEGMENT_PREFIX_BYTES + 3 + 2 + 4 + 3 + 3 + 1, "entry");
static_assert(SEGMENT_MAX_PACKS <= 1u << 24, "pack numbers are le24");
static_assert(SEGMENT_NAME_BYTES >= 2 + 8 + 1 + 2 + 1 + 64 + 1, "name");

static uint32_t count_blocks(uint32_t entries)
{
	return (uint32_t)(((uint64_t)entries + SEGMENT_BLOCK_ENTRIES - 1) /
			  SEGMENT_BLOCK_ENTRIES);
}

static uint32_t count_filter(uint32_t entries)
{
	return (uint32_t)(((uint64_t)entries * FILTER_BITS_EACH +
			   FILTER_BYTES * 8 - 1) / (FILTER_BYTES * 8));
}

static uint64_t front_bytes(const struct segment *s)
{
	return FRONT_BYTES + (uint64_t)s->n_packs * PACK_BYTES +
		(uint64_t)s->n_sessions * PACK_SESSION_BYTES +
		(uint64_t)count_blocks(s->n_entries) * FENCE_BYTES +
		(uint64_t)s->n_filter * FILTER_BYTES;
}

static size_t entries_bytes(uint32_t n)
{
	return (size_t)n * SEGMENT_ENTRY_BYTES;
}

/* The header, front and blocks: the file without its padding. */
static uint64_t body_bytes(const struct segment *s)
{
	return SEALED_HEAD_BYTES + front_bytes(s) + AEAD_TAG_BYTES +
		entries_bytes(s->n_entries) +
		(uint64_t)count_blocks(s->n_entries) * AEAD_TAG_BYTES;
}

static size_t block_bytes(const struct segment *s, uint32_t block)
{
	uint32_t left = s->n_entries - block * SEGMENT_BLOCK_ENTRIES;

	return entries_bytes(left < SEGMENT_BLOCK_ENTRIES ? left :
		SEGMENT_BLOCK_ENTRIES);
}

char *segment_name_put(const struct segment_name *n,
	char out[SEGMENT_NAME_BYTES])
{
	char hex[OID_HEX_BYTES];

	snprintf(out, SEGMENT_NAME_BYTES, "%c-%08x-%02x-%s",
		n->kind == SEGMENT_BASE ? 'b' : 's', n->generation, n->tier,
		oid_hex(&n->hash, hex));
	return out;
}

/* The big-endian number in 'bytes' * 2 hexadecimal digits before an end. */
static bool name_number(uint32_t *v, const char **text, size_t bytes,
	char end)
{
	char digits[9];
	uint8_t b[4];
	size_t i;

	if (strnlen(*text, bytes * 2 + 1) < bytes * 2 + 1 ||
	    (*text)[bytes * 2] != end)
		return false;
	memcpy(digits, *text, bytes * 2);
	digits[bytes * 2] = '\0';
	if (!hex_get(b, bytes, digits))
		return false;
	for (*v = 0, i = 0; i < bytes; i++)
		*v = *v << 8 | b[i];
	*text += bytes * 2 + 1;
	return true;
}

bool segment_name_get(struct segment_name *n, const char *text)
{
	uint32_t tier;

	if ((text[0] != 's' && text[0] != 'b') || text[1] != '-')
		return false;
	n->kind = text[0] == 'b' ? SEGMENT_BASE : SEGMENT_SESSION;
	text += 2;
	if (!name_number(&n->generation, &text, 4, '-') ||
	    !name_number(&tier, &text, 1, '-'))
		return false;
	n->tier = (uint8_t)tier;
	return oid_parse(&n->hash, text);
}

void segment_entry_put(uint8_t out[SEGMENT_ENTRY_BYTES],
	const struct segment_entry *en)
{
	struct buf b = { .p = out, .cap = SEGMENT_ENTRY_BYTES };
	struct wr w;

	wr_init(&w, &b);
	wr_bytes(&w, en->prefix, sizeof(en->prefix));
	wr_le24(&w, en->pack);
	wr_le16(&w, en->session);
	wr_le32(&w, en->off);
	wr_le24(&w, en->stored_len - AEAD_TAG_BYTES - 1);
	wr_le24(&w, en->plain_len - 1);
	wr_u8(&w, (uint8_t)((unsigned)en->type << 4 | (unsigned)en->codec));
	BUG_ON(w.rc != 0 || b.p != out);
}

int segment_entry_get(struct segment_entry *en,
	const uint8_t in[SEGMENT_ENTRY_BYTES], struct err *e)
{
	struct object_head h = {
		.type = (enum obj_type)(in[31] >> 4),
		.codec = (enum comp_codec)(in[31] & 15),
		.stored_len = le_get24(in + 25) + AEAD_TAG_BYTES + 1,
		.plain_len = le_get24(in + 28) + 1
	};

	memcpy(en->prefix, in, sizeof(en->prefix));
	en->pack = le_get24(in + 16);
	en->session = (uint16_t)(in[19] | in[20] << 8);
	en->off = le_get32(in + 21);
	en->stored_len = h.stored_len;
	en->plain_len = h.plain_len;
	en->type = h.type;
	en->codec = h.codec;
	if (!object_head_ok(&h))
		return err_set(e, ERR_CORRUPT,
			"index entry says what cannot be");
	return 0;
}

/* A prefix has eight bits in one block of the filter.  Where it is: */
static size_t filter_at(uint64_t h1, uint32_t n_blocks)
{
	return (size_t)((h1 >> 32) * n_blocks >> 32) * FILTER_BYTES;
}

static unsigned filter_bit(uint64_t h1, uint64_t h2, unsigned i)
{
	return (unsigned)((i < 7 ? h2 >> 9 * i : h1) & 511);
}

void segment_filter_add(uint8_t *filter, uint32_t n_blocks,
	const uint8_t prefix[SEGMENT_PREFIX_BYTES])
{
	uint64_t h1 = le_get64(prefix), h2 = le_get64(prefix + 8);
	unsigned i, bit;

	BUG_ON(n_blocks == 0);
	filter += filter_at(h1, n_blocks);
	for (i = 0; i < 8; i++) {
		bit = filter_bit(h1, h2, i);
		filter[bit / 8] |= (uint8_t)(1u << bit % 8);
	}
}

bool segment_filter_has(const uint8_t *filter, uint32_t n_blocks,
	const uint8_t prefix[SEGMENT_PREFIX_BYTES])
{
	uint64_t h1 = le_get64(prefix), h2 = le_get64(prefix + 8);
	unsigned i, bit;

	if (n_blocks == 0)
		return false;
	filter += filter_at(h1, n_blocks);
	for (i = 0; i < 8; i++) {
		bit = filter_bit(h1, h2, i);
		if (!(filter[bit / 8] & 1u << bit % 8))
			return false;
	}
	return true;
}

static int build_filter(uint8_t **filter, uint32_t *n_filter,
	const struct segment *s, struct err *e)
{
	uint32_t i;

	*n_filter = count_filter(s->n_entries);
	*filter = mem_zero(*n_filter, FILTER_BYTES);
	if (!*filter)
		return err_nomem(e);
	for (i = 0; i < s->n_entries; i++)
		segment_filter_add(*filter, *n_filter,
			s->entries + entries_bytes(i));
	return 0;
}

static int put_front(struct buf *plain, const struct segment *s,
	struct err *e)
{
	struct wr w;
	uint32_t i;

	wr_init(&w, plain);
	wr_u8(&w, (uint8_t)s->kind);
	wr_u8(&w, s->tier);
	wr_le16(&w, s->n_sessions);
	wr_le32(&w, s->generation);
	wr_le32(&w, s->n_filter);
	wr_le32(&w, s->n_packs);
	for (i = 0; i < s->n_packs; i++) {
		wr_bytes(&w, s->packs[i].name.b, sizeof(struct oid));
		wr_le32(&w, s->packs[i].bytes);
		wr_u8(&w, (uint8_t)s->packs[i].kind);
		wr_zero(&w, 3);
	}
	for (i = 0; i < s->n_sessions; i++)
		pack_session_put(&w, &s->sessions[i]);
	for (i = 0; i < s->n_entries; i += SEGMENT_BLOCK_ENTRIES)
		wr_bytes(&w, s->entries + entries_bytes(i), FENCE_BYTES);
	wr_bytes(&w, s->filter, (size_t)s->n_filter * FILTER_BYTES);
	return wr_done(&w, e);
}

/* Everything that the file's key seals goes into it. */
static void put_salt(struct sealed_head *h, const struct fmt_ctx *ctx,
	const struct segment *s, const struct buf *front)
{
	uint8_t in[8 + SEALED_COUNTS_BYTES + 32] = "segmsalt";
	struct oid hash;

	key_hash(&hash, ctx->loc, s->entries, entries_bytes(s->n_entries),
		NULL, 0, NULL, 0);
	memcpy(in + 8, h->counts, SEALED_COUNTS_BYTES);
	memcpy(in + 8 + SEALED_COUNTS_BYTES, hash.b, 32);
	key_hash(&hash, ctx->loc, in, sizeof(in), front->p, front->len,
		NULL, 0);
	memcpy(h->salt, hash.b, sizeof(h->salt));
}

static void seal_blocks(uint8_t *out, const struct sealed_head *h,
	const struct fmt_ctx *ctx, const struct segment *s)
{
	uint8_t ad[SEALED_AD_BYTES];
	struct aead_nonce nonce;
	uint32_t i;

	sealed_ad(ad, ctx, &h->writer, h->salt);
	for (i = 0; i < count_blocks(s->n_entries); i++) {
		size_t len = block_bytes(s, i);

		aead_nonce_count(&nonce, NONCE_BLOCK + (uint64_t)i);
		aead_seal(out, s->entries +
			entries_bytes(i * SEGMENT_BLOCK_ENTRIES), len, ad,
			sizeof(ad), &nonce, &h->key);
		out += len + AEAD_TAG_BYTES;
	}
}

static void check_sorted(const struct segment *s)
{
	uint32_t i;

	BUG_ON(s->n_entries > SEGMENT_MAX_ENTRIES);
	BUG_ON(s->n_packs > SEGMENT_MAX_PACKS);
	for (i = 1; i < s->n_entries; i++)
		BUG_ON(memcmp(s->entries + entries_bytes(i - 1),
			s->entries + entries_bytes(i),
			SEGMENT_PREFIX_BYTES) >= 0);
}

int segment_seal(const struct fmt_ctx *ctx, struct segment *s,
	struct buf *file, struct segment_name *name, struct err *e)
{
	struct buf front = BUF_INIT;
	struct sealed_head h;
	size_t body, at;
	int rc;

	check_sorted(s);
	BUG_ON(!ctx->signer);
	memset(&h, 0, sizeof(h));
	free(s->filter);
	s->filter = NULL;
	if ((rc = build_filter(&s->filter, &s->n_filter, s, e)) < 0 ||
	    (rc = put_front(&front, s, e)) < 0)
		goto out;
	BUG_ON(front.len != front_bytes(s));
	h.writer = ctx->signer->pub;
	h.file_bytes = fmt_padme(body_bytes(s));
	le_put32(h.counts, s->n_entries);
	le_put32(h.counts + 4, (uint32_t)front.len);
	put_salt(&h, ctx, s, &front);
	sealed_key(&h.key, ctx, FMT_SEGMENT, h.salt);
	buf_clear(file);
	if ((rc = buf_resize(file, (size_t)h.file_bytes, e)) < 0)
		goto out;
	at = SEALED_HEAD_BYTES;
	body = (size_t)body_bytes(s);
	sealed_put_front(&h, ctx, front.p, front.len, file->p + at);
	seal_blocks(file->p + at + front.len + AEAD_TAG_BYTES, &h, ctx, s);
	sealed_pad(file->p + body, file->len - body, ctx, h.salt);
	key_sum(&h.sum, file->p + at, file->len - at);
	sealed_put_head(file->p, &h, ctx, FMT_SEGMENT, &name->hash);
	name->kind = s->kind;
	name->generation = s->generation;
	name->tier = s->tier;
out:
	key_wipe(&h.key, sizeof(h.key));
	buf_release(&front);
	return rc;
}

/* Counts and arrays; r has the front. */
static int get_front(struct segment *s, struct rd *r, size_t len,
	const uint8_t **fence, struct err *e)
{
	unsigned kind = rd_u8(r), pack_kind;
	uint32_t i;

	s->tier = rd_u8(r);
	s->n_sessions = rd_le16(r);
	s->generation = rd_le32(r);
	s->n_filter = rd_le32(r);
	s->n_packs = rd_le32(r);
	if (r->bad || (kind != SEGMENT_SESSION && kind != SEGMENT_BASE) ||
	    s->n_packs > SEGMENT_MAX_PACKS ||
	    s->n_filter != count_filter(s->n_entries) ||
	    front_bytes(s) != len)
		return err_set(e, ERR_CORRUPT, "front says what cannot be");
	s->kind = (enum segment_kind)kind;
	s->packs = mem_array(s->n_packs, sizeof(*s->packs));
	s->sessions = mem_array(s->n_sessions, sizeof(*s->sessions));
	s->filter = mem_zero(s->n_filter, FILTER_BYTES);
	if (!s->packs || !s->sessions || !s->filter)
		return err_nomem(e);
	for (i = 0; i < s->n_packs; i++) {
		rd_copy(r, s->packs[i].name.b, sizeof(struct oid));
		s->packs[i].bytes = rd_le32(r);
		pack_kind = rd_u8(r);
		s->packs[i].kind = (enum pack_kind)pack_kind;
		rd_zero(r, 3);
		if (s->packs[i].bytes > FMT_PACK_MAX_BYTES ||
		    (pack_kind != PACK_DATA && pack_kind != PACK_META))
			rd_fail(r);
	}
	for (i = 0; i < s->n_sessions; i++)
		pack_session_get(r, &s->sessions[i]);
	*fence = rd_bytes(r,
		(size_t)count_blocks(s->n_entries) * FENCE_BYTES);
	rd_copy(r, s->filter, (size_t)s->n_filter * FILTER_BYTES);
	if (!rd_done(r))
		return err_set(e, ERR_CORRUPT, "front is damaged");
	return 0;
}

/* Order, fence, filter, and that every entry is inside its pack. */
static int check_entries(const struct segment *s, const uint8_t *fence,
	struct err *e)
{
	const uint8_t *p = s->entries;
	struct segment_entry en;
	uint32_t i;

	for (i = 0; i < s->n_entries; i++, p += SEGMENT_ENTRY_BYTES) {
		if (segment_entry_get(&en, p, NULL) < 0 ||
		    en.pack >= s->n_packs || en.session >= s->n_sessions ||
		    en.off < PACK_HEADER_BYTES ||
		    (uint64_t)en.off + en.stored_len > s->packs[en.pack].bytes)
			return err_set(e, ERR_CORRUPT,
				"entry %u says what cannot be", i);
		if (i && memcmp(p - SEGMENT_ENTRY_BYTES, p,
				SEGMENT_PREFIX_BYTES) >= 0)
			return err_set(e, ERR_CORRUPT,
				"entry %u is out of order", i);
		if (i % SEGMENT_BLOCK_ENTRIES == 0 &&
		    memcmp(fence + i / SEGMENT_BLOCK_ENTRIES * FENCE_BYTES, p,
			   FENCE_BYTES) != 0)
			return err_set(e, ERR_CORRUPT,
				"fence at entry %u is wrong", i);
	}
	return 0;
}

static int check_filter(const struct segment *s, struct err *e)
{
	uint8_t *want;
	uint32_t n;
	int rc = build_filter(&want, &n, s, e);

	if (rc < 0)
		return rc;
	if (memcmp(want, s->filter, (size_t)n * FILTER_BYTES) != 0)
		rc = err_set(e, ERR_CORRUPT, "filter is wrong");
	free(want);
	return rc;
}

static int open_blocks(struct segment *s, const struct sealed_head *h,
	const struct fmt_ctx *ctx, const uint8_t *p, struct err *e)
{
	uint8_t ad[SEALED_AD_BYTES];
	struct aead_nonce nonce;
	uint32_t i;
	int rc;

	s->entries = mem_alloc(entries_bytes(s->n_entries));
	if (!s->entries)
		return err_nomem(e);
	sealed_ad(ad, ctx, &h->writer, h->salt);
	for (i = 0; i < count_blocks(s->n_entries); i++) {
		size_t len = block_bytes(s, i) + AEAD_TAG_BYTES;

		aead_nonce_count(&nonce, NONCE_BLOCK + (uint64_t)i);
		rc = aead_open(s->entries +
			entries_bytes(i * SEGMENT_BLOCK_ENTRIES), p, len, ad,
			sizeof(ad), &nonce, &h->key, e);
		if (rc < 0)
			return err_ctx(e, "block %u", i);
		p += len;
	}
	return 0;
}

/* After the header: size, sum, front, blocks. */
static int open_body(struct segment *s, const struct sealed_head *h,
	const struct fmt_ctx *ctx, const uint8_t *p, size_t len,
	struct err *e)
{
	uint32_t front_len = le_get32(h->counts + 4);
	const uint8_t *front_at = p + SEALED_HEAD_BYTES, *fence = NULL;
	uint8_t *front = NULL;
	struct key_sum sum;
	struct rd r;
	int rc;

	s->n_entries = le_get32(h->counts);
	key_sum(&sum, front_at, len - SEALED_HEAD_BYTES);
	if (memcmp(sum.b, h->sum.b, sizeof(sum.b)) != 0)
		return err_set(e, ERR_CORRUPT, "checksum is wrong");
	if (s->n_entries > SEGMENT_MAX_ENTRIES ||
	    (uint64_t)front_len + AEAD_TAG_BYTES > len - SEALED_HEAD_BYTES)
		return err_set(e, ERR_CORRUPT, "counts that cannot be");
	front = mem_alloc(front_len);
	if (!front)
		return err_nomem(e);
	rc = sealed_get_front(front, h, ctx, front_at, front_len, e);
	if (rc < 0)
		goto out;
	rd_init(&r, front, front_len);
	if ((rc = get_front(s, &r, front_len, &fence, e)) < 0)
		goto out;
	if (fmt_padme(body_bytes(s)) != len) {
		rc = err_set(e, ERR_CORRUPT, "size that cannot be");
		goto out;
	}
	rc = open_blocks(s, h, ctx, front_at + front_len + AEAD_TAG_BYTES, e);
	if (rc == 0)
		rc = check_entries(s, fence, e);
	if (rc == 0)
		rc = check_filter(s, e);
out:
	free(front);
	return rc;
}

int segment_open(struct segment *s, const struct fmt_ctx *ctx,
	const struct segment_name *name, const uint8_t *p, size_t len,
	struct err *e)
{
	struct sealed_head h;
	int rc;

	memset(s, 0, sizeof(*s));
	rc = sealed_get_head(&h, ctx, FMT_SEGMENT, &name->hash, p, len, e);
	if (rc < 0)
		return rc;
	if (h.file_bytes != len)
		rc = err_set(e, ERR_CORRUPT,
			"has %zu bytes, its header says %llu", len,
			(unsigned long long)h.file_bytes);
	else
		rc = open_body(s, &h, ctx, p, len, e);
	if (rc == 0 && (s->kind != name->kind || s->tier != name->tier ||
			s->generation != name->generation))
		rc = err_set(e, ERR_CORRUPT,
			"its name tells another kind, generation or tier");
	key_wipe(&h.key, sizeof(h.key));
	if (rc < 0)
		segment_release(s);
	return rc;
}

void segment_release(struct segment *s)
{
	free(s->packs);
	free(s->sessions);
	free(s->entries);
	free(s->filter);
	memset(s, 0, sizeof(*s));
}

int segment_scrub(const struct segment_name *name, const uint8_t *p,
	size_t len, struct err *e)
{
	return sealed_scrub(FMT_SEGMENT, &name->hash, p, len, e);
}
