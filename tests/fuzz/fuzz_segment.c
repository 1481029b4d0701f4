/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First byte: 0: the rest is a segment; 1: le16 length and so many bytes of
 * front, then entries, all sealed here as a segment's; 2: entries for
 * segment_seal (sorted first), which must come back the same or be refused.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "codec/aead.h"
#include "format/sealed.h"
#include "format/segment.h"
#include "tests/lib/formatkit.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

#define BLOCK_BYTES ((size_t)SEGMENT_BLOCK_ENTRIES * SEGMENT_ENTRY_BYTES)

static void open_segment(const struct segment_name *name, const uint8_t *p,
			 size_t len)
{
	struct segment s;

	if (segment_open(&s, formatkit_ctx(), name, p, len, NULL) < 0)
		return;
	BUG_ON(s.kind != name->kind || s.tier != name->tier);
	segment_release(&s);
}

static void put32(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

static void seal_blocks(struct buf *file, const struct sealed_head *h,
			const uint8_t *p, size_t len)
{
	uint8_t ad[SEALED_AD_BYTES];
	struct aead_nonce nonce;
	uint64_t n = 2;
	size_t part, at;

	sealed_ad(ad, formatkit_ctx(), &h->writer, h->salt);
	for (; len > 0; p += part, len -= part) {
		part = len < BLOCK_BYTES ? len : BLOCK_BYTES;
		at = file->len;
		BUG_ON(buf_resize(file, at + part + AEAD_TAG_BYTES, NULL) < 0);
		aead_nonce_count(&nonce, n++);
		aead_seal(file->p + at, p, part, ad, sizeof(ad), &nonce,
			&h->key);
	}
}

static void seal_parts(const uint8_t *front, size_t front_len,
		       const uint8_t *entries, size_t n)
{
	const struct fmt_ctx *ctx = formatkit_ctx();
	struct sealed_head h = { .writer = ctx->signer->pub };
	struct segment_name name = { .kind = SEGMENT_SESSION };
	struct buf file = BUF_INIT;
	size_t was;

	if (front_len >= 8) {
		name.kind = front[0] == SEGMENT_BASE ? SEGMENT_BASE :
			SEGMENT_SESSION;
		name.tier = front[1];
		name.generation = front[4] | (uint32_t)front[5] << 8 |
			(uint32_t)front[6] << 16 | (uint32_t)front[7] << 24;
	}
	put32(h.counts, n);
	put32(h.counts + 4, front_len);
	sealed_key(&h.key, ctx, FMT_SEGMENT, h.salt);
	BUG_ON(buf_resize(&file, SEALED_HEAD_BYTES + front_len +
			  AEAD_TAG_BYTES, NULL) < 0);
	sealed_put_front(&h, ctx, front, front_len,
		file.p + SEALED_HEAD_BYTES);
	seal_blocks(&file, &h, entries, n * SEGMENT_ENTRY_BYTES);
	was = file.len;
	h.file_bytes = fmt_padme(was);
	BUG_ON(buf_resize(&file, (size_t)h.file_bytes, NULL) < 0);
	sealed_pad(file.p + was, file.len - was, ctx, h.salt);
	key_sum(&h.sum, file.p + SEALED_HEAD_BYTES,
		file.len - SEALED_HEAD_BYTES);
	sealed_put_head(file.p, &h, ctx, FMT_SEGMENT, &name.hash);
	open_segment(&name, file.p, file.len);
	BUG_ON(segment_scrub(&name, file.p, file.len, NULL) < 0);
	buf_release(&file);
}

static int cmp_prefix(const void *a, const void *b)
{
	return memcmp(a, b, SEGMENT_PREFIX_BYTES);
}

static void round_trip(const uint8_t *p, uint32_t n)
{
	struct segment s, back;
	struct segment_name name;
	struct buf file = BUF_INIT;
	uint32_t i, kept = 0;

	formatkit_segment(&s, n);
	memcpy(s.entries, p, (size_t)n * SEGMENT_ENTRY_BYTES);
	qsort(s.entries, n, SEGMENT_ENTRY_BYTES, cmp_prefix);
	for (i = 0; i < n; i++) {
		const uint8_t *en = s.entries + (size_t)i *
			SEGMENT_ENTRY_BYTES;

		if (kept == 0 || cmp_prefix(en - SEGMENT_ENTRY_BYTES, en))
			memmove(s.entries + (size_t)kept++ *
				SEGMENT_ENTRY_BYTES, en, SEGMENT_ENTRY_BYTES);
	}
	s.n_entries = kept;
	BUG_ON(segment_seal(formatkit_ctx(), &s, &file, &name, NULL) < 0);
	if (segment_open(&back, formatkit_ctx(), &name, file.p, file.len,
			 NULL) == 0) {
		BUG_ON(back.n_entries != s.n_entries);
		BUG_ON(memcmp(back.entries, s.entries, (size_t)s.n_entries *
			      SEGMENT_ENTRY_BYTES) != 0);
		segment_release(&back);
	}
	segment_release(&s);
	buf_release(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct segment_name name = { .kind = SEGMENT_SESSION };
	size_t front;

	if (len < 3)
		return 0;
	if (p[0] % 3 == 0) {
		key_hash(&name.hash, NULL, p + 1, len - 1 < 256 ? len - 1 :
			256, NULL, 0, NULL, 0);
		open_segment(&name, p + 1, len - 1);
		segment_scrub(&name, p + 1, len - 1, NULL);
	} else if (p[0] % 3 == 1) {
		front = p[1] | (size_t)p[2] << 8;
		if (front <= len - 3)
			seal_parts(p + 3, front, p + 3 + front,
				(len - 3 - front) / SEGMENT_ENTRY_BYTES);
	} else {
		round_trip(p + 1, (uint32_t)((len - 1) /
					     SEGMENT_ENTRY_BYTES));
	}
	return 0;
}
