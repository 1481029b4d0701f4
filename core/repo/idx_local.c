/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local plain copies of index segments: CACHE/REPO-ID/index/NAME.
 *
 *   0   8  magic            8  32  hash in the segment's name
 *  40   4  entries         44   4  packs       48  4  filter blocks
 *  52   2  sessions        54   2  zero        56  8  offset of the entries
 *  64  16  XXH3-128 of front (80 .. entries)
 *  80 ...  packs * 40, sessions * 104, sums * 8, fence * 8, padding to 64,
 *          filter * 64, padding to 4096, entries * 32
 * A sum is the first half of the XXH3-128 of a block of entries, compared
 * when the block is first used.  Disposable: no fsync, never trusted.
 */
#include "repo/idx_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rd.h"
#include "base/wr.h"
#include "codec/key.h"
#include "repo/repo.h"

#define LOCAL_HEADER_BYTES 80
#define LOCAL_PACK_BYTES 40
#define LOCAL_SUM_BYTES 8
static const uint8_t idx_local_magic[8] = "MUidx\0\0\1";

static uint32_t idx_local_blocks(uint32_t n_entries)
{
	return (n_entries + SEGMENT_BLOCK_ENTRIES - 1) / SEGMENT_BLOCK_ENTRIES;
}

static size_t idx_local_block_len(uint32_t n_entries, uint32_t b)
{
	uint32_t left = n_entries - b * SEGMENT_BLOCK_ENTRIES;

	return (size_t)(left < SEGMENT_BLOCK_ENTRIES ? left :
		SEGMENT_BLOCK_ENTRIES) * SEGMENT_ENTRY_BYTES;
}

static void idx_local_sum(uint8_t out[LOCAL_SUM_BYTES], const uint8_t *entries,
			  uint32_t n_entries, uint32_t b)
{
	struct key_sum sum;

	key_sum(&sum, entries + (size_t)b * SEGMENT_BLOCK_ENTRIES *
		SEGMENT_ENTRY_BYTES, idx_local_block_len(n_entries, b));
	memcpy(out, sum.b, LOCAL_SUM_BYTES);
}

bool idx_local_sound(struct idx_seg *g, uint32_t b)
{
	uint8_t sum[LOCAL_SUM_BYTES];

	if (!g->map || atomic_load_explicit(&g->checked[b],
					    memory_order_relaxed))
		return true;
	idx_local_sum(sum, g->entries, g->n_entries, b);
	if (memcmp(sum, g->sums + (size_t)b * LOCAL_SUM_BYTES, sizeof(sum)))
		return false;
	atomic_store_explicit(&g->checked[b], 1, memory_order_relaxed);
	return true;
}

static char *idx_local_path(const struct idx *x,
			    const struct segment_name *name)
{
	char text[SEGMENT_NAME_BYTES];

	if (!x->dir)
		return NULL;
	return mem_printf("%s/%s", x->dir, segment_name_put(name, text));
}

static void idx_local_front(struct wr *w, const struct segment *s)
{
	uint8_t sum[LOCAL_SUM_BYTES];
	uint32_t i;

	for (i = 0; i < s->n_packs; i++) {
		wr_bytes(w, s->packs[i].name.b, 32);
		wr_le32(w, s->packs[i].bytes);
		wr_le32(w, s->packs[i].kind);
	}
	for (i = 0; i < s->n_sessions; i++) {
		wr_bytes(w, s->sessions[i].id.b, 16);
		wr_le32(w, s->sessions[i].epoch);
		wr_le32(w, (uint8_t)s->sessions[i].level);
		wr_bytes(w, s->sessions[i].sealed, PACK_SEALED_BYTES);
	}
	for (i = 0; i < idx_local_blocks(s->n_entries); i++) {
		idx_local_sum(sum, s->entries, s->n_entries, i);
		wr_bytes(w, sum, sizeof(sum));
	}
	for (i = 0; i < idx_local_blocks(s->n_entries); i++)
		wr_le64(w, idx_be64(s->entries + (size_t)i *
			SEGMENT_BLOCK_ENTRIES * SEGMENT_ENTRY_BYTES));
	wr_zero(w, -w->b->len % 64);
	wr_bytes(w, s->filter, (size_t)s->n_filter * 64);
	wr_zero(w, -w->b->len % 4096);
}

/* Header and front in one buffer; the entries follow it in the file. */
static int idx_local_encode(struct buf *b, const struct segment_name *name,
			    const struct segment *s)
{
	struct buf front = BUF_INIT;
	struct key_sum sum;
	struct wr w;
	int rc;

	wr_init(&w, &front);
	wr_zero(&w, LOCAL_HEADER_BYTES);
	idx_local_front(&w, s);
	if ((rc = wr_done(&w, NULL)) < 0)
		goto out;
	key_sum(&sum, front.p + LOCAL_HEADER_BYTES,
		front.len - LOCAL_HEADER_BYTES);
	wr_init(&w, b);
	wr_bytes(&w, idx_local_magic, sizeof(idx_local_magic));
	wr_bytes(&w, name->hash.b, 32);
	wr_le32(&w, s->n_entries);
	wr_le32(&w, s->n_packs);
	wr_le32(&w, s->n_filter);
	wr_le16(&w, s->n_sessions);
	wr_le16(&w, 0);
	wr_le64(&w, front.len);
	wr_bytes(&w, sum.b, sizeof(sum.b));
	if (front.len)
		wr_bytes(&w, front.p + LOCAL_HEADER_BYTES,
			front.len - LOCAL_HEADER_BYTES);
	rc = wr_done(&w, NULL);
out:
	buf_release(&front);
	return rc;
}

void idx_local_keep(struct idx *x, const struct segment_name *name,
		    const struct segment *s)
{
	struct buf head = BUF_INIT;
	struct err e = { ERR_OK, "" };
	struct iovec iov[2];
	char *path = idx_local_path(x, name);

	if (path && idx_local_encode(&head, name, s) == 0) {
		iov[0] = (struct iovec) { head.p, head.len };
		iov[1] = (struct iovec) { s->entries,
			(size_t)s->n_entries * SEGMENT_ENTRY_BYTES };
		if (io_keep(path, iov, 2, &e) < 0)
			log_debug("index", "no local copy: %s", e.msg);
	}
	buf_release(&head);
	free(path);
}

void idx_local_drop(struct idx *x, const struct segment_name *name)
{
	char *path = idx_local_path(x, name);

	if (path)
		unlink(path);
	free(path);
}

static int idx_local_map(struct idx_seg *g, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return ERR_NOENT;
	if (fstat(fd, &st) == 0 && st.st_size >= LOCAL_HEADER_BYTES) {
		g->map_len = (size_t)st.st_size;
		g->map = mmap(NULL, g->map_len, PROT_READ, MAP_SHARED, fd, 0);
		if (g->map == MAP_FAILED)
			g->map = NULL;
	}
	close(fd);
	return g->map ? 0 : ERR_NOENT;
}

static int idx_local_packs(struct idx_seg *g, struct rd *r, struct err *e)
{
	uint32_t i;

	g->packs = mem_array(g->n_packs, sizeof(*g->packs));
	if (!g->packs)
		return err_nomem(e);
	for (i = 0; i < g->n_packs; i++) {
		rd_copy(r, g->packs[i].name.b, 32);
		g->packs[i].bytes = rd_le32(r);
		g->packs[i].kind = (enum pack_kind)rd_le32(r);
	}
	return 0;
}

static int idx_local_sessions(struct idx *x, struct idx_seg *g, struct rd *r,
			      uint16_t n, struct err *e)
{
	struct pack_session *s = mem_zero(n, sizeof(*s));
	uint16_t i;
	int rc;

	if (!s)
		return err_nomem(e);
	for (i = 0; i < n; i++) {
		rd_copy(r, s[i].id.b, 16);
		s[i].epoch = rd_le32(r);
		s[i].level = (int8_t)rd_le32(r);
		rd_copy(r, s[i].sealed, PACK_SEALED_BYTES);
	}
	rc = idx_seg_sessions(x, g, s, n, e);
	free(s);
	return rc;
}

static int idx_local_fence(struct idx_seg *g, struct rd *r, struct err *e)
{
	uint32_t i;

	g->n_blocks = idx_local_blocks(g->n_entries);
	g->sums = rd_bytes(r, (size_t)g->n_blocks * LOCAL_SUM_BYTES);
	g->fence = mem_array(g->n_blocks, sizeof(*g->fence));
	if (!g->fence)
		return err_nomem(e);
	for (i = 0; i < g->n_blocks; i++)
		g->fence[i] = rd_le64(r);
	return 0;
}

/* The header, the sum of the front, and that all of it is there. */
static int idx_local_parse(struct idx_seg *g, const struct segment_name *name,
			   struct rd *front, uint16_t *n_sessions)
{
	uint8_t magic[8], stored[16], hash[32];
	uint64_t at, need;
	struct key_sum sum;
	struct rd r;

	rd_init(&r, g->map, LOCAL_HEADER_BYTES);
	rd_copy(&r, magic, sizeof(magic));
	rd_copy(&r, hash, sizeof(hash));
	g->n_entries = rd_le32(&r);
	g->n_packs = rd_le32(&r);
	g->n_filter = rd_le32(&r);
	*n_sessions = rd_le16(&r);
	rd_zero(&r, 2);
	at = rd_le64(&r);
	rd_copy(&r, stored, sizeof(stored));
	need = LOCAL_HEADER_BYTES + (uint64_t)g->n_packs * LOCAL_PACK_BYTES +
		(uint64_t)*n_sessions * PACK_SESSION_BYTES +
		(uint64_t)idx_local_blocks(g->n_entries) *
		(LOCAL_SUM_BYTES + 8);
	need += -need % 64;
	g->filter = (uint8_t *)g->map + need;
	need += (uint64_t)g->n_filter * 64;
	need += -need % 4096;
	if (!rd_done(&r) || memcmp(magic, idx_local_magic, 8) ||
	    memcmp(hash, name->hash.b, 32) || at != need ||
	    at + (uint64_t)g->n_entries * SEGMENT_ENTRY_BYTES != g->map_len)
		return ERR_NOENT;
	key_sum(&sum, (uint8_t *)g->map + LOCAL_HEADER_BYTES,
		at - LOCAL_HEADER_BYTES);
	if (memcmp(sum.b, stored, sizeof(stored)))
		return ERR_NOENT;
	g->entries = (uint8_t *)g->map + at;
	rd_init(front, (uint8_t *)g->map + LOCAL_HEADER_BYTES,
		at - LOCAL_HEADER_BYTES);
	return 0;
}

int idx_local_open(struct idx *x, struct idx_seg **out,
		   const struct segment_name *name, struct err *e)
{
	struct idx_seg *g = mem_zero(1, sizeof(*g));
	char *path = idx_local_path(x, name);
	uint16_t n_sessions;
	struct rd r;
	int rc = path ? 0 : ERR_NOENT;

	*out = NULL;
	if (!g)
		rc = err_nomem(e);
	if (rc < 0 || (rc = idx_local_map(g, path)) < 0 ||
	    (rc = idx_local_parse(g, name, &r, &n_sessions)) < 0)
		goto out;
	g->name = *name;
	if ((rc = idx_local_packs(g, &r, e)) < 0 ||
	    (rc = idx_local_sessions(x, g, &r, n_sessions, e)) < 0 ||
	    (rc = idx_local_fence(g, &r, e)) < 0)
		goto out;
	g->checked = mem_zero(g->n_blocks, sizeof(*g->checked));
	if (!g->checked)
		rc = err_nomem(e);
out:
	if (rc < 0)
		idx_seg_free(g);
	else
		*out = g;
	free(path);
	return rc;
}

void idx_local_tidy(struct idx *x)
{
	struct dirent *de;
	DIR *d = x->dir ? opendir(x->dir) : NULL;
	size_t i;

	while (d && (de = readdir(d))) {
		struct segment_name name;
		char text[SEGMENT_NAME_BYTES];

		if (!segment_name_get(&name, de->d_name))
			continue;
		for (i = 0; i < x->n_seg; i++)
			if (strcmp(segment_name_put(&x->seg[i]->name, text),
				   de->d_name) == 0)
				break;
		if (i == x->n_seg)
			unlinkat(dirfd(d), de->d_name, 0);
	}
	if (d)
		closedir(d);
}
