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
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/wr.h"

#define GATHER_PER_DROP 16384

static int new_write(int fd, const void *p, size_t len, struct err *e)
{
	struct iovec iov = { (void *)(uintptr_t)p, len };

	return io_writev(fd, &iov, 1, "the cache of file states", e);
}

static int new_begin(struct fstate *f, struct err *e)
{
	struct fstate_new *n = &f->new;
	uint8_t header[FSTATE_HEAP_AT] = { 0 };
	char *spool;

	n->heap_path = mem_printf("%s.tmp.%ld", f->path, (long)getpid());
	spool = mem_printf("%s.records.%ld", f->path, (long)getpid());
	if (!n->heap_path || !spool) {
		free(spool);
		return err_nomem(e);
	}
	n->heap_fd = open(n->heap_path,
		O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	n->record_fd = open(spool,
		O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	unlink(spool);
	if (n->heap_fd < 0 || n->record_fd < 0) {
		free(spool);
		return err_errno(e, errno, "cannot create '%s'",
			n->heap_path);
	}
	free(spool);
	return new_write(n->heap_fd, header, sizeof(header), e);
}

void fstate_new_discard(struct fstate_new *n)
{
	if (n->heap_fd >= 0) {
		close(n->heap_fd);
		unlink(n->heap_path);
	}
	if (n->record_fd >= 0)
		close(n->record_fd);
	n->heap_fd = n->record_fd = -1;
	free(n->heap_path);
	n->heap_path = NULL;
	buf_release(&n->heap);
	buf_release(&n->records);
	buf_release(&n->heap_sums);
}

/* One block of heap: to the file, and its sum. */
static int new_flush_heap(struct fstate_new *n, size_t len, struct err *e)
{
	uint8_t sum[FSTATE_SUM_BYTES];
	int rc;

	if (len == 0)
		return 0;
	fstate_sum(sum, n->heap.p, len);
	if ((rc = buf_append(&n->heap_sums, sum, sizeof(sum), e)) < 0 ||
	    (rc = new_write(n->heap_fd, n->heap.p, len, e)) < 0)
		return rc;
	memmove(n->heap.p, n->heap.p + len, n->heap.len - len);
	n->heap.len -= len;
	return 0;
}

int fstate_append(struct fstate *f, struct fstate_record *r,
		  const uint8_t *blob, size_t len, struct err *e)
{
	struct fstate_new *n = &f->new;
	uint8_t raw[FSTATE_RECORD];
	int rc;

	if (n->heap_fd < 0 && (rc = new_begin(f, e)) < 0)
		return rc;
	r->blob = n->heap_len << 24 | len;
	fstate_record_put(raw, r);
	if ((rc = buf_append(&n->heap, blob, len, e)) < 0 ||
	    (rc = buf_append(&n->records, raw, sizeof(raw), e)) < 0)
		return rc;
	n->heap_len += len;
	n->n++;
	while (n->heap.len >= FSTATE_BLOCK)
		if ((rc = new_flush_heap(n, FSTATE_BLOCK, e)) < 0)
			return rc;
	if (n->records.len >= FSTATE_BLOCK) {
		rc = new_write(n->record_fd, n->records.p, n->records.len, e);
		buf_clear(&n->records);
	}
	return rc;
}

static int new_key_cmp(const void *a, const void *b)
{
	const struct fstate_key *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* The spooled records, mapped; and their keys, sorted. */
struct new_sort {
	uint8_t *map;
	size_t len;
	struct fstate_key *key;
	uint64_t n;
};

static void new_sort_release(struct new_sort *s)
{
	if (s->map)
		munmap(s->map, s->len);
	free(s->key);
	memset(s, 0, sizeof(*s));
}

static int new_sort(struct fstate_new *n, struct new_sort *s, struct err *e)
{
	struct fstate_record r;
	uint64_t i;
	int rc;

	memset(s, 0, sizeof(*s));
	rc = new_write(n->record_fd, n->records.p, n->records.len, e);
	if (rc < 0)
		return rc;
	buf_clear(&n->records);
	s->n = n->n;
	s->len = (size_t)n->n * FSTATE_RECORD;
	s->key = mem_array(n->n, sizeof(*s->key));
	if (!s->key)
		return err_nomem(e);
	if (n->n == 0)
		return 0;
	s->map = mmap(NULL, s->len, PROT_READ, MAP_SHARED, n->record_fd, 0);
	if (s->map == MAP_FAILED) {
		s->map = NULL;
		return err_errno(e, errno, "cannot map the file states");
	}
	for (i = 0; i < n->n; i++) {
		fstate_record_get(&r, s->map + i * FSTATE_RECORD);
		s->key[i] = (struct fstate_key) { r.dev, r.ino, i };
		if (i % GATHER_PER_DROP == 0)
			madvise(s->map, s->len, MADV_DONTNEED);
	}
	qsort(s->key, n->n, sizeof(*s->key), new_key_cmp);
	return 0;
}

/* What the last run saw and this one did not reach. */
static int new_keep_old(struct fstate *f, struct err *e)
{
	struct fstate_record r;
	struct new_sort s;
	const uint8_t *blob;
	uint64_t i, k = 0;
	size_t len;
	int rc;

	rc = new_sort(&f->new, &s, e);
	for (i = 0; rc == 0 && i < f->old.n; i++) {
		if (!fstate_old_at(&f->old, i, &r))
			continue;
		while (k < s.n && (s.key[k].dev < r.dev ||
		       (s.key[k].dev == r.dev && s.key[k].ino < r.ino)))
			k++;
		if (k < s.n && s.key[k].dev == r.dev && s.key[k].ino == r.ino)
			continue;
		blob = fstate_old_blob(&f->old, &r, &len);
		if (blob)
			rc = fstate_append(f, &r, blob, len, e);
	}
	new_sort_release(&s);
	return rc;
}

/* Sorted records in blocks, each key once (hard links), with the front. */
static int new_write_records(struct fstate_new *n, const struct new_sort *s,
			     struct buf *front, uint64_t *count,
			     struct err *e)
{
	struct buf block = BUF_INIT, sums = BUF_INIT;
	uint8_t sum[FSTATE_SUM_BYTES];
	uint64_t i;
	int rc = 0;

	*count = 0;
	for (i = 0; rc == 0 && i <= s->n; i++) {
		if (block.len == FSTATE_BLOCK || (i == s->n && block.len)) {
			fstate_sum(sum, block.p, block.len);
			if ((rc = buf_append(front, block.p, 16, e)) < 0 ||
			    (rc = buf_append(&sums, sum, sizeof(sum), e)) < 0 ||
			    (rc = new_write(n->heap_fd, block.p, block.len,
					    e)) < 0)
				break;
			buf_clear(&block);
		}
		if (i == s->n || (i > 0 && s->key[i].dev == s->key[i - 1].dev &&
				  s->key[i].ino == s->key[i - 1].ino))
			continue;
		rc = buf_append(&block, s->map + s->key[i].at * FSTATE_RECORD,
			FSTATE_RECORD, e);
		++*count;
		if (i % GATHER_PER_DROP == 0)
			madvise(s->map, s->len, MADV_DONTNEED);
	}
	if (rc == 0)
		rc = buf_append(front, sums.p, sums.len, e);
	buf_release(&block);
	buf_release(&sums);
	return rc;
}

static int new_publish(struct fstate *f, uint64_t count, uint64_t at,
		       const struct buf *front, struct err *e)
{
	struct fstate_new *n = &f->new;
	struct buf head = BUF_INIT;
	struct key_sum sum;
	struct wr w;
	int rc;

	wr_init(&w, &head);
	wr_bytes(&w, "MUfil\0\0\1", 8);
	wr_le64(&w, count);
	wr_le64(&w, n->heap_len);
	wr_le64(&w, at);
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
	static const uint8_t zero[FSTATE_BLOCK];
	struct buf front = BUF_INIT;
	struct new_sort s = { 0 };
	uint64_t at, count;
	int rc = 0;

	if (!f->path || f->new.broken)
		return 0;
	if (f->new.heap_fd < 0)
		rc = new_begin(f, e);
	if (rc == 0 && keep_old && f->old.map)
		rc = new_keep_old(f, e);
	fstate_old_close(&f->old);
	if (rc < 0 || (rc = new_flush_heap(&f->new, f->new.heap.len, e)) < 0 ||
	    (rc = new_sort(&f->new, &s, e)) < 0)
		goto out;
	at = FSTATE_HEAP_AT + f->new.heap_len;
	if ((rc = new_write(f->new.heap_fd, zero, -at % FSTATE_BLOCK, e)) < 0)
		goto out;
	at += -at % FSTATE_BLOCK;
	if ((rc = new_write_records(&f->new, &s, &front, &count, e)) < 0)
		goto out;
	/* The fence came first, block by block; then the sums of the heap. */
	rc = buf_append(&front, f->new.heap_sums.p, f->new.heap_sums.len, e);
	if (rc == 0)
		rc = new_publish(f, count, at, &front, e);
out:
	new_sort_release(&s);
	buf_release(&front);
	fstate_new_discard(&f->new);
	return rc;
}
