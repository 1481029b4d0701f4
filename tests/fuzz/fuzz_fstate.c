/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file of the file-state cache.  The first byte: 0, the bytes are the file
 * as it is; else its sums are made good first, so that what lies behind them
 * is reached: byte 1 the number of devices, byte 2 of keys, the rest keys and
 * then records.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "archive/fstate_priv.h"
#include "codec/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

#define INPUT_MAX (FSTATE_BLOCK + 3u + 256u * FSTATE_KEY_BYTES)

static void put64(uint8_t *p, uint64_t v)
{
	int i;

	for (i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* A file of one heap block, with sums; its length. */
static size_t build(uint8_t *out, const uint8_t *p, size_t len)
{
	size_t devs = p[1] % 4u + 1, n = p[2], keys, at;
	struct key_sum sum;
	uint8_t *front, *index;

	p += 3;
	len -= 3;
	keys = n * FSTATE_KEY_BYTES < len ? n * FSTATE_KEY_BYTES : len;
	at = len - keys < FSTATE_BLOCK ? len - keys : FSTATE_BLOCK;
	memcpy(out + FSTATE_HEAP_AT, p + keys, at);
	index = out + FSTATE_HEAP_AT + FSTATE_BLOCK;
	memcpy(index, p, keys);
	front = index + n * FSTATE_KEY_BYTES;
	for (at = 0; at < devs; at++)
		put64(front + 8 * at, at);
	at = 8 * devs;
	if (n) {
		memcpy(front + at, index, FSTATE_KEY_BYTES);
		at += FSTATE_KEY_BYTES;
		fstate_sum(front + at, index, n * FSTATE_KEY_BYTES);
		at += FSTATE_SUM_BYTES;
	}
	fstate_sum(front + at, out + FSTATE_HEAP_AT, FSTATE_BLOCK);
	at += FSTATE_SUM_BYTES;
	memcpy(out, FSTATE_MAGIC, 8);
	put64(out + 8, n);
	put64(out + 16, FSTATE_BLOCK);
	put64(out + 24, devs);
	key_sum(&sum, front, at);
	memcpy(out + 32, sum.b, 16);
	key_sum(&sum, out, 48);
	memcpy(out + 48, sum.b, 16);
	return (size_t)(front - out) + at;
}

static void judge(struct fstate_old *o)
{
	struct fstate_record r;
	struct fstate_key k;
	uint64_t at = 0, i, ino;
	const uint8_t *p;
	unsigned dev;
	size_t len;

	for (i = 0; i < o->n && i < 1000; i++) {
		if (!fstate_old_key(o, i, &k))
			continue;
		ino = k.hi << 16 | k.lo >> 48;
		if (fstate_old_find(o, k.hi >> 48, ino, &r) && r.ino != ino)
			abort();
	}
	while ((p = fstate_old_record(o, &at, &len))) {
		if (fstate_record_peek(p, p + len, &dev, &ino) != len)
			abort();
		if (fstate_old_find(o, dev, ino, &r) &&
		    (r.ino != ino || r.hit.xattrs_len > ENTRY_XATTR_INLINE_MAX))
			abort();
		at += len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	const size_t room = FSTATE_HEAP_AT + INPUT_MAX + 4096;
	struct fstate_old o;
	uint8_t *map;

	if (len < 3 || len > INPUT_MAX)
		return 0;
	map = mmap(NULL, room, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return 0;
	if (p[0] == 0)
		memcpy(map, p + 1, --len);
	else
		len = build(map, p, len);
	/* The pages behind it are not the file's. */
	munmap(map + ((len + 4095) & ~(size_t)4095),
	       room - ((len + 4095) & ~(size_t)4095));
	fstate_old_adopt(&o, map, len);
	if (o.map)
		judge(&o);
	fstate_old_close(&o);
	return 0;
}
