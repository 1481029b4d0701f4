/* SPDX-License-Identifier: BSD-2-Clause */
/* A piece list that is accepted encodes to the bytes it came from. */
#include <string.h>

#include "format/list.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct buf again = BUF_INIT;
	struct list l;
	int rc;

	if (list_get(&l, p, len, NULL) < 0)
		return 0;
	rc = l.level ? list_put_children(&again, l.level, l.child, l.n, NULL) :
		list_put_pieces(&again, l.piece, l.n, NULL);
	BUG_ON(rc < 0);
	BUG_ON(again.len != len || memcmp(again.p, p, len) != 0);
	list_release(&l);
	buf_release(&again);
	return 0;
}
