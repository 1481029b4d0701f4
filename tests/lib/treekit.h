/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_LIB_TREEKIT_H
#define TESTS_LIB_TREEKIT_H

#include "core/core.h"

/*
 * Small archives, written down as lines, in a repository in memory.
 *
 *   d PATH MODE        f PATH MODE CONTENT      s PATH TARGET
 *   l PATH TARGET      p PATH MODE (a FIFO)
 *
 * CONTENT @BYTES:SEED[:AT] is as many bytes made from the seed, with the one
 * at AT another; @BYTES:SEED:AT+HOLE has a hole of HOLE bytes at AT instead.
 * Anything unexpected fails the test.
 */
struct treekit {
	char dir[256];
	struct store *store;	/* the repository's */
	struct repo *repo;
	struct reader *rd;
	unsigned threads;
};
void treekit_make(struct treekit *k);
void treekit_end(struct treekit *k);

/* An archive of the lines up to a NULL, in their order. */
int treekit_create(struct treekit *k, const char *name,
		   const char *const *lines, struct create_result *res,
		   struct err *e);
/* The same, which must work; the reader knows it. */
void treekit_archive(struct treekit *k, const char *name,
		     const char *const *lines, struct create_result *res);
/* What is in there: lines "TYPE PATH MODE CONTENT-OR-TARGET [=FIRST-LINK]";
 * an implicit directory is "i PATH".  Free with free(3). */
char *treekit_list(struct treekit *k, const struct record *rec);

#endif
