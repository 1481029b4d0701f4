/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/simtree.h"

#include <stdio.h>
#include <string.h>

#include "format/node.h"
#include "tests/lib/prng.h"
#include "tests/lib/world.h"

void simtree_file(unsigned tree, unsigned i, uint8_t out[SIMTREE_FILE_BYTES])
{
	prng_fill(prng_key(77, (tree >> 8) * SIMTREE_FILES + i), out,
		SIMTREE_FILE_BYTES);
}

static void simtree_entry(struct entry *en, char name[16], unsigned file,
			  const struct oid *id)
{
	memset(en, 0, sizeof(*en));
	snprintf(name, 16, "file%u", file);
	en->name = (const uint8_t *)name;
	en->name_len = (uint16_t)strlen(name);
	en->mode = S_IFREG | 0644;
	en->links = 1;
	en->size = SIMTREE_FILE_BYTES;
	en->content.kind = CONTENT_ONE;
	en->content.id = *id;
}

unsigned simtree_node(struct repo *r, unsigned tree, struct buf *node,
		      struct oid id[SIM_OBJECTS])
{
	struct entry en[SIMTREE_FILES];
	char name[SIMTREE_FILES][16];
	uint8_t bytes[SIMTREE_FILE_BYTES];
	struct err e = { ERR_OK, "" };
	unsigned i, n = 0;

	for (i = 0; i < SIMTREE_FILES; i++) {
		if (!(tree >> i & 1))
			continue;
		simtree_file(tree, i, bytes);
		object_id(&id[1 + n], repo_id_key(r, OBJ_DATA), bytes,
			sizeof(bytes));
		simtree_entry(&en[n], name[n], i, &id[1 + n]);
		n++;
	}
	buf_clear(node);
	if (node_put_leaf(node, en, n, &e) < 0)
		world_die("node", &e);
	object_id(&id[0], repo_id_key(r, OBJ_NODE), node->p, node->len);
	return n + 1;
}
