/* SPDX-License-Identifier: BSD-2-Clause */
/* A sound set of attributes encodes to the bytes it came from. */
#include <string.h>

#include "format/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct buf again = BUF_INIT;
	struct xattr_item item;
	struct xattr_iter it;
	struct wr w;

	xattr_iter_init(&it, p, len);
	wr_init(&w, &again);
	wr_varint(&w, it.left);
	while (xattr_iter_next(&it, &item)) {
		wr_varint(&w, item.name_len);
		wr_bytes(&w, item.name, item.name_len);
		wr_varint(&w, item.value_len);
		wr_bytes(&w, item.value, item.value_len);
	}
	if (rd_done(&it.r))
		BUG_ON(again.len != len || memcmp(again.p, p, len) != 0);
	buf_release(&again);
	return 0;
}
