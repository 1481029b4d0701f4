/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_GENERATION_H
#define REPO_GENERATION_H

#include "format/mark.h"

struct repo;

/*
 * The newest generation.  g->number is set whenever the listing succeeded: 0,
 * and nothing else in it, if there is none yet.  ERR_CORRUPT: it cannot be
 * read; ERR_NOENT: it is gone again, which nothing of ours does.  Release with
 * mark_generation_release in any case.
 */
int generation_newest(struct repo *r, struct mark_generation *g,
		      struct err *e);

#endif
