/* SPDX-License-Identifier: BSD-2-Clause */
/* What the last run saw: a mapped file that is believed block by block. */
#include "archive/fstate_priv.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rd.h"
#include "codec/key.h"

/* So many blocks stay in memory; then all pages are given back. */
#define OLD_KEEP_BLOCKS 512
/* So many records are looked at before the index is asked. */
#define OLD_AHEAD 3

enum block_state {
	BLOCK_SOUND = 1 << 0,
	BLOCK_DAMAGED = 1 << 1,
	BLOCK_TOUCHED = 1 << 2		/* since pages were given back */
};

void fstate_old_open(struct fstate_old *o, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	void *map;

	memset(o, 0, sizeof(*o));
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_size >= FSTATE_HEAP_AT) {
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd,
			   0);
		if (map != MAP_FAILED)
			fstate_old_adopt(o, map, (size_t)st.st_size);
	}
	close(fd);
}

static uint64_t old_blocks(uint64_t bytes)
{
	return bytes / FSTATE_BLOCK + (bytes % FSTATE_BLOCK != 0);
}

static bool old_parse(struct fstate_old *o)
{
	uint8_t magic[8], front_sum[16], head_sum[16];
	const uint8_t *front;
	struct key_sum sum;
	uint64_t index_len, front_len;
	struct rd r;

	rd_init(&r, o->map, FSTATE_HEADER_BYTES);
	rd_copy(&r, magic, sizeof(magic));
	o->n = rd_le64(&r);
	o->heap_len = rd_le64(&r);
	o->n_devs = rd_le64(&r);
	rd_copy(&r, front_sum, sizeof(front_sum));
	rd_copy(&r, head_sum, sizeof(head_sum));
	key_sum(&sum, o->map, FSTATE_HEADER_BYTES - sizeof(head_sum));
	if (memcmp(magic, FSTATE_MAGIC, sizeof(magic)) != 0 ||
	    memcmp(sum.b, head_sum, sizeof(head_sum)) != 0 ||
	    o->n > o->map_len / FSTATE_KEY_BYTES ||
	    o->heap_len > o->map_len || o->heap_len % FSTATE_BLOCK != 0 ||
	    o->n_devs > FSTATE_DEVICES_MAX)
		return false;
	index_len = o->n * FSTATE_KEY_BYTES;
	o->n_index_blocks = old_blocks(index_len);
	o->n_heap_blocks = o->heap_len / FSTATE_BLOCK;
	front_len = o->n_devs * 8 + o->n_index_blocks * FSTATE_KEY_BYTES +
		(o->n_index_blocks + o->n_heap_blocks) * FSTATE_SUM_BYTES;
	if (FSTATE_HEAP_AT + o->heap_len + index_len + front_len != o->map_len)
		return false;
	o->heap = o->map + FSTATE_HEAP_AT;
	o->index = o->heap + o->heap_len;
	front = o->index + index_len;
	key_sum(&sum, front, front_len);
	if (memcmp(sum.b, front_sum, sizeof(front_sum)) != 0)
		return false;
	o->devs = front;
	o->fence = o->devs + o->n_devs * 8;
	o->sums = o->fence + o->n_index_blocks * FSTATE_KEY_BYTES;
	return true;
}

void fstate_old_adopt(struct fstate_old *o, uint8_t *map, size_t len)
{
	memset(o, 0, sizeof(*o));
	o->map = map;
	o->map_len = len;
	if (len >= FSTATE_HEAP_AT && old_parse(o))
		o->state = mem_zero(o->n_index_blocks + o->n_heap_blocks + 1,
				    1);
	if (o->state)
		o->seen = mem_zero(o->heap_len / FSTATE_RECORD_MIN / 8 + 1,
				   1);
	if (!o->seen) {
		fstate_old_close(o);
		return;
	}
	if (o->n_devs)
		o->st_dev = fstate_old_dev(o, 0);
}

void fstate_old_close(struct fstate_old *o)
{
	if (o->map)
		munmap(o->map, o->map_len);
	free(o->state);
	free(o->seen);
	memset(o, 0, sizeof(*o));
}

uint64_t fstate_old_dev(const struct fstate_old *o, unsigned dev)
{
	struct rd r;

	rd_init(&r, o->devs + (size_t)dev * 8, 8);
	return rd_le64(&r);
}

/* Is block b of the index (or, behind that, of the heap) what was written? */
static bool old_sound(struct fstate_old *o, uint64_t b)
{
	bool in_heap = b >= o->n_index_blocks;
	uint64_t at = (in_heap ? b - o->n_index_blocks : b) * FSTATE_BLOCK;
	uint64_t left = (in_heap ? o->heap_len : o->n * FSTATE_KEY_BYTES) - at;
	uint8_t sum[FSTATE_SUM_BYTES], *state = &o->state[b];

	if (!(*state & BLOCK_TOUCHED)) {
		*state |= BLOCK_TOUCHED;
		o->n_touched++;
	}
	if (!(*state & (BLOCK_SOUND | BLOCK_DAMAGED))) {
		fstate_sum(sum, (in_heap ? o->heap : o->index) + at,
			   left < FSTATE_BLOCK ? (size_t)left : FSTATE_BLOCK);
		*state |= memcmp(sum, o->sums + b * FSTATE_SUM_BYTES,
				 sizeof(sum)) ? BLOCK_DAMAGED : BLOCK_SOUND;
	}
	return *state & BLOCK_SOUND;
}

static void old_drop(struct fstate_old *o)
{
	uint64_t b;

	if (o->n_touched < OLD_KEEP_BLOCKS)
		return;
	madvise(o->map, o->map_len, MADV_DONTNEED);
	for (b = 0; b < o->n_index_blocks + o->n_heap_blocks; b++)
		o->state[b] &= (uint8_t)~BLOCK_TOUCHED;
	o->n_touched = 0;
}

/* The end of the block that heap offset 'at' is in; NULL: damaged, or there
 * is no such place. */
static const uint8_t *old_heap_end(struct fstate_old *o, uint64_t at)
{
	uint64_t b = at / FSTATE_BLOCK;

	if (at >= o->heap_len || !old_sound(o, o->n_index_blocks + b))
		return NULL;
	return o->heap + (b + 1) * FSTATE_BLOCK;
}

const uint8_t *fstate_old_record(struct fstate_old *o, uint64_t *at,
				 size_t *len)
{
	const uint8_t *end;
	uint64_t ino;
	unsigned dev;

	old_drop(o);
	while (*at < o->heap_len) {
		end = old_heap_end(o, *at);
		*len = end ? fstate_record_peek(o->heap + *at, end, &dev,
						&ino) : 0;
		if (*len)
			return o->heap + *at;
		*at = (*at / FSTATE_BLOCK + 1) * FSTATE_BLOCK;
	}
	return NULL;
}

/* Is the file the next of the walk, or one soon after it? */
static bool old_find_next(struct fstate_old *o, unsigned dev, uint64_t ino,
			  uint64_t *at)
{
	uint64_t pos = o->next, its_ino;
	const uint8_t *p, *end;
	unsigned its_dev;
	size_t len;
	int i;

	for (i = 0; i < OLD_AHEAD; i++) {
		end = old_heap_end(o, pos);
		if (!end)
			return false;
		p = o->heap + pos;
		len = fstate_record_peek(p, end, &its_dev, &its_ino);
		if (len == 0) {
			pos = (pos / FSTATE_BLOCK + 1) * FSTATE_BLOCK;
			continue;
		}
		if (its_dev == dev && its_ino == ino) {
			*at = pos;
			return true;
		}
		pos += len;
	}
	return false;
}

bool fstate_old_key(struct fstate_old *o, uint64_t i, struct fstate_key *k)
{
	old_drop(o);
	if (!old_sound(o, i / FSTATE_BLOCK_KEYS))
		return false;
	*k = fstate_key_get(o->index + i * FSTATE_KEY_BYTES);
	return true;
}

/* The first of keys [lo, hi) in 'base' that is not less than k. */
static uint64_t old_place(const uint8_t *base, uint64_t lo, uint64_t hi,
			  struct fstate_key k)
{
	uint64_t mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (fstate_key_cmp(fstate_key_get(base + mid *
						  FSTATE_KEY_BYTES), k) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool old_find_key(struct fstate_old *o, unsigned dev, uint64_t ino,
			 uint64_t *at)
{
	struct fstate_key k = fstate_key_of(dev, ino, 0), have;
	uint64_t b, lo, hi;

	/* In the block before the first that begins with k or later; or in
	 * that one, at its beginning. */
	b = old_place(o->fence, 0, o->n_index_blocks, k);
	lo = b ? (b - 1) * FSTATE_BLOCK_KEYS : 0;
	hi = b * FSTATE_BLOCK_KEYS < o->n ? b * FSTATE_BLOCK_KEYS : o->n;
	if (hi > lo) {
		if (!old_sound(o, b - 1))
			return false;
		lo = old_place(o->index, lo, hi, k);
	}
	if (lo >= o->n || !fstate_old_key(o, lo, &have) ||
	    !fstate_key_same(have, k))
		return false;
	*at = fstate_key_at(have);
	return true;
}

static bool old_find_dev(struct fstate_old *o, uint64_t st_dev)
{
	unsigned i;

	if (o->n_devs && o->st_dev == st_dev)
		return true;
	for (i = 0; i < o->n_devs; i++)
		if (fstate_old_dev(o, i) == st_dev) {
			o->dev = i;
			o->st_dev = st_dev;
			return true;
		}
	return false;
}

bool fstate_old_find(struct fstate_old *o, uint64_t st_dev, uint64_t ino,
		     struct fstate_record *out)
{
	const uint8_t *end;
	uint64_t at;
	size_t len;

	if (!o->map || !old_find_dev(o, st_dev))
		return false;
	old_drop(o);
	if (!old_find_next(o, o->dev, ino, &at) &&
	    !old_find_key(o, o->dev, ino, &at))
		return false;
	end = old_heap_end(o, at);
	if (!end)
		return false;
	len = fstate_record_get(out, o->heap + at, end);
	o->next = at + len;
	out->at = at;
	return len && out->dev == o->dev && out->ino == ino;
}

void fstate_old_see(struct fstate_old *o, const struct fstate_record *r,
		    bool linked)
{
	uint64_t at = r->at, bit;

	if (linked && !old_find_key(o, r->dev, r->ino, &at))
		return;
	bit = at / FSTATE_RECORD_MIN;
	if (at >= o->heap_len || (o->seen[bit / 8] >> (bit % 8) & 1))
		return;
	o->seen[bit / 8] |= (uint8_t)(1u << bit % 8);
	o->n_seen++;
}
