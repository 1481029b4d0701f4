/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_LIB_PARITYKIT_H
#define TESTS_LIB_PARITYKIT_H

#include "tests/lib/world.h"

/*
 * Repositories with parity on stores in memory, and what happens to their
 * files.  What must not fail ends the test.
 */
extern struct world paritykit;		/* its source is archived */

struct repo *paritykit_new(struct store *s, unsigned mille);
struct repo *paritykit_open(struct store *s);
int paritykit_archive(struct repo *r, const char *name, struct err *e);

/* The files of a kind, sorted: how many. */
size_t paritykit_list(struct repo *r, enum store_kind k, struct strv *names);
size_t paritykit_count(struct repo *r, enum store_kind k);
void paritykit_get(struct repo *r, enum store_kind k, const char *name,
		   struct buf *b);
/* Other bytes under the same name, durable; some of them changed. */
void paritykit_replace(struct repo *r, enum store_kind k, const char *name,
		       const struct buf *b);
void paritykit_rot(struct repo *r, enum store_kind k, const char *name,
		   size_t at, size_t len);

int paritykit_check(struct repo *r, uint64_t *damage, struct err *e);
void paritykit_sound(struct repo *r);	/* check finds nothing */
int paritykit_repair(struct repo *r, unsigned flags,
		     struct parity_repair_result *res, struct err *e);
/* The latest archive. */
int paritykit_extract(struct repo *r, struct err *e);
void paritykit_extracts(struct repo *r);	/* to what it was made of */

#endif
