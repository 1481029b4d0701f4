/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First byte: 0: the rest is a pack; 1: the rest is counts and table, sealed
 * here as a pack's, of a file that has room for the objects; 2: the same, and
 * the counts are made to fit the table's length.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "codec/aead.h"
#include "format/pack.h"
#include "format/sealed.h"
#include "tests/lib/formatkit.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static void open_pack(const struct oid *name, const uint8_t *p, size_t len)
{
	const struct fmt_ctx *ctx = formatkit_ctx();
	struct pack_head h;
	struct pack_table t;
	uint64_t off;
	uint32_t i;

	if (pack_open_head(&h, ctx, name, p, len, NULL) < 0)
		return;
	if (pack_open_table(&t, &h, ctx, p + PACK_HEADER_BYTES,
			    len - PACK_HEADER_BYTES, NULL) < 0)
		return;
	BUG_ON(t.n_entries == 0 || t.n_sessions == 0);
	off = PACK_HEADER_BYTES + (uint64_t)h.table_bytes;
	for (i = 0; i < t.n_entries; i++) {
		BUG_ON(!object_head_ok(&t.entries[i].obj));
		BUG_ON(t.entries[i].off != off);
		BUG_ON(t.entries[i].session >= t.n_sessions);
		off += t.entries[i].obj.stored_len;
	}
	BUG_ON(off > h.file_bytes);
	pack_table_release(&t);
}

static uint64_t objects_bytes(const uint8_t *table, size_t len,
			      unsigned sessions)
{
	uint64_t sum = 0;
	struct rd r;

	rd_init(&r, table, len);
	rd_bytes(&r, (size_t)sessions * PACK_SESSION_BYTES);
	while (rd_left(&r) >= PACK_ENTRY_BYTES) {
		rd_bytes(&r, 36);
		sum += rd_le32(&r);
		rd_bytes(&r, 4);
	}
	return sum;
}

static void seal_table(const uint8_t *p, size_t len, bool fit)
{
	const struct fmt_ctx *ctx = formatkit_ctx();
	struct sealed_head h = { .writer = ctx->signer->pub };
	uint32_t sessions, entries;
	struct oid name;
	uint8_t *file;

	memcpy(h.counts, p, sizeof(h.counts));
	p += sizeof(h.counts);
	len -= sizeof(h.counts);
	sessions = h.counts[4];
	if (fit && sessions * PACK_SESSION_BYTES <= len) {
		entries = (uint32_t)((len - sessions * PACK_SESSION_BYTES) /
				     PACK_ENTRY_BYTES);
		h.counts[0] = (uint8_t)entries;
		h.counts[1] = (uint8_t)(entries >> 8);
		h.counts[2] = h.counts[3] = h.counts[5] = h.counts[7] = 0;
		len = sessions * PACK_SESSION_BYTES +
			entries * PACK_ENTRY_BYTES;
	}
	h.file_bytes = fmt_padme(PACK_HEADER_BYTES + len + AEAD_TAG_BYTES +
				 objects_bytes(p, len, sessions));
	sealed_key(&h.key, ctx, FMT_PACK, h.salt);
	file = mem_alloc(PACK_HEADER_BYTES + len + AEAD_TAG_BYTES);
	BUG_ON(!file);
	sealed_put_front(&h, ctx, p, len, file + PACK_HEADER_BYTES);
	sealed_put_head(file, &h, ctx, FMT_PACK, &name);
	open_pack(&name, file, PACK_HEADER_BYTES + len + AEAD_TAG_BYTES);
	free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct oid name;

	if (len < 1)
		return 0;
	if (p[0] % 3 == 0) {
		key_hash(&name, NULL, p + 1, len - 1 < 256 ? len - 1 : 256,
			NULL, 0, NULL, 0);
		open_pack(&name, p + 1, len - 1);
		pack_scrub(&name, p + 1, len - 1, NULL);
	} else if (len >= 1 + SEALED_COUNTS_BYTES) {
		seal_table(p + 1, len - 1, p[0] % 3 == 2);
	}
	return 0;
}
