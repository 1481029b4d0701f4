/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_SEGMENT_H
#define FORMAT_SEGMENT_H

#include <stdint.h>

#include "base/buf.h"
#include "format/fmt.h"
#include "format/pack.h"

/*
 * An index segment: where objects are.  Immutable, sorted by id prefix.
 *
 *   0 256  header (sealed.h); counts: le32 entries | le32 bytes of the front;
 *          salt = BLAKE2b-256(K_loc, "segmsalt" || counts plaintext ||
 *          BLAKE2b-256(K_loc, all entries) || front plaintext), since the
 *          same front can go with other entries; name: BLAKE2b of the header
 * 256 ...  front
 *  ..  ..  blocks of 2,048 entries (64 KiB + tag; the last is shorter),
 *          nonce 2 + block number
 *  ..  ..  padding to fmt_padme()
 *
 * Front plaintext: kind u8, tier u8, le16 sessions, le32 generation,
 * le32 filter blocks, le32 packs; packs * 40 { name 32, le32 size, u8 kind,
 * 3 zero }; sessions * 104 (as in a pack's table); fence: per block the first
 * 8 bytes of its first prefix; filter: blocks of 64 bytes.
 *
 * Entry, 32 bytes: prefix 16 | le24 pack | le16 session | le32 offset |
 * le24 stored_len - 17 | le24 plain_len - 1 | u8 type << 4 | codec.
 *
 * Filter: a blocked Bloom filter for negative look-ups, 12 bits an entry
 * (n * 12 / 512 blocks, rounded up).  Of a prefix's two little-endian halves
 * h1 and h2, (h1 >> 32) * blocks >> 32 is the block, and its bits are
 * h2 >> 9 i & 511 for i = 0..6, and h1 & 511; bit b is 1 << b % 8 of byte
 * b / 8.  About 1 % of what is not there passes.
 *
 * Kinds: a session segment (closed: lists a node only if everything below it
 * is listed in it, or in one that was put before it) and a base segment
 * (valid only where a generation names it).
 */
#define SEGMENT_ENTRY_BYTES 32
#define SEGMENT_BLOCK_ENTRIES 2048
#define SEGMENT_PREFIX_BYTES 16
#define SEGMENT_MAX_ENTRIES (1u << 26)
#define SEGMENT_MAX_PACKS (1u << 24)
#define SEGMENT_MAX_SESSIONS 65535u

enum segment_kind { SEGMENT_SESSION = 1, SEGMENT_BASE = 2 };

/*
 * Its name in the store tells kind, generation and tier without being opened:
 * "s-GGGGGGGG-TT-HASH64" or "b-...": lower-case hex.  The front repeats them,
 * and a name that disagrees is ERR_CORRUPT.
 */
#define SEGMENT_NAME_BYTES 80
struct segment_name {
	enum segment_kind kind;
	uint32_t generation;
	uint8_t tier;
	struct oid hash;
};
char *segment_name_put(const struct segment_name *n,
		       char out[SEGMENT_NAME_BYTES]);
bool segment_name_get(struct segment_name *n, const char *text);

struct segment_pack {
	struct oid name;
	uint32_t bytes;
	enum pack_kind kind;
};
struct segment_entry {
	uint8_t prefix[SEGMENT_PREFIX_BYTES];
	uint32_t pack;		/* places in the arrays below */
	uint16_t session;
	uint32_t off, stored_len, plain_len;
	enum obj_type type;
	enum comp_codec codec;
};

/* The 32-byte form, also that of the local plain copy. */
void segment_entry_put(uint8_t out[SEGMENT_ENTRY_BYTES],
		       const struct segment_entry *en);
/* ERR_CORRUPT: type, codec or lengths that cannot be. */
int segment_entry_get(struct segment_entry *en,
		      const uint8_t in[SEGMENT_ENTRY_BYTES], struct err *e);

/* A whole segment in plain form.  'entries' has n_entries 32-byte entries,
 * sorted by prefix, no prefix twice. */
struct segment {
	enum segment_kind kind;
	uint8_t tier;
	uint32_t generation;
	uint32_t n_entries, n_packs;
	uint16_t n_sessions;
	uint32_t n_filter;	/* 64-byte blocks */
	struct segment_pack *packs;
	struct pack_session *sessions;
	uint8_t *entries;
	uint8_t *filter;
};

/* Builds the filter, encodes all; *name gets kind, generation, tier, hash.
 * Bug if the entries are not sorted. */
int segment_seal(const struct fmt_ctx *ctx, struct segment *s,
		 struct buf *file, struct segment_name *name, struct err *e);
/* Verifies everything.  Release with segment_release. */
int segment_open(struct segment *s, const struct fmt_ctx *ctx,
		 const struct segment_name *name, const uint8_t *p, size_t len,
		 struct err *e);
void segment_release(struct segment *s);
/* Without any key. */
int segment_scrub(const struct segment_name *name, const uint8_t *p,
		  size_t len, struct err *e);

void segment_filter_add(uint8_t *filter, uint32_t n_blocks,
			const uint8_t prefix[SEGMENT_PREFIX_BYTES]);
/* false: certainly not there. */
bool segment_filter_has(const uint8_t *filter, uint32_t n_blocks,
			const uint8_t prefix[SEGMENT_PREFIX_BYTES]);

#endif
