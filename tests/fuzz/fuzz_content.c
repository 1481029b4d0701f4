/* SPDX-License-Identifier: BSD-2-Clause */
/* Contents, pieces and directory references, by the first byte; what is
 * accepted encodes to the bytes it came from. */
#include <string.h>

#include "format/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct buf again = BUF_INIT;
	struct content c;
	struct dir_ref d;
	struct piece piece;
	struct rd r;
	struct wr w;

	if (len == 0)
		return 0;
	rd_init(&r, p + 1, len - 1);
	wr_init(&w, &again);
	if (p[0] % 3 == 0) {
		content_get(&r, &c);
		if (rd_done(&r))
			content_put(&w, &c);
	} else if (p[0] % 3 == 1) {
		piece_get(&r, &piece);
		if (rd_done(&r))
			piece_put(&w, &piece);
	} else {
		dir_ref_get(&r, &d);
		if (rd_done(&r))
			dir_ref_put(&w, &d);
	}
	if (rd_done(&r))
		BUG_ON(again.len != len - 1 ||
		       memcmp(again.p, p + 1, len - 1) != 0);
	buf_release(&again);
	return 0;
}
