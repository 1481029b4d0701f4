/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First byte: 0: the rest is a parity file as stored; 1: the rest is size,
 * block, stripes, m (le32 each), for which a header is made here, and what
 * follows the header; 2: the same, the header at the end only.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/wr.h"
#include "format/parity.h"
#include "tests/lib/formatkit.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

#define FILE_MAX (1u << 20)

static void open_parity(const struct oid *name, const uint8_t *p, size_t len)
{
	struct parity y;
	uint32_t damaged;
	uint8_t *file;
	size_t i;

	if (parity_open(&y, name, p, len, NULL) < 0)
		return;
	BUG_ON(y.shape.k + y.shape.m > 255 || y.shape.p > y.shape.n);
	BUG_ON(parity_shape_bytes(&y.shape) > 3 * (uint64_t)
		FMT_PACK_MAX_BYTES);
	parity_scrub(&y, NULL);
	if (y.shape.bytes > FILE_MAX)
		return;
	/* Of its own, so that one byte too far is seen. */
	file = mem_alloc((size_t)y.shape.bytes);
	BUG_ON(!file);
	for (i = 0; i < y.shape.bytes; i++)
		file[i] = (uint8_t)(i / 512);
	parity_mend(&y, file, &damaged, NULL);
	BUG_ON(damaged > y.shape.n);
	free(file);
}

static void put_header(struct wr *w, const struct oid *name, struct rd *r)
{
	size_t at = w->b->len;
	struct key_sum sum;

	fmt_put_prefix(w, FMT_PARITY);
	wr_bytes(w, name->b, sizeof(name->b));
	wr_le64(w, rd_le32(r));
	wr_le32(w, rd_le32(r));
	wr_le32(w, rd_le32(r));
	wr_le16(w, (uint16_t)rd_le32(r));
	wr_zero(w, 30);
	BUG_ON(w->rc < 0);
	key_sum(&sum, w->b->p + at, w->b->len - at);
	wr_bytes(w, sum.b, sizeof(sum.b));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	const struct oid name = formatkit_oid("fuzz", 0);
	struct buf b = BUF_INIT;
	struct rd r, head;
	struct wr w;

	if (len == 0 || len > 1u << 16)
		return 0;
	if (p[0] % 3 == 0) {
		open_parity(&name, p + 1, len - 1);
		return 0;
	}
	rd_init(&r, p + 1, len - 1);
	head = r;
	rd_bytes(&r, 16);
	if (r.bad)
		return 0;
	wr_init(&w, &b);
	if (p[0] % 3 == 1)
		put_header(&w, &name, &head);
	wr_bytes(&w, r.p, rd_left(&r));
	if (p[0] % 3 == 2)
		put_header(&w, &name, &head);
	BUG_ON(wr_done(&w, NULL) < 0);
	open_parity(&name, b.p, b.len);
	buf_release(&b);
	return 0;
}
