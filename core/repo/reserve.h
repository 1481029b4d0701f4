/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_RESERVE_H
#define REPO_RESERVE_H

#include <stdint.h>

#include "base/err.h"

/*
 * The reserve: files of random bytes in reserve/ that are given up when the
 * disk is full, so that deleting and compacting, which write before they free,
 * always find room.  Any number of programs may make and give up at once.
 */
struct repo;

/* A small one for a repository that is empty; more as it grows: twice the
 * index (a collection writes a new one before the old one goes) and room for
 * a pack that is copied.  Best effort: a store without that much room has a
 * smaller one. */
#define RESERVE_LEAST_BYTES (1u << 20)
int reserve_fill(struct repo *r, uint64_t index_bytes, uint64_t data_bytes,
		 struct err *e);
/* All of it; *bytes: so much was there. */
int reserve_give(struct repo *r, uint64_t *bytes, struct err *e);

#endif
