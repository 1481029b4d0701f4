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

/* A large mapping's pages are given back every so many look-ups. */
#define OLD_KEEP_BYTES (32u << 20)
#define OLD_FINDS_PER_DROP 1024

static uint64_t old_blocks(uint64_t bytes)
{
	return bytes / FSTATE_BLOCK + (bytes % FSTATE_BLOCK != 0);
}

static bool old_map(struct fstate_old *o, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && st.st_size >= FSTATE_HEAP_AT) {
		o->map_len = (size_t)st.st_size;
		o->map = mmap(NULL, o->map_len, PROT_READ, MAP_SHARED, fd, 0);
		if (o->map == MAP_FAILED)
			o->map = NULL;
	}
	close(fd);
	return o->map != NULL;
}

static bool old_parse(struct fstate_old *o)
{
	uint8_t magic[8], front_sum[16], head_sum[16];
	uint64_t at, front_at, front_len, need;
	struct key_sum sum;
	struct rd r;

	rd_init(&r, o->map, FSTATE_HEADER_BYTES);
	rd_copy(&r, magic, sizeof(magic));
	o->n = rd_le64(&r);
	o->heap_len = rd_le64(&r);
	at = rd_le64(&r);
	rd_copy(&r, front_sum, sizeof(front_sum));
	rd_copy(&r, head_sum, sizeof(head_sum));
	key_sum(&sum, o->map, 48);
	if (memcmp(magic, "MUfil\0\0\1", 8) != 0 ||
	    memcmp(sum.b, head_sum, sizeof(head_sum)) != 0 ||
	    o->n > o->map_len / FSTATE_RECORD || o->heap_len > o->map_len ||
	    at > o->map_len)
		return false;
	need = FSTATE_HEAP_AT + o->heap_len;
	need += -need % FSTATE_BLOCK;
	front_at = at + o->n * FSTATE_RECORD;
	o->n_record_blocks = old_blocks(o->n * FSTATE_RECORD);
	o->n_heap_blocks = old_blocks(o->heap_len);
	front_len = o->n_record_blocks * (16 + FSTATE_SUM_BYTES) +
		o->n_heap_blocks * FSTATE_SUM_BYTES;
	if (at != need || front_at + front_len != o->map_len)
		return false;
	key_sum(&sum, o->map + front_at, front_len);
	if (memcmp(sum.b, front_sum, sizeof(front_sum)) != 0)
		return false;
	o->heap = o->map + FSTATE_HEAP_AT;
	o->records = o->map + at;
	o->fence = o->map + front_at;
	o->record_sums = o->fence + o->n_record_blocks * 16;
	o->heap_sums = o->record_sums + o->n_record_blocks * FSTATE_SUM_BYTES;
	return true;
}

void fstate_old_open(struct fstate_old *o, const char *path)
{
	memset(o, 0, sizeof(*o));
	if (!old_map(o, path))
		return;
	if (old_parse(o))
		o->checked = mem_zero(o->n_record_blocks + o->n_heap_blocks +
			1, 1);
	if (!o->checked)
		fstate_old_close(o);
}

void fstate_old_close(struct fstate_old *o)
{
	if (o->map)
		munmap(o->map, o->map_len);
	free(o->checked);
	memset(o, 0, sizeof(*o));
}

/* Is block b of 'base' what was written? */
static bool old_sound(struct fstate_old *o, const uint8_t *base,
		      uint64_t total, uint64_t b, const uint8_t *sums,
		      uint8_t *checked)
{
	uint8_t sum[FSTATE_SUM_BYTES];
	uint64_t len = total - b * FSTATE_BLOCK;

	(void)o;
	if (*checked)
		return *checked == 1;
	fstate_sum(sum, base + b * FSTATE_BLOCK,
		len < FSTATE_BLOCK ? (size_t)len : FSTATE_BLOCK);
	*checked = memcmp(sum, sums + b * FSTATE_SUM_BYTES, sizeof(sum)) ?
		2 : 1;
	return *checked == 1;
}

bool fstate_old_at(struct fstate_old *o, uint64_t i, struct fstate_record *out)
{
	uint64_t b = i / FSTATE_BLOCK_RECORDS;

	if (!old_sound(o, o->records, o->n * FSTATE_RECORD, b, o->record_sums,
		       &o->checked[b]))
		return false;
	fstate_record_get(out, o->records + i * FSTATE_RECORD);
	return true;
}

static int old_cmp(uint64_t dev, uint64_t ino, const uint8_t *p)
{
	struct rd r;
	uint64_t d, i;

	rd_init(&r, p, 16);
	d = rd_le64(&r);
	i = rd_le64(&r);
	if (dev != d)
		return dev < d ? -1 : 1;
	return ino < i ? -1 : ino > i;
}

bool fstate_old_find(struct fstate_old *o, uint64_t dev, uint64_t ino,
		     struct fstate_record *out)
{
	uint64_t lo = 0, hi = o->n_record_blocks;

	if (!o->map || o->n == 0)
		return false;
	if (o->map_len > OLD_KEEP_BYTES &&
	    ++o->finds % OLD_FINDS_PER_DROP == 0)
		madvise(o->map, o->map_len, MADV_DONTNEED);
	while (hi - lo > 1) {
		uint64_t mid = lo + (hi - lo) / 2;

		if (old_cmp(dev, ino, o->fence + mid * 16) >= 0)
			lo = mid;
		else
			hi = mid;
	}
	if (!old_sound(o, o->records, o->n * FSTATE_RECORD, lo,
		       o->record_sums, &o->checked[lo]))
		return false;
	hi = (lo + 1) * FSTATE_BLOCK_RECORDS;
	lo *= FSTATE_BLOCK_RECORDS;
	if (hi > o->n)
		hi = o->n;
	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;
		int c = old_cmp(dev, ino, o->records + mid * FSTATE_RECORD);

		if (c == 0) {
			fstate_record_get(out,
				o->records + mid * FSTATE_RECORD);
			return true;
		}
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return false;
}

const uint8_t *fstate_old_blob(struct fstate_old *o,
			       const struct fstate_record *r, size_t *len)
{
	uint64_t off = r->blob >> 24, b;

	*len = (size_t)(r->blob & 0xffffff);
	if (off > o->heap_len || *len > o->heap_len - off || *len == 0)
		return NULL;
	for (b = off / FSTATE_BLOCK; b <= (off + *len - 1) / FSTATE_BLOCK; b++)
		if (!old_sound(o, o->heap, o->heap_len, b, o->heap_sums,
			       &o->checked[o->n_record_blocks + b]))
			return NULL;
	return o->heap + off;
}
