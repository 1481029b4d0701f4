/* SPDX-License-Identifier: BSD-2-Clause */
/* A node that is accepted encodes to the bytes it came from. */
#include <string.h>

#include "format/node.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static void look_inside(const struct node *n, unsigned depth)
{
	struct node inner;
	uint32_t i;

	for (i = 0; n->level == 0 && i < n->n && depth < 16; i++) {
		const struct entry *en = &n->entry[i];

		BUG_ON(!node_name_ok(en->name, en->name_len));
		if (!S_ISDIR(en->mode) || en->dir.kind != DIR_INLINE ||
		    node_get(&inner, en->dir.data, en->dir.data_len, NULL) < 0)
			continue;
		look_inside(&inner, depth + 1);
		node_release(&inner);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct buf again = BUF_INIT;
	struct node n;
	int rc;

	if (node_get(&n, p, len, NULL) < 0)
		return 0;
	rc = n.level ? node_put_interior(&again, n.level, n.child, n.n, NULL) :
		node_put_leaf(&again, n.entry, n.n, NULL);
	BUG_ON(rc < 0);
	BUG_ON(again.len != len || memcmp(again.p, p, len) != 0);
	look_inside(&n, 0);
	node_release(&n);
	buf_release(&again);
	return 0;
}
