/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/chunker.h"

#include <assert.h>

#include "base/rd.h"

/*
 * The hash is h = 2 * h + gear[byte] modulo 2^64, so a byte is out of it after
 * 64 more.  A cut is where its highest bits are all zero: two bits more than
 * the target has before the target, two less after it.
 */
#define CHUNKER_WINDOW_BYTES 64
#define CHUNKER_TARGET_BITS 20
#define CHUNKER_BELOW_EARLY (UINT64_C(1) << (64 - (CHUNKER_TARGET_BITS + 2)))
#define CHUNKER_BELOW_LATE (UINT64_C(1) << (64 - (CHUNKER_TARGET_BITS - 2)))

static_assert(CHUNKER_TARGET_BYTES == 1u << CHUNKER_TARGET_BITS, "target");
static_assert(CHUNKER_MIN_BYTES > CHUNKER_WINDOW_BYTES, "window");

void chunker_init(struct chunker *c, const struct key *k)
{
	uint8_t bytes[sizeof(c->gear)];
	struct rd r;
	size_t i;

	key_stream(bytes, sizeof(bytes), k, 0);
	rd_init(&r, bytes, sizeof(bytes));
	for (i = 0; i < 256; i++)
		c->gear[i] = rd_le64(&r);
	key_wipe(bytes, sizeof(bytes));
}

/*
 * From p[i] on, the hash before it in *h: the length up to and with the first
 * byte that makes the hash smaller than 'below', 0 if none before p[end].
 */
static size_t chunker_scan(const struct chunker *c, const uint8_t *p, size_t i,
			   size_t end, uint64_t below, uint64_t *hash)
{
	uint64_t h = *hash;

	/* With gcc, two or four bytes a step are no faster. */
	for (; i < end; i++) {
		h = 2 * h + c->gear[p[i]];
		if (h < below)
			return i + 1;
	}
	*hash = h;
	return 0;
}

size_t chunker_cut(const struct chunker *c, const void *p, size_t len)
{
	const uint8_t *b = p;
	size_t end = len < CHUNKER_MAX_BYTES ? len : CHUNKER_MAX_BYTES;
	size_t mid = end < CHUNKER_TARGET_BYTES ? end : CHUNKER_TARGET_BYTES;
	size_t i, cut;
	uint64_t h = 0;

	if (len <= CHUNKER_MIN_BYTES)
		return len;
	for (i = CHUNKER_MIN_BYTES - CHUNKER_WINDOW_BYTES;
	    i < CHUNKER_MIN_BYTES - 1; i++)
		h = 2 * h + c->gear[b[i]];
	cut = chunker_scan(c, b, i, mid, CHUNKER_BELOW_EARLY, &h);
	if (!cut)
		cut = chunker_scan(c, b, mid, end, CHUNKER_BELOW_LATE, &h);
	return cut ? cut : end;
}
