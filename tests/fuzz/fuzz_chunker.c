/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Input: 32 bytes of key, then what the data are made of.  The cuts are those
 * of the rule written as plainly as it can be.  The first three bytes also say
 * if and how many others are put in front of some that were cut before.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rd.h"
#include "codec/chunker.h"

#define DATA_BYTES (3u << 20)
#define TAIL_BYTES (12u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static void judge(bool right)
{
	if (!right)
		abort();
}

static size_t plain_cut(const struct chunker *c, const uint8_t *p, size_t len)
{
	size_t i;
	uint64_t h = 0;

	for (i = 0; i < len && i < CHUNKER_MAX_BYTES; i++) {
		h = (h << 1) + c->gear[p[i]];
		if (i + 1 >= CHUNKER_MIN_BYTES &&
		    h >> (i + 1 <= CHUNKER_TARGET_BYTES ? 42 : 46) == 0)
			return i + 1;
	}
	return i;
}

/* Random bytes with runs in them, as the input says. */
static void make(uint8_t *data, size_t len, const struct key *k, struct rd *r)
{
	size_t at, n;

	key_stream(data, len, k, 1);
	while (rd_left(r) >= 6) {
		at = rd_le24(r) % len;
		n = (size_t)rd_le16(r) << 4;
		if (n > len - at)
			n = len - at;
		memset(data + at, rd_u8(r), n);
	}
}

static void partition(const struct chunker *c, const struct key *k,
		      struct rd *r)
{
	uint8_t *data = mem_alloc(DATA_BYTES);
	size_t len = DATA_BYTES - rd_le24(r) % DATA_BYTES, at = 0, n;

	judge(data);
	make(data, len, k, r);
	while (at < len) {
		n = chunker_cut(c, data + at, len - at);
		judge(n == plain_cut(c, data + at, len - at));
		judge(n > 0 && n <= len - at && n <= CHUNKER_MAX_BYTES);
		judge(n >= CHUNKER_MIN_BYTES || n == len - at);
		/* Nothing after a cut has a part in it. */
		judge(chunker_cut(c, data + at, n) == n);
		at += n;
	}
	free(data);
}

/*
 * Other bytes in front, and the old cuts come again.  Key and tail are fixed:
 * from any length in front the two were seen to meet in two thirds of it.
 */
static void resync(size_t len)
{
	static const struct key k = { { 1 } };
	uint8_t *both = mem_alloc(len + TAIL_BYTES);
	size_t end = len + TAIL_BYTES, a = 0, b = len;
	struct chunker c;

	judge(both);
	key_stream(both, len, &k, 3);
	key_stream(both + len, TAIL_BYTES, &k, 2);
	chunker_init(&c, &k);
	do {
		if (a <= b)
			a += chunker_cut(&c, both + a, end - a);
		else
			b += chunker_cut(&c, both + b, end - b);
	} while (a != b);
	judge(a < end);
	free(both);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct chunker c;
	struct key k;
	struct rd r;

	rd_init(&r, p, len);
	rd_copy(&r, k.b, sizeof(k.b));
	if (r.bad)
		return 0;
	chunker_init(&c, &k);
	partition(&c, &k, &r);
	if (p[2] % 8 == 0)	/* it takes much longer than the rest */
		resync(1 + ((size_t)p[0] << 8 | p[1]) * 16);
	return 0;
}
