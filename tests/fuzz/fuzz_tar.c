/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tar stream.  Besides not crashing: names end where they say, sizes are
 * what the content has, extended attributes are a sound set, and the result is
 * the same however the stream is cut into reads.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "archive/tar_read.h"
#include "base/mem.h"
#include "codec/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

/* A sparse file may claim any size; its holes cost nothing. */
#define MEMBERS_MAX 1000

struct input {
	const uint8_t *p;
	size_t len, step;
};
struct outcome {
	struct key_sum_state *sum;
	int rc;
	struct err e;
};

static ssize_t input_read(void *ctx, void *p, size_t len)
{
	struct input *in = ctx;
	size_t n = in->len < in->step ? in->len : in->step;

	if (n > len)
		n = len;
	if (n)
		memcpy(p, in->p, n);
	in->p += n;
	in->len -= n;
	return (ssize_t)n;
}

static void judge_xattrs(const struct entry *en)
{
	struct xattr_iter it;
	struct xattr_item a;

	if (en->xattrs_len == 0 || en->xattrs_len > XATTR_SET_MAX)
		return;
	xattr_iter_init(&it, en->xattrs, en->xattrs_len);
	while (xattr_iter_next(&it, &a))
		;
	if (!rd_done(&it.r))
		abort();
}

static void judge_member(const struct tar_member *m, struct outcome *o)
{
	const struct entry *en = &m->en;

	if (strlen(m->path) != m->path_len || strlen(m->link) != m->link_len)
		abort();
	if ((uint64_t)en->mtime.tv_nsec > 999999999 ||
	    (uint64_t)en->atime.tv_nsec > 999999999 ||
	    (uint64_t)en->ctime.tv_nsec > 999999999)
		abort();
	if ((!S_ISREG(en->mode) || m->hard_link) && en->size)
		abort();
	judge_xattrs(en);
	key_sum_add(o->sum, m->path, m->path_len + 1);
	key_sum_add(o->sum, m->link, m->link_len + 1);
	key_sum_add(o->sum, m->uname, strlen(m->uname) + 1);
	key_sum_add(o->sum, m->gname, strlen(m->gname) + 1);
	key_sum_add(o->sum, &en->mode, sizeof(en->mode));
	key_sum_add(o->sum, &en->uid, sizeof(en->uid));
	key_sum_add(o->sum, &en->size, sizeof(en->size));
	key_sum_add(o->sum, &en->mtime, sizeof(en->mtime));
	if (en->xattrs_len)
		key_sum_add(o->sum, en->xattrs, en->xattrs_len);
}

static int read_content(struct tar_read *t, const struct tar_member *m,
			struct outcome *o)
{
	uint64_t len, sum = 0;
	const uint8_t *p;
	bool hole;
	int rc;

	while ((rc = tar_read_data(t, &p, &len, &hole, &o->e)) == 1) {
		if (len == 0 || len > m->en.size - sum || !hole != !!p ||
		    (hole && !m->sparse))
			abort();
		sum += len;
		if (p)
			key_sum_add(o->sum, p, len);
	}
	if (rc == 0 && sum != m->en.size)
		abort();
	return rc;
}

static void run(const uint8_t *p, size_t len, size_t step, bool zeros,
		struct outcome *o)
{
	struct input in = { p, len, step };
	struct tar_read *t = tar_read_new(input_read, &in, zeros);
	const struct tar_member *m;
	unsigned n = 0;

	err_clear(&o->e);
	o->sum = key_sum_new();
	if (!t || !o->sum)
		abort();
	while (n++ < MEMBERS_MAX &&
	       (o->rc = tar_read_next(t, &m, &o->e)) == 1) {
		judge_member(m, o);
		if (n % 3 && (o->rc = read_content(t, m, o)) < 0)
			break;
	}
	if (o->rc < 0 && (o->e.code != o->rc || !o->e.msg[0]))
		abort();
	tar_read_free(t);
}

/* Nothing would get far with sums that are wrong. */
static void mend_sums(uint8_t *p, size_t len)
{
	size_t at, i;

	for (at = 0; at + 512 <= len; at += 512) {
		uint32_t sum = 8 * ' ';

		if (memcmp(p + at + 257, "ustar", 5) != 0)
			continue;
		for (i = 0; i < 512; i++)
			if (i < 148 || i >= 156)
				sum += p[at + i];
		for (i = 154; i-- > 148; sum >>= 3)
			p[at + i] = (uint8_t)('0' + (sum & 7));
		p[at + 154] = 0;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
	struct outcome a, b;
	struct key_sum x, y;
	uint8_t *p;

	if (len > 1u << 18)
		return 0;
	p = mem_dup(input, len);
	if (!p)
		abort();
	mend_sums(p, len);
	run(p, len, SIZE_MAX, len % 2, &a);
	run(p, len, 1 + len % 613, len % 2, &b);
	key_sum_end(a.sum, &x);
	key_sum_end(b.sum, &y);
	if (a.rc != b.rc || strcmp(a.e.msg, b.e.msg) ||
	    (a.rc >= 0 && memcmp(&x, &y, sizeof(x))))
		abort();
	key_sum_free(a.sum);
	key_sum_free(b.sum);
	free(p);
	return 0;
}
