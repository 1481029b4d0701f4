/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * This run's keys in order.  They are spooled as sorted runs and merged when
 * the file is saved, so memory holds one run, however many files there are.
 */
#include "archive/fstate_priv.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/io.h"
#include "base/mem.h"

#define TAKEN_PER_DROP 262144

static_assert(sizeof(struct fstate_key) == FSTATE_KEY_BYTES, "key");

struct fstate_run {
	const uint8_t *at, *end;
	struct fstate_key key;		/* at 'at' */
};

/* Byte i of device and inode, the least first. */
static unsigned run_digit(struct fstate_key k, unsigned i)
{
	return (unsigned)(i < 2 ? k.lo >> (48 + 8 * i) : k.hi >> 8 * (i - 2)) &
		0xff;
}

/* One stable pass from 'v' to 'out'; false: it would change nothing. */
static bool run_pass(const struct fstate_key *v, struct fstate_key *out,
		     size_t n, unsigned digit)
{
	size_t at[256] = { 0 }, i, sum = 0, count;

	for (i = 0; i < n; i++)
		at[run_digit(v[i], digit)]++;
	if (at[run_digit(v[0], digit)] == n)
		return false;
	for (i = 0; i < 256; i++) {
		count = at[i];
		at[i] = sum;
		sum += count;
	}
	for (i = 0; i < n; i++)
		out[at[run_digit(v[i], digit)]++] = v[i];
	return true;
}

/* Places in the heap ascend as they are added, so that sorting by device and
 * inode, and keeping the order of equals, sorts by the whole key. */
static int run_sort(struct buf *run, struct err *e)
{
	struct buf other = BUF_INIT;
	unsigned digit;
	int rc = buf_resize(&other, run->len, e);

	for (digit = 0; rc == 0 && digit < FSTATE_KEY_BYTES - 6; digit++)
		if (run_pass((const void *)run->p, (void *)other.p,
			     run->len / FSTATE_KEY_BYTES, digit))
			buf_swap(run, &other);
	buf_release(&other);
	return rc;
}

int fstate_run_end(struct fstate_new *n, struct err *e)
{
	struct iovec iov;
	int rc;

	if (n->run.len == 0)
		return 0;
	if ((rc = run_sort(&n->run, e)) < 0)
		return rc;
	/* As they are in memory: nobody else reads them. */
	iov = (struct iovec){ n->run.p, n->run.len };
	n->spooled += n->run.len;
	rc = io_writev(n->key_fd, &iov, 1, "the cache of file states", e);
	if (rc == 0)
		rc = buf_append(&n->run_ends, &n->spooled, sizeof(n->spooled),
				e);
	buf_clear(&n->run);
	return rc;
}

/* The run at i may begin with a larger key than those below it. */
static void merge_sink(struct fstate_merge *m, size_t i)
{
	struct fstate_run moving = m->run[i];
	size_t child;

	while ((child = 2 * i + 1) < m->n_runs) {
		if (child + 1 < m->n_runs &&
		    fstate_key_cmp(m->run[child + 1].key,
				   m->run[child].key) < 0)
			child++;
		if (fstate_key_cmp(m->run[child].key, moving.key) >= 0)
			break;
		m->run[i] = m->run[child];
		i = child;
	}
	m->run[i] = moving;
}

int fstate_merge_open(struct fstate_merge *m, const struct fstate_new *n,
		      struct err *e)
{
	size_t n_runs = n->run_ends.len / sizeof(uint64_t), i;
	uint64_t from = 0, end;

	memset(m, 0, sizeof(*m));
	if (n_runs == 0)
		return 0;
	m->run = mem_array(n_runs, sizeof(*m->run));
	if (!m->run)
		return err_nomem(e);
	m->len = (size_t)n->spooled;
	m->map = mmap(NULL, m->len, PROT_READ, MAP_SHARED, n->key_fd, 0);
	if (m->map == MAP_FAILED) {
		m->map = NULL;
		fstate_merge_close(m);
		return err_errno(e, errno, "cannot map the file states");
	}
	for (i = 0; i < n_runs; i++, from = end) {
		memcpy(&end, n->run_ends.p + i * sizeof(end), sizeof(end));
		m->run[i].at = m->map + from;
		m->run[i].end = m->map + end;
		memcpy(&m->run[i].key, m->run[i].at, sizeof(m->run[i].key));
	}
	m->n_runs = n_runs;
	for (i = n_runs / 2; i-- > 0;)
		merge_sink(m, i);
	return 0;
}

/* Past the smallest key. */
static void merge_step(struct fstate_merge *m)
{
	struct fstate_run *r = &m->run[0];

	r->at += sizeof(r->key);
	if (r->at < r->end)
		memcpy(&r->key, r->at, sizeof(r->key));
	else
		*r = m->run[--m->n_runs];
	if (m->n_runs)
		merge_sink(m, 0);
}

bool fstate_merge_next(struct fstate_merge *m, struct fstate_key *k)
{
	if (m->n_runs == 0)
		return false;
	if (++m->taken % TAKEN_PER_DROP == 0)
		madvise(m->map, m->len, MADV_DONTNEED);
	/* Of the same file, what was added last has the largest key. */
	do {
		*k = m->run[0].key;
		merge_step(m);
	} while (m->n_runs && fstate_key_same(m->run[0].key, *k));
	return true;
}

void fstate_merge_close(struct fstate_merge *m)
{
	if (m->map)
		munmap(m->map, m->len);
	free(m->run);
	memset(m, 0, sizeof(*m));
}
