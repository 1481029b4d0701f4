/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * This run's file.  COMMIT POINT: the rename in new_publish; before it the
 * last run's file is in place.  No fsync: sums find what a power cut left.
 */
#include "archive/fstate_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/wr.h"
#include "codec/key.h"

static int new_write(int fd, const void *p, size_t len, struct err *e)
{
	struct iovec iov = { (void *)(uintptr_t)p, len };

	return io_writev(fd, &iov, 1, "the cache of file states", e);
}

/* A file of ours alone.  One that a killed run left is in the way, and one of
 * a run that still lives loses its name, which that run will notice. */
static int new_create(const char *path)
{
	unlink(path);
	return open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		    0600);
}

static int new_begin(struct fstate *f, struct err *e)
{
	struct fstate_new *n = &f->new;
	uint8_t header[FSTATE_HEAP_AT] = { 0 };

	n->heap_path = mem_printf("%s.tmp", f->path);
	if (!n->heap_path)
		return err_nomem(e);
	n->key_fd = new_create(n->heap_path);
	if (n->key_fd >= 0)
		n->heap_fd = new_create(n->heap_path);
	if (n->heap_fd < 0)
		return err_errno(e, errno, "cannot create '%s'",
				 n->heap_path);
	return new_write(n->heap_fd, header, sizeof(header), e);
}

/* Is the file still found under its name? */
static bool new_is_named(const struct fstate_new *n)
{
	struct stat open_st, named;

	return fstat(n->heap_fd, &open_st) == 0 &&
	       lstat(n->heap_path, &named) == 0 &&
	       open_st.st_ino == named.st_ino &&
	       open_st.st_dev == named.st_dev;
}

void fstate_new_discard(struct fstate_new *n)
{
	if (n->heap_fd >= 0) {
		if (new_is_named(n))
			unlink(n->heap_path);
		close(n->heap_fd);
	}
	if (n->key_fd >= 0)
		close(n->key_fd);
	n->heap_fd = n->key_fd = -1;
	free(n->heap_path);
	n->heap_path = NULL;
	buf_release(&n->block);
	buf_release(&n->sums);
	buf_release(&n->run);
	buf_release(&n->run_ends);
}

int fstate_new_dev(struct fstate_new *n, uint64_t st_dev)
{
	unsigned i;

	if (n->n_devs && n->devs[n->last_dev] == st_dev)
		return (int)n->last_dev;
	for (i = 0; i < n->n_devs && n->devs[i] != st_dev; i++)
		;
	if (i == FSTATE_DEVICES_MAX)
		return -1;
	if (i == n->n_devs)
		n->devs[n->n_devs++] = st_dev;
	n->last_dev = i;
	return (int)i;
}

/* The block of the heap is full. */
static int new_flush(struct fstate_new *n, struct err *e)
{
	uint8_t sum[FSTATE_SUM_BYTES];
	size_t used = n->block.len;
	int rc;

	if (used == 0)
		return 0;
	if ((rc = buf_resize(&n->block, FSTATE_BLOCK, e)) < 0)
		return rc;
	memset(n->block.p + used, 0, FSTATE_BLOCK - used);
	fstate_sum(sum, n->block.p, FSTATE_BLOCK);
	if ((rc = buf_append(&n->sums, sum, sizeof(sum), e)) == 0)
		rc = new_write(n->heap_fd, n->block.p, FSTATE_BLOCK, e);
	n->heap_len += FSTATE_BLOCK;
	buf_clear(&n->block);
	return rc;
}

int fstate_new_add(struct fstate *f, const uint8_t *p, size_t len,
		   struct err *e)
{
	struct fstate_new *n = &f->new;
	struct fstate_key k;
	unsigned dev;
	uint64_t ino;
	int rc = 0;

	BUG_ON(len > FSTATE_BLOCK ||
	       fstate_record_peek(p, p + len, &dev, &ino) != len);
	if (n->heap_fd < 0)
		rc = new_begin(f, e);
	if (rc == 0 && n->block.len + len > FSTATE_BLOCK)
		rc = new_flush(n, e);
	if (rc < 0)
		return rc;
	k = fstate_key_of(dev, ino, n->heap_len + n->block.len);
	if ((rc = buf_append(&n->block, p, len, e)) < 0 ||
	    (rc = buf_append(&n->run, &k, sizeof(k), e)) < 0)
		return rc;
	if (n->run.len >= FSTATE_RUN_KEYS * sizeof(k))
		rc = fstate_run_end(n, e);
	return rc;
}

/* Bits of those records of the last run, by their places in the heap, which
 * this run has not added itself. */
static int new_missing(struct fstate *f, uint8_t *bits, struct err *e)
{
	struct fstate_key old, have;
	struct fstate_merge m;
	uint64_t i, at;
	bool more;
	int rc;

	if ((rc = fstate_run_end(&f->new, e)) < 0 ||
	    (rc = fstate_merge_open(&m, &f->new, e)) < 0)
		return rc;
	more = fstate_merge_next(&m, &have);
	for (i = 0; i < f->old.n; i++) {
		if (!fstate_old_key(&f->old, i, &old))
			continue;
		while (more && !fstate_key_same(have, old) &&
		       fstate_key_cmp(have, old) < 0)
			more = fstate_merge_next(&m, &have);
		at = fstate_key_at(old) / FSTATE_RECORD_MIN;
		if ((!more || !fstate_key_same(have, old)) &&
		    at < f->old.heap_len / FSTATE_RECORD_MIN)
			bits[at / 8] |= (uint8_t)(1u << at % 8);
	}
	fstate_merge_close(&m);
	return 0;
}

/* What the last run saw and this one did not reach, in the order of then.
 * Devices have the same numbers in both (fstate_open). */
static int new_keep_old(struct fstate *f, struct err *e)
{
	size_t bytes = (size_t)(f->old.heap_len / FSTATE_RECORD_MIN / 8 + 1);
	uint8_t *bits = mem_zero(bytes, 1);
	uint64_t at, bit;
	const uint8_t *p;
	size_t len;
	int rc;

	if (!bits)
		return err_nomem(e);
	rc = new_missing(f, bits, e);
	for (at = 0; rc == 0 && (p = fstate_old_record(&f->old, &at, &len));
	     at += len) {
		bit = at / FSTATE_RECORD_MIN;
		if (bits[bit / 8] >> (bit % 8) & 1)
			rc = fstate_new_add(f, p, len, e);
	}
	free(bits);
	return rc;
}

/* A full block of the index, or the last one. */
static int new_flush_keys(struct fstate_new *n, struct buf *block,
			  struct buf *fence, struct buf *sums, struct err *e)
{
	uint8_t sum[FSTATE_SUM_BYTES];
	int rc;

	if (block->len == 0)
		return 0;
	fstate_sum(sum, block->p, block->len);
	if ((rc = buf_append(fence, block->p, FSTATE_KEY_BYTES, e)) == 0 &&
	    (rc = buf_append(sums, sum, sizeof(sum), e)) == 0)
		rc = new_write(n->heap_fd, block->p, block->len, e);
	buf_clear(block);
	return rc;
}

/* The index behind the heap; devices, fence and sums into 'front'. */
static int new_write_keys(struct fstate_new *n, struct buf *front,
			  uint64_t *count, struct err *e)
{
	struct buf block = BUF_INIT, sums = BUF_INIT;
	struct fstate_merge m = { 0 };
	uint8_t raw[FSTATE_KEY_BYTES];
	struct fstate_key k;
	struct wr w;
	unsigned i;
	int rc;

	*count = 0;
	wr_init(&w, front);
	for (i = 0; i < n->n_devs; i++)
		wr_le64(&w, n->devs[i]);
	rc = wr_done(&w, e);
	if (rc == 0)
		rc = fstate_merge_open(&m, n, e);
	while (rc == 0 && fstate_merge_next(&m, &k)) {
		fstate_key_put(raw, k);
		rc = buf_append(&block, raw, sizeof(raw), e);
		if (rc == 0 && block.len == FSTATE_BLOCK)
			rc = new_flush_keys(n, &block, front, &sums, e);
		++*count;
	}
	if (rc == 0)
		rc = new_flush_keys(n, &block, front, &sums, e);
	if (rc == 0)
		rc = buf_append(front, sums.p, sums.len, e);
	if (rc == 0)
		rc = buf_append(front, n->sums.p, n->sums.len, e);
	fstate_merge_close(&m);
	buf_release(&block);
	buf_release(&sums);
	return rc;
}

static int new_publish(struct fstate *f, uint64_t count,
		       const struct buf *front, struct err *e)
{
	struct fstate_new *n = &f->new;
	struct buf head = BUF_INIT;
	struct key_sum sum;
	struct wr w;
	int rc;

	wr_init(&w, &head);
	wr_bytes(&w, FSTATE_MAGIC, 8);
	wr_le64(&w, count);
	wr_le64(&w, n->heap_len);
	wr_le64(&w, n->n_devs);
	key_sum(&sum, front->p, front->len);
	wr_bytes(&w, sum.b, sizeof(sum.b));
	if ((rc = wr_done(&w, e)) == 0) {
		key_sum(&sum, head.p, head.len);
		wr_bytes(&w, sum.b, sizeof(sum.b));
		rc = wr_done(&w, e);
	}
	if (rc == 0)
		rc = new_write(n->heap_fd, front->p, front->len, e);
	if (rc == 0 && pwrite(n->heap_fd, head.p, head.len, 0) !=
	    (ssize_t)head.len)
		rc = err_errno(e, errno, "cannot write '%s'", n->heap_path);
	if (rc == 0 && !new_is_named(n))
		rc = err_set(e, ERR_BUSY, "another run replaces '%s'",
			     f->path);
	if (rc == 0 && rename(n->heap_path, f->path) < 0)
		rc = err_errno(e, errno, "cannot create '%s'", f->path);
	if (rc == 0) {
		close(n->heap_fd);
		n->heap_fd = -1;
	}
	buf_release(&head);
	return rc;
}

int fstate_save(struct fstate *f, bool keep_old, struct err *e)
{
	struct buf front = BUF_INIT;
	uint64_t count;
	int rc = 0;

	if (!f->path || f->new.broken)
		return 0;
	if (f->new.heap_fd < 0)
		rc = new_begin(f, e);
	if (rc == 0 && keep_old && f->old.map)
		rc = new_keep_old(f, e);
	fstate_old_close(&f->old);
	if (rc == 0)
		rc = fstate_run_end(&f->new, e);
	if (rc == 0)
		rc = new_flush(&f->new, e);
	if (rc == 0)
		rc = new_write_keys(&f->new, &front, &count, e);
	if (rc == 0)
		rc = new_publish(f, count, &front, e);
	buf_release(&front);
	fstate_new_discard(&f->new);
	return rc;
}
