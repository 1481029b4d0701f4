/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_LIB_SIMTREE_H
#define TESTS_LIB_SIMTREE_H

#include "tests/lib/sim.h"

/* Small folders for programs of a sim.  The low byte of a tree's number has a
 * bit for each file that is in it, the rest tells which files these are. */
#define SIMTREE_FILES 6
#define SIMTREE_FILE_BYTES 3000

/* The bytes of file i of a tree. */
void simtree_file(unsigned tree, unsigned i,
		  uint8_t out[SIMTREE_FILE_BYTES]);
/* Its node, and what it needs, the node first: how many objects. */
unsigned simtree_node(struct repo *r, unsigned tree, struct buf *node,
		      struct oid id[SIM_OBJECTS]);

#endif
